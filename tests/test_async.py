"""`async for` over a listing: nothing blocks the event loop, and cancelling works."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from interrupting import interrupted
from memory_service import Service, job

from restorejobs_client import MalformedResponseError, RestoreJob
from restorejobs_client.testing import fake_backup, sample_jobs


def service(delay: float = 0.0) -> Service:
    return Service([job(number, number) for number in range(95)], delay=delay)


async def collected(listing: Any) -> list[RestoreJob]:
    return [one async for one in listing]


def test_it_yields_what_the_listing_has() -> None:
    listing = service().listing(max_results=10)
    assert asyncio.run(collected(listing)) == list(listing)
    assert asyncio.run(collected(service().listing(limit=0))) == []
    assert asyncio.run(collected(service().listing(limit=13))) == list(service().listing(limit=13))


def test_over_http() -> None:
    with fake_backup(sample_jobs(250)) as backup:
        listing = backup.client().list_restore_jobs(max_results=100)
        assert asyncio.run(collected(listing)) == list(listing)


def test_nothing_blocks_the_event_loop() -> None:
    async def main() -> tuple[float, list[RestoreJob], list[RestoreJob]]:
        longest, last = 0.0, time.monotonic()

        async def tick() -> None:
            nonlocal longest, last
            while True:
                await asyncio.sleep(0.001)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()

        ticking = asyncio.create_task(tick())
        listing = service(delay=0.2).listing(max_results=50)
        both = await asyncio.gather(collected(listing), collected(listing))
        ticking.cancel()
        return longest, *both

    started = time.monotonic()
    longest, first, second = asyncio.run(main())
    assert longest < 0.15
    assert len(first) == len(second) == 95
    assert time.monotonic() - started < 0.75  # side by side, not 0.8


def test_cancelling_ends_the_wait_and_keeps_the_place() -> None:
    slow = service()

    async def main() -> list[RestoreJob]:
        iterator: Any = aiter(slow.listing(max_results=30))
        first = [await anext(iterator) for _ in range(30)]
        slow.delay = 0.3
        checkpoint = iterator.checkpoint
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(iterator), 0.05)
        assert iterator.checkpoint == checkpoint
        slow.delay = 0.0
        return first + [one async for one in iterator]

    assert asyncio.run(main()) == list(service().listing())


def test_tasks_may_share_an_iterator() -> None:
    shared: Any = service(delay=0.01).listing(max_results=10)

    async def main() -> list[RestoreJob]:
        iterator = aiter(shared)
        parts = await asyncio.gather(*(collected(iterator) for _ in range(4)))
        return [one for part in parts for one in part]

    jobs = asyncio.run(main())
    assert len(jobs) == len(set(jobs)) == 95


def test_the_loop_does_not_wait_for_a_request_that_nobody_wants() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(collected(service(delay=2.0).listing()), 0.05)

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 1.0
    while any(thread.name == "restorejobs" for thread in threading.enumerate()):
        time.sleep(0.01)


def test_an_error_has_a_checkpoint_and_the_iterator_goes_on() -> None:
    broken = service()

    def fail(asked: dict[str, Any]) -> None:
        if asked.get("NextToken") == "50":
            message = "damaged"
            raise MalformedResponseError(message)

    async def main() -> list[RestoreJob]:
        broken.before_answer = fail
        iterator: Any = aiter(broken.listing(max_results=25))
        jobs = [await anext(iterator) for _ in range(50)]
        for _ in range(2):
            with pytest.raises(MalformedResponseError) as caught:
                await anext(iterator)
            assert caught.value.checkpoint == iterator.checkpoint
        broken.before_answer = lambda _: None
        rest = [one async for one in iterator]
        resumed = broken.listing(resume_from=caught.value.checkpoint)
        assert await collected(resumed) == rest
        return jobs + rest

    assert asyncio.run(main()) == list(service().listing())


def test_control_c_ends_an_event_loop_at_once() -> None:
    script = """
        import asyncio, sys
        sys.path.insert(0, "tests")
        from memory_service import Service, job

        async def main():
            print("ready", flush=True)
            async for _ in Service([job(0)], delay=30).listing():
                pass

        asyncio.run(main())
    """
    interrupted(script)

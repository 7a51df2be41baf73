"""`async for` over a listing: nothing blocks the event loop, and cancelling loses no job."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.interrupting import interrupted
from support.memory_service import Service, job

from restorejobs_client import MalformedResponseError, RestoreJob, RestoreJobs, gather
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from support.memory_service import Parameters

JOBS = [job(number, -number) for number in range(95)]


class Gate:
    """A hook that makes every request wait until the gate is open."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self.open = self._opened.set

    def __call__(self, _: Parameters) -> None:
        assert self._opened.wait(10)


async def collected(jobs: AsyncIterator[RestoreJob]) -> list[RestoreJob]:
    """Return all jobs, by `async for`."""
    return [one async for one in jobs]


@pytest.mark.parametrize("limit", [None, 0, 13])
def test_async_for_yields_the_listing(limit: int | None) -> None:
    """`async for` yields the same jobs as `for`."""
    listing: Any = Service(JOBS).listing(max_results=10, limit=limit)
    assert asyncio.run(collected(listing)) == list(listing) == JOBS[:limit]


def test_async_for_over_http() -> None:
    """`async for` lists over real HTTP."""
    with fake_backup(sample_jobs(250)) as backup:
        listing: Any = backup.client().list_restore_jobs(max_results=100)
        assert asyncio.run(collected(listing)) == list(listing)


def test_event_loop_runs_during_requests() -> None:
    """Two listings request pages at the same time while the event loop runs."""
    service = Service(JOBS)
    service.before_answer = gate = Gate()

    async def main() -> tuple[list[RestoreJob], list[RestoreJob]]:
        listing: Any = service.listing()
        both = asyncio.gather(collected(listing), collected(listing))
        while service.most_at_once < 2:  # noqa: ASYNC110  # it is counted on threads
            await asyncio.sleep(0.001)
        gate.open()
        return await both

    assert list(asyncio.run(main())) == [JOBS, JOBS]


def test_cancelled_wait_keeps_the_position() -> None:
    """After a cancelled wait, the iterator continues with the page that was requested."""
    service = Service(JOBS)
    gate = Gate()

    async def main() -> list[RestoreJob]:
        iterator: Any = aiter(service.listing(max_results=30))
        first = [await anext(iterator) for _ in range(30)]
        checkpoint = iterator.checkpoint
        service.before_answer = gate
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(iterator), 0.02)
        gate.open()
        assert iterator.checkpoint == checkpoint
        return first + await collected(iterator)

    assert asyncio.run(main()) == JOBS
    assert len(service.asked) == 4


@pytest.mark.parametrize(
    "iterate",
    [iter, gather, lambda listing: listing.watch(until=lambda _: True)],
    ids=["listing", "stream", "watch"],
)
def test_for_continues_a_cancelled_async_for(iterate: Callable[[RestoreJobs], Any]) -> None:
    """After a cancelled `async for`, `for` waits for the same request and repeats no job."""
    service = Service(JOBS)
    service.before_answer = gate = Gate()
    iterator = iterate(service.listing(max_results=30))

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(iterator), 0.02)

    asyncio.run(main())
    timer = threading.Timer(0.05, gate.open)
    timer.start()
    assert list(iterator) == JOBS
    assert len(service.asked) == 4
    assert service.most_at_once == 1
    timer.join()


def test_tasks_can_share_an_iterator() -> None:
    """If several tasks share an iterator, each job is yielded to one of them."""
    listing: Any = Service(JOBS, delay=0.005).listing(max_results=10)

    async def main() -> list[RestoreJob]:
        iterator = aiter(listing)
        parts = await asyncio.gather(*(collected(iterator) for _ in range(4)))
        return [one for part in parts for one in part]

    assert sorted(asyncio.run(main()), key=JOBS.index) == JOBS


def test_event_loop_ends_without_waiting_for_a_request() -> None:
    """The event loop ends without waiting for the request of a cancelled task."""
    service = Service(JOBS)
    service.before_answer = gate = Gate()

    async def main() -> None:
        listing: Any = service.listing()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(collected(listing), 0.02)

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 5
    gate.open()


def test_iterator_continues_after_an_error() -> None:
    """After an error, the iterator and its checkpoint both continue with the next job."""
    service = Service(JOBS)
    error = MalformedResponseError("damaged")
    service.answer_next(service.page, service.page, error, error)

    async def main() -> None:
        iterator: Any = aiter(service.listing(max_results=25))
        assert [await anext(iterator) for _ in range(50)] == JOBS[:50]
        for _ in range(2):
            with pytest.raises(MalformedResponseError) as caught:
                await anext(iterator)
            assert caught.value.checkpoint == iterator.checkpoint
        resumed: Any = service.listing(resume_from=caught.value.checkpoint)
        assert await collected(resumed) == JOBS[50:]
        assert await collected(iterator) == JOBS[50:]

    asyncio.run(main())


def test_ctrl_c_ends_the_event_loop_at_once() -> None:
    """Ctrl-C does not wait for a request in progress."""
    interrupted("""
        import asyncio, sys
        sys.path.insert(0, "tests")
        from support.memory_service import Service, job

        async def main():
            print("ready", flush=True)
            async for _ in Service([job(0)], delay=30).listing():
                pass

        asyncio.run(main())
    """)

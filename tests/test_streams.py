"""The streams of `parallel` and `gather`: `async for`, early ends, context variables."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from support.interrupting import at_moment, interrupt, moments_of
from support.memory_service import Service, job

from restorejobs_client import (
    InvalidRequestError,
    RestoreJobsError,
    ThrottlingException,
    gather,
)
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterator
    from types import FrameType

    from support.workers import Workers

    from restorejobs_client import (
        RestoreJob,
    )


def service() -> Service:
    return Service([job(number, number) for number in range(500)])


async def collected(jobs: AsyncIterable[RestoreJob]) -> list[RestoreJob]:
    return [job async for job in jobs]


def test_async_for_yields_all_jobs_over_http() -> None:
    """`async for` over a stream yields the same jobs as the listing."""
    jobs = sample_jobs(500)
    with fake_backup(jobs) as backup:
        stream = backup.client().list_restore_jobs(max_results=20).parallel(4)
        found = asyncio.run(collected(stream))
    assert set(found) == set(jobs)
    assert len(found) == 500


def test_leaving_the_with_block_ends_a_stream(workers: Workers) -> None:
    """After its `with` block, a stream yields nothing, and its threads end."""
    with service().listing(max_results=20).parallel(4) as stream:
        next(stream)
    assert list(stream) == []
    assert workers.all_end()


def test_leaving_the_async_with_block_ends_a_stream(workers: Workers) -> None:
    """After its `async with` block, a stream yields nothing, and its threads end."""

    async def main() -> list[RestoreJob]:
        async with service().listing(max_results=20).parallel(4) as stream:
            await anext(stream)
        return await collected(stream)

    assert asyncio.run(main()) == []
    assert workers.all_end()


@contextmanager
def during(function: str, work: Callable[[], None]) -> Iterator[None]:
    """Do something once while a function of this name runs, as a signal handler may."""

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == function:
            sys.setprofile(None)
            work()

    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(None)


def test_interrupted_close_ends_the_threads(workers: Workers) -> None:
    """After Ctrl-C in any line of `close`, the threads end, although the stream is kept."""
    listing = service().listing(max_results=1)

    def survives(number: int) -> bool:
        stream = listing.parallel(3)
        next(stream)
        is_moment = True
        with suppress(KeyboardInterrupt):
            is_moment = at_moment(number, stream.close, interrupt)
        if number > 0:  # at the first moment, it has not begun to close
            assert workers.all_end()
            assert list(stream) == []
        stream.close()
        return is_moment

    assert moments_of(survives) > 3


@pytest.mark.parametrize("makes", ["parallel", "gather", "watch"])
def test_nothing_is_delivered_after_a_close_in_any_line(makes: str) -> None:
    """If a handler closes a stream or a watch that has just got jobs, it yields none of them."""
    jobs = service().listing(max_results=20)
    opened = {"parallel": lambda: jobs.parallel(2), "gather": lambda: gather(jobs)}
    iterator = opened.get(makes, jobs.watch)()
    with during("look" if makes == "watch" else "show", iterator.close):
        assert list(iterator) == []


@pytest.mark.parametrize("makes", ["parallel", "gather"])
def test_closing_twice_makes_no_table_whole(makes: str) -> None:
    """A reader of a stream that was closed before its end raises, also after a second close."""
    jobs = service().listing(max_results=20)
    stream = jobs.parallel(2) if makes == "parallel" else gather(jobs)
    reader = pa.RecordBatchReader.from_stream(stream)
    reader.read_next_batch()
    with stream:
        stream.close()
    with pytest.raises(pa.ArrowException, match="closed before the table was whole"):
        reader.read_all()


def test_interrupted_frame_does_not_look_like_the_end() -> None:
    """If Ctrl-C interrupts pandas after the last page, the stream does not seem to have no jobs."""
    stream = service().listing(max_results=20).parallel(2)

    with pytest.raises(KeyboardInterrupt), during("table_to_dataframe", interrupt):
        stream.to_pandas()
    with pytest.raises(InvalidRequestError, match="has taken jobs of"):
        next(stream)


def test_stream_closed_while_it_is_throttled_ends(workers: Workers) -> None:
    """If a stream is closed during a throttled request, it ends without an error."""
    closed = service()

    def close(_: object) -> None:
        stream.close()
        raise ThrottlingException("slow down", response={}, operation_name="ListRestoreJobs")

    closed.before_answer = close
    stream = closed.listing().parallel(2)
    assert list(stream) == []
    assert workers.all_end()


@pytest.fixture
def _no_more_threads() -> Iterator[None]:
    """Make the operating system refuse new threads, because their stacks are too large."""
    before = threading.stack_size(2**48)
    yield
    threading.stack_size(before)


@pytest.mark.usefixtures("_no_more_threads")
@pytest.mark.parametrize("kind", ["parallel", "gather", "watch", "async for"])
def test_limit_of_threads_raises_our_error(kind: str) -> None:
    """If no thread can start, our error says so, and a later `next` works."""
    listing = service().listing(max_results=20)
    ways: dict[str, Any] = {
        "parallel": listing.parallel,
        "gather": lambda: gather(listing),
        "watch": listing.watch,
        "async for": listing.__iter__,
    }
    iterator = ways[kind]()

    def first() -> Any:
        return asyncio.run(anext(iterator)) if kind == "async for" else next(iterator)

    for _ in range(2):
        with pytest.raises(RestoreJobsError, match="refused to start a thread"):
            first()
    threading.stack_size(0)
    assert first().restore_job_id is not None


def test_cancelled_anext_loses_no_job(workers: Workers) -> None:
    """A page that arrives after `anext` was cancelled is yielded by the next `async for`."""
    slow = service()
    slow.delay = 0.01  # so that the wait has begun before the first page arrives
    stream = slow.listing(max_results=20).parallel(4)

    async def main() -> list[RestoreJob]:
        task = asyncio.ensure_future(anext(aiter(stream)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await collected(stream)

    assert len(asyncio.run(main())) == 500
    assert workers.all_end()


def test_close_ends_a_waiting_async_for(workers: Workers) -> None:
    """A task that waits for the next page of a closed stream gets no more jobs."""
    slow = Service([job(0)], delay=0.2)

    async def main() -> list[RestoreJob]:
        stream = slow.listing().parallel(2)
        task = asyncio.ensure_future(collected(stream))
        await asyncio.sleep(0.05)
        stream.close()
        return await task

    assert asyncio.run(main()) == []
    assert workers.all_end()


SPAN: ContextVar[str] = ContextVar("span", default="none")


def test_requests_run_in_the_context_of_the_caller() -> None:
    """Context variables, such as a tracer's span, are set in all threads that send requests."""
    traced = service()
    spans: list[str] = []
    traced.before_answer = lambda _: spans.append(SPAN.get())
    listing = traced.listing(max_results=100)
    SPAN.set("caller")

    def every_way() -> list[Any]:
        watch = listing.watch(until=lambda _: True)
        return [listing, listing.parallel(3), gather(listing), watch]

    for jobs in every_way():
        assert len(list(jobs)) == 500
    for jobs in every_way():
        assert len(asyncio.run(collected(jobs))) == 500
    assert set(spans) == {"caller"}

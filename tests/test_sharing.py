"""Iterators in the hands of several threads, handlers, copies, forks and the collector."""

from __future__ import annotations

import _thread
import asyncio
import copy
import gc
import itertools
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.interrupting import at_moment, moments_of
from support.memory_service import Service, job

from restorejobs_client import (
    InvalidRequestError,
    RestoreJob,
    RestoreJobsError,
    RestoreJobsErrorGroup,
    ThrottlingException,
    TransportError,
    gather,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.memory_service import Parameters

TESTS = Path(__file__).parent
JOBS = [job(number, -number) for number in range(200)]


def service(**options: Any) -> Service:
    return Service(JOBS, **options)


def own_threads() -> int:
    return sum(thread.name == "restorejobs" for thread in threading.enumerate())


def output_of(program: str) -> str:
    """Run a program that uses signals or forks, without coverage, whose locks they leave held."""
    variables = {name: one for name, one in os.environ.items() if "COVERAGE" not in name}
    head = f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
    head += "import faulthandler; faulthandler.dump_traceback_later(40, exit=True)\n"
    # A child that waits for ever would keep the pipes of its parent open.
    head += "import os, signal; os.register_at_fork(after_in_child=lambda: signal.alarm(20))\n"
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-W", "ignore", "-c", head + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        env=variables,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_collector_ends_a_stream_inside_its_worker() -> None:
    """A stream in a circle that the collector finds in any thread ends its threads."""
    before = own_threads()
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(30):
            holder: dict[str, Any] = {}
            holder["itself"] = holder
            holder["stream"] = stream = gather(*[service().listing(max_results=3)] * 6)
            next(stream)
            del holder, stream
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    deadline = time.monotonic() + 10
    while own_threads() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert own_threads() <= before


# Threads


@pytest.mark.parametrize(
    "make",
    [
        iter,
        lambda listing: listing.pages(),
        gather,
        lambda listing: listing.parallel(3),
        lambda listing: listing.watch(until=lambda _: True),
    ],
    ids=["jobs", "pages", "gather", "parallel", "watch"],
)
def test_threads_share_an_iterator(make: Callable[[Any], Any]) -> None:
    """Each item goes to exactly one of eight threads, and no page is requested twice."""
    served = service(delay=0.001)
    iterator = make(served.listing(max_results=9))
    parts: list[list[Any]] = [[] for _ in range(8)]
    threads = [
        threading.Thread(target=part.extend, args=(iterator,), daemon=True) for part in parts
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    items = [item for part in parts for item in part]
    jobs = items if isinstance(items[0], RestoreJob) else [job for page in items for job in page]
    assert sorted(job.restore_job_id or "" for job in jobs) == sorted(
        job.restore_job_id or "" for job in JOBS
    )


def test_another_thread_may_close_a_stream() -> None:
    """`close` ends the `next` of another thread, without an error."""
    stream = service(delay=0.3).listing(max_results=3).parallel(2)
    got: list[list[RestoreJob]] = []
    reader = threading.Thread(target=lambda: got.append(list(stream)))
    reader.start()
    time.sleep(0.1)
    stream.close()
    reader.join(10)
    assert got == [[]]


# Copies


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("taken", [0, 5, 10, 13, 200])
@pytest.mark.parametrize("limit", [None, 57])
def test_copy_continues_on_its_own(
    how: Callable[[Any], Any], taken: int, limit: int | None
) -> None:
    """A copy of an iterator has the same rest and checkpoint, and moves independently."""
    iterator = iter(service().listing(max_results=10, limit=limit))
    first = [one for _, one in zip(range(taken), iterator, strict=False)]
    twin = how(iterator)
    assert twin.checkpoint == iterator.checkpoint
    expected = JOBS[:limit]
    assert first + list(iterator) == expected
    assert first + list(twin) == expected


def test_copy_that_a_handler_overtakes_continues() -> None:
    """A copy is at a place that the iterator had, whatever a handler reads meanwhile."""

    def survives(number: int) -> bool:
        iterator = iter(service().listing(max_results=10))
        assert next(iterator) == JOBS[0]
        twins: list[Any] = []
        taken: list[RestoreJob] = []
        is_moment = at_moment(
            number,
            lambda: twins.append(copy.copy(iterator)),
            lambda: taken.extend(itertools.islice(iterator, 25)),
        )
        rest = list(twins[0])
        assert rest == JOBS[len(JOBS) - len(rest) :]
        assert 1 <= len(JOBS) - len(rest) <= 1 + len(taken)
        assert taken + list(iterator) == JOBS[1:]
        return is_moment

    assert moments_of(survives) > 30


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("page_size", [4, 30])
def test_copy_of_a_resumed_iterator_continues_on_its_own(
    how: Callable[[Any], Any], page_size: int
) -> None:
    """It finds its place for itself, before and after that, and can be resumed itself."""
    served = service()
    iterator = iter(served.listing(max_results=10))
    first = list(itertools.islice(iterator, 25))
    served.page_size = page_size  # so the page of the checkpoint may arrive in parts
    resumed = iter(served.listing(resume_from=iterator.checkpoint))
    twins = [how(resumed)]
    first.append(next(resumed))
    twins.append(how(resumed))
    assert [next(twins[0]), *twins[0]] == JOBS[25:]
    assert twins[1].checkpoint == resumed.checkpoint
    assert list(served.listing(resume_from=twins[1].checkpoint)) == JOBS[26:]
    assert first + list(resumed) == [*first, *twins[1]] == JOBS


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("taken", [0, 1, 3])
def test_copy_of_a_page_iterator_continues_on_its_own(
    how: Callable[[Any], Any], taken: int
) -> None:
    """A copy yields the pages that the original yields."""
    pages = service().listing(max_results=30, limit=100).pages()
    first = list(itertools.islice(pages, taken))
    twin = how(pages)
    assert twin.checkpoint == pages.checkpoint
    rest = list(pages)
    assert rest == list(twin)
    assert [job for page in first + rest for job in page] == JOBS[:100]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_stream_and_watch_cannot_be_copied(copied: Callable[[Any], Any]) -> None:
    """What has threads or a deadline is refused, instead of a copy that ends early."""
    listing = service().listing()
    for iterator in (gather(listing), listing.watch()):
        with pytest.raises(InvalidRequestError, match="cannot be copied or pickled"):
            copied(iterator)


# Forks


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_forked_child_never_waits_for_threads_of_its_parent() -> None:
    """In the child, a stream raises, an iterator goes on, and the parent reads all."""
    program = """
        import os, threading, time
        from support.memory_service import Service, job
        from restorejobs_client import InvalidRequestError

        jobs = [job(number, -number) for number in range(100)]
        stream = Service(jobs, delay=0.001).listing(max_results=3).parallel(3)
        first = next(stream)
        busy = iter(Service(jobs, delay=0.5).listing(max_results=50))
        reader = threading.Thread(target=lambda: list(busy))
        reader.start()  # it holds the lock of the iterator during the fork
        time.sleep(0.1)
        child = os.fork()
        if child == 0:
            try:
                list(stream)
            except InvalidRequestError:
                os._exit(len(list(busy)))
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 100
        assert len([first, *stream]) == 100
        reader.join()
        print("right")
    """
    assert output_of(program) == "right"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("reader", ["a thread", "async for"])
def test_forked_child_continues_what_another_thread_fetches(reader: str) -> None:
    """A child goes on with a listing and a watch whose locks a thread of its parent holds."""
    program = """
        import asyncio, os, threading, time
        from support.memory_service import Service, job

        jobs = [job(number, -number) for number in range(60)]
        for kind in ("listing", "watch"):
            has_forked = threading.Event()
            service = Service(jobs)
            listing = service.listing(max_results=20)
            iterator = iter(listing) if kind == "listing" else listing.watch(until=lambda _: True)
            first = [next(iterator) for _ in range(20)]
            service.before_answer = lambda _: has_forked.wait(20)

            async def collected():
                return [one async for one in iterator]

            def read():
                rest.extend(asyncio.run(collected()) if {is_async} else iterator)

            rest = []
            thread = threading.Thread(target=read)
            thread.start()
            while len(service.asked) < 2:
                time.sleep(0.001)
            child = os.fork()
            service.before_answer = lambda _: None
            if child == 0:
                os._exit(list(iterator) != jobs[20:])
            has_forked.set()
            thread.join()
            assert first + rest == jobs
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, kind
        print("right")
    """
    is_async = str(reader == "async for")
    assert output_of(program.replace("{is_async}", is_async)) == "right"


# Tables


def test_failed_table_of_a_stream_is_not_followed_by_a_short_one() -> None:
    """After a table that failed, the stream raises, because the jobs are not there any more."""
    good, bad = job(0), RestoreJob(restore_job_id="bad", backup_size_in_bytes=10**30)
    stream: Any = gather(Service([good, bad], order="given").listing(max_results=1))
    with pytest.raises(RestoreJobsError, match="backup_size_in_bytes"):
        stream.to_arrow()
    for again in (stream.to_arrow, stream.to_pandas, lambda: list(stream), lambda: next(stream)):
        with pytest.raises(InvalidRequestError, match="call parallel or gather again"):
            again()


# Watches


@pytest.mark.parametrize("kind", [ValueError, StopIteration, StopAsyncIteration])
def test_exception_of_until_comes_out_and_nothing_is_lost(kind: type[Exception]) -> None:
    """`until` may raise at any job: those before it are yielded, and then it is asked again."""
    raised: set[str | None] = set()

    def until(one: RestoreJob) -> bool:
        if one.restore_job_id not in raised:
            raised.add(one.restore_job_id)
            raise kind
        return True

    watch = service().listing(max_results=30).watch(until=until)
    got: list[RestoreJob] = []
    expected = kind if kind is ValueError else RuntimeError
    for _ in JOBS:
        with pytest.raises(expected):
            got.extend(watch)
    assert [*got, *watch] == JOBS


def test_cancelled_watchers_leave_no_thread() -> None:
    """Between its rounds, `async for` waits on the event loop."""
    before = own_threads()

    async def follow() -> None:
        async for _ in service().listing().watch(until=lambda _: False):
            pass

    async def main() -> int:
        tasks = [asyncio.ensure_future(follow()) for _ in range(20)]
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return own_threads()

    assert asyncio.run(main()) <= before


def test_another_thread_may_close_an_async_watch() -> None:
    """`close` ends `async for` between two rounds, and so does leaving `async with`."""

    async def main() -> None:
        async with service().listing().watch(until=lambda _: False) as watch:
            threading.Timer(0.2, watch.close).start()
            assert len([one async for one in watch]) == len(JOBS)
        async with service().listing(max_results=5).parallel(2) as stream:
            await anext(stream)
        assert [one async for one in stream] == []

    asyncio.run(asyncio.wait_for(main(), 20))


@pytest.mark.parametrize("imported", ["sys", "restorejobs_client"])
def test_watch_ends_under_a_frozen_clock(imported: str) -> None:
    """`timeout` is real time, whether Python's clocks were frozen before or after the import."""
    program = """
        import {imported}
        import freezegun
        with freezegun.freeze_time("2026-06-01"):
            from support.memory_service import Service, job
            from restorejobs_client import WatchTimeoutError
            try:
                list(Service([job(0)]).listing().watch(interval=0.05, timeout=0.2))
            except WatchTimeoutError as error:
                print(error.pending)
    """
    assert output_of(program.replace("{imported}", imported)) == "('job-0',)"


def test_close_wakes_all_threads_of_a_watch() -> None:
    """Closing a watch between its rounds ends all threads that wait for the next one."""
    watch = service().listing().watch(until=lambda _: False, interval=600)
    parts: list[list[RestoreJob]] = [[] for _ in range(8)]
    threads = [threading.Thread(target=part.extend, args=(watch,), daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while sum(map(len, parts)) < len(JOBS) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    watch.close()
    deadline = time.monotonic() + 10
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads)


def test_watch_of_no_ids_sends_nothing() -> None:
    """An empty list of ids follows nothing, and one text is not a list of ids."""
    served = service()
    assert list(served.listing().watch([])) == []
    assert served.asked == []
    ids: Any = "1A2B"
    with pytest.raises(InvalidRequestError, match="list of ids"):
        served.listing().watch(ids)


# Limits


def refuse_threads(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[object]:
    """Let a function that starts threads do so once; return the calls that did."""
    started: list[object] = []
    start = getattr(owner, name)

    def once(*call: object) -> object:
        if started:
            message = "can't start new thread"
            raise RuntimeError(message)
        started.append(call)
        return start(*call)

    monkeypatch.setattr(owner, name, once)
    return started


def test_one_worker_lists_all_if_no_other_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """`parallel` goes on with the workers that could be started."""
    started = refuse_threads(monkeypatch, _thread, "start_new_thread")
    assert len(list(service().listing(max_results=20).parallel(8))) == len(JOBS)
    assert len(started) == 1


def test_a_worker_runs_on_the_last_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker needs only one thread, although that of `threading` is started by another."""
    refuse_threads(monkeypatch, threading.Thread, "start")
    assert len(list(service().listing(max_results=20).parallel(8))) == len(JOBS)


def test_no_more_workers_than_are_useful() -> None:
    """A million workers are at most 64 threads, and 64 windows."""
    before, most = own_threads(), 0
    empty = Service(delay=0.05)

    def count(_: Parameters) -> None:
        nonlocal most
        most = max(most, own_threads() - before)

    empty.before_answer = count
    assert list(empty.listing().parallel(10**6)) == []
    assert len(empty.asked) == 64
    assert 1 < most <= 64


@pytest.mark.parametrize("workers", [8, 32])
def test_permanent_throttling_ends_parallel_soon(workers: int) -> None:
    """Each window has its error after about the time that one listing would take."""
    served = service()

    def throttle(_: Parameters) -> None:
        time.sleep(0.3)  # botocore's retries
        response = {"Error": {"Code": "ThrottlingException"}}
        message = "Rate exceeded"
        raise ThrottlingException(message, response=response, operation_name="ListRestoreJobs")

    served.before_answer = throttle
    started = time.monotonic()
    with pytest.raises(ThrottlingException):
        list(served.listing())
    alone, started = time.monotonic() - started, time.monotonic()
    with pytest.raises(RestoreJobsErrorGroup) as caught:
        list(served.listing().parallel(workers))
    assert time.monotonic() - started < 3 * alone
    assert len(caught.value.exceptions) == workers
    assert len({error.checkpoint for error in caught.value.exceptions}) == workers
    assert all("while listing" in error.__notes__[0] for error in caught.value.exceptions)


# Small promises


def test_listing_has_no_truth_value() -> None:
    """`if not jobs` would never be true, so it raises and says what to ask instead."""
    with pytest.raises(TypeError, match=r"first\(\)"):
        bool(service().listing())


def test_has_ended_tells_an_end_from_a_limit() -> None:
    """It is true once nothing follows what was delivered, and false where only a limit ended."""
    whole = iter(service().listing(max_results=50))
    ended = [whole.has_ended for _ in whole]
    assert ended == [False] * (len(JOBS) - 1) + [True]
    limited = iter(service().listing(max_results=50, limit=120))
    assert len(list(limited)) == 120
    assert not limited.has_ended
    exactly = iter(service().listing(limit=len(JOBS)))
    assert len(list(exactly)) == len(JOBS)
    assert exactly.has_ended
    pages = service().listing(max_results=50).pages()
    assert [pages.has_ended for _ in pages] == [False, False, False, True]
    resumed = iter(service().listing(resume_from=limited.checkpoint))
    assert not resumed.has_ended
    assert len(list(resumed)) == 80
    assert resumed.has_ended
    assert iter(service().listing(resume_from=resumed.checkpoint)).has_ended


def test_group_of_errors_is_one_of_ours() -> None:
    """Both ways of catching work, it pickles, and each error knows its listing."""
    served = service()

    def fail(_: Parameters) -> None:
        message = "no network"
        raise TransportError(message)

    served.before_answer = fail
    listings = [served.listing(region_name=name) for name in ("eu-west-1", "us-east-1")]
    with pytest.raises(RestoreJobsError) as caught:
        list(gather(*listings))
    group = caught.value
    assert isinstance(group, RestoreJobsErrorGroup)
    regions = sorted(error.listing.region_name for error in group.exceptions)
    assert regions == ["eu-west-1", "us-east-1"]
    again = pickle.loads(pickle.dumps(group))  # noqa: S301  # our own
    assert [error.checkpoint for error in again.exceptions] == [
        error.checkpoint for error in group.exceptions
    ]
    group.listing = listings[0]  # as if a handler had gathered
    outer = pickle.loads(pickle.dumps(RestoreJobsErrorGroup("outer", [group])))  # noqa: S301  # our own
    assert outer.exceptions[0].listing is None
    assert len(outer.exceptions[0].exceptions) == 2
    names: list[str] = []
    try:
        raise group
    except* TransportError as some:
        names += [type(one).__name__ for one in some.exceptions]
    assert names == ["TransportError"] * 2

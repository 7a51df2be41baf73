"""Ctrl-C at any moment leaves the client usable."""

from __future__ import annotations

import os
import queue
import random
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from support.memory_service import Service, job

from restorejobs_client import RestoreJobsError, gather
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from support.raw_server import PageServer

    from restorejobs_client import RestoreJob, RestoreJobsClient

TESTS = Path(__file__).parent
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
}
KINDS = ["jobs", "pages", "gather", "parallel", "watch"]


def signals_survived(program: str, *arguments: str) -> int:
    """Run a program of `support`, and return how many signals it says that it has survived."""
    # coverage has locks of its own, which an interrupt leaves held.
    environment = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, TESTS / "support" / program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**environment, **CREDENTIALS, "PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_client_works_after_any_interrupt(server: PageServer) -> None:
    """After interrupts at random microseconds, requests still answer and no thread stays."""
    assert signals_survived("interrupted_program.py", server.endpoint_url, "600", "1") > 300


def readers_survive(part: str, kind: str, count: int) -> None:
    """Run a part of the program with iterators of a kind, until that many signals have arrived."""
    seed = str(random.randrange(10**6))  # noqa: S311  # other moments in each run
    assert signals_survived("interrupted_readers.py", part, kind, str(count), seed) >= count


@pytest.mark.parametrize("kind", KINDS)
def test_interrupted_reading_continues_with_exactly_the_rest(kind: str) -> None:
    """Ctrl-C in any microsecond loses, repeats and reorders no job, page or change."""
    readers_survive("interrupted", kind, 800)


@pytest.mark.parametrize("kind", KINDS)
def test_handler_may_read_what_it_interrupts(kind: str) -> None:
    """A handler and the loop that it interrupts get each item once; a watch may refuse it."""
    readers_survive("overtaken", kind, 1000 if kind in {"gather", "parallel"} else 400)


@pytest.mark.parametrize("kind", ["gather", "parallel", "watch"])
def test_handler_may_close_what_it_interrupts(kind: str) -> None:
    """The loop ends without an error, nothing comes afterwards, and the threads end."""
    readers_survive("closed", kind, 150)


@pytest.mark.parametrize("kind", ["gather", "parallel"])
def test_interrupted_dropping_ends_all_threads(kind: str) -> None:
    """A stream may be interrupted, or closed by a handler, while it is dropped or closed."""
    readers_survive("dropped", kind, 300)


def test_handler_may_make_a_client() -> None:
    """A handler that interrupts the making of a client makes another one, and both list."""
    readers_survive("clients", "none", 40)


@pytest.mark.parametrize(
    ("module", "expected"), [("boto3.session", ["refused"]), ("stringprep", [])]
)
def test_handler_may_interrupt_the_first_imports(module: str, expected: list[str]) -> None:
    """A handler that lists while boto3 is imported gets our error; no codec is imported so late."""
    program = f"""
import signal, sys
from restorejobs_client import RestoreJobsClient, RestoreJobsError
from restorejobs_client.testing import fake_backup, sample_jobs

class Finder:
    def find_spec(self, name, *_):
        if name == {module!r}:
            signal.raise_signal(signal.SIGUSR1)

def listed():
    client = RestoreJobsClient(region_name="us-east-1", endpoint_url=backup.endpoint_url)
    return len(list(client.list_restore_jobs()))

def handler(*_):
    try:
        print(listed())
    except RestoreJobsError:
        print("refused")

signal.signal(signal.SIGUSR1, handler)
sys.meta_path.insert(0, Finder())
with fake_backup(sample_jobs(3)) as backup:
    print(listed(), listed())
"""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **CREDENTIALS},
    )
    assert done.stderr == ""
    *handled, last = done.stdout.splitlines()
    assert last == "3 3"
    assert handled == expected


@contextmanager
def lines_of_locks() -> Iterator[list[str]]:
    """Yield the lines of `queue` and `threading` that this thread runs."""
    lines: list[str] = []

    def trace(frame: Any, event: str, _: object) -> Any:
        code = frame.f_code
        is_ours = code.co_name == "RLock"  # makes one in C
        if not is_ours and code.co_filename in {queue.__file__, threading.__file__}:
            lines.append(f"{code.co_filename}:{frame.f_lineno} {event}")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)


def test_request_takes_no_lock_that_an_interrupt_leaves_held(client: RestoreJobsClient) -> None:
    """A request runs no line of `queue` and `threading`, whose locks are Python code."""
    with lines_of_locks() as lines:
        client.list_restore_jobs().first()
    assert lines == []


@pytest.mark.parametrize("kind", ["gather", "parallel", "watch"])
def test_threads_start_without_a_lock_that_an_interrupt_leaves_held(kind: str) -> None:
    """What starts threads runs no line of `threading`, where Ctrl-C would end the wait for them."""
    listing = Service([job(0)]).listing()
    ways: dict[str, Callable[[], Iterable[RestoreJob]]] = {
        "gather": lambda: gather(listing, listing),
        "parallel": lambda: listing.parallel(2),
        "watch": lambda: listing.watch(until=lambda _: True),
    }
    with lines_of_locks() as lines:
        jobs = list(ways[kind]())
    assert jobs
    assert lines == []


def test_threads_hold_no_signals_back() -> None:
    """What a thread of ours starts, such as a credential process, gets its signals."""
    service = Service([job(0)])
    held: list[set[Any]] = []
    service.before_answer = lambda _: held.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert len(list(service.listing().parallel(2))) == 1
    assert len(list(service.listing().watch(until=lambda _: True))) == 1
    assert held
    assert all(signals == before for signals in held)


@pytest.mark.parametrize("mode", ["standard", "adaptive"])
def test_handler_may_list_while_botocore_holds_its_own_locks(mode: Any) -> None:
    """A handler that interrupts botocore's retries takes the next job, and each job comes once."""
    jobs = sample_jobs(30)
    with fake_backup(jobs) as backup:
        config = Config(retries={"mode": mode, "total_max_attempts": 4})
        iterator = iter(backup.client(config=config).list_restore_jobs(max_results=10))
        found: list[RestoreJob] = []
        places: list[str] = []

        def interrupt(frame: FrameType, event: str, called: object) -> None:
            has_lock = frame.f_code.co_filename.endswith(("quota.py", "bucket.py"))
            if event == "c_return" and has_lock and called is min and not places:
                places.append(frame.f_code.co_name)
                signal.raise_signal(signal.SIGUSR1)

        backup.fail_next("throttle", times=2)
        before = signal.signal(signal.SIGUSR1, lambda *_: found.append(next(iterator)))
        sys.setprofile(interrupt)
        try:
            found += iterator
        finally:
            sys.setprofile(None)
            signal.signal(signal.SIGUSR1, before)
    assert places
    assert sorted(map(repr, found)) == sorted(map(repr, jobs))


@pytest.mark.parametrize("makes", ["gather(listing)", "listing.watch()"])
def test_reading_while_the_interpreter_ends_does_not_wait(makes: str) -> None:
    """A finalizer that reads a stream or a watch at the end gets our error: no thread runs then."""
    program = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from support.memory_service import Service, job
from restorejobs_client import gather
listing = Service([job(number) for number in range(30)]).listing(max_results=10)

class Reader:
    def __init__(self, iterator):
        self.iterator = iterator
    def __del__(self):
        try:
            print(len(list(self.iterator)))
        except Exception as error:
            print(error)

reader = Reader({makes})
"""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=20
    )
    assert "the interpreter is ending" in done.stdout


def test_waiting_for_threads_that_no_longer_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the interpreter ends, a stream and a watch raise instead of starting a thread."""
    service = Service([job(number) for number in range(30)])
    monkeypatch.setattr(sys, "is_finalizing", lambda: True)
    for jobs in (service.listing().parallel(2), service.listing().watch()):
        with pytest.raises(RestoreJobsError, match="the interpreter is ending"):
            next(jobs)

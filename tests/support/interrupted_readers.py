"""A program whose iterators are read while real signals arrive at random microseconds.

`python interrupted_readers.py PART KIND COUNT SEED` lets COUNT signals arrive, and prints how many
did. It fails if an item is lost or repeated, an error is raised, or a thread stays, and with the
line where it waits if something waits for ever.
"""

from __future__ import annotations

import faulthandler
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from weakref import ref

from restorejobs_client import (
    InvalidRequestError,
    RestoreJob,
    RestoreJobPage,
    RestoreJobsClient,
    RestoreJobStatus,
    gather,
)
from restorejobs_client.testing import fake_backup, sample_jobs
from support.memory_service import Service, job, listing_of

JOBS = [job(number, -number) for number in range(40)]
ROUNDS = 4  # in which a watch finds all jobs changed
LONGEST = 0.001  # seconds until the next signal

chance = random.Random(sys.argv[4])  # noqa: S311  # nothing secret
signals = 0
is_armed = False


def arm(longest: float = LONGEST) -> None:
    """Let a signal arrive in a moment."""
    global is_armed  # noqa: PLW0603  # of a program
    is_armed = True
    signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, longest))


def disarm() -> None:
    """Let no signal arrive. One that is late does nothing."""
    global is_armed  # noqa: PLW0603  # of a program
    is_armed = False
    signal.setitimer(signal.ITIMER_REAL, 0)


def handle(handler: Callable[[], object]) -> None:
    """Call a function for each signal."""

    def count(*_: object) -> None:
        global is_armed, signals  # noqa: PLW0603  # of a program
        if is_armed:
            is_armed = False
            signals += 1
            handler()

    signal.signal(signal.SIGALRM, count)


def interrupt() -> None:
    """Interrupt, as Ctrl-C does."""
    raise KeyboardInterrupt


def changed(number: int) -> list[RestoreJob]:
    """Return all jobs as they are in a round."""
    status = RestoreJobStatus.COMPLETED if number == ROUNDS - 1 else RestoreJobStatus.RUNNING
    return [replace(one, status=status, status_message=f"round {number}") for one in JOBS]


class Reading:
    """An iterator of a kind, and what was read of it.

    A watch finds all jobs changed as soon as all changes before were read.
    """

    def __init__(self, kind: str) -> None:
        self.read: list[RestoreJob | RestoreJobPage] = []
        rounds = [changed(number) for number in range(ROUNDS if kind == "watch" else 1)]
        services = [Service(jobs) for jobs in rounds]
        self._expected = [one for jobs in rounds for one in jobs]
        self._is_in_order = kind != "parallel"

        def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
            latest = min(len(self.read) // len(JOBS), len(rounds) - 1)
            number, _, start = parameters.get("NextToken", f"{latest}:0").partition(":")
            page = services[int(number)].page({**parameters, "NextToken": start})
            token = page.next_token and f"{number}:{page.next_token}"
            return replace(page, next_token=token)

        listing = listing_of(fetch, max_results=7)
        self.iterator: Iterator[Any]
        if kind == "gather":
            self.iterator = gather(listing, listing, listing, max_workers=3)
            self._expected *= 3
        elif kind == "parallel":
            self.iterator = listing.parallel(3)
        elif kind == "watch":
            self.iterator = listing.watch(interval=1e-4, timeout=20)
        else:
            self.iterator = iter(listing) if kind == "jobs" else listing.pages()

    def go_on(self) -> None:
        """Read the rest. No signal comes between taking an item and keeping it."""
        for item in self.iterator:
            self.read.append(item)  # kept if the next one is interrupted

    def check(self, *, is_in_order: bool = True) -> None:
        """Check that each job was read once."""
        items = self.read
        jobs = [one for item in items for one in ([item] if isinstance(item, RestoreJob) else item)]
        if is_in_order and self._is_in_order:
            assert jobs == self._expected, (len(jobs), signals)
        else:
            read, expected = (Counter(map(repr, some)) for some in (jobs, self._expected))
            assert read == expected, (signals, expected - read, read - expected)


def interrupted(kind: str) -> None:
    """Interrupt the reading again and again, and go on each time."""
    handle(interrupt)
    reading, is_over = Reading(kind), False
    while not is_over:
        try:
            arm()
            reading.go_on()
            disarm()
            is_over = True
        except KeyboardInterrupt:
            continue
    reading.check()


def overtaken(kind: str) -> None:
    """Read in the handler of a signal too."""
    reading = Reading(kind)

    def handler() -> None:
        for _ in range(chance.choice([1, 1, 2, 10, 30])):
            try:
                item = next(reading.iterator, None)
            except InvalidRequestError:
                assert kind == "watch"
                break
            if item is not None:
                reading.read.append(item)
        arm()

    handle(handler)
    arm()
    reading.go_on()
    disarm()
    reading.check(is_in_order=False)


def closed(kind: str) -> None:
    """Close in the handler of a signal."""
    iterator: Any = Reading(kind).iterator
    handle(iterator.close)
    arm(0.004)
    taken = list(iterator)
    disarm()
    iterator.close()
    assert len(set(map(repr, taken))) == len(taken) or kind == "gather"
    assert list(iterator) == []
    assert_no_thread_stays()


def dropped(kind: str) -> None:
    """Interrupt a stream while it is dropped or closed, or close it meanwhile."""
    listing = Service(JOBS).listing(max_results=1)  # without a circle, which the collector breaks
    iterator: Any = gather(listing, listing) if kind == "gather" else listing.parallel(3)
    next(iterator)
    time.sleep(chance.choice([0, 0.002]))  # meanwhile, workers begin to wait for room
    weak = ref(iterator)

    def close() -> None:
        living = weak()
        if living is not None:
            living.close()

    handle(chance.choice([interrupt, close]))
    try:
        arm(6e-5)
        if chance.random() < 0.5:
            iterator.close()
        iterator = None
        time.sleep(1e-4)
    except KeyboardInterrupt:
        pass
    iterator = None
    disarm()
    assert_no_thread_stays()


def clients(endpoint_url: str) -> None:
    """Make a client in the handler of a signal, while one is made."""

    def make() -> None:
        client = RestoreJobsClient(endpoint_url=endpoint_url)
        assert len(list(client.list_restore_jobs())) == 3

    handle(make)
    arm(0.03)
    make()
    disarm()


def assert_no_thread_stays() -> None:
    """Check that all threads of this package end."""
    deadline = time.monotonic() + 10
    while any(thread.name == "restorejobs" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "a thread stays"
        time.sleep(1e-4)


def main(part: str, kind: str, count: int) -> None:
    """Repeat a part until that many signals have arrived."""
    faulthandler.dump_traceback_later(45, exit=True)
    if part == "clients":
        with fake_backup(sample_jobs(3), region_name="eu-west-1") as backup:
            RestoreJobsClient(endpoint_url=backup.endpoint_url)  # imports boto3
            while signals < count:
                clients(backup.endpoint_url)
    else:
        parts = {one.__name__: one for one in (interrupted, overtaken, closed, dropped)}
        while signals < count:
            parts[part](kind)
        assert_no_thread_stays()
    sys.stdout.write(f"{signals}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

"""Worker threads that fetch listings concurrently, and one consumer of their pages."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from queue import SimpleQueue
from typing import Final

from restorejobs_client._errors import RestoreJobsError, ThrottlingException
from restorejobs_client._models import RestoreJob, RestoreJobPage
from restorejobs_client._progress import ProgressBar
from restorejobs_client._threads import start_thread

_PAGES_A_WORKER: Final = 4  # pages that may wait for the consumer, on average


class Run:
    """A listing that a worker fetches page by page.

    Attributes:
        listing: the caller's own object, for errors.
        pages: the pages that have not been fetched yet.
        place: the place of its pages in the order of the consumer. Runs with the same place are
            merged.
        may_be_left: a throttled worker may leave this run to the other workers and end, so that
            fewer workers send fewer requests. This must not be so where the other workers may be
            waiting for this run.
    """

    may_be_left = False

    def __init__(self, listing: object, pages: Iterator[RestoreJobPage], place: int = 0) -> None:
        self.listing = listing
        self.pages = pages
        self.place = place

    def keep(self, page: RestoreJobPage) -> tuple[RestoreJob, ...]:
        """Return the jobs of a page to deliver."""
        return page.restore_jobs

    def divide(self, parts: int) -> list[Run]:  # noqa: ARG002  # for other runs
        """Return the runs that replace the rest of this one, or none if it continues."""
        return []


class WorkerPool:
    """Workers that take runs, and a consumer that takes their pages, place by place.

    The consumer may be the main thread, which Ctrl-C can interrupt between any two lines. So it
    never waits on a `threading.Condition`, whose lock an interrupt can leave locked forever.
    """

    def __init__(self, runs: Sequence[Run], workers: int) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # for the workers
        self._wake: SimpleQueue[None] = SimpleQueue()  # for the consumer
        self._consumer_waits = False
        self._waiting = deque(runs)
        self._size = self._working = workers
        self._idle = 0
        self._buffers: dict[int, deque[tuple[RestoreJob, ...]]] = {}
        self._unfinished: dict[int, int] = {}  # runs, by their place
        for run in runs:
            self._buffers.setdefault(run.place, deque())
            self._unfinished[run.place] = self._unfinished.get(run.place, 0) + 1
        self._places = deque(self._buffers)  # the consumer takes the pages of the first one
        self._runs = len(runs)
        self._buffered = 0
        self._stopped = False
        self._failures: list[BaseException] = []

    def pages(self, bar: ProgressBar | None = None) -> Generator[tuple[RestoreJob, ...]]:
        """Start the workers and yield their pages. At the end, raise the errors as a group."""
        if bar is not None:
            bar.begin()
        try:
            for _ in range(self._size):
                start_thread(self._work)
            while (page := self._next_page()) is not None:
                if bar is not None:
                    bar.add_page(len(page))
                    self._draw(bar)
                yield page
            if bar is not None:
                self._draw(bar)
            was_closed = self._stopped
        finally:
            if bar is not None:
                bar.end()
            self.stop()
        if self._failures and not was_closed:
            message = f"{len(self._failures)} failed; go on from the checkpoint of each"
            raise BaseExceptionGroup(message, self._failures)  # an ExceptionGroup, nearly always

    def stop(self) -> None:
        """Let the workers and the consumer end."""
        with self._lock:
            self._stopped = True
            self._changed.notify_all()
            self._wake_consumer()

    def _draw(self, bar: ProgressBar) -> None:
        with self._lock:
            left = sum(self._unfinished.values())
            done, failed = self._runs - left, len(self._failures)
        bar.show(done, f"{left:,} to go", f"{failed:,} failed")

    def _next_page(self) -> tuple[RestoreJob, ...] | None:
        while True:
            with self._lock:
                while self._places and not self._is_due(self._places[0]):
                    self._places.popleft()
                    self._changed.notify_all()
                if not self._places or self._stopped:
                    return None
                if buffer := self._buffers[self._places[0]]:
                    self._buffered -= 1
                    self._changed.notify_all()
                    return buffer.popleft()
                self._consumer_waits = True
            self._wake.get()

    def _is_due(self, place: int) -> bool:
        return bool(self._buffers[place] or self._unfinished[place])

    def _wake_consumer(self) -> None:
        if self._consumer_waits:
            self._consumer_waits = False
            self._wake.put(None)

    def _work(self) -> None:
        while (run := self._next_run()) is not None:
            try:
                replacements = self._go_through(run)
            except ThrottlingException as error:
                if self._leave(run):
                    return
                self._finish(run, error)
            except BaseException as error:  # noqa: BLE001  # raised to the consumer at the end
                self._finish(run, error)
            else:
                self._finish(run, replacements=replacements)

    def _next_run(self) -> Run | None:
        with self._lock:
            self._idle += 1
            while not self._waiting and any(self._unfinished.values()) and not self._stopped:
                self._changed.wait()
            self._idle -= 1
            return self._waiting.popleft() if self._waiting and not self._stopped else None

    def _go_through(self, run: Run) -> list[Run]:
        """Deliver the pages of a run. Return the runs that replace its rest, if it is divided."""
        for page in run.pages:
            if not self._deliver(run, run.keep(page)):
                break
            with self._lock:
                has_idle_workers = self._idle > 0 and not self._waiting
            if has_idle_workers and page.next_token is not None:
                replacements = run.divide(parts=2 * self._size)
                if replacements:
                    return replacements
        return []

    def _leave(self, run: Run) -> bool:
        """Leave a throttled run to the other workers, if there are any and if it may be left."""
        with self._lock:
            if self._working == 1 or not run.may_be_left:
                return False
            self._working -= 1
            self._waiting.append(run)
            self._changed.notify_all()
            return True

    def _deliver(self, run: Run, jobs: tuple[RestoreJob, ...]) -> bool:
        """Give jobs to the consumer, and wait if it is behind. Return `False` if it has stopped."""
        with self._lock:
            buffer = self._buffers[run.place]
            # The first place always has room for one page, so the pool never stalls.
            while (
                not self._stopped
                and self._buffered >= _PAGES_A_WORKER * self._size
                and (buffer or run.place != self._places[0])
            ):
                self._changed.wait()
            buffer.append(jobs)
            self._buffered += 1
            self._wake_consumer()
            return not self._stopped

    def _finish(
        self, run: Run, error: BaseException | None = None, replacements: Sequence[Run] = ()
    ) -> None:
        if isinstance(error, RestoreJobsError):
            error.listing = run.listing
        with self._lock:
            if error is not None:
                error.add_note(f"while listing {run.listing!r}")
                self._failures.append(error)
            self._waiting.extend(replacements)
            if replacements:
                self._runs += len(replacements) - 1  # they replace the run
            self._unfinished[run.place] += len(replacements) - 1
            self._changed.notify_all()
            self._wake_consumer()

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
from restorejobs_client._text import counted
from restorejobs_client._threads import start_thread

_PAGES_PER_WORKER: Final = 4  # the average number of pages to buffer


class Run:
    """A listing that a worker fetches page by page.

    Attributes:
        listing: the caller's own object, for errors.
        pages: the pages that have not been fetched yet.
        group: the consumer takes the pages of group 0 first, then those of group 1, and so on. It
            takes the pages of one group in any order.
        can_be_requeued: whether a throttled worker may return this run to the queue and end, so
            that fewer workers send fewer requests. It must be false if the other workers may be
            waiting for this run.
    """

    can_be_requeued = False

    def __init__(self, listing: object, pages: Iterator[RestoreJobPage], group: int = 0) -> None:
        self.listing = listing
        self.pages = pages
        self.group = group

    def jobs_to_deliver(self, page: RestoreJobPage) -> tuple[RestoreJob, ...]:
        """Return the jobs of a page that have not been delivered yet."""
        return page.restore_jobs

    def divide(self, parts: int) -> list[Run]:  # noqa: ARG002  # subclasses use it
        """Return runs that replace the rest of this one, or an empty list to continue it."""
        return []


class WorkerPool:
    """Workers that fetch the pages of runs, and a consumer that takes them, group by group.

    The consumer may be the main thread, which Ctrl-C can interrupt between any two lines. So it
    never waits on a `threading.Condition`, which an interrupt can leave locked forever.
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
        self._unfinished: dict[int, int] = {}  # the number of runs, by group
        for run in runs:
            self._buffers.setdefault(run.group, deque())
            self._unfinished[run.group] = self._unfinished.get(run.group, 0) + 1
        self._groups = deque(self._buffers)  # the consumer takes pages from the first one
        self._run_count = len(runs)
        self._buffered = 0
        self._stopped = False
        self._failures: list[BaseException] = []

    def pages(self, bar: ProgressBar) -> Generator[tuple[RestoreJob, ...]]:
        """Start the workers and yield their pages. At the end, raise all errors in a group."""
        bar.begin()
        try:
            for _ in range(self._size):
                start_thread(self._work)
            while (page := self._next_page()) is not None:
                bar.add_page(len(page))
                self._draw(bar)
                yield page
            self._draw(bar)
            was_closed = self._stopped
        finally:
            bar.end()
            self.stop()
        if self._failures and not was_closed:
            failed = counted(len(self._failures), "listing")
            message = f"{failed} failed; resume each from its checkpoint"
            raise BaseExceptionGroup(message, self._failures)  # an ExceptionGroup if possible

    def stop(self) -> None:
        """Make the workers and the consumer end."""
        with self._lock:
            self._stopped = True
            self._changed.notify_all()
            self._wake_consumer()

    def _draw(self, bar: ProgressBar) -> None:
        with self._lock:
            left = sum(self._unfinished.values())
            done, failed = self._run_count - left, len(self._failures)
        bar.show(done, f"{left:,} to go", f"{failed:,} failed")

    def _next_page(self) -> tuple[RestoreJob, ...] | None:
        while True:
            with self._lock:
                while self._groups and not self._has_more(self._groups[0]):
                    self._groups.popleft()
                    self._changed.notify_all()
                if not self._groups or self._stopped:
                    return None
                if buffer := self._buffers[self._groups[0]]:
                    self._buffered -= 1
                    self._changed.notify_all()
                    return buffer.popleft()
                self._consumer_waits = True
            self._wake.get()

    def _has_more(self, group: int) -> bool:
        return bool(self._buffers[group] or self._unfinished[group])

    def _wake_consumer(self) -> None:
        if self._consumer_waits:
            self._consumer_waits = False
            self._wake.put(None)

    def _work(self) -> None:
        while (run := self._next_run()) is not None:
            try:
                replacements = self._deliver_pages(run)
            except ThrottlingException as error:
                if self._requeue(run):
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

    def _deliver_pages(self, run: Run) -> list[Run]:
        """Deliver the pages of a run. If it is divided, return the runs that replace its rest."""
        for page in run.pages:
            if not self._deliver(run, run.jobs_to_deliver(page)):
                break
            with self._lock:
                has_idle_workers = self._idle > 0 and not self._waiting
            if has_idle_workers and page.next_token is not None:
                replacements = run.divide(parts=2 * self._size)
                if replacements:
                    return replacements
        return []

    def _requeue(self, run: Run) -> bool:
        """Return a throttled run to the queue, if it allows that and other workers continue."""
        with self._lock:
            if self._working == 1 or not run.can_be_requeued:
                return False
            self._working -= 1
            self._waiting.append(run)
            self._changed.notify_all()
            return True

    def _deliver(self, run: Run, jobs: tuple[RestoreJob, ...]) -> bool:
        """Buffer jobs for the consumer; wait while the buffer is full. Return `False` to stop."""
        with self._lock:
            buffer = self._buffers[run.group]
            # The first group always has room for one page, so the pool never stalls.
            while (
                not self._stopped
                and self._buffered >= _PAGES_PER_WORKER * self._size
                and (buffer or run.group != self._groups[0])
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
                self._run_count += len(replacements) - 1  # they replace the run
            self._unfinished[run.group] += len(replacements) - 1
            self._changed.notify_all()
            self._wake_consumer()

"""Worker threads that fetch listings concurrently, and one consumer of their pages."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import ClassVar, Final

from restorejobs_client._core.errors import RestoreJobsError, ThrottlingException
from restorejobs_client._core.interrupts import start_thread
from restorejobs_client._core.progress import ProgressBar
from restorejobs_client._core.text import counted
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage

_PAGES_PER_WORKER: Final = 4  # the average number of pages to buffer


@dataclass(eq=False)
class Task:
    """A listing that a worker fetches page by page.

    Attributes:
        listing: the caller's own object, for errors.
        pages: the pages that have not been fetched yet.
        group: the consumer takes the pages of group 0 first, then those of group 1, and so on. It
            takes the pages of one group in any order.
        can_be_requeued: whether a throttled worker may return this task to the queue and end, so
            that fewer workers send fewer requests. It must be false if the other workers may be
            waiting for this task.
    """

    listing: object
    pages: Iterator[RestoreJobPage]
    group: int = 0
    can_be_requeued: ClassVar = False

    def jobs_to_deliver(self, page: RestoreJobPage) -> tuple[RestoreJob, ...]:
        """Return the jobs of a page that have not been delivered yet."""
        return page.restore_jobs

    def divide(self, parts: int) -> list[Task]:  # noqa: ARG002  # subclasses use it
        """Return tasks that replace the rest of this one, or an empty list to continue it."""
        return []


class WorkerPool:
    """Workers that fetch the pages of tasks, and a consumer that takes them, group by group.

    The consumer may be the main thread, which Ctrl-C can interrupt between any two lines. So it
    never waits on a `threading.Condition`, which an interrupt can leave locked forever.
    """

    def __init__(self, tasks: Sequence[Task], workers: int) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # for the workers
        self._wake: SimpleQueue[None] = SimpleQueue()  # for the consumer
        self._waiting = deque(tasks)
        self._size = self._alive = workers
        self._idle = 0
        self._unfinished = Counter(task.group for task in tasks)  # the number of tasks, by group
        self._groups = deque(self._unfinished)  # the consumer takes pages from the first one
        self._buffers = {group: deque[tuple[RestoreJob, ...]]() for group in self._groups}
        self._done = 0  # tasks that have ended, without those that were divided
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
            was_closed = self._stopped  # before `stop` below
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
            self._wake.put(None)

    def _draw(self, bar: ProgressBar) -> None:
        left, failed = self._unfinished.total(), len(self._failures)
        jobs = counted(bar.jobs, "job")
        bar.show(self._done, f"{left:,} to go", f"{failed:,} failed", jobs)

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
            self._wake.get()

    def _has_more(self, group: int) -> bool:
        return bool(self._buffers[group] or self._unfinished[group])

    def _work(self) -> None:
        while (task := self._next_task()) is not None:
            try:
                replacements = self._deliver_pages(task)
            except BaseException as error:  # noqa: BLE001  # raised to the consumer at the end
                if isinstance(error, ThrottlingException) and self._requeue(task):
                    return
                self._finish(task, error)
            else:
                self._finish(task, replacements=replacements)

    def _next_task(self) -> Task | None:
        with self._lock:
            self._idle += 1
            while not self._waiting and self._unfinished.total() and not self._stopped:
                self._changed.wait()
            self._idle -= 1
            return self._waiting.popleft() if self._waiting and not self._stopped else None

    def _deliver_pages(self, task: Task) -> list[Task]:
        """Deliver the pages of a task. If it is divided, return the tasks that replace its rest."""
        for page in task.pages:
            if not self._deliver(task, task.jobs_to_deliver(page)):
                break
            with self._lock:
                has_idle_workers = self._idle > 0 and not self._waiting
            if has_idle_workers and page.next_token is not None:
                replacements = task.divide(parts=2 * self._size)
                if replacements:
                    return replacements
        return []

    def _requeue(self, task: Task) -> bool:
        """Return a throttled task to the queue, if it allows that and other workers continue."""
        with self._lock:
            if self._alive == 1 or not task.can_be_requeued:
                return False
            self._alive -= 1
            self._waiting.append(task)
            self._changed.notify_all()
            return True

    def _deliver(self, task: Task, jobs: tuple[RestoreJob, ...]) -> bool:
        """Buffer jobs for the consumer; wait while the buffer is full. Return `False` to stop."""
        with self._lock:
            buffer = self._buffers[task.group]
            # The first group always has room for one page, so the pool never stalls.
            while (
                not self._stopped
                and self._buffered >= _PAGES_PER_WORKER * self._size
                and (buffer or task.group != self._groups[0])
            ):
                self._changed.wait()
            buffer.append(jobs)
            self._buffered += 1
            self._wake.put(None)
            return not self._stopped

    def _finish(
        self, task: Task, error: BaseException | None = None, replacements: Sequence[Task] = ()
    ) -> None:
        if isinstance(error, RestoreJobsError):
            error.listing = task.listing
        with self._lock:
            if error is not None:
                error.add_note(f"while listing {task.listing!r}")
                self._failures.append(error)
            self._waiting.extend(replacements)
            self._done += not replacements
            self._unfinished[task.group] += len(replacements) - 1
            self._changed.notify_all()
            self._wake.put(None)

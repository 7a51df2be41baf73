"""Worker threads that fetch listings concurrently, and the batches of jobs that they deliver.

Workers share a lock that nobody else takes. The caller's thread only follows links between batches,
waits for their bells, and puts items into queues in C. An interrupt may come in any of these lines.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Final
from weakref import ref

from restorejobs_client._concurrent.iterator import RestoreJobPageIterator
from restorejobs_client._core.errors import (
    ListingLike,
    RestoreJobsError,
    ThrottlingException,
    TransportError,
    with_checkpoint,
)
from restorejobs_client._core.interrupts import Bell, in_child, start_thread
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from queue import SimpleQueue

    Room = SimpleQueue[object]  # where a worker waits for room in the buffer

MAX_WORKERS: Final = 64  # a client keeps so many connections; more threads would wait for Python
_BATCHES_PER_WORKER: Final = 4  # the average number to buffer


@dataclass(eq=False)
class Task:
    """A listing that a worker fetches page by page.

    Attributes:
        listing: the caller's own object, for errors.
        pages: the pages that have not been fetched yet.
        group: the consumer takes the batches of group 0 first, then those of group 1, and so on. It
            takes the batches of one group in any order.
        can_be_requeued: whether a throttled worker may return this task to the queue and end, so
            that fewer workers send fewer requests. It must be false if the other workers may be
            waiting for this task.
        close: called when the task has ended.
    """

    can_be_requeued: ClassVar = False

    listing: ListingLike
    pages: RestoreJobPageIterator
    group: int = 0
    close: Callable[[], object] = lambda: None  # a default

    def jobs_to_deliver(self, page: RestoreJobPage) -> tuple[RestoreJob, ...]:
        """Return the jobs of a page that have not been delivered yet."""
        return page.restore_jobs

    def divide(self, parts: int) -> list[Task]:  # noqa: ARG002  # subclasses use it
        """Return tasks that replace the rest of this one, or an empty list to continue it."""
        return []


class Batch(Bell):
    """Jobs of one page, and the batch after it. It rings when that has arrived.

    Attributes:
        pages: 1; 0 for the empty batch before the first one of a group.
    """

    def __init__(self, jobs: tuple[RestoreJob, ...] = (), *, pages: int = 0) -> None:
        super().__init__()
        self.jobs: Iterator[RestoreJob] = iter(jobs)
        self.pages: int = pages
        self.next: Batch | None = None


@dataclass
class Group:
    """The batches of a group, while some of its tasks have not ended.

    Attributes:
        last: the batch that arrived last; at first, an empty one.
        end: the empty batch of the next group.
        unfinished: the number of its tasks that may deliver more.
    """

    last: Batch
    end: Batch
    unfinished: int = 0


class Lease:
    """Lets workers run. Nothing but a stream has a strong reference to it."""


class WorkerPool:
    """Workers that fetch the pages of tasks, and the place of the consumer among their batches.

    Attributes:
        batch: the batch that the consumer has taken last.
        end: the batch after all others, which has no jobs.
        failures: the errors of tasks so far.
        done: the number of tasks that have ended, without those that were divided.
        unfinished: the number of tasks that have not ended.
    """

    def __init__(self, tasks: Sequence[Task], workers: int) -> None:
        heads = [Batch() for _ in range(2 + max((one.group for one in tasks), default=-1))]
        self._groups = {number: Group(*ends) for number, ends in enumerate(pairwise(heads))}
        self._tasks: SimpleQueue[object] = queue.SimpleQueue()  # what is no task ends the workers
        for task in tasks:
            self._groups[task.group].unfinished += 1
            self._tasks.put(task)
        self._waiting: list[Room] = []  # the workers that wait for room in the buffer
        self._lock = threading.Lock()
        self._size = min(workers, MAX_WORKERS)
        self._started = self._alive = self._idle = 0  # workers
        self._delivered = self._taken = 0  # batches
        self._lease: Callable[[], object] = lambda: None  # later, a weak reference
        self._refusal: RestoreJobsError | None = None  # once all workers are throttled
        self.batch: Batch = heads[0]
        self.end: Batch = heads[-1]
        self.failures: list[RestoreJobsError] = []
        self.done: int = 0
        self.unfinished: int = len(tasks)

    def lease(self) -> object:
        """Return an object that lets the workers run until it is dropped, by whichever thread.

        Dropping it calls methods in C, so nothing can interrupt that.
        """
        lease = Lease()
        self._lease = ref(lease, self._tasks.put)
        return lease

    def start(self) -> None:
        """Start the first worker. Each one starts the next, because no signal interrupts them.

        Raises:
            RestoreJobsError: the process is at its limit of threads.
        """
        in_child(self, WorkerPool.ring)  # the child does not have the threads that would ring
        start_thread(self._work)

    def ring(self) -> None:
        """Wake the consumer."""
        self.batch.ring()

    def take_batch(self, after: Batch) -> None:
        """Take the batch after this one, once it has arrived. If the workers end, there is none."""
        for room in tuple(self._waiting):
            room.put(None)
        after.wait()
        if self.batch is after and after.next is not None:  # else, a signal handler has taken it
            self.batch, self._taken = after.next, self._taken + after.next.pages

    def _work(self) -> None:
        with self._lock:
            if self._started == self._size:  # an interrupt has made the consumer start twice
                return
            self._started += 1
            self._alive += 1
            has_more = self._started < self._size and not self._tasks.empty()
        if has_more:
            with suppress(RestoreJobsError):  # fewer workers list the same
                start_thread(self._work)
        room: Room = queue.SimpleQueue()
        lease = self._lease()
        _wake_when_dropped = lease and ref(lease, room.put)
        del lease
        while (task := self._next_task()) is not None:
            try:
                replacements = self._deliver_pages(room, task)
            except BaseException as error:  # noqa: BLE001  # raised to the consumer at the end
                if not self._fail(task, _our_error(error)):
                    return
            else:
                self._finish(task, replacements=replacements)

    def _next_task(self) -> Task | None:
        with self._lock:
            self._idle += 1
        task = self._tasks.get()
        with self._lock:
            self._idle -= 1
        if isinstance(task, Task) and self._lease() is not None:
            return task
        self._tasks.put(None)  # for the other workers
        self.ring()  # if an interrupt has kept `close` from doing it
        return None

    def _deliver_pages(self, room: Room, task: Task) -> list[Task]:
        """Deliver the pages of a task. If it is divided, return the tasks that replace its rest."""
        if self._refusal is not None:
            raise with_checkpoint(self._refusal, task.pages.checkpoint)
        for page in task.pages:
            if not self._deliver(room, self._groups[task.group], task.jobs_to_deliver(page)):
                break
            if page.next_token is not None and self._idle > 0 and self._tasks.empty():
                replacements = task.divide(parts=2 * self._size)
                if replacements:
                    return replacements
        return []

    def _deliver(self, room: Room, group: Group, jobs: tuple[RestoreJob, ...]) -> bool:
        """Add a batch to the group; wait while the buffer is full. Return `False` to stop."""
        batch = Batch(jobs, pages=1)
        self._waiting.append(room)  # before looking for room, so that no news of it is missed
        while self._lease() is not None:
            with self._lock:
                # The group of the consumer always has room for one batch, so the pool never stalls.
                is_full = self._delivered - self._taken >= _BATCHES_PER_WORKER * self._size
                if not is_full or group.last is self.batch:
                    self._append(group, batch)
                    break
            room.get()
        self._waiting.remove(room)
        return self._lease() is not None

    def _append(self, group: Group, batch: Batch) -> None:
        self._delivered += batch.pages
        last, group.last = group.last, batch
        last.next = batch
        last.ring()

    def _fail(self, task: Task, error: RestoreJobsError) -> bool:
        """End a task with its error. Return whether the worker goes on.

        A throttled worker leaves its window to the others, and ends. If no other worker is busy,
        all are throttled, and the windows that nobody lists end with the same error.
        """
        if isinstance(error, ThrottlingException) and task.can_be_requeued:
            with self._lock:
                if self._alive - self._idle > 1:
                    self._alive -= 1
                    self._tasks.put(task)
                    return False
            self._refusal = with_checkpoint(error, None)
        self._finish(task, error)
        return True

    def _finish(
        self, task: Task, error: RestoreJobsError | None = None, replacements: Sequence[Task] = ()
    ) -> None:
        with suppress(Exception):  # a worker that ended here would leave the consumer waiting
            if error is not None:
                error.listing = task.listing
                error.add_note(f"while listing {task.listing!r}")
            if not replacements:
                task.close()
        with self._lock:
            if error is not None:
                self.failures.append(error)
            for one in replacements:
                self._tasks.put(one)
            self.done += not replacements
            self.unfinished += len(replacements) - 1
            group = self._groups[task.group]
            group.unfinished += len(replacements) - 1
            if group.unfinished == 0:
                self._append(group, group.end)
                del self._groups[task.group]
            if self.unfinished == 0:
                self._tasks.put(None)


def _our_error(error: BaseException) -> RestoreJobsError:
    if isinstance(error, RestoreJobsError):
        return error
    return TransportError(f"a worker failed: {clipped_repr(error)}")

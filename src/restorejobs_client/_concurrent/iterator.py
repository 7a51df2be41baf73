"""All iterators have one shape, for threads, tasks, interrupts and forks."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from functools import partial
from operator import length_hint
from typing import Generic, NoReturn, Self, TypeVar, cast

from restorejobs_client._core.errors import InvalidRequestError, RestoreJobsError
from restorejobs_client._core.interrupts import start_thread
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage
from restorejobs_client._paging.run import Run

_Item = TypeVar("_Item")


class ItemIterator(Iterator[_Item], Generic[_Item]):
    """Iterates over items that arrive several at a time.

    What has arrived is in `_items`. An item leaves it in the `for` line of `__next__`, and is
    returned without another call, so no interrupt can come between. When threads share an iterator,
    one of them fetches while the others wait, and each item goes to one of them. A signal handler
    may ask for an item while its own thread fetches: then the first to arrive counts. Only a watch
    refuses that.
    """

    _items: Iterator[_Item] = iter(())

    def __init__(self) -> None:
        self._lock, self._pid = threading.RLock(), os.getpid()

    @abstractmethod
    def _advance(self) -> float | None:
        """Put more items, or none, into `_items`.

        Return the seconds to wait before the next call, or `None` at the end.
        """

    def _pause(self, seconds: float) -> None:
        """Wait that long, or until the iterator is closed. Only a watch has to wait."""

    def __next__(self) -> _Item:
        while True:
            for item in self._items:
                return item
            pause = self._take_turn()
            if pause is None:
                raise StopIteration
            if pause > 0:
                self._pause(pause)

    def _take_turn(self) -> float | None:
        """Advance, unless another thread has just done so."""
        pid = os.getpid()
        if self._pid != pid:  # forked: a thread of the parent may hold the lock
            self._lock, self._pid = threading.RLock(), pid
        with self._lock:
            pause = 0.0 if length_hint(self._items) else self._advance()
            # A signal handler may have taken the last page meanwhile, but not all of its items.
            return 0.0 if pause is None and length_hint(self._items) else pause

    def __reduce_ex__(self, _: object) -> NoReturn:
        """Refuse to copy or pickle what has threads, a deadline or a connection.

        Raises:
            InvalidRequestError: always.
        """
        raise InvalidRequestError(
            f"a {type(self).__name__} cannot be copied or pickled: start from the listing again, "
            "or from a checkpoint"
        )


class JobIterator(ItemIterator[RestoreJob], AsyncIterator[RestoreJob]):
    """Iterates over jobs that arrive page by page, with `for` or `async for`.

    `async for` waits for each page on a thread. If the wait is cancelled, the page is not lost: the
    next job is taken from it. Several tasks can share an iterator.
    """

    _turn: _Turn | None = None

    async def _pause_async(self, seconds: float) -> None:
        """Wait that long on the event loop, or until the iterator is closed."""

    async def __anext__(self) -> RestoreJob:
        while True:
            for job in self._items:
                return job
            turn = self._turn
            if turn is None or turn.is_over or turn.pid != os.getpid():  # not that of a parent
                turn = _Turn()
                start_thread(partial(turn.take, self._take_turn))
                self._turn = turn
            await wait_on_loop(turn.waiting, turn.has_ended)
            if turn.error is not None:
                raise turn.error
            if turn.pause is None:
                raise StopAsyncIteration
            if turn.pause > 0:
                await self._pause_async(turn.pause)


class _Turn:
    """One call of `_take_turn` on a thread, and the tasks that wait for it.

    A future of `concurrent.futures` would have a lock that is Python code.
    """

    pause: float | None = None
    error: BaseException | None = None
    is_over = False

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.waiting: set[Callable[[], object]] = set()

    def has_ended(self) -> bool:
        return self.is_over

    def take(self, take_turn: Callable[[], float | None]) -> None:
        try:
            self.pause = take_turn()
        except BaseException as error:  # noqa: BLE001  # raised in the tasks
            self.error = error
        self.is_over = True
        wake_all(self.waiting)


async def wait_on_loop(
    waiting: set[Callable[[], object]], is_over: Callable[[], bool], seconds: float | None = None
) -> None:
    """Wait on the event loop until `wake_all` is called, if it is not over, or that long."""
    import asyncio  # noqa: PLC0415  # it is running

    woken = asyncio.Event()
    wake = partial(asyncio.get_running_loop().call_soon_threadsafe, woken.set)
    waiting.add(wake)
    try:
        if not is_over():
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), seconds)
    finally:
        waiting.discard(wake)


def wake_all(waiting: set[Callable[[], object]]) -> None:
    """Wake all tasks that wait on their event loops, from any thread."""
    for wake in tuple(waiting):
        with suppress(RuntimeError):  # its event loop has ended
            wake()


class ClosableIterator(JobIterator):
    """Iterates over jobs until it is closed, by `close` or by leaving a `with` block."""

    @abstractmethod
    def close(self) -> None:
        """End the iterator at once. Nothing is delivered or requested after that."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class _RunIterator(ItemIterator[_Item]):
    """The base class of the iterators over one run of a listing."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._items = cast("Iterator[_Item]", run.items)

    def _advance(self) -> float | None:
        if not self._run.advance():
            return None
        self._items = cast("Iterator[_Item]", self._run.items)
        return 0.0

    def __copy__(self) -> Self:
        return type(self)(copy(self._run))

    def __deepcopy__(self, _: object) -> Self:
        return type(self)(copy(self._run))

    @property
    def checkpoint(self) -> str:
        """The exact position after the last job or page that was returned.

        Pass it to `resume` or `resume_from`. It is one line of text without spaces, and holds the
        filters, the page token and a hash of job ids. It is always available: before the first
        job, after the last one, and after an error.
        """
        return self._run.checkpoint

    @property
    def has_ended(self) -> bool:
        """Whether the listing has no more jobs after what was returned.

        It is `False` where only the `limit` of this run has ended it.
        """
        return self._run.has_ended

    @contextmanager
    def _moved_back_on_error(self) -> Generator[None]:
        """Move back to this position if a table fails, because nobody has its jobs."""
        run = copy(self._run)
        try:
            yield
        except BaseException as error:
            self._run, self._items = run, cast("Iterator[_Item]", run.items)
            if isinstance(error, RestoreJobsError):
                error.checkpoint = self.checkpoint
            raise


class RestoreJobIterator(_RunIterator[RestoreJob], JobIterator):
    """Iterates over the jobs of a listing, in one run, with `for` or `async for`.

    After an error, `next()` requests the same page again, so an error never looks like the end.
    Threads and tasks may share it: each job goes to one of them. A copy continues on its own.

    Examples:
        >>> from restorejobs_client.testing import fake_backup, sample_jobs
        >>> jobs = sample_jobs(100)
        >>> with fake_backup(jobs) as backup:
        ...     client = backup.client()
        ...     iterator = iter(client.list_restore_jobs())
        ...     first = next(iterator)
        ...     rest = list(client.resume(iterator.checkpoint))
        >>> [first, *rest] == jobs
        True
    """


class RestoreJobPageIterator(_RunIterator[RestoreJobPage]):
    """Iterates over pages of jobs. After an error, `next()` requests the same page again."""

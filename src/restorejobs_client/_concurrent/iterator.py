"""All iterators have one shape, for threads, tasks, interrupts and forks."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from operator import length_hint
from typing import Generic, NoReturn, Self, TypeVar

from restorejobs_client._core.errors import InvalidRequestError, RestoreJobsError
from restorejobs_client._core.interrupts import Bell, Call
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
        self._closing = Bell()  # ends a pause

    @abstractmethod
    def _advance(self) -> float | None:
        """Put more items, or none, into `_items`.

        Return the seconds to wait before the next call, or `None` at the end.
        """

    def __next__(self) -> _Item:
        while True:
            for item in self._items:
                return item
            pause = self._take_turn()
            if pause is None:
                raise StopIteration
            if pause > 0:
                self._closing.wait(pause)

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

    _turn: Call[float | None] | None = None

    async def __anext__(self) -> RestoreJob:
        while True:
            for job in self._items:
                return job
            turn = self._turn
            try:
                if turn is None or turn.has_rung:
                    turn = self._turn = Call(self._take_turn)
                await turn.wait_on_loop()
                pause = turn.result()
            except RestoreJobsError as error:
                error.checkpoint = error.checkpoint or getattr(self, "checkpoint", None)
                raise
            if pause is None:
                raise StopAsyncIteration
            if pause > 0:
                await self._closing.wait_on_loop(pause)


class ClosableIterator(JobIterator):
    """Iterates over jobs until it is closed, by `close` or by leaving a `with` block."""

    @abstractmethod
    def close(self) -> None:
        """End the iterator at once. After that, it delivers no job and requests no other page."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class RestoreJobIterator(Run[RestoreJob], JobIterator):
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


class RestoreJobPageIterator(Run[RestoreJobPage], ItemIterator[RestoreJobPage]):
    """Iterates over pages of jobs. After an error, `next()` requests the same page again."""

    _by_page = True

"""The jobs of listings that are fetched concurrently, as one iterator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from operator import length_hint
from typing import Final, TypeVar

from restorejobs_client._concurrent.iterator import ClosableIterator
from restorejobs_client._concurrent.pool import WorkerPool
from restorejobs_client._core.errors import (
    InvalidRequestError,
    RestoreJobsErrorGroup,
    with_checkpoint,
)
from restorejobs_client._core.progress import ProgressBar
from restorejobs_client._core.text import counted
from restorejobs_client._models.jobs import RestoreJob
from restorejobs_client._outputs.arrow import ArrowExport

_Made = TypeVar("_Made")
_AGAIN: Final = "call parallel or gather again"
_TAKEN: Final = f"a table, a summary or a reader has taken jobs of this stream: {_AGAIN}"
_DELIVERED: Final = f"the jobs of this stream were delivered already: {_AGAIN}"
_NO_JOBS: Final[Iterator[RestoreJob]] = iter(())


class RestoreJobStream(ArrowExport, ClosableIterator):
    """The jobs of several listings, which `parallel` and `gather` return.

    No request is sent before you ask for the first job. To end the threads, close the stream (from
    any thread or signal handler), leave its `with` or `async with` block, or drop it. It also works
    in `async for`, without blocking the event loop. After Ctrl-C or a cancelled wait, iterating
    again continues with the next job. A table, a summary or a reader takes all that are left. If it
    fails, they are lost, and iterating raises InvalidRequestError.

    Its errors come last, as a `RestoreJobsErrorGroup`. Each further `next()` raises that again,
    while an iterator over one listing and a watch request the page again.
    """

    def __init__(self, pool: WorkerPool, bar: ProgressBar) -> None:
        super().__init__()
        self._pool = pool
        self._bar = bar
        self._workers_pid: int | None = None  # of the process that has the workers
        self._has_started = False
        self._readers: dict[str, object] = {}  # by `setdefault`, one becomes the "table"
        self._table_jobs: list[RestoreJob] = []  # taken, but not returned to it yet
        self._has_ended = self._is_closed = False
        self._lease: object = pool.lease()

    def close(self) -> None:
        """End the threads. The remaining jobs are not delivered."""
        self._is_closed = self._is_closed or not self._has_ended
        self._has_ended = True
        self._items = _NO_JOBS
        self._lease = None  # this ends the workers, even if an interrupt comes now
        self._pool.ring()
        self._bar.end()

    def _advance(self) -> float | None:
        if self._readers and not self._is_closed:
            raise InvalidRequestError(_TAKEN)
        if not self._take_batch():
            return None
        self._items = self._pool.batch.jobs
        if self._is_closed:  # in the meantime
            self._items = _NO_JOBS
        return 0.0

    def _start(self) -> None:
        """Start the workers, again if an interrupt came between; but not in the child of a fork."""
        if self._workers_pid is None:
            self._workers_pid = os.getpid()
        if self._pool.unfinished and self._workers_pid == os.getpid():
            self._bar.begin()
            if not self._has_started:
                self._pool.start()
            self._has_started = True

    def _take_batch(self) -> bool:
        """Take the next batch of the pool. Return `False` at the end."""
        pool = self._pool
        if self._has_ended:
            self._bar.end()  # closed while it was made
            return False
        try:
            self._start()
            while not length_hint((batch := pool.batch).jobs):
                if batch is pool.end:
                    self._draw_bar()
                    self._end()
                    return False
                if self._workers_pid != os.getpid():  # also after a fork while it waited
                    raise InvalidRequestError(  # noqa: TRY301  # ends the bar
                        f"the threads of this stream are in the process that has forked: {_AGAIN}"
                    )
                pool.take_batch(batch)
                if self._has_ended:  # closed while it waited
                    self._bar.end()
                    return False
                if pool.batch.pages:
                    self._bar.add_page(length_hint(pool.batch.jobs))
            self._draw_bar()
        except BaseException:
            self._bar.end()
            raise
        return True

    def _end(self) -> None:
        failures = self._pool.failures
        if failures:
            failed = counted(len(failures), "listing")
            message = f"{failed} failed; resume each from its checkpoint"
            if self._readers:  # whose jobs nobody has received
                message = f"{failed} failed, so there is no table and no summary: {_AGAIN}"
                failures = [with_checkpoint(failure, None) for failure in failures]
            raise RestoreJobsErrorGroup(message, failures)
        self._has_ended = True
        self._bar.end()

    def _draw_bar(self) -> None:
        pool = self._pool
        left, failed = f"{pool.unfinished:,} to go", f"{len(pool.failures):,} failed"
        self._bar.show(pool.done, left, failed, counted(self._bar.jobs, "job"))

    def _job_pages(self) -> Iterator[list[RestoreJob]]:
        if self._has_ended:
            raise InvalidRequestError(_DELIVERED)
        # Unlike a generator, this does not end after an error.
        return iter(partial(self._table_page, object()), None)

    def _make_whole(self, make: Callable[[], _Made]) -> _Made:
        """Return what is made of all jobs. Only once it is out, the stream looks ended."""
        made = make()
        self._readers = {}
        return made

    def _table_page(self, reader: object) -> list[RestoreJob] | None:
        if self._has_ended and not self._is_closed and not self._readers:
            raise InvalidRequestError(_DELIVERED)
        if self._readers.setdefault("table", reader) is not reader:
            raise InvalidRequestError(_TAKEN)
        page = self._table_jobs
        while not page and self._take_batch():
            page.extend(self._pool.batch.jobs)  # in C, so each job goes to one reader
        if page:
            self._table_jobs = []
            return page
        if self._is_closed:
            raise InvalidRequestError(f"the stream was closed before the table was whole: {_AGAIN}")
        return None

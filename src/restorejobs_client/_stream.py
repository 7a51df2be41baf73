"""The jobs of listings that are fetched concurrently, as one iterator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future
from itertools import chain
from typing import Self

from restorejobs_client._arrow import ArrowExport
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._extras import asyncio
from restorejobs_client._models import RestoreJob
from restorejobs_client._pool import WorkerPool
from restorejobs_client._progress import ProgressBar
from restorejobs_client._threads import start_call

Page = tuple[RestoreJob, ...]


class RestoreJobStream(ArrowExport, Iterator[RestoreJob]):
    """The jobs of several listings, which `parallel` and `gather` return.

    No request is sent before you ask for the first job. To end the threads, close the stream, leave
    its `with` block or drop it. It also works in `async for`, without blocking the event loop.
    After an error, `next()` raises the same error again, so an error never looks like the end.
    """

    def __init__(self, pool: WorkerPool, bar: ProgressBar | None) -> None:
        self._stop = pool.stop
        self._pages = pool.pages(bar)
        self._jobs: Iterator[RestoreJob] = iter(())
        self._has_ended = False
        self._failure: BaseException | None = None
        self._pending: Future[Page | None] | None = None  # the page that `async for` waits for

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __next__(self) -> RestoreJob:
        for job in self._jobs:
            return job
        while (page := self._next_page()) is not None:
            self._jobs = iter(page)
            for job in self._jobs:
                return job
        raise StopIteration

    async def __aiter__(self) -> AsyncIterator[RestoreJob]:
        """Iterate with `async for`, without blocking the event loop.

        Cancelling ends the wait at once. The next `async for` continues with the next job.
        """
        while True:
            for job in self._jobs:
                yield job
            # If the wait is cancelled, the next one gets the page.
            self._pending = self._pending or start_call(self._next_page)
            page = await asyncio.shield(asyncio.wrap_future(self._pending))
            self._pending = None
            if page is None:
                return
            self._jobs = iter(page)

    def _next_page(self) -> Page | None:
        if self._failure is not None:
            raise self._failure
        try:
            page = next(self._pages, None)
        except BaseException as error:
            self._failure = error
            raise
        self._has_ended = page is None
        return page

    def close(self) -> None:
        """End the threads. The remaining jobs are not delivered."""
        self._jobs = iter(())
        self._stop()
        if self._pending is None:  # otherwise, a thread is running the generator, which then ends
            self._pages.close()

    def _job_pages(self) -> Iterator[Sequence[RestoreJob]]:
        if self._has_ended:
            raise InvalidRequestError(
                "the jobs of this stream have already been delivered: call parallel or gather "
                "again to get a table"
            )
        return chain([tuple(self._jobs)], iter(self._next_page, None))

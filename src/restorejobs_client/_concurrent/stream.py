"""The jobs of listings that are fetched concurrently, as one iterator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Self

from restorejobs_client._concurrent.iterator import JobIterator
from restorejobs_client._concurrent.pool import WorkerPool
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.progress import ProgressBar
from restorejobs_client._models.jobs import RestoreJob
from restorejobs_client._outputs.arrow import ArrowExport


class RestoreJobStream(ArrowExport, JobIterator):
    """The jobs of several listings, which `parallel` and `gather` return.

    No request is sent before you ask for the first job. To end the threads, close the stream, leave
    its `with` block or drop it. It also works in `async for`, without blocking the event loop:
    cancelling ends the wait at once, and the next `async for` continues with the next job. After an
    error, `next()` raises the same error again, so an error never looks like the end.
    """

    def __init__(self, pool: WorkerPool, bar: ProgressBar) -> None:
        self._stop = pool.stop
        self._pages = pool.pages(bar)
        self._has_ended = False
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fetch(self) -> bool:
        self._jobs = iter(self._next_page() or ())
        return not self._has_ended

    def _next_page(self) -> tuple[RestoreJob, ...] | None:
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
        if self._running_call is None:  # otherwise, a thread runs the generator, which then ends
            self._pages.close()

    def _job_pages(self) -> Iterator[Sequence[RestoreJob]]:
        if self._has_ended:
            raise InvalidRequestError(
                "the jobs of this stream have already been delivered: call parallel or gather "
                "again to get a table"
            )
        return chain([tuple(self._jobs)], iter(self._next_page, None))

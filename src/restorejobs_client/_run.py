"""One run of a listing: it fetches pages, and adds a checkpoint to every error."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from restorejobs_client._cursor import Cursor, FetchPage, Listing
from restorejobs_client._errors import RestoreJobsError, TransportError
from restorejobs_client._models import RestoreJobPage
from restorejobs_client._progress import ProgressBar
from restorejobs_client._threads import run_in_thread


class ListingRun(Cursor):
    """A cursor that fetches its pages. After an error, it requests the same page again."""

    def __init__(self, listing: Listing, fetch: FetchPage) -> None:
        super().__init__(listing)
        self._fetch = fetch
        self._progress = ProgressBar("jobs", listing.limit) if listing.progress else None

    def next_page(self) -> bool:
        """Fetch the next page. Return `False` at the end.

        Raises:
            RestoreJobsError: the request failed. The error has the checkpoint to resume from.
        """
        with self._request() as parameters:
            if parameters is not None:
                self._receive(self._fetch(parameters))
        return parameters is not None

    async def next_page_async(self) -> bool:
        """Do the same without blocking the event loop. Cancelling does not change the position."""
        with self._request() as parameters:
            if parameters is not None:
                self._receive(await run_in_thread(lambda: self._fetch(parameters)))
        return parameters is not None

    def has_page(self) -> bool:
        """Return whether there is a page to take. Fetch one if necessary."""
        return self.has_new_page or self.next_page()

    async def has_page_async(self) -> bool:
        """Do the same without blocking the event loop."""
        return self.has_new_page or await self.next_page_async()

    def _receive(self, page: RestoreJobPage) -> None:
        count = self.accept(page)
        if self._progress is not None:
            self._progress.add_page(count)
            self._progress.show(self._progress.jobs)
            if self.has_ended:
                self._progress.end()

    @contextmanager
    def _request(self) -> Generator[dict[str, object] | None]:
        """Yield the parameters of a request, or `None` at the end. Add a checkpoint to errors."""
        try:
            parameters = self.next_parameters()
            if parameters is not None:
                if self._progress is not None:
                    self._progress.begin()
                self.forget_delivered()
            yield parameters
        except BaseException as error:
            if self._progress is not None:
                self._progress.end()
            if isinstance(error, RestoreJobsError):
                error.checkpoint = self.checkpoint
            if isinstance(error, RecursionError):
                # Created without calling Python code, because the stack may be full.
                ours = TransportError.__new__(TransportError)
                ours.args = ("the call failed: the recursion limit is too low",)
                ours.kwargs = {}
                raise ours from None
            raise

"""One run of a listing: it asks for pages, keeps the place, and gives every error a checkpoint."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from restorejobs_client._cursor import Cursor, FetchPage, Listing
from restorejobs_client._errors import RestoreJobsError, TransportError
from restorejobs_client._models import RestoreJob, RestoreJobPage
from restorejobs_client._progress import ProgressBar
from restorejobs_client._threads import on_a_thread


class ListingRun:
    """A cursor and the function that fetches its pages.

    After an error the same page is asked for again.
    """

    def __init__(self, listing: Listing, fetch: FetchPage) -> None:
        self._cursor = Cursor(listing)
        self._fetch = fetch
        self._progress = ProgressBar("jobs", listing.limit) if listing.progress else None

    @property
    def jobs(self) -> Iterator[RestoreJob]:
        """The jobs of the current page that are still to be handed out."""
        return self._cursor.jobs

    @property
    def checkpoint(self) -> str:
        """The exact place after the last job handed out, for `resume` and `resume_from`.

        One line of text without spaces that holds the filters, the page token and hashes of job
        ids. It is there from before the first job until after the last.
        """
        return self._cursor.checkpoint

    def next_page(self) -> bool:
        """Ask for the next page; `False` at the end.

        Raises:
            RestoreJobsError: of any kind, with the checkpoint to go on from.
        """
        with self._reporting():
            parameters = self._cursor.next_parameters()
            if parameters is None:
                return False
            self._before_request()
            self._after_answer(self._fetch(parameters))
        return True

    async def next_page_async(self) -> bool:
        """Do the same without blocking the event loop; cancelling keeps the place."""
        with self._reporting():
            parameters = self._cursor.next_parameters()
            if parameters is None:
                return False
            self._before_request()
            self._after_answer(await on_a_thread(lambda: self._fetch(parameters)))
        return True

    def has_page(self) -> bool:
        """Whether there is a page to take; asks for one if need be."""
        return self._cursor.has_new_page or self.next_page()

    async def has_page_async(self) -> bool:
        """Do the same without blocking the event loop."""
        return self._cursor.has_new_page or await self.next_page_async()

    def take_page(self) -> RestoreJobPage:
        """Return what is left of the current page."""
        return self._cursor.take_page()

    def _before_request(self) -> None:
        if self._progress is not None:
            self._progress.begin()
        self._cursor.forget_delivered()

    def _after_answer(self, page: RestoreJobPage) -> None:
        count = self._cursor.accept(page)
        if self._progress is not None:
            self._progress.add_page(count)
            self._progress.show(self._progress.jobs)
            if self._cursor.has_ended:
                self._progress.end()

    @contextmanager
    def _reporting(self) -> Generator[None]:
        try:
            yield
        except BaseException as error:
            if self._progress is not None:
                self._progress.end()
            if isinstance(error, RestoreJobsError):
                error.checkpoint = self.checkpoint
            if isinstance(error, RecursionError):
                # Made without a call of Python code, for which there may be no room.
                ours = TransportError.__new__(TransportError)
                ours.args = ("the call failed: the recursion limit is too low",)
                ours.kwargs = {}
                raise ours from None
            raise

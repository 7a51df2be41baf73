"""One run of a listing: it fetches pages, and adds a checkpoint to every error."""

from __future__ import annotations

from operator import length_hint

from restorejobs_client._core.errors import RestoreJobsError, TransportError
from restorejobs_client._core.progress import ProgressBar
from restorejobs_client._paging.cursor import Cursor, FetchPage, Listing


class ListingRun(Cursor):
    """A cursor that fetches its pages. After an error, it requests the same page again."""

    def __init__(self, listing: Listing, fetch: FetchPage) -> None:
        super().__init__(listing)
        self._fetch = fetch
        self._bar = ProgressBar("jobs", listing.limit, wanted=listing.progress)

    def next_page(self) -> bool:
        """Fetch the next page. Return `False` at the end.

        Raises:
            RestoreJobsError: the request failed. The error has the checkpoint to resume from.
        """
        try:
            if self.has_ended:
                return False
            self._bar.begin()
            self.forget_delivered()
            self._bar.add_page(self.accept(self._fetch(self.next_parameters())))
        except BaseException as error:
            self._bar.end()
            if isinstance(error, RestoreJobsError):
                error.checkpoint = self.checkpoint
            if isinstance(error, RecursionError):
                # Created without calling Python code, because the stack may be full.
                ours = TransportError.__new__(TransportError)
                ours.args = ("the call failed: the recursion limit is too low",)
                raise ours from None
            raise
        self._bar.show(self._bar.jobs)
        if self.has_ended:
            self._bar.end()
        return True

    def has_page(self) -> bool:
        """Return whether the current page has jobs left, or else whether there is a next page.

        Raises:
            RestoreJobsError: as for `next_page`.
        """
        return length_hint(self.jobs) > 0 or self.next_page()

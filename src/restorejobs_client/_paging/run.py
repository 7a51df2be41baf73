"""One run of a listing: it fetches pages, and adds a checkpoint to every error."""

from __future__ import annotations

from operator import length_hint

from restorejobs_client._core.errors import RestoreJobsError, TransportError
from restorejobs_client._core.progress import ProgressBar
from restorejobs_client._paging.cursor import Cursor, FetchPage, Query


class Run(Cursor):
    """A cursor that fetches its pages. After an error, it requests the same page again."""

    def __init__(
        self, query: Query, fetch: FetchPage | None = None, *, by_page: bool = False
    ) -> None:
        super().__init__(query, by_page=by_page)
        self._fetch = fetch or query.fetch
        self._bar = ProgressBar("jobs", query.limit, wanted=query.progress)

    def advance(self) -> bool:
        """Fetch the next page, unless a page has items left. Return `False` at the end.

        Raises:
            RestoreJobsError: the request failed. The error has the checkpoint to resume from.
        """
        try:
            self.forget_delivered()
            state = self.state
            if length_hint(state.arrival.items):  # from an interrupted call or a signal handler
                return True
            if self.is_done:
                return False
            self._bar.begin()
            page = self._fetch(self.next_parameters(state))
            self._bar.add_page(self.accept(page, state))
        except RecursionError:
            self._bar.end()
            ours = TransportError("the call failed: the recursion limit is too low")
            ours.checkpoint = self.checkpoint
            raise ours from None
        except BaseException as error:
            self._bar.end()
            if isinstance(error, RestoreJobsError):
                error.checkpoint = self.checkpoint
            raise
        self._bar.show(self._bar.jobs)
        if self.is_done:
            self._bar.end()
        return True

"""What to list, and the position of a run in it. This module sends no requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from operator import length_hint
from typing import Final, NamedTuple, cast

from restorejobs_client._core.errors import PaginationError
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage
from restorejobs_client._models.parameters import aws_parameters, filter_texts
from restorejobs_client._paging.checkpoint import START, Checkpoint, Position, write_checkpoint
from restorejobs_client._paging.windows import UNBOUNDED, Window

FetchPage = Callable[[dict[str, object]], RestoreJobPage]
_HASH_BYTES: Final = 8


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Everything that a run of a listing needs.

    Attributes:
        parameters: the checked parameters of the operation, by their snake_case names.
        origin: the region, and the profile and endpoint if they were given, for `repr`.
        window: the part of the listing to list, by creation date.
        start: where runs start.
        started_by: the name of the parameter that set `start`, if one did.
        limit: the largest number of jobs that a run yields.
        progress: whether runs show a progress bar.
    """

    parameters: Mapping[str, object]
    origin: Mapping[str, str]
    window: Window = UNBOUNDED
    start: Position = START
    started_by: str | None = None
    limit: int | None = None
    progress: bool = False

    def described(self) -> dict[str, object]:
        """Return the origin, filters, window and limit that `repr` shows."""
        lower, upper = self.window.lower, self.window.upper
        described: dict[str, object] = {
            **self.origin,
            **filter_texts(self.parameters),
            "from": lower and lower.isoformat(),
            "to": upper and upper.isoformat(),
            "limit": self.limit,
        }
        if self.started_by is not None:
            described[self.started_by] = "…"
        return {name: value for name, value in described.items() if value is not None}


class _Page(NamedTuple):
    """The current page.

    Attributes:
        token: the page token that requested it.
        jobs: all of its jobs, including those that an earlier run has delivered.
        stop: where to stop in `jobs`: at their end, or earlier because of `limit`.
        rest: the jobs that have not been delivered yet.
    """

    token: str | None
    jobs: tuple[RestoreJob, ...] = ()
    stop: int = 0
    rest: Iterator[RestoreJob] = iter(())

    @property
    def delivered(self) -> int:
        return self.stop - length_hint(self.rest)


class _State(NamedTuple):
    """What changes during a run. It is replaced as a whole, so an interrupt cannot corrupt it.

    Attributes:
        next_token: the page token of the next request; `None` requests the first page.
        ended: whether the last page has arrived.
        left: how many more jobs `limit` allows on later pages.
        page: the current page.
        resuming: the position to resume from, until its whole page has arrived.
        arrived: the jobs of that page that have arrived so far.
    """

    next_token: str | None
    ended: bool
    left: int | None
    page: _Page
    resuming: Position | None = None
    arrived: tuple[RestoreJob, ...] = ()


class Cursor:
    """The position of a run in a listing. It says what to request next, and accepts the pages.

    A request that fails does not change the position.
    """

    def __init__(self, listing: Listing) -> None:
        start = listing.start
        self._listing = listing
        self._parameters = aws_parameters(listing.window.narrow(listing.parameters))
        self._page_size = cast("int", listing.parameters["max_results"])
        self._used_tokens: set[bytes] = set()
        self._state = _State(
            next_token=start.token,
            ended=start.ended or listing.window.is_empty,
            left=listing.limit,
            page=_Page(start.token),
            resuming=start if start.delivered else None,
        )

    @property
    def jobs(self) -> Iterator[RestoreJob]:
        """The jobs of the current page that have not been delivered yet."""
        return self._state.page.rest

    @property
    def checkpoint(self) -> str:
        """The exact position after the last delivered job, as text."""
        listing = self._listing
        filters = filter_texts(listing.parameters)
        region_name = listing.origin.get("region_name")
        return write_checkpoint(Checkpoint(self._position(), listing.window, region_name, filters))

    def _position(self) -> Position:
        state, page = self._state, self._state.page
        if state.resuming is not None:
            return state.resuming
        if page.delivered == len(page.jobs):
            return Position(token=state.next_token, ended=state.ended)
        if page.delivered == 0:
            return Position(token=page.token)
        delivered = page.jobs[: page.delivered]
        return Position(page.token, len(delivered), _hash_of_ids(delivered))

    def next_parameters(self) -> dict[str, object]:
        """Return the parameters of the next request, for boto3."""
        state = self._state
        parameters = dict(self._parameters)
        if state.left is not None:
            repeated = 0  # jobs that were delivered, but must be requested again
            if state.resuming is not None:
                repeated = state.resuming.delivered - len(state.arrived)
            parameters["MaxResults"] = min(self._page_size, state.left + repeated)
        if state.next_token is not None:
            parameters["NextToken"] = state.next_token
        return parameters

    @property
    def has_ended(self) -> bool:
        """Whether there is no next request."""
        return self._state.ended or self._state.left == 0

    def accept(self, page: RestoreJobPage) -> int:
        """Accept the page that `next_parameters` requested. Return how many jobs it adds.

        Raises:
            PaginationError: its token was used before. The position does not change.
        """
        state = self._state
        next_token = page.next_token or None  # AWS ends some listings with ""
        if state.next_token is not None:
            self._used_tokens.add(_token_hash(state.next_token))
        if next_token is not None and _token_hash(next_token) in self._used_tokens:
            raise PaginationError(
                "the service returned a page token that this listing has used before, so the "
                "listing would repeat jobs or never end: try again from the checkpoint"
            )
        jobs = self._listing.window.keep(page.restore_jobs)
        token, delivered = state.next_token, 0
        if state.resuming is not None:
            jobs = state.arrived + jobs
            if len(jobs) < state.resuming.delivered and next_token is not None:
                # Pages are smaller now, so the page of the checkpoint arrives in parts.
                self._state = state._replace(next_token=next_token, arrived=jobs)
                return 0
            jobs, delivered = _delivered_first(jobs, state.resuming)
            token = state.page.token
        left = len(jobs) - delivered if state.left is None else state.left
        stop = min(len(jobs), delivered + left)
        count = stop - delivered
        self._state = _State(
            next_token=next_token,
            ended=next_token is None,
            left=None if state.left is None else state.left - count,
            page=_Page(token, jobs, stop, iter(jobs[delivered:stop])),
        )
        return count

    def take_rest(self) -> RestoreJobPage:
        """Return the rest of the current page."""
        state, page = self._state, self._state.page
        is_cut = page.stop < len(page.jobs)
        taken = RestoreJobPage(
            restore_jobs=page.jobs[page.delivered : page.stop],
            next_token=None if is_cut else state.next_token,
        )
        self._state = state._replace(page=page._replace(rest=iter(())))
        return taken

    def forget_delivered(self) -> None:
        """Free the memory of a delivered page before the next one is decoded."""
        state = self._state
        if state.page.delivered == len(state.page.jobs) and state.resuming is None:
            self._state = state._replace(page=_Page(state.next_token))


def _token_hash(token: str) -> bytes:
    return blake2b(token.encode(), digest_size=_HASH_BYTES).digest()


def _hash_of_ids(jobs: tuple[RestoreJob, ...]) -> str:
    """Return a hash of the ids of jobs. A job without an id is hashed as a whole."""
    digest = blake2b(digest_size=_HASH_BYTES)
    for job in jobs:
        text = job.restore_job_id or repr(job.to_dict())
        digest.update(text.encode(errors="surrogatepass") + b"\n")
    return digest.hexdigest()


def _delivered_first(
    jobs: tuple[RestoreJob, ...], position: Position
) -> tuple[tuple[RestoreJob, ...], int]:
    """Return the jobs with the delivered ones moved to the front, and the number of those.

    The delivered jobs follow each other. They are at the start of the page, or further on if new
    jobs were added before them. If the page has changed in any other way, they are not found, and
    all jobs are delivered again. Delivering a job twice is better than losing it.
    """
    for end in range(position.delivered, len(jobs) + 1):
        start = end - position.delivered
        found = jobs[start:end]
        if _hash_of_ids(found) == position.digest:
            return found + jobs[:start] + jobs[end:], position.delivered
    return jobs, 0

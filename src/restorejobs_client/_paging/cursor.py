"""What to list, and the position of a run in it. This module sends no requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from hashlib import blake2b
from operator import length_hint
from typing import Final, NamedTuple, Self, cast

from msgspec.structs import replace

from restorejobs_client._core.clock import Clock
from restorejobs_client._core.errors import PaginationError
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage
from restorejobs_client._models.parameters import aws_parameters, filter_texts
from restorejobs_client._paging.checkpoint import START, Checkpoint, Position, write_checkpoint
from restorejobs_client._paging.windows import UNBOUNDED, Window

FetchPage = Callable[[dict[str, object]], RestoreJobPage]
_HASH_BYTES: Final = 8


@dataclass(frozen=True, kw_only=True)
class Query:
    """What to list, and how.

    Attributes:
        parameters: the checked parameters of the operation, by their snake_case names.
        origin: the region, and the profile and endpoint if they were given, for `repr`.
        window: the part of the listing to list, by creation date.
        start: where runs start.
        started_by: the name of the parameter that set `start`, if one did.
        limit: the largest number of jobs that a run yields.
        progress: whether runs show a progress bar.
        fetch: fetches a page with the client.
        close: closes the connections of the client until it is used again.
        new_clock: returns the clock of a watch.
    """

    parameters: Mapping[str, object]
    origin: Mapping[str, str]
    fetch: FetchPage
    close: Callable[[], object]
    new_clock: Callable[[], Clock]
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


class _Arrival(NamedTuple):
    """The page that arrived last.

    Attributes:
        token: the page token that requested it.
        jobs: all of its jobs. Those that an earlier run has delivered come first.
        begin: the index of the first job that this run delivers.
        end: the index after the last one. `limit` may cut the page there.
        items: what was not handed over yet: the jobs, or a page of all of them.
    """

    token: str | None
    jobs: tuple[RestoreJob, ...] = ()
    begin: int = 0
    end: int = 0
    items: Iterator[RestoreJob] | Iterator[RestoreJobPage] = iter(())

    def delivered(self, *, by_page: bool) -> int:
        """Return how many of the jobs were delivered."""
        return self.end - length_hint(self.items) * (self.end - self.begin if by_page else 1)


class State(NamedTuple):
    """What changes during a run. It is replaced as a whole, so an interrupt cannot corrupt it.

    Attributes:
        next_token: the page token of the next request; `None` requests the first page.
        ended: whether the last page has arrived.
        left: how many more jobs `limit` allows on later pages.
        arrival: the page that arrived last.
        resuming: the position to resume from, until its whole page has arrived.
        arrived: the jobs of that page that have arrived so far.
    """

    next_token: str | None
    ended: bool
    left: int | None
    arrival: _Arrival
    resuming: Position | None = None
    arrived: tuple[RestoreJob, ...] = ()


class Cursor:
    """The position of a run in a listing. It says what to request next, and accepts the pages.

    A request that fails does not change the position. It moves when a job is handed over.

    Args:
        query: what to list.
        by_page: whether pages are handed over instead of jobs.
    """

    def __init__(self, query: Query, *, by_page: bool = False) -> None:
        start = query.start
        self._query = query
        self._by_page = by_page
        self._parameters = aws_parameters(query.window.narrow(query.parameters))
        self._page_size = cast("int", query.parameters["max_results"])
        self._used_tokens: set[bytes] = set()
        self._state = State(
            next_token=start.token,
            ended=start.ended or query.window.is_empty,
            left=query.limit,
            arrival=_Arrival(start.token),
            resuming=start if start.delivered else None,
        )

    def __copy__(self) -> Self:
        """Return a cursor at the same position, which moves independently."""
        state, twin = self._state, type(self).__new__(type(self))
        arrival = state.arrival._replace(items=copy(state.arrival.items))
        twin.__dict__ |= self.__dict__ | {
            "_state": state._replace(arrival=arrival),
            "_used_tokens": set(self._used_tokens),
        }
        return twin

    @property
    def items(self) -> Iterator[RestoreJob] | Iterator[RestoreJobPage]:
        """What has arrived but was not handed over yet: jobs, or a page."""
        return self._state.arrival.items

    @property
    def checkpoint(self) -> str:
        """The exact position after the last job that was handed over, as text."""
        query = self._query
        filters = filter_texts(query.parameters)
        region_name = query.origin.get("region_name")
        return write_checkpoint(Checkpoint(self._position(), query.window, region_name, filters))

    @property
    def has_ended(self) -> bool:
        """Whether the listing has no more jobs, apart from `limit`, after the last one."""
        return self._position().ended

    def _position(self) -> Position:
        state, arrival = self._state, self._state.arrival
        if state.resuming is not None:
            return state.resuming
        delivered = arrival.jobs[: arrival.delivered(by_page=self._by_page)]
        if len(delivered) == len(arrival.jobs):
            return Position(token=state.next_token, ended=state.ended)
        if not delivered:
            return Position(token=arrival.token)
        return Position(arrival.token, len(delivered), _hash_of_ids(delivered))

    @property
    def state(self) -> State:
        """What `next_parameters` and `accept` need to belong together."""
        return self._state

    def next_parameters(self, state: State) -> dict[str, object]:
        """Return the parameters of the next request, for boto3."""
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
    def is_done(self) -> bool:
        """Whether there is no next request."""
        return self._state.ended or self._state.left == 0

    def accept(self, page: RestoreJobPage, state: State) -> int:
        """Accept the page that was requested in a state. Return how many jobs it adds.

        If the state has changed since, a signal handler has gone on, and the page is dropped.

        Raises:
            PaginationError: its token was used before. The position does not change.
        """
        next_token = page.next_token or None  # "" may end a listing too
        if state.next_token is not None:
            self._used_tokens.add(_token_hash(state.next_token))
        is_used = next_token is not None and _token_hash(next_token) in self._used_tokens
        if is_used and self._state is state:
            raise PaginationError(
                "the service returned a page token that this listing has used before, so the "
                "listing would repeat jobs or never end: try again from the checkpoint"
            )
        jobs = self._query.window.keep(page.restore_jobs)
        token, begin = state.next_token, 0
        if state.resuming is not None:
            jobs = state.arrived + jobs
            if len(jobs) < state.resuming.delivered and next_token is not None:
                # Pages are smaller now, so the page of the checkpoint arrives in parts.
                return self._move(state, state._replace(next_token=next_token, arrived=jobs), 0)
            jobs, begin = _delivered_first(jobs, state.resuming)
            token = state.arrival.token
        left = len(jobs) - begin if state.left is None else state.left
        end = min(len(jobs), begin + left)
        mine = jobs[begin:end]
        # The token of a page that `limit` cuts would skip jobs.
        shown = replace(
            page, restore_jobs=mine, next_token=next_token if end == len(jobs) else None
        )
        items = iter((shown,)) if self._by_page else iter(mine)
        following = State(
            next_token=next_token,
            ended=next_token is None,
            left=None if state.left is None else state.left - len(mine),
            arrival=_Arrival(token, jobs, begin, end, items),
        )
        return self._move(state, following, len(mine))

    def _move(self, state: State, following: State, jobs: int) -> int:
        if self._state is state:
            self._state = following
            return jobs
        return 0

    def forget_delivered(self) -> None:
        """Free the memory of a delivered page before the next one is decoded."""
        state, arrival = self._state, self._state.arrival
        if arrival.jobs and arrival.delivered(by_page=self._by_page) == len(arrival.jobs):
            self._move(state, state._replace(arrival=_Arrival(state.next_token)), 0)


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

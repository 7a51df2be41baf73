"""What to list, and one run of it: it fetches pages, and keeps the exact position."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from hashlib import blake2b
from operator import length_hint
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from msgspec.structs import replace

from restorejobs_client._core.clock import Clock
from restorejobs_client._core.errors import PaginationError, RestoreJobsError, TransportError
from restorejobs_client._core.progress import ProgressBar
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage
from restorejobs_client._models.parameters import aws_parameters, filter_texts
from restorejobs_client._paging.checkpoint import START, Checkpoint, Position, write_checkpoint
from restorejobs_client._paging.windows import UNBOUNDED, Window

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


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
    fetch: Callable[[dict[str, object]], RestoreJobPage]
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


class _State(NamedTuple):
    """What changes during a run. It is replaced as a whole, so an interrupt cannot corrupt it.

    Attributes:
        next_token: the page token of the next request; `None` requests the first page.
        ended: whether the last page has arrived.
        left: how many more jobs `limit` allows on later pages.
        token: the page token that requested the page that arrived last.
        jobs: all jobs of that page. Those that an earlier run has delivered come first.
        end: the index after the last of them that this run delivers. `limit` may cut the page.
        items: what was not handed over yet: jobs, or one page.
        item_size: how many jobs an item has.
        resuming: the position to resume from, until its whole page has arrived in `jobs`.
    """

    next_token: str | None
    ended: bool
    left: int | None
    token: str | None
    jobs: tuple[RestoreJob, ...] = ()
    end: int = 0
    items: Iterator[Any] = iter(())
    item_size: int = 1
    resuming: Position | None = None

    @property
    def to_deliver(self) -> int:
        """How many jobs were not handed over yet."""
        return length_hint(self.items) * self.item_size


class Run(Generic[_Item]):
    """One run of a listing, and its position: what the iterators over it have in common.

    A request that fails does not change the position. It moves when an item is handed over.

    Args:
        query: what to list.
    """

    _by_page: ClassVar = False  # whether pages are handed over instead of jobs
    _items: Iterator[_Item]  # what has arrived but was not handed over yet

    def __init__(self, query: Query) -> None:
        super().__init__()
        start = Position(ended=True) if query.window.is_empty else query.start
        self._query = query
        self._parameters = aws_parameters(query.window.narrow(query.parameters))
        self._used_tokens: set[int] = set()  # hashes, because a token is long
        self._bar = ProgressBar("jobs", query.limit, wanted=query.progress)
        self._state = _State(
            next_token=start.token,
            ended=start.ended,
            left=query.limit,
            token=start.token,
            resuming=start if start.delivered else None,
        )

    def __copy__(self) -> Self:
        twin = type(self)(self._query)
        twin._state, twin._items, twin._used_tokens = self._copied_position()  # noqa: SLF001  # of this class
        return twin

    def __deepcopy__(self, _: object) -> Self:
        return copy(self)

    @property
    def checkpoint(self) -> str:
        """The exact position after the last job or page that was returned.

        Pass it to `resume` or `resume_from`. It is one line of text without spaces, and holds the
        filters, the page token and a hash of job ids. It is always available: before the first
        job, after the last one, and after an error.
        """
        query = self._query
        filters = filter_texts(query.parameters)
        region_name = query.origin.get("region_name")
        return write_checkpoint(Checkpoint(self._position(), query.window, region_name, filters))

    @property
    def has_ended(self) -> bool:
        """Whether the listing has no more jobs after what was returned.

        It is `False` where only the `limit` of this run has ended it.
        """
        return self._position().ended

    def _copied_position(self) -> tuple[_State, Iterator[_Item], set[int]]:
        """Return copies of the attributes that change during the run."""
        # First: with tokens that are newer than its state, a copy would refuse its own next page.
        used_tokens = self._used_tokens.copy()
        state = self._state
        state = state._replace(items=copy(state.items))
        return state, state.items, used_tokens

    def _make_whole(self, make: Callable[[], _Made]) -> _Made:
        """Return what is made of all jobs; if that fails, move back, because nobody has them.

        A context manager would miss an interrupt that comes when it has ended.
        """
        position = self._copied_position()
        try:
            return make()
        except BaseException as error:
            # Without a call, in which another interrupt could come.
            self._state, self._items, self._used_tokens = position
            if isinstance(error, RestoreJobsError):
                error.checkpoint = self.checkpoint
            raise

    def _position(self) -> Position:
        state = self._state
        if state.resuming is not None:
            return state.resuming
        delivered = state.jobs[: state.end - state.to_deliver]
        if len(delivered) == len(state.jobs):
            return Position(token=state.next_token, ended=state.ended)
        digest = _hash_of_ids(delivered) if delivered else None
        return Position(state.token, len(delivered), digest)

    def _advance(self) -> float | None:
        state = self._state
        if not length_hint(state.items):  # an interrupted call or a signal handler may leave some
            if state.ended or state.left == 0:
                return None
            if state.resuming is None:  # free the memory of the last page before the next one
                state = self._move(state, state._replace(jobs=(), end=0))
            self._fetch_page(state)
        self._items = self._state.items
        return 0.0

    def _fetch_page(self, state: _State) -> None:
        """Fetch the page after a state. An error has the checkpoint to resume from."""
        try:
            self._bar.begin()
            following = self._following(state, self._query.fetch(self._next_parameters(state)))
            jobs = following.to_deliver
            if self._move(state, following) is self._state:
                self._bar.add_page(jobs)
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
        if self._state.ended or self._state.left == 0:
            self._bar.end()

    def _next_parameters(self, state: _State) -> dict[str, object]:
        """Return the parameters of the next request, for boto3."""
        parameters: dict[str, Any] = dict(self._parameters)
        if state.left is not None:
            # Jobs that were delivered, but must be requested again.
            repeated = state.resuming.delivered - len(state.jobs) if state.resuming else 0
            parameters["MaxResults"] = min(parameters["MaxResults"], state.left + repeated)
        if state.next_token is not None:
            parameters["NextToken"] = state.next_token
        return parameters

    def _following(self, state: _State, page: RestoreJobPage) -> _State:
        """Return the state after one in which a page was requested.

        Raises:
            PaginationError: the token of the page was used before. The position does not change.
        """
        next_token = page.next_token or None  # "" may end a listing too
        if state.next_token is not None:
            self._used_tokens.add(hash(state.next_token))
        is_used = next_token is not None and hash(next_token) in self._used_tokens
        if is_used and self._state is state:
            raise PaginationError(
                "the service returned a page token that this listing has used before, so the "
                "listing would repeat jobs or never end: try again from the checkpoint"
            )
        jobs = self._query.window.keep(page.restore_jobs)
        token, begin = state.next_token, 0
        if state.resuming is not None:
            jobs = state.jobs + jobs
            if len(jobs) < state.resuming.delivered and next_token is not None:
                # Pages are smaller now, so the page of the checkpoint arrives in parts.
                return state._replace(next_token=next_token, jobs=jobs)
            jobs, begin = _delivered_first(jobs, state.resuming)
            token = state.token
        mine = jobs[begin:][: state.left]
        end = begin + len(mine)
        # The token of a page that `limit` cuts would skip jobs.
        shown_token = next_token if end == len(jobs) else None
        shown = replace(page, restore_jobs=mine, next_token=shown_token)
        return _State(
            next_token=next_token,
            ended=next_token is None,
            left=None if state.left is None else state.left - len(mine),
            token=token,
            jobs=jobs,
            end=end,
            items=iter((shown,)) if self._by_page else iter(mine),
            item_size=len(mine) if self._by_page else 1,
        )

    def _move(self, state: _State, following: _State) -> _State:
        """Move from one state to the next, unless a signal handler has gone on from it."""
        if self._state is state:
            self._state = following
        return following


def _hash_of_ids(jobs: tuple[RestoreJob, ...]) -> str:
    """Return a hash of the ids of jobs. A job without an id is hashed as a whole."""
    digest = blake2b(digest_size=8)
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

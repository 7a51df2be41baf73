"""Where a run of a listing stands (`Cursor`, no I/O), and how that is written down."""

from __future__ import annotations

import base64
import binascii
import json
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from operator import length_hint
from typing import TYPE_CHECKING, Final, NamedTuple

from restorejobs_client._errors import InvalidCheckpointError, PaginationError, RestoreJobsError
from restorejobs_client._models import RestoreJob, RestoreJobPage
from restorejobs_client._windows import WHOLE, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from restorejobs_client._progress import JobsProgress
    from restorejobs_client._request import ListRestoreJobsRequest

    FetchPage = Callable[[dict[str, object]], RestoreJobPage]

_VERSION: Final = "rjc1-"
_CHECKSUM_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Position:
    """An exact place in a listing.

    Attributes:
        token: what the page was asked for with; `None` is the first page.
        delivered: how many jobs of that page were handed out.
        last_job_id: the id of the last of them.
        digest: of the ids of all of them, to see whether the page is still the same.
        ended: the listing has been handed out whole.
        window: the part of the listing that the place is in.
    """

    token: str | None = None
    delivered: int = 0
    last_job_id: str | None = None
    digest: str = ""
    ended: bool = False
    window: Window = WHOLE


def write_checkpoint(position: Position, filters: dict[str, str]) -> str:
    """Return the place as text: opaque, of one line, safe in URLs and file names."""
    content = [
        position.token,
        position.delivered,
        position.last_job_id,
        position.digest,
        position.ended,
        *(bound and bound.isoformat() for bound in (position.window.lower, position.window.upper)),
        _fingerprint(filters),
    ]
    payload = json.dumps(content, separators=(",", ":")).encode()
    return _VERSION + base64.urlsafe_b64encode(_checksum(payload) + payload).decode().rstrip("=")


def read_checkpoint(text: object, filters: dict[str, str]) -> Position:
    """Return the place that `write_checkpoint` wrote.

    Raises:
        InvalidCheckpointError: it was damaged, or belongs to other filters.
    """
    advice = "pass a checkpoint as it was, or None to begin anew"
    if not isinstance(text, str) or not text.startswith(_VERSION):
        shown = repr(text)[:60]
        message = (
            f"resume_from={shown} is not a checkpoint of this version of the package: {advice}"
        )
        raise InvalidCheckpointError(message)
    encoded = text.removeprefix(_VERSION)
    try:
        decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        decoded = b""
    checksum, payload = decoded[:_CHECKSUM_BYTES], decoded[_CHECKSUM_BYTES:]
    if not payload or checksum != _checksum(payload):
        message = f"resume_from is a checkpoint that was cut or altered: {advice}"
        raise InvalidCheckpointError(message)
    token, delivered, last_job_id, digest, ended, *bounds, fingerprint = json.loads(payload)
    window = Window(*(bound and datetime.fromisoformat(bound) for bound in bounds))
    position = Position(token, delivered, last_job_id, digest, ended, window)
    if fingerprint != _fingerprint(filters):
        message = (
            "resume_from is a checkpoint of another region or of other filters than "
            f"{filters or 'none'}: repeat those that it was made with"
        )
        raise InvalidCheckpointError(message)
    if write_checkpoint(position, filters) != text:  # what base64 does not use
        message = f"resume_from is a checkpoint that was altered: {advice}"
        raise InvalidCheckpointError(message)
    return position


def _checksum(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_CHECKSUM_BYTES).digest()


def _fingerprint(filters: dict[str, str]) -> str:
    return _checksum(json.dumps(filters, sort_keys=True).encode()).hex()


def _digest(jobs: Iterable[RestoreJob]) -> str:
    digest = blake2b(digest_size=_CHECKSUM_BYTES)
    for job in jobs:
        # Where AWS sent no id, the whole job stands for it.
        text = job.restore_job_id or repr(job.to_dict())
        digest.update(text.encode(errors="surrogatepass") + b"\n")
    return digest.hexdigest()


class _State(NamedTuple):
    """All that changes while a run goes on; replaced whole, so that an interrupt cannot halve it.

    Attributes:
        ask: the token of the next request.
        ended: there is no next request.
        left: how many jobs `limit` leaves for the pages to come.
        resuming: the place to go on from, while its page has not come.
        arriving: of that page, what has come so far.
        token: what the page was asked for with.
        page: all of the page, also what a run before this one has delivered.
        stop: where `limit` cuts the page.
        jobs: those that are still to be handed out.
        is_new: the page has not been taken as a whole.
    """

    ask: str | None
    ended: bool
    left: int | None
    resuming: Position | None = None
    arriving: tuple[RestoreJob, ...] = ()
    token: str | None = None
    page: tuple[RestoreJob, ...] = ()
    stop: int = 0
    jobs: Iterator[RestoreJob] = iter(())
    is_new: bool = False


class Cursor:
    """Where a run of a listing stands: it says what to ask next and takes in what comes.

    It sends nothing itself. A page that does not come leaves it as it was.
    """

    def __init__(  # noqa: PLR0913  # what a listing is, and who watches
        self,
        request: ListRestoreJobsRequest,
        *,
        region_name: str | None = None,
        window: Window = WHOLE,
        limit: int | None = None,
        resume_from: str | None = None,
        progress: JobsProgress | None = None,
    ) -> None:
        self.progress = progress
        self._filters = request.filters()
        if region_name is not None:
            self._filters["region_name"] = region_name  # a token of another region is none here
        position = Position(token=request.next_token, window=window)
        if resume_from is not None:
            position = read_checkpoint(resume_from, self._filters)
        self._window = position.window
        self._request = self._window.narrowed(request)
        self._used: set[bytes] = set()
        self._state = _State(
            ask=position.token,
            ended=position.ended or self._window.is_empty,
            left=limit,
            resuming=position if position.delivered else None,
            token=position.token,
        )

    @property
    def jobs(self) -> Iterator[RestoreJob]:
        """The jobs of the current page that are still to be handed out."""
        return self._state.jobs

    @property
    def has_new_page(self) -> bool:
        """Whether a page came that `take_page` has not returned."""
        return self._state.is_new

    @property
    def checkpoint(self) -> str:
        """The place after the last job that was taken from `jobs`."""
        return write_checkpoint(self._position(), self._filters)

    def _position(self) -> Position:
        state = self._state
        if state.resuming is not None:
            return state.resuming
        delivered = state.stop - length_hint(state.jobs)
        if delivered == len(state.page):
            return Position(token=state.ask, ended=state.ended, window=self._window)
        if delivered == 0:
            return Position(token=state.token, window=self._window)
        done = state.page[:delivered]
        return Position(
            token=state.token,
            delivered=delivered,
            last_job_id=done[-1].restore_job_id,
            digest=_digest(done),
            window=self._window,
        )

    def parameters(self) -> dict[str, object] | None:
        """Return what to ask boto3 for; `None` when the listing, or its `limit`, is at its end."""
        state = self._state
        if state.ended or state.left == 0:
            return None
        if state.page and state.stop == len(state.page):
            # Handed out whole: its memory, still warm, serves the next page.
            state = self._state = state._replace(page=(), stop=0)
        parameters = self._request.parameters()
        if state.left is not None:
            behind = 0 if state.resuming is None else state.resuming.delivered - len(state.arriving)
            parameters["MaxResults"] = min(self._request.max_results, state.left + max(behind, 0))
        if state.ask is not None:
            parameters["NextToken"] = state.ask
        return parameters

    def accept(self, page: RestoreJobPage) -> None:
        """Take in the page that `parameters` asked for.

        Raises:
            PaginationError: its token was used before; the place stays as it was.
        """
        state = self._state
        next_token = page.next_token or None  # AWS ends some listings with ""
        if state.ask is not None:
            self._used.add(_token_hash(state.ask))
        if next_token is not None and _token_hash(next_token) in self._used:
            message = (
                "the service answered with a page token that this listing has used before, "
                "which would deliver jobs twice or never end: try again from the checkpoint"
            )
            raise PaginationError(message)
        jobs = self._window.keep(page.restore_jobs)
        delivered = 0
        token = state.ask
        if state.resuming is not None:
            jobs = state.arriving + jobs
            if len(jobs) < state.resuming.delivered and next_token is not None:
                # Smaller pages than the checkpoint's: its page comes in parts.
                self._state = state._replace(ask=next_token, arriving=jobs, is_new=True)
                if self.progress is not None:
                    self.progress.page(0, is_last=False)
                return
            jobs, delivered = _without_delivered(jobs, state.resuming)
            token = state.token
        left = len(jobs) - delivered if state.left is None else state.left
        stop = min(len(jobs), delivered + left)
        self._state = _State(
            ask=next_token,
            ended=next_token is None,
            left=None if state.left is None else state.left - (stop - delivered),
            token=token,
            page=jobs,
            stop=stop,
            jobs=iter(jobs[delivered:stop]),
            is_new=True,
        )
        if self.progress is not None:
            is_last = next_token is None or self._state.left == 0
            self.progress.page(stop - delivered, is_last=is_last)

    def take_page(self) -> RestoreJobPage:
        """Hand out what is left of the current page as a whole."""
        state = self._state
        jobs = state.page[state.stop - length_hint(state.jobs) : state.stop]
        is_cut = state.stop < len(state.page)
        page = RestoreJobPage(restore_jobs=jobs, next_token=None if is_cut else state.ask)
        self._state = state._replace(jobs=iter(()), is_new=False)
        return page


def _token_hash(token: str) -> bytes:
    return blake2b(token.encode(errors="surrogatepass"), digest_size=8).digest()


def _without_delivered(
    jobs: tuple[RestoreJob, ...], position: Position
) -> tuple[tuple[RestoreJob, ...], int]:
    """Return the jobs with the delivered ones in front, and how many those are.

    The delivered ones are found as the run that ends with the last of them: at its old place, or
    further on where new jobs came in front. Any other change makes none of them found, and all are
    delivered again: rather twice than never.
    """
    for end, job in enumerate(jobs, start=1):
        start = end - position.delivered
        if start >= 0 and job.restore_job_id == position.last_job_id:
            run = jobs[start:end]
            if _digest(run) == position.digest:
                return run + jobs[:start] + jobs[end:], position.delivered
    return jobs, 0


def next_page(cursor: Cursor, fetch: FetchPage) -> bool:
    """Ask for the page that the cursor is at, and move on; `False` at the end.

    Raises:
        RestoreJobsError: of any kind, with the checkpoint to go on from; the cursor stays.
    """
    parameters = cursor.parameters()
    if parameters is None:
        return False
    with with_checkpoint(cursor):
        cursor.accept(fetch(parameters))
    return True


@contextmanager
def with_checkpoint(cursor: Cursor) -> Generator[None]:
    """Give every error of ours the place to go on from, and show the wait, if that is asked for."""
    if cursor.progress is not None:
        cursor.progress.begin()
    try:
        yield
    except BaseException as error:
        if cursor.progress is not None:
            cursor.progress.end()
        if isinstance(error, RestoreJobsError):
            error.checkpoint = cursor.checkpoint
        raise

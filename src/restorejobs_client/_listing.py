"""A listing: where it stands (`Cursor`, no I/O), how that is written down, and its iterators."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from operator import length_hint
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from restorejobs_client._errors import (
    InvalidCheckpointError,
    InvalidRequestError,
    PaginationError,
    RestoreJobsError,
)
from restorejobs_client._models import RestoreJob, RestoreJobPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from restorejobs_client._request import ListRestoreJobsRequest

    FetchPage = Callable[[dict[str, object]], RestoreJobPage]

_VERSION: Final = "rjc1-"
_CHECKSUM_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a listing that was created from `lower` on and before `upper`; `None` is open.

    AWS does not say whether its bounds are inclusive. So the service is asked for a little more,
    and exactly this half-open part is kept. An open side is asked for as the listing itself does.
    """

    lower: datetime | None = None
    upper: datetime | None = None

    def narrowed(self, request: ListRestoreJobsRequest) -> ListRestoreJobsRequest:
        """Return the request that covers the window, and a little more."""
        bounds: dict[str, datetime] = {}
        if self.lower is not None:
            bounds["by_created_after"] = self.lower - _MARGIN
        if self.upper is not None:
            bounds["by_created_before"] = self.upper + _MARGIN
        return request.model_copy(update=bounds) if bounds else request

    def keep(self, jobs: tuple[RestoreJob, ...]) -> tuple[RestoreJob, ...]:
        """Return those of the jobs that are in the window."""
        if self == WHOLE:
            return jobs
        return tuple(job for job in jobs if self._has(job.creation_date))

    def _has(self, moment: datetime | None) -> bool:
        if moment is None:  # in the first window alone
            return self.lower is None
        return (self.lower is None or self.lower <= moment) and (
            self.upper is None or moment < self.upper
        )


WHOLE: Final = Window()
# More than AWS could lose by rounding a moment to its second.
_MARGIN: Final = timedelta(seconds=1)


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
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True)
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
            "resume_from is a checkpoint of a listing with other filters than "
            f"{filters or 'none'}: repeat the filters that it was made with"
        )
        raise InvalidCheckpointError(message)
    if write_checkpoint(position, filters) != text:  # bits that base64 does not use
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
        digest.update((job.restore_job_id or repr(job)).encode(errors="surrogatepass") + b"\n")
    return digest.hexdigest()


class Cursor:
    """Where a run of a listing stands: it says what to ask next and takes in what comes.

    It sends nothing itself. A page that does not come leaves it as it was.
    """

    def __init__(
        self,
        request: ListRestoreJobsRequest,
        *,
        window: Window = WHOLE,
        limit: int | None = None,
        resume_from: str | None = None,
    ) -> None:
        self._filters = request.filters()
        self._left = limit  # of the run, beside the jobs of this page
        self._resuming: Position | None = None
        if resume_from is None:
            position = Position(token=request.next_token, window=window)
        else:
            position = read_checkpoint(resume_from, self._filters)
            self._resuming = position if position.delivered else None
        self._window = position.window
        self._request = self._window.narrowed(request)
        self._token = position.token  # of this page
        self._ask: str | None = position.token  # of the next request
        self._ended = position.ended
        self._used: set[bytes] = set()
        self._page: tuple[RestoreJob, ...] = ()  # all of it, also what is skipped
        self._jobs: Iterator[RestoreJob] = iter(())
        self._stop = 0  # where `limit` cuts the page
        self._arriving: tuple[RestoreJob, ...] = ()  # of a page that comes in parts, see _resume

    @property
    def jobs(self) -> Iterator[RestoreJob]:
        """The jobs of the current page that are still to be handed out."""
        return self._jobs

    @property
    def checkpoint(self) -> str:
        """The place after the last job that was taken from `jobs`."""
        return write_checkpoint(self._position(), self._filters)

    def _position(self) -> Position:
        if self._resuming is not None:
            return self._resuming
        delivered = self._stop - length_hint(self._jobs)
        if delivered < len(self._page):
            if delivered == 0:
                return Position(token=self._token, window=self._window)
            done = self._page[:delivered]
            return Position(
                token=self._token,
                delivered=delivered,
                last_job_id=done[-1].restore_job_id,
                digest=_digest(done),
                window=self._window,
            )
        return Position(token=self._ask, ended=self._ended, window=self._window)

    def parameters(self) -> dict[str, object] | None:
        """Return what to ask boto3 for; `None` when the listing, or its `limit`, is at its end."""
        if self._ended or self._left == 0:
            return None
        parameters = self._request.parameters()
        if self._left is not None:
            behind = 0 if self._resuming is None else self._resuming.delivered - len(self._arriving)
            parameters["MaxResults"] = min(self._request.max_results, self._left + max(behind, 0))
        parameters.pop("NextToken", None)
        if self._ask is not None:
            parameters["NextToken"] = self._ask
        return parameters

    def accept(self, page: RestoreJobPage) -> RestoreJobPage:
        """Take in the page that `parameters` asked for; return what of it is to be handed out.

        Raises:
            PaginationError: its token was used before; the place stays as it was.
        """
        next_token = page.next_token or None  # AWS ends some listings with ""
        if self._ask is not None:
            self._used.add(_token_hash(self._ask))
        if next_token is not None and _token_hash(next_token) in self._used:
            message = (
                "the service answered with a page token that this listing has used before, "
                "which would deliver jobs twice or never end: try again from the checkpoint"
            )
            raise PaginationError(message)
        jobs = self._window.keep(page.restore_jobs)
        delivered = 0
        ended = next_token is None
        if self._resuming is None:
            self._token = self._ask
        else:
            jobs = self._arriving + jobs
            if len(jobs) < self._resuming.delivered and not ended:
                # Smaller pages than the checkpoint's: its page comes in parts.
                self._arriving, self._ask = jobs, next_token
                return RestoreJobPage(next_token=next_token)
            jobs, delivered = _without_delivered(jobs, self._resuming)
            self._resuming, self._arriving = None, ()
        stop = len(jobs)
        if self._left is not None:
            stop = min(stop, delivered + self._left)
            self._left -= stop - delivered
        self._page, self._stop = jobs, stop
        self._ask, self._ended = next_token, ended
        handed_out = jobs[delivered:stop]
        self._jobs = iter(handed_out)
        return RestoreJobPage(
            restore_jobs=handed_out, next_token=next_token if stop == len(jobs) else None
        )


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


class RestoreJobIterator(Iterator[RestoreJob]):
    """One run of a listing, job by job.

    After an error, `next()` asks for the same page again: it never ends without the rest. Use it
    from one thread at a time.
    """

    def __init__(self, cursor: Cursor, fetch: FetchPage) -> None:
        self._cursor = cursor
        self._fetch = fetch
        self._jobs = cursor.jobs

    @override
    def __iter__(self) -> RestoreJobIterator:
        return self

    @override
    def __next__(self) -> RestoreJob:
        for job in self._jobs:
            return job
        while next_page(self._cursor, self._fetch) is not None:
            self._jobs = self._cursor.jobs
            for job in self._jobs:
                return job
        raise StopIteration

    @property
    def checkpoint(self) -> str:
        """The exact place after the last job handed out, for `resume_from`.

        Text of one line without spaces that holds the page token, the id of the last job and a
        fingerprint of the filters. It is there from before the first job until after the last.
        """
        return self._cursor.checkpoint


class _Pages(Iterator[RestoreJobPage]):
    """One run of a listing, page by page; like `RestoreJobIterator`, it survives an error."""

    def __init__(self, cursor: Cursor, fetch: FetchPage) -> None:
        self._cursor = cursor
        self._fetch = fetch

    @override
    def __next__(self) -> RestoreJobPage:
        page = next_page(self._cursor, self._fetch)
        if page is None:
            raise StopIteration
        for _ in self._cursor.jobs:  # handed out with the page
            pass
        return page


def next_page(cursor: Cursor, fetch: FetchPage) -> RestoreJobPage | None:
    """Ask for the page that the cursor is at, and move on; `None` at the end.

    Raises:
        RestoreJobsError: of any kind, with the checkpoint to go on from; the cursor stays.
    """
    parameters = cursor.parameters()
    if parameters is None:
        return None
    try:
        return cursor.accept(fetch(parameters))
    except RestoreJobsError as error:
        error.checkpoint = cursor.checkpoint
        raise


class RestoreJobs:
    """A listing of restore jobs: lazy, and complete or it raises.

    Nothing is sent until it is iterated, and each iteration is a fresh and full run.
    """

    def __init__(
        self,
        fetch: FetchPage,
        request: ListRestoreJobsRequest,
        *,
        window: Window = WHOLE,
        limit: int | None = None,
        resume_from: str | None = None,
    ) -> None:
        if limit is not None and (type(limit) is not int or limit < 0):
            message = f"limit={limit!r} is refused: it must be an int, 0 or more, or None"
            raise InvalidRequestError(message)
        if resume_from is not None and request.next_token is not None:
            message = "next_token and resume_from both say where to begin: give one"
            raise InvalidRequestError(message)
        self._fetch = fetch
        self._request = request
        self._window = window
        self._limit = limit
        self._resume_from = resume_from
        self._cursor()  # refuses a bad checkpoint now, not at the first job

    def _cursor(self) -> Cursor:
        return Cursor(
            self._request, window=self._window, limit=self._limit, resume_from=self._resume_from
        )

    def __iter__(self) -> RestoreJobIterator:
        return RestoreJobIterator(self._cursor(), self._fetch)

    def pages(self) -> Iterator[RestoreJobPage]:
        """Iterate page by page, as AWS divides them; a page may be empty although more follow.

        Errors are as in iterating by job, and `next()` asks again after one.
        """
        return _Pages(self._cursor(), self._fetch)

    def first(self) -> RestoreJob | None:
        """Return the first job, or `None` where there is none: one request for one job."""
        return next(iter(self._up_to(1)), None)

    def head(self, n: int = 10) -> RestoreJobPage:
        """Return the first `n` jobs (fewer where there are not as many) as one page, to look at.

        Its `next_token` is `None`.

        Raises:
            InvalidRequestError: `n` is not an int of 0 or more.
        """
        return RestoreJobPage(restore_jobs=tuple(self._up_to(n)))

    def _up_to(self, limit: int) -> RestoreJobs:
        listing = RestoreJobs(
            self._fetch,
            self._request,
            window=self._window,
            limit=limit,
            resume_from=self._resume_from,
        )
        return listing if self._limit is None or limit < self._limit else self

    def __repr__(self) -> str:
        """Return the listing as one line: what is asked for. Sends nothing."""
        parts = [f"{name}={value!r}" for name, value in self._request.filters().items()]
        parts += [
            f"{name}={bound.isoformat()!r}"
            for name, bound in (("from", self._window.lower), ("to", self._window.upper))
            if bound is not None
        ]
        if self._limit is not None:
            parts.append(f"limit={self._limit}")
        if self._resume_from is not None:
            parts.append("resume_from=…")
        return f"RestoreJobs({', '.join(parts)})"

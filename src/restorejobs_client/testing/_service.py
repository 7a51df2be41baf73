"""The answers of AWS Backup to ListRestoreJobs requests, without HTTP and without moto."""

from __future__ import annotations

import functools
import itertools
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, cast
from uuid import uuid4

import msgspec
from msgspec.structs import fields

from restorejobs_client._convert import WrongValueError, read_struct
from restorejobs_client._enums import RestoreJobStatus
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._models import RestoreJob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ACCOUNT = "123456789012"
REGION = "us-east-1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_RESULTS = 1_000

Place = tuple[int, str, str, int]
"""Where a job stands in the order of a listing, newest first.

It is the microseconds from the creation to the epoch, the id, the account, and a number that tells
jobs without an id apart.
"""

_UNDATED = 1 << 63
_RESOURCE_TYPE = re.compile(r"[a-zA-Z0-9\-_. ]{1,50}")
_JSON = json.JSONEncoder(default=datetime.timestamp)  # JSON has all other values of a job
_serials = itertools.count(1)
_tokens = itertools.count()


def checked_account(account_id: str) -> str:
    if not re.fullmatch("[0-9]{12}", account_id):
        message = f"account_id: must be 12 digits, got {account_id!r}"
        raise InvalidRequestError(message)
    return account_id


def checked_jobs(jobs: object) -> list[RestoreJob]:
    """Return jobs that AWS could list, as `RestoreJob.from_dict` reads them."""
    place = "jobs"
    checked: list[RestoreJob] = []
    try:
        if not isinstance(jobs, Iterable):
            raise WrongValueError("an iterable of RestoreJob", jobs)  # noqa: TRY301
        for number, job in enumerate(cast("Iterable[object]", jobs)):
            place = f"jobs[{number}]"
            if not isinstance(job, RestoreJob):
                raise WrongValueError("a RestoreJob, as RestoreJob.from_dict makes it", job)  # noqa: TRY301
            checked.append(read_struct(RestoreJob, job.to_dict()))
    except WrongValueError as wrong:
        wrong.place = place + wrong.place
        raise InvalidRequestError(str(wrong)) from None
    return checked


def place_of(job: RestoreJob, account_id: str = "", serial: int = 0) -> Place:
    age = _UNDATED if job.creation_date is None else _age(job.creation_date)
    return age, job.restore_job_id or "", account_id, serial


def _age(moment: datetime) -> int:
    return (EPOCH - moment) // timedelta(microseconds=1)


def _aws_members(struct: msgspec.Struct) -> dict[str, object]:
    """Return the members that are set, by their AWS names."""
    return {
        field.encode_name: _aws_members(value) if isinstance(value, msgspec.Struct) else value
        for field in fields(type(struct))
        for value in (getattr(struct, field.name),)
        if value is not None
    }


@dataclass
class _Entry:
    """A stored job and its place in the order."""

    place: Place
    job: RestoreJob

    @property
    def age(self) -> int:
        return self.place[0]

    @functools.cached_property
    def wire(self) -> bytes:
        return _JSON.encode(_aws_members(self.job)).encode()


_place: Callable[[_Entry], Place] = attrgetter("place")
_age_of: Callable[[_Entry], int] = attrgetter("age")


class _Filters(NamedTuple):
    """The parameters of a request that choose jobs by their members."""

    status: str | None = None
    resource_type: str | None = None
    parent_job_id: str | None = None
    plan_arn: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    complete_after: datetime | None = None
    complete_before: datetime | None = None

    def pick(self, entries: Sequence[_Entry]) -> list[_Entry]:
        """Return the entries that match. `entries` must be in order."""
        start, stop = 0, len(entries)
        if self.created_before is not None:
            start = bisect_right(entries, _age(self.created_before), key=_age_of)
            stop = bisect_left(entries, _UNDATED, key=_age_of)
        if self.created_after is not None:
            stop = bisect_right(entries, _age(self.created_after), key=_age_of)
        return [entry for entry in entries[start:stop] if self._match(entry.job)]

    def _match(self, job: RestoreJob) -> bool:
        """Whether the job matches all filters except those of its creation date."""
        plan_arn = job.created_by and job.created_by.restore_testing_plan_arn
        completed = job.completion_date
        return (
            self.status in (None, job.status)
            and self.resource_type in (None, job.resource_type)
            and self.parent_job_id in (None, job.parent_job_id)
            and self.plan_arn in (None, plan_arn)
            and (
                self.complete_after is None
                or (completed is not None and completed >= self.complete_after)
            )
            and (
                self.complete_before is None
                or (completed is not None and completed < self.complete_before)
            )
        )


class Shelf:
    """The jobs of one account in one region. Only one thread at a time may use it."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self._entries: dict[tuple[str, str, int], _Entry] = {}
        self._matching: dict[_Filters, list[_Entry]] = {}

    def put(self, jobs: Iterable[RestoreJob]) -> None:
        for job in jobs:
            serial = next(_serials) if job.restore_job_id is None else 0
            place = place_of(job, self.account_id, serial)
            self._entries[place[1:]] = _Entry(place, job)
        self._matching = {}

    def following(self, filters: _Filters, after: Place | None, count: int) -> list[_Entry]:
        """Return the first `count` matching entries after a place, or from the beginning."""
        matching = self._match(filters)
        start = 0 if after is None else bisect_right(matching, after, key=_place)
        return matching[start : start + count]

    def _match(self, filters: _Filters) -> list[_Entry]:
        matching = self._matching.get(filters)
        if matching is None:
            if filters == _Filters():
                matching = sorted(self._entries.values(), key=_place)
            else:
                matching = filters.pick(self._match(_Filters()))
            self._matching[filters] = matching
        return matching


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    ends_listing: bool = False  # it is the last page of a listing


def _headers() -> dict[str, str]:
    return {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid4())}


def aws_error(status: int, code: str, **members: str) -> Answer:
    headers = {**_headers(), "x-amzn-ErrorType": code}
    return Answer(status, headers, json.dumps(members).encode())


def modelled_error(status: int, code: str, message: str, *, blame: str, context: str) -> Answer:
    """Return an error with the members that AWS Backup's model has."""
    return aws_error(status, code, Code=code, Message=message, Type=blame, Context=context)


class _RefusedError(Exception):
    """The service refuses a parameter."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Call:
    """A ListRestoreJobs request, and the jobs of its region."""

    shelves: Iterable[Shelf]
    region_name: str
    account_id: str
    parameters: Mapping[str, str]
    page_size: int | None = None  # a fault may ignore the page size of the request

    def answer(self) -> Answer:
        """Return a page, or a refusal of a parameter."""
        try:
            return self._page()
        except _RefusedError as refused:
            return modelled_error(
                400,
                "InvalidParameterValueException",
                f"{refused.parameter}: {refused}",
                blame="User",
                context=refused.parameter,
            )

    def _page(self) -> Answer:
        filters = self._filters()
        account_id = self._asked_account()
        size = self._size() if self.page_size is None else self.page_size
        scope = repr((self.region_name, account_id, filters))
        token = self.parameters.get("nextToken")
        after = None if token is None else _place_in(token, scope)
        entries = sorted(
            itertools.chain.from_iterable(
                shelf.following(filters, after, size + 1)
                for shelf in self.shelves
                if account_id in {shelf.account_id, "*"}
            ),
            key=_place,
        )
        page = entries[:size]
        next_token = None
        if size == 0:
            next_token = _token(after, scope)
        elif len(entries) > size:
            next_token = _token(page[-1].place, scope)
        body = b'{"RestoreJobs": [%b], "NextToken": %b}' % (
            b", ".join(entry.wire for entry in page),
            json.dumps(next_token).encode(),
        )
        return Answer(200, _headers(), body, next_token is None)

    def _filters(self) -> _Filters:
        status = self.parameters.get("status")
        if status is not None and status not in {known.value for known in RestoreJobStatus}:
            raise _RefusedError("status", f"There is no restore job status {status!r}")
        resource_type = self.parameters.get("resourceType")
        if resource_type is not None and not _RESOURCE_TYPE.fullmatch(resource_type):
            raise _RefusedError("resourceType", f"{resource_type!r} is not a resource type")
        return _Filters(
            status,
            resource_type,
            self.parameters.get("parentJobId"),
            self.parameters.get("restoreTestingPlanArn"),
            self._moment("createdAfter"),
            self._moment("createdBefore"),
            self._moment("completeAfter"),
            self._moment("completeBefore"),
        )

    def _moment(self, parameter: str) -> datetime | None:
        text = self.parameters.get(parameter)
        if text is None:
            return None
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(text)
            if moment.utcoffset() is not None:
                return moment.astimezone(UTC)
        raise _RefusedError(parameter, f"{text!r} is not a timestamp in ISO 8601 with an offset")

    def _asked_account(self) -> str:
        account_id = self.parameters.get("accountId", self.account_id)
        if not re.fullmatch(r"\*|[0-9]{12}", account_id):
            raise _RefusedError("accountId", f"{account_id!r} is not an account id")
        return account_id

    def _size(self) -> int:
        text = self.parameters.get("maxResults", str(MAX_RESULTS))
        if re.fullmatch("[0-9]{1,9}", text) and 1 <= int(text) <= MAX_RESULTS:
            return int(text)
        raise _RefusedError("maxResults", f"Must be from 1 to {MAX_RESULTS}, got {text!r}")


def _token(after: Place | None, scope: str) -> str:
    # The running number makes every token different, as those of AWS are.
    content = json.dumps([next(_tokens), after]).encode().hex()
    return f"{content}.{_seal(content, scope)}"


def _place_in(token: str, scope: str) -> Place | None:
    content, _, seal = token.rpartition(".")
    if seal != _seal(content, scope):
        raise _RefusedError("nextToken", "The token is not from a listing with these parameters")
    _, after = json.loads(bytes.fromhex(content))
    return after and tuple(after)


def _seal(content: str, scope: str) -> str:
    return blake2b(f"{scope} {content}".encode(), digest_size=12).hexdigest()

"""How the fake answers a ListRestoreJobs request, without HTTP and without moto."""

from __future__ import annotations

import heapq
import itertools
import json
import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from operator import eq, ge, itemgetter, lt
from typing import Any, Literal, NamedTuple, cast

import msgspec

from restorejobs_client._core.dates import EPOCH, datetime, in_utc
from restorejobs_client._core.enums import RestoreJobStatus
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.convert import WrongValueError, read_struct
from restorejobs_client._models.jobs import RestoreJob

ACCOUNT = "123456789012"
REGION = "us-east-1"
_MAX_RESULTS = 1_000

Owner = tuple[str, str]
"""The region and the account that list jobs."""

Place = tuple[float | str, ...]
"""The place of a job in a listing, newest first.

It is the negative timestamp of its creation, its id, its account, and a number that distinguishes
jobs without an id. `()` is the place before all jobs.
"""

_numbers = itertools.count(1)
_encode = json.JSONEncoder(default=datetime.timestamp).encode


def check_account(account_id: object) -> str:
    """Return the account id, or raise InvalidRequestError."""
    if isinstance(account_id, str) and re.fullmatch("[0-9]{12}", account_id):
        return account_id
    raise InvalidRequestError(f"account_id: must be 12 digits, got {clipped_repr(account_id)}")


def read_jobs(jobs: object) -> list[RestoreJob]:
    """Return the jobs with checked values, or raise InvalidRequestError for the first wrong job."""
    if not isinstance(jobs, Iterable):
        raise InvalidRequestError(f"jobs: must be an iterable of jobs, got {clipped_repr(jobs)}")
    numbered = enumerate(cast("Iterable[object]", jobs))
    try:
        return [_read_job(job, f"jobs[{number}]") for number, job in numbered]
    except WrongValueError as wrong:
        raise InvalidRequestError(str(wrong)) from None


def _read_job(job: object, path: str) -> RestoreJob:
    if not isinstance(job, RestoreJob):
        raise WrongValueError("a RestoreJob, as RestoreJob.from_dict makes it", job, path)
    read = read_struct(RestoreJob, job.to_dict(), path)
    with suppress(ValueError):
        sent = json.loads(_encode(_members(read)))
        if read_struct(RestoreJob, sent, aws_names_only=True) == read:
            return read
    raise WrongValueError("a job whose dates and numbers JSON keeps exactly", job, path)


def place_of(job: RestoreJob, account_id: str = "") -> Place:
    """Return the place of a job. Jobs without a creation date come last."""
    age = math.inf if job.creation_date is None else -job.creation_date.timestamp()
    number = next(_numbers) if job.restore_job_id is None else 0
    return age, job.restore_job_id or "", account_id, number


Shelf = list[tuple[Place, RestoreJob]]
"""The jobs of one account in one region, in order."""


def put(shelf: Shelf, account_id: str, jobs: Iterable[RestoreJob]) -> None:
    """Add jobs. A job replaces the one that has the same id."""
    entries = [*shelf, *((place_of(job, account_id), job) for job in jobs)]
    shelf[:] = sorted({place[1:]: (place, job) for place, job in entries}.values())


class Answer(NamedTuple):
    """An HTTP response.

    Attributes:
        ends_listing: whether it is the last page of a listing.
        delivery: how much of it is sent. Content-Length is that of the whole body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    ends_listing: bool = False
    delivery: Literal["whole", "half", "half, then reset", "reset"] = "whole"


def half(body: bytes) -> bytes:
    """Return the first half."""
    return body[: len(body) // 2]


_JSON = {"Content-Type": "application/json"}


def aws_error(status: int, code: str, **members: str) -> Answer:
    """Return an error as AWS sends it."""
    return Answer(status, {**_JSON, "x-amzn-ErrorType": code}, json.dumps(members).encode())


def _modelled(status: int, code: str, message: str, blame: str, context: str) -> Answer:
    """Return an error with the members that AWS Backup documents."""
    return aws_error(status, code, Code=code, Message=message, Type=blame, Context=context)


class _RefusedError(Exception):
    """The service refuses a parameter. The arguments are its name and the reason."""


# The parameters that choose jobs: which member of a job they compare with their value, and how.
_FILTERS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "status": ("status", eq),
    "resourceType": ("resource_type", eq),
    "parentJobId": ("parent_job_id", eq),
    "restoreTestingPlanArn": ("restore_testing_plan_arn", eq),
    "createdAfter": ("creation_date", ge),
    "createdBefore": ("creation_date", lt),
    "completeAfter": ("completion_date", ge),
    "completeBefore": ("completion_date", lt),
}
_PATTERNS = {
    "status": "|".join(RestoreJobStatus),
    "resourceType": r"[a-zA-Z0-9\-_. ]{1,50}",
    "accountId": r"[0-9]{12}|\*",
    "maxResults": "[1-9][0-9]{0,2}|1000",
}


def answer(
    shelves: Mapping[Owner, Shelf],
    owner: Owner,
    parameters: Mapping[str, str],
    *,
    page_size: int | None = None,
    repeats_token: bool = False,
) -> Answer:
    """Return the answer to a ListRestoreJobs request: a page, or the refusal of a parameter.

    Args:
        shelves: the jobs of all regions and accounts.
        owner: the region and the account of the caller.
        parameters: those of the request, by their names in the URL.
        page_size: replaces `maxResults`, for a fault.
        repeats_token: whether the next token is that of the request, for a fault.
    """
    here, caller = owner
    try:
        given = {name: _read(name, text) for name, text in sorted(parameters.items())}
        filters = {name: value for name, value in given.items() if name in _FILTERS}
        account_id = given.get("accountId", caller)
        scope = repr((here, account_id, filters))
        place = _place_in(given["nextToken"], scope) if "nextToken" in given else ()
    except _RefusedError as refused:
        name, reason = refused.args
        return _modelled(400, "InvalidParameterValueException", f"{name}: {reason}", "User", name)
    if page_size is None:
        page_size = int(given.get("maxResults", _MAX_RESULTS))
    chosen = [
        shelf[bisect_right(shelf, place, key=itemgetter(0)) :]
        for (region_name, account), shelf in shelves.items()
        if region_name == here and account_id in {account, "*"}
    ]
    rest: Iterator[tuple[Place, RestoreJob]] = heapq.merge(*chosen)
    for name, wanted in filters.items():
        rest = filter(_matches(name, wanted), rest)
    page = list(itertools.islice(rest, page_size))
    is_last = page_size > 0 and next(rest, None) is None
    next_token = None if is_last else _token(next(_numbers), page[-1][0] if page else place, scope)
    if repeats_token:
        next_token = parameters["nextToken"]
    body = _encode({"RestoreJobs": [_members(job) for _, job in page], "NextToken": next_token})
    return Answer(200, _JSON, body.encode(), ends_listing=is_last)


def _members(job: RestoreJob) -> dict[str, object]:
    members = msgspec.to_builtins(job, builtin_types=(type(EPOCH),))
    return {name: value for name, value in members.items() if value is not None}


def _read(name: str, text: str) -> Any:  # noqa: ANN401  # text or a datetime
    """Return the value of a parameter that a job is compared with."""
    pattern = _PATTERNS.get(name, "(?s).*")
    if not re.fullmatch(pattern, text):
        raise _RefusedError(name, f"{text!r} does not match the pattern {pattern}")
    try:
        return in_utc(text) if name.endswith(("After", "Before")) else text
    except ValueError:
        raise _RefusedError(name, f"{text!r} is no timestamp in ISO 8601 with an offset") from None


def _matches(name: str, wanted: object) -> Callable[[tuple[Place, RestoreJob]], bool]:
    member, compare = _FILTERS[name]
    return lambda one: (value := getattr(one[1], member)) is not None and compare(value, wanted)


def _token(number: int, place: Iterable[float | str], scope: str) -> str:
    """Return a token of this place. The number makes it different from others, as those of AWS."""
    content = json.dumps([number, place]).encode()
    seal = blake2b(scope.encode() + content, digest_size=12).hexdigest()
    return f"{content.hex()}.{seal}"


def _place_in(token: str, scope: str) -> Place:
    with suppress(ValueError, TypeError, RecursionError):  # it is not one of ours
        number, place = json.loads(bytes.fromhex(token.partition(".")[0]))
        if token == _token(number, place, scope):
            return tuple(place)
    raise _RefusedError("nextToken", "The token is not from a listing with these parameters")


_Refusal = Literal["throttle", "access_denied", "expired_token", "unavailable"]
_ProxyAnswer = Literal["too_many_requests", "server_error", "damage", "redirect"]
_NoPage = Literal["empty_body", "no_content", "reset"]
_PartOfPage = Literal["cut", "short", "trailing", "reset_in_body"]
_WrongPage = Literal["stuck_token", "empty_page", "ignored_max_results"]
FaultName = Literal[_Refusal, _ProxyAnswer, _NoPage, _PartOfPage, _WrongPage]
"""The faults that `FakeBackup.fail_next` knows; its documentation explains each one."""

_HTML = {"Content-Type": "text/html"}
_DENIED = "User is not authorized to perform: backup:ListRestoreJobs"
_EXPIRED = "The security token included in the request is expired"
_TRY_LATER = "The service is unavailable, try again later"
_DOWN = "ServiceUnavailableException", _TRY_LATER, "Service", "ListRestoreJobs"

FAULTS: dict[FaultName, Callable[[Callable[..., Answer]], Answer]] = {
    "throttle": lambda _: aws_error(400, "ThrottlingException", message="Rate exceeded"),
    "too_many_requests": lambda _: Answer(429, {}),
    "access_denied": lambda _: aws_error(403, "AccessDeniedException", Message=_DENIED),
    "expired_token": lambda _: aws_error(403, "ExpiredTokenException", message=_EXPIRED),
    "unavailable": lambda _: _modelled(503, *_DOWN),
    "server_error": lambda _: Answer(500, _HTML, b"<html><h1>Internal Server Error</h1></html>"),
    "damage": lambda _: Answer(200, _HTML, b"<html><h1>Please log in</h1></html>"),
    "empty_body": lambda _: Answer(200, _JSON),
    "no_content": lambda _: Answer(204, {}),
    "redirect": lambda _: Answer(302, {"Location": "https://login.example.com/"}),
    "cut": lambda answer: (page := answer())._replace(body=half(page.body)),
    "short": lambda answer: answer()._replace(delivery="half"),
    "trailing": lambda answer: (page := answer())._replace(body=page.body + b"</html>"),
    "reset": lambda _: Answer(200, {}, delivery="reset"),
    "reset_in_body": lambda answer: answer()._replace(delivery="half, then reset"),
    "stuck_token": lambda answer: answer(repeats_token=True),
    "empty_page": lambda answer: answer(page_size=0),
    "ignored_max_results": lambda answer: answer(page_size=_MAX_RESULTS),
}

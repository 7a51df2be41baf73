"""A fake AWS Backup for tests: real HTTP on loopback, believable jobs, faults on demand.

    with fake_backup(sample_jobs(2_500)) as backup:
        backup.fail_next("throttle")
        failed = list(backup.client().list_restore_jobs(by_status="FAILED"))

Inside a `moto.mock_aws()` of your own, `seed_restore_jobs` puts the jobs into moto instead. moto
has no ListRestoreJobs; it is added while somebody here uses it, and taken away after. Install
`restorejobs-client[testing]` for both.

What AWS leaves open is decided like this: jobs come newest first, those without a creation date
last; `After` bounds include their moment and `Before` bounds do not; a job without a completion
date matches no completion bound. Page tokens name a place in that order, so a job that appears
or goes between two pages neither repeats nor hides another.
"""

from __future__ import annotations

import difflib
import functools
import http.client
import importlib
import itertools
import json
import os
import random
import re
import socket
import socketserver
import struct
import threading
import time
import weakref
from bisect import bisect_left, bisect_right
from collections import deque
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

from pydantic import TypeAdapter

from restorejobs_client._enums import (
    ResourceType,
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._models import RestoreJob, RestoreJobCreator

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    import botocore.session
    from botocore.client import BaseClient
    from botocore.config import Config
    from werkzeug.test import Client as WsgiClient

    from restorejobs_client._client import RestoreJobsClient

__all__ = ["FakeBackup", "FaultName", "fake_backup", "sample_jobs", "seed_restore_jobs"]

FaultName = Literal[
    "throttle",
    "too_many_requests",
    "access_denied",
    "expired_token",
    "unavailable",
    "server_error",
    "damage",
    "empty_body",
    "no_content",
    "redirect",
    "cut",
    "short",
    "trailing",
    "reset",
    "reset_in_body",
    "stuck_token",
    "empty_page",
    "ignored_max_results",
]
"""What `FakeBackup.fail_next` can do to a request; it says what each one is."""

_ACCOUNT = "123456789012"
_REGION = "us-east-1"
_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SAMPLES_FROM = datetime(2025, 6, 1, tzinfo=UTC)
_SAMPLES_UNTIL = datetime(2025, 7, 1, tzinfo=UTC)


# --- what users call -----------------------------------------------------------------------------


@contextmanager
def fake_backup(
    jobs: Iterable[RestoreJob] = (), *, region_name: str = _REGION, account_id: str = _ACCOUNT
) -> Generator[FakeBackup, None, None]:
    """Serve restore jobs over real HTTP on loopback until the `with` block ends.

    moto answers, so the rest of moto's AWS Backup is there too; what it holds, such as vaults, is
    one for the whole process. Several fakes at the same time do not see each other's jobs. Their
    clients read no credentials, profiles or proxies of the environment. When the block ends, the
    server, its connections and its threads are gone.

    Args:
        jobs: the jobs of that region and account, whatever their own members say.
        region_name: the region of `jobs` and of clients that name no other.
        account_id: the account of `jobs` and of callers that name no other, 12 digits.

    Raises:
        ImportError: `restorejobs-client[testing]` is not installed.
        InvalidRequestError: an account id that is not 12 digits.
    """
    with _operation_in_moto():
        service = _Service(_new_moto_server(), _checked_account(account_id))
        service.put(jobs, region_name=region_name, account_id=account_id)
        server = _Server(service)
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        thread.start()
        try:
            yield FakeBackup(
                service, endpoint_url=f"http://127.0.0.1:{server.port}", region_name=region_name
            )
        finally:
            server.stop()
            thread.join()


class FakeBackup:
    """A running fake of AWS Backup; `fake_backup` makes it.

    All methods may be called from any thread.

    Attributes:
        endpoint_url: where it listens, for clients of your own. A request without moto's header
            `x-moto-account-id` counts as one of the account given to `fake_backup`; the region is
            the one that the request is signed for.
        requests: the query parameters of every ListRestoreJobs request so far, by their names on
            the wire (such as `maxResults`), in order, including those answered with a fault.
    """

    def __init__(self, service: _Service, *, endpoint_url: str, region_name: str) -> None:
        self.endpoint_url = endpoint_url
        self.requests: list[dict[str, str]] = service.requests
        self._service = service
        self._region_name = region_name

    def __repr__(self) -> str:
        return f"FakeBackup({self.endpoint_url!r})"

    def client(
        self,
        *,
        region_name: str | None = None,
        account_id: str | None = None,
        config: Config | None = None,
    ) -> RestoreJobsClient:
        """Return a client of this fake, with credentials of its own.

        Args:
            region_name: the region that it calls; default: the one given to `fake_backup`.
            account_id: the account that it calls as, 12 digits; default: likewise.
            config: botocore settings instead of the default: standard retries with 8 attempts in
                all, and 64 connections. Proxies of the environment are not used.

        Raises:
            InvalidRequestError: an account id that is not 12 digits.
        """
        from restorejobs_client._client import RestoreJobsClient  # noqa: PLC0415  # only here

        return RestoreJobsClient(
            client=self._botocore_client(
                region_name=region_name, account_id=account_id, config=config
            )
        )

    def seed(
        self,
        jobs: Iterable[RestoreJob],
        *,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Add jobs; one with the id of a job that is there already takes its place.

        Jobs without an id are all kept. Ids are compared exactly, upper and lower case apart.

        Args:
            jobs: the jobs, stored whatever account and ARNs their own members name.
            region_name: where they are listed; default: the region given to `fake_backup`.
            account_id: whose they are, 12 digits; default: likewise.

        Raises:
            InvalidRequestError: an account id that is not 12 digits.
        """
        self._service.put(
            jobs,
            region_name=region_name or self._region_name,
            account_id=_checked_account(account_id or self._service.account_id),
        )

    def clear(self) -> None:
        """Remove all jobs of all regions and accounts. Faults and `requests` stay."""
        self._service.clear()

    def fail_next(self, fault: FaultName, *, times: int = 1) -> None:
        """Answer the next ListRestoreJobs requests with a fault; several calls queue up.

        A client that retries, as `client()` does, may get over one without showing it.

        Args:
            fault: one of

                - `"throttle"`: 400 ThrottlingException
                - `"too_many_requests"`: a bare 429, as proxies send it
                - `"access_denied"`: 403 AccessDeniedException
                - `"expired_token"`: 403 ExpiredTokenException
                - `"unavailable"`: 503 ServiceUnavailableException
                - `"server_error"`: 500 with HTML
                - `"damage"`: 200 with HTML
                - `"empty_body"`: 200 with nothing
                - `"no_content"`: 204
                - `"redirect"`: 302 to somewhere else
                - `"cut"`: 200 with the first half of the page, of that very Content-Length
                - `"short"`: 200 with the first half of the page, then an orderly close
                - `"trailing"`: 200 with the page and garbage behind it
                - `"reset"`: the connection is reset before any byte
                - `"reset_in_body"`: the connection is reset after half of the page
                - `"stuck_token"`: the page, but its NextToken is the one that was asked with; it
                  and what is queued behind it wait for a request that has a token
                - `"empty_page"`: no jobs, and a new token to the same place
                - `"ignored_max_results"`: a page of up to 1,000 jobs whatever `maxResults` says
            times: how many requests in a row.

        Raises:
            InvalidRequestError: a fault of another name, or negative `times`.
        """
        known: tuple[str, ...] = get_args(FaultName)
        if fault not in known:
            nearest = difflib.get_close_matches(str(fault), known, n=1)
            hint = f" (did you mean {nearest[0]!r}?)" if nearest else ""
            message = f"fault: there is no {fault!r}{hint}, only {', '.join(known)}"
            raise InvalidRequestError(message)
        if times < 0:
            message = f"times: cannot be negative, got {times}"
            raise InvalidRequestError(message)
        self._service.queue(fault, times)

    def _botocore_client(
        self,
        *,
        region_name: str | None = None,
        account_id: str | None = None,
        config: Config | None = None,
    ) -> BaseClient:
        from botocore.config import Config  # noqa: PLC0415  # costs time to import

        account_id = _checked_account(account_id or self._service.account_id)
        config = config or Config(
            retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=64
        )
        # Settings of the environment that would lead away from loopback, or be refused with it.
        direct = Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False)
        with _session_lock:
            client = _session().create_client(
                "backup",
                region_name=region_name or self._region_name,
                endpoint_url=self.endpoint_url,
                config=direct.merge(config),
            )

        def name_account(params: dict[str, dict[str, str]], **_: object) -> None:
            params["headers"]["x-moto-account-id"] = account_id

        client.meta.events.register("before-call.backup", name_account)
        return client


def seed_restore_jobs(
    jobs: Iterable[RestoreJob], *, region_name: str = _REGION, account_id: str = _ACCOUNT
) -> None:
    """Add jobs to moto's AWS Backup, inside a `moto.mock_aws()` of your own.

    Any client of that region and account lists them until moto resets, as it does when the mock
    starts and ends. A job with the id of one that is there already takes its place. A moto server
    in the same process lists them too if it had no AWS Backup request before.

    Args:
        jobs: the jobs, stored whatever account and ARNs their own members name.
        region_name: where they are listed.
        account_id: whose they are, 12 digits; the default is moto's own default.

    Raises:
        InvalidRequestError: outside of a mock, a region that AWS Backup does not have, or an
            account id that is not 12 digits.
        ImportError: `restorejobs-client[testing]` is not installed.
    """
    with _needing_the_extra():
        from moto.backup.models import backup_backends  # noqa: PLC0415  # an extra
        from moto.core.models import botocore_stubber  # noqa: PLC0415
    if not botocore_stubber.enabled:
        message = "seed_restore_jobs: moto is not active; call it inside moto.mock_aws()"
        raise InvalidRequestError(message)
    try:
        backend = backup_backends[_checked_account(account_id)][region_name]
    except KeyError:
        message = f"region_name: moto has no AWS Backup in {region_name!r}"
        raise InvalidRequestError(message) from None
    state: dict[str, _Shelf] = vars(backend)  # moto's reset throws it away
    with _operation_lock:
        if _STATE not in state:
            state[_STATE] = _Shelf(account_id)
            user = object()
            _add_operation(user)
            weakref.finalize(state[_STATE], _drop_operation, user).atexit = False
    state[_STATE].put(jobs)


def sample_jobs(  # noqa: PLR0913  # each one is worth choosing
    count: int = 2_500,
    *,
    seed: int = 0,
    created_after: datetime = _SAMPLES_FROM,
    created_before: datetime = _SAMPLES_UNTIL,
    region_name: str = _REGION,
    account_id: str = _ACCOUNT,
) -> list[RestoreJob]:
    """Return believable restore jobs: the same ones for the same arguments.

    They come newest first, as a fake lists them. Most are of nightly restore tests, which
    cluster after 02:00 UTC and now and then share their millisecond. Most are COMPLETED, some of
    these with `"0.00%"` and no completion date; some FAILED, ABORTED, RUNNING, or PENDING with
    most members missing. A few are parents with children. Ids are in upper and lower case.

    Args:
        count: how many.
        seed: another number gives other jobs.
        created_after: the first moment of creation, an aware datetime; 2025-06-01 UTC.
        created_before: the moment that all of them were created before; 2025-07-01 UTC.
        region_name: the region in their ARNs.
        account_id: the account that owns them, 12 digits.

    Raises:
        InvalidRequestError: a negative count, a naive datetime, no whole millisecond between the
            two, or an account id that is not 12 digits.
    """
    if count < 0:
        message = f"count: cannot be negative, got {count}"
        raise InvalidRequestError(message)
    for name, moment in (("created_after", created_after), ("created_before", created_before)):
        if moment.utcoffset() is None:
            message = f"{name}: needs a time zone, got {moment.isoformat()}"
            raise InvalidRequestError(message)
    first, end = (
        -((_EPOCH - moment) // _MILLISECOND) for moment in (created_after, created_before)
    )
    if first >= end:
        message = (
            "created_before: must be later than created_after by a millisecond or more, got "
            f"{created_after.isoformat()} and {created_before.isoformat()}"
        )
        raise InvalidRequestError(message)
    sampler = _Sampler(
        random.Random(seed),  # noqa: S311  # nothing secret
        first=first,
        end=end,
        region_name=region_name,
        account_id=_checked_account(account_id),
    )
    return sorted(itertools.islice(sampler.jobs(), count), key=_place)


# --- jobs in order -------------------------------------------------------------------------------

# Microseconds before the epoch, id, account, serial number of a job without id: sorts newest first.
_Place = tuple[int, str, str, int]
_UNDATED = 1 << 63
_JOB = TypeAdapter(RestoreJob)
_serials = itertools.count(1)


def _age(moment: datetime) -> int:
    return (_EPOCH - moment) // _MICROSECOND


def _place(job: RestoreJob, account_id: str = "", serial: int = 0) -> _Place:
    age = _UNDATED if job.creation_date is None else _age(job.creation_date)
    return age, job.restore_job_id or "", account_id, serial


_JSON = json.JSONEncoder(default=datetime.timestamp)  # the only values that JSON does not have


class _Filters(NamedTuple):
    """What a request asks for, apart from account, page size and token."""

    status: str | None = None
    resource_type: str | None = None
    parent_job_id: str | None = None
    plan_arn: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    complete_after: datetime | None = None
    complete_before: datetime | None = None

    def span(self, entries: Sequence[_Entry]) -> slice:
        """Return which of the entries, which are in order, were created between the bounds."""
        if self.created_after is None and self.created_before is None:
            return slice(None)
        start, stop = 0, bisect_left(entries, _UNDATED, key=_age_of)
        if self.created_before is not None:
            start = bisect_right(entries, _age(self.created_before), key=_age_of)
        if self.created_after is not None:
            stop = bisect_right(entries, _age(self.created_after), key=_age_of)
        return slice(start, stop)

    def match(self, job: RestoreJob) -> bool:
        """Whether the job is asked for, whenever it was created."""
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


@dataclass(slots=True)
class _Entry:
    """A stored job, where it stands in the order, and its JSON once somebody listed it."""

    place: _Place
    job: RestoreJob
    wire: bytes | None = None

    def as_json(self) -> bytes:
        if self.wire is None:
            members = _JOB.dump_python(self.job, by_alias=True, exclude_none=True)
            self.wire = _JSON.encode(members).encode()
        return self.wire


def _place_of(entry: _Entry) -> _Place:
    return entry.place


def _age_of(entry: _Entry) -> int:
    return entry.place[0]


class _Shelf:
    """The jobs of one account in one region, in order."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self._lock = threading.Lock()
        self._entries: dict[str | int, _Entry] = {}
        self._matching: dict[_Filters, list[_Entry]] = {}

    def put(self, jobs: Iterable[RestoreJob]) -> None:
        entries: dict[str | int, _Entry] = {}
        for job in jobs:
            serial = next(_serials) if job.restore_job_id is None else 0
            key = serial if job.restore_job_id is None else job.restore_job_id
            entries[key] = _Entry(_place(job, self._account_id, serial), job)
        with self._lock:
            self._entries.update(entries)
            self._matching = {}

    def following(self, filters: _Filters, after: _Place | None, count: int) -> list[_Entry]:
        """Return the first `count` entries behind a place, or from the beginning."""
        with self._lock:
            matching = self._match(filters)
        start = 0 if after is None else bisect_right(matching, after, key=_place_of)
        return matching[start : start + count]

    def _match(self, filters: _Filters) -> list[_Entry]:
        matching = self._matching.get(filters)
        if matching is None:
            if filters == _Filters():
                matching = sorted(self._entries.values(), key=_place_of)
            else:
                everything = self._match(_Filters())
                within = everything[filters.span(everything)]
                matching = [entry for entry in within if filters.match(entry.job)]
            self._matching[filters] = matching
        return matching


# --- the operation -------------------------------------------------------------------------------

_MAX_RESULTS = 1_000
_RESOURCE_TYPE = re.compile(r"[a-zA-Z0-9\-_. ]{1,50}")
_tokens = itertools.count()


class _RefusedError(Exception):
    """A parameter that the service does not take."""

    def __init__(self, *, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class _Call:
    """One ListRestoreJobs request, and where to look for the answer."""

    shelves: Mapping[tuple[str, str], _Shelf]  # by region and account
    account_id: str
    parameters: Mapping[str, str]
    page_size: int | None = None  # for the faults that answer another size than asked for

    def answer(self, region_name: str) -> _Answer:
        """Return the page, or what is wrong with the request."""
        try:
            return _Answer(200, {"Content-Type": "application/json"}, self._page(region_name))
        except _RefusedError as refused:
            return _aws_error(
                400,
                "InvalidParameterValueException",
                {
                    "Code": "InvalidParameterValueException",
                    "Message": f"{refused.parameter}: {refused}",
                    "Type": "User",
                    "Context": refused.parameter,
                },
            )

    def _page(self, region_name: str) -> bytes:
        filters = self._filters()
        account_id = self._asked_account()
        size = self._size() if self.page_size is None else self.page_size
        scope = repr((region_name, account_id, filters))
        token = self.parameters.get("nextToken")
        after = None if token is None else _place_in(token, scope)
        entries = sorted(
            itertools.chain.from_iterable(
                shelf.following(filters, after, size + 1)
                for (region, owner), shelf in self.shelves.items()
                if region == region_name and account_id in {owner, "*"}
            ),
            key=_place_of,
        )
        page = entries[:size]
        next_token = None
        if page and len(entries) > size:
            next_token = _token(page[-1].place, scope)
        elif size == 0:
            next_token = _token(after, scope)
        return b'{"RestoreJobs": [%b], "NextToken": %b}' % (
            b", ".join(entry.as_json() for entry in page),
            json.dumps(next_token).encode(),
        )

    def _filters(self) -> _Filters:
        status = self.parameters.get("status")
        if status is not None and status not in {known.value for known in RestoreJobStatus}:
            raise _RefusedError(
                parameter="status", message=f"There is no restore job status {status!r}"
            )
        resource_type = self.parameters.get("resourceType")
        if resource_type is not None and not _RESOURCE_TYPE.fullmatch(resource_type):
            raise _RefusedError(
                parameter="resourceType", message=f"{resource_type!r} is not a resource type"
            )
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
        raise _RefusedError(
            parameter=parameter, message=f"{text!r} is not a timestamp in ISO 8601 with an offset"
        )

    def _asked_account(self) -> str:
        account_id = self.parameters.get("accountId", self.account_id)
        if not re.fullmatch(r"\*|[0-9]{12}", account_id):
            raise _RefusedError(
                parameter="accountId", message=f"{account_id!r} is not an account id"
            )
        return account_id

    def _size(self) -> int:
        text = self.parameters.get("maxResults", str(_MAX_RESULTS))
        if re.fullmatch("[0-9]{1,9}", text) and 1 <= int(text) <= _MAX_RESULTS:
            return int(text)
        raise _RefusedError(
            parameter="maxResults", message=f"Must be from 1 to {_MAX_RESULTS}, got {text!r}"
        )


def _token(after: _Place | None, scope: str) -> str:
    # The running number makes each token another one, as AWS's are.
    content = json.dumps([next(_tokens), after]).encode().hex()
    return f"{content}.{_seal(content, scope)}"


def _place_in(token: str, scope: str) -> _Place | None:
    content, _, seal = token.rpartition(".")
    if seal != _seal(content, scope):
        raise _RefusedError(
            parameter="nextToken", message="The token is not one of a listing with these parameters"
        )
    _, after = json.loads(bytes.fromhex(content))
    return after and tuple(after)


def _seal(content: str, scope: str) -> str:
    return blake2b(f"{scope} {content}".encode(), digest_size=12).hexdigest()


# --- its place in moto ---------------------------------------------------------------------------

_STATE = "restorejobs_client_jobs"
_URL_PATH = "{0}/restore-jobs/?$"
_current_call: ContextVar[_Call | None] = ContextVar("_current_call", default=None)
# Re-entrant, because a finalizer may run at any moment in the thread that holds it.
_operation_lock = threading.RLock()
_operation_users: set[object] = set()
_session_lock = threading.Lock()


@contextmanager
def _needing_the_extra() -> Generator[None, None, None]:
    try:
        yield
    except ImportError as error:
        message = f"{error}; to install it: pip install 'restorejobs-client[testing]'"
        raise ImportError(message) from error


def _checked_account(account_id: str) -> str:
    if not re.fullmatch("[0-9]{12}", account_id):
        message = f"account_id: must be 12 digits, got {account_id!r}"
        raise InvalidRequestError(message)
    return account_id


def _add_operation(user: object) -> None:
    from moto.backup import urls  # noqa: PLC0415  # an extra

    handler = _operation()
    # A new table rather than a new entry: another thread may be iterating the old one.
    with _operation_lock:
        _operation_users.add(user)
        urls.url_paths = {**urls.url_paths, _URL_PATH: handler}


def _drop_operation(user: object) -> None:
    from moto.backup import urls  # noqa: PLC0415  # an extra

    with _operation_lock:
        _operation_users.discard(user)
        if not _operation_users:
            urls.url_paths = {
                path: handler for path, handler in urls.url_paths.items() if path != _URL_PATH
            }


@functools.cache
def _operation() -> Callable[..., object]:
    from moto.backup.models import backup_backends  # noqa: PLC0415  # an extra
    from moto.backup.responses import BackupResponse  # noqa: PLC0415

    class RestoreJobsResponse(BackupResponse):
        def list_restore_jobs(self) -> tuple[int, dict[str, str], bytes]:
            call = _current_call.get()
            if call is None:
                shelves: dict[tuple[str, str], _Shelf] = {}
                for account_id, backends in list(backup_backends.items()):
                    backend = backends.get(self.region)
                    if backend is not None and _STATE in vars(backend):
                        shelves[self.region, account_id] = vars(backend)[_STATE]
                query = dict(parse_qsl(self.parsed_url.query, keep_blank_values=True))
                call = _Call(shelves, self.current_account, query)
            answer = call.answer(self.region)
            # moto takes the status from the headers.
            headers = {**answer.headers, "status": str(answer.status)}
            return answer.status, headers, answer.body

    return RestoreJobsResponse.dispatch


@contextmanager
def _operation_in_moto() -> Generator[None, None, None]:
    user = object()
    with _needing_the_extra():
        _add_operation(user)
    try:
        yield
    finally:
        _drop_operation(user)


def _new_moto_server() -> WsgiClient:
    with _needing_the_extra():
        for name in ("flask", "flask_cors"):  # where one is missing, moto warns before it raises
            importlib.import_module(name)
        moto = importlib.import_module("moto.moto_server.werkzeug_app")
        from werkzeug.test import Client  # noqa: PLC0415  # moto's
    # Not moto's dispatcher for all services, which walks its directories at each request.
    return Client(moto.create_backend_app("backup"), use_cookies=False)


@functools.cache
def _session() -> botocore.session.Session:
    """Return what clients are made from: nothing of the environment, and credentials of its own."""
    import botocore.session  # noqa: PLC0415  # costs time to import

    nowhere = (None, None, os.devnull, None)
    session = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": nowhere,
            "credentials_file": nowhere,
        }
    )
    session.set_credentials("testing", "testing")
    return session


# --- faults --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    """What goes back over HTTP, and how much of it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    delivery: Literal["whole", "half", "half, then reset", "reset"] = "whole"


def _aws_error(status: int, code: str, members: Mapping[str, str]) -> _Answer:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": code,
        "x-amzn-RequestId": str(uuid4()),
    }
    return _Answer(status, headers, json.dumps(members).encode())


def _unavailable() -> _Answer:
    return _aws_error(
        503,
        "ServiceUnavailableException",
        {
            "Code": "ServiceUnavailableException",
            "Message": "The service is unavailable, try again later",
            "Type": "Service",
            "Context": "ListRestoreJobs",
        },
    )


def _with_token(answer: _Answer, token: str) -> _Answer:
    page = json.loads(answer.body)
    return replace(answer, body=json.dumps({**page, "NextToken": token}).encode())


_HTML = {"Content-Type": "text/html"}
_INSTEAD: dict[FaultName, Callable[[], _Answer]] = {
    "throttle": lambda: _aws_error(400, "ThrottlingException", {"message": "Rate exceeded"}),
    "too_many_requests": lambda: _Answer(429),
    "access_denied": lambda: _aws_error(
        403,
        "AccessDeniedException",
        {"Message": "User is not authorized to perform: backup:ListRestoreJobs"},
    ),
    "expired_token": lambda: _aws_error(
        403,
        "ExpiredTokenException",
        {"message": "The security token included in the request is expired"},
    ),
    "unavailable": _unavailable,
    "server_error": lambda: _Answer(500, _HTML, b"<html><h1>Internal Server Error</h1></html>"),
    "damage": lambda: _Answer(200, _HTML, b"<html><h1>Please log in</h1></html>"),
    "empty_body": lambda: _Answer(200, {"Content-Type": "application/json"}),
    "no_content": lambda: _Answer(204),
    "redirect": lambda: _Answer(302, {"Location": "https://login.example.com/"}),
    "reset": lambda: _Answer(0, delivery="reset"),
}
_DAMAGED: dict[FaultName, Callable[[_Answer], _Answer]] = {
    "cut": lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2]),
    "short": lambda answer: replace(answer, delivery="half"),
    "trailing": lambda answer: replace(answer, body=answer.body + b"</html>"),
    "reset_in_body": lambda answer: replace(answer, delivery="half, then reset"),
}
_PAGE_SIZES: dict[FaultName, int] = {"empty_page": 0, "ignored_max_results": _MAX_RESULTS}


# --- HTTP ----------------------------------------------------------------------------------------

_POLL_SECONDS = 0.02  # how long a server may take to notice that it shall stop


class _Service:
    """What the connections of one server share: jobs, faults and the record of requests."""

    def __init__(self, moto: WsgiClient, account_id: str) -> None:
        self.account_id = account_id
        self.requests: list[dict[str, str]] = []
        self._moto = moto
        self._lock = threading.Lock()
        self._faults: deque[FaultName] = deque()
        self._shelves: dict[tuple[str, str], _Shelf] = {}

    def put(self, jobs: Iterable[RestoreJob], *, region_name: str, account_id: str) -> None:
        with self._lock:
            shelf = self._shelves.setdefault((region_name, account_id), _Shelf(account_id))
        shelf.put(jobs)

    def clear(self) -> None:
        with self._lock:
            self._shelves = {}

    def queue(self, fault: FaultName, times: int) -> None:
        with self._lock:
            self._faults.extend(itertools.repeat(fault, times))

    def answer(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> _Answer:
        url = urlsplit(path)
        if method != "GET" or url.path.rstrip("/") != "/restore-jobs":
            return self._ask_moto(method, path, headers, body)
        parameters = dict(parse_qsl(url.query, keep_blank_values=True))
        fault = self._record(parameters)
        if fault in _INSTEAD:
            return _INSTEAD[fault]()
        account_id = dict(headers).get("x-moto-account-id", self.account_id)
        with self._lock:
            shelves = dict(self._shelves)
        size = None if fault is None else _PAGE_SIZES.get(fault)
        reset_token = _current_call.set(_Call(shelves, account_id, parameters, size))
        try:
            answer = self._ask_moto(method, path, headers, body)
        finally:
            _current_call.reset(reset_token)
        if fault == "stuck_token":
            return _with_token(answer, parameters["nextToken"])
        return _DAMAGED[fault](answer) if fault in _DAMAGED else answer

    def _record(self, parameters: dict[str, str]) -> FaultName | None:
        with self._lock:
            self.requests.append(parameters)
            waits = self._faults and self._faults[0] == "stuck_token"
            if not self._faults or (waits and "nextToken" not in parameters):
                return None
            return self._faults.popleft()

    def _ask_moto(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> _Answer:
        try:
            response = self._moto.open(path, method=method, headers=headers, data=body)
        except Exception as error:  # noqa: BLE001  # whatever moto raises, the caller shall read it
            return _aws_error(501, type(error).__name__, {"message": str(error)})
        with response:
            return _Answer(response.status_code, dict(response.headers), response.data)


class _Connection(BaseHTTPRequestHandler):
    """One connection, kept open from request to request as AWS's are."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(
        self, service: _Service, request: socket.socket, client_address: object, server: _Server
    ) -> None:
        self._service = service
        super().__init__(request, client_address, server)

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        self._send(self._service.answer(self.command, self.path, headers, self.rfile.read(length)))

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's names
        """Say nothing: it would be noise in the tests of users."""

    def _send(self, answer: _Answer) -> None:
        if answer.delivery != "reset":
            headers = {**answer.headers, "Content-Length": str(len(answer.body))}
            head = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}"]
            head += [f"{name}: {value}" for name, value in headers.items()]
            body = answer.body
            if answer.delivery != "whole":
                body = body[: len(body) // 2]
            # At one go: a head on its own would wait for the client's acknowledgement.
            self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        if answer.delivery != "whole":
            self.close_connection = True
        if answer.delivery == "half, then reset":
            time.sleep(0.05)  # a reset overtakes what is still on its way
        if answer.delivery.endswith("reset"):
            linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class _Server(socketserver.TCPServer):
    """A thread for each connection, all of which end with the server.

    Not werkzeug's server, which closes the connection after every answer and waits before it.
    """

    request_queue_size = 128

    def __init__(self, service: _Service) -> None:
        self._connections: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", 0), functools.partial(_Connection, service))

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for thread, connection in list(self._connections.items()):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        assert isinstance(request, socket.socket)  # noqa: S101  # the tuples are UDP's
        thread = threading.Thread(
            target=self._converse, args=(request, client_address), daemon=True
        )
        self._connections[thread] = request
        thread.start()

    def _converse(self, request: socket.socket, client_address: object) -> None:
        # Closed without the shutdown of socketserver, which would be an orderly end before a reset.
        with request, suppress(OSError):
            self.finish_request(request, client_address)
        del self._connections[threading.current_thread()]


# --- samples -------------------------------------------------------------------------------------


class _Kind(NamedTuple):
    """What a resource of some type looks like in ARNs; `{…}` is filled in."""

    weight: int
    resource_type: ResourceType
    resource: str
    recovery_point: str = "backup:{region}:{account}:recovery-point:{uuid}"


_SNAPSHOT = "ec2:{region}::snapshot/snap-{hex}"
_DB_SNAPSHOT = "rds:{region}:{account}:snapshot:awsbackup:job-{uuid}"
_CLUSTER = "rds:{region}:{account}:cluster:{name}-{hex}"
_CLUSTER_SNAPSHOT = "rds:{region}:{account}:cluster-snapshot:awsbackup:job-{uuid}"
_VOLUME = "storagegateway:{region}:{account}:gateway/sgw-12A3456B/volume/vol-{hex}"
_FILES = "elasticfilesystem:{region}:{account}:file-system/fs-{hex}"
_FSX_BACKUP = "fsx:{region}:{account}:backup/backup-{hex}"
_REDSHIFT_SNAPSHOT = "redshift:{region}:{account}:snapshot:{name}/awsbackup-{uuid}"
_COMPOSITE = "backup:{region}:{account}:recovery-point:composite:{name}-{uuid}"
_KINDS = (
    _Kind(22, ResourceType.EBS, "ec2:{region}:{account}:volume/vol-{hex}", _SNAPSHOT),
    _Kind(
        18,
        ResourceType.EC2,
        "ec2:{region}:{account}:instance/i-{hex}",
        "ec2:{region}::image/ami-{hex}",
    ),
    _Kind(14, ResourceType.RDS, "rds:{region}:{account}:db:{name}-{hex}", _DB_SNAPSHOT),
    _Kind(10, ResourceType.S3, "s3:::{name}-{hex}"),
    _Kind(10, ResourceType.DYNAMODB, "dynamodb:{region}:{account}:table/{name}-{hex}"),
    _Kind(8, ResourceType.EFS, _FILES),
    _Kind(6, ResourceType.AURORA, _CLUSTER, _CLUSTER_SNAPSHOT),
    _Kind(4, ResourceType.FSX, "fsx:{region}:{account}:file-system/fs-{hex}", _FSX_BACKUP),
    _Kind(
        3, ResourceType.SAP_HANA_ON_AMAZON_EC2, "ssm-sap:{region}:{account}:HANA/{name}/DB/{hex}"
    ),
    _Kind(3, ResourceType.STORAGE_GATEWAY, _VOLUME, _SNAPSHOT),
    _Kind(3, ResourceType.VIRTUALMACHINE, "backup-gateway:{region}:{account}:vm/vm-{hex}"),
    _Kind(2, ResourceType.DOCUMENTDB, _CLUSTER, _CLUSTER_SNAPSHOT),
    _Kind(2, ResourceType.NEPTUNE, _CLUSTER, _CLUSTER_SNAPSHOT),
    _Kind(
        2,
        ResourceType.REDSHIFT,
        "redshift:{region}:{account}:cluster:{name}-{hex}",
        _REDSHIFT_SNAPSHOT,
    ),
    _Kind(1, ResourceType.TIMESTREAM, "timestream:{region}:{account}:database/{name}/table/{hex}"),
)
_COMPOSITE_KINDS = (
    _Kind(
        2,
        ResourceType.CLOUDFORMATION,
        "cloudformation:{region}:{account}:stack/{name}/{uuid}",
        _COMPOSITE,
    ),
    _Kind(1, ResourceType.EKS, "eks:{region}:{account}:cluster/{name}-{hex}", _COMPOSITE),
)
_NAMES = ("orders", "billing", "catalog", "ledger", "profiles", "reports")

# What is listed more often is drawn more often.
_STATUSES = (
    *[RestoreJobStatus.COMPLETED] * 44,
    *[RestoreJobStatus.FAILED] * 3,
    RestoreJobStatus.ABORTED,
    RestoreJobStatus.RUNNING,
    RestoreJobStatus.PENDING,
)
_MESSAGES = {
    RestoreJobStatus.ABORTED: ("The restore job was stopped.",),
    RestoreJobStatus.FAILED: (
        "Insufficient privileges to perform this action.",
        "The DB subnet group does not cover enough Availability Zones.",
        "You have exceeded your maximum volume storage limit.",
        "The KMS key that encrypts the recovery point is disabled or pending deletion.",
        "Recovery point is not in an available state.",
        "Table already exists.",
    ),
}
_VALIDATIONS: tuple[Mapping[str, str], ...] = (
    *[{"validation_status": RestoreValidationStatus.SUCCESSFUL}] * 27,
    {
        "validation_status": RestoreValidationStatus.FAILED,
        "validation_status_message": "Row counts differ from the source.",
    },
    {
        "validation_status": RestoreValidationStatus.TIMED_OUT,
        "validation_status_message": "No validation result within the window.",
    },
    {"validation_status": RestoreValidationStatus.VALIDATING},
)
_DELETIONS: tuple[Mapping[str, str], ...] = (
    *[{"deletion_status": RestoreDeletionStatus.SUCCESSFUL}] * 28,
    {
        "deletion_status": RestoreDeletionStatus.FAILED,
        "deletion_status_message": "Deletion protection is turned on.",
    },
    {"deletion_status": RestoreDeletionStatus.DELETING},
)
_HOUR = 3_600_000  # the sampler counts in milliseconds
_DAY = 24 * _HOUR


class _Sampler:
    """Draws restore jobs that were created from `first` to before `end`, in epoch milliseconds."""

    def __init__(
        self, chance: random.Random, *, first: int, end: int, region_name: str, account_id: str
    ) -> None:
        partition = "aws"
        for prefix in ("cn", "us-gov"):
            if region_name.startswith(f"{prefix}-"):
                partition = f"aws-{prefix}"
        self._chance = chance
        self._first = first
        self._end = end
        self._account_id = account_id
        self._arn_start = f"arn:{partition}:"
        self._single = [kind for kind in _KINDS for _ in range(kind.weight)]
        self._composite = [kind for kind in _COMPOSITE_KINDS for _ in range(kind.weight)]
        self._names = {"region": region_name, "account": account_id}
        plan = "backup:{region}:{account}:restore-testing-plan:"
        plans = [
            RestoreJobCreator(restore_testing_plan_arn=self._arn(f"{plan}{name}-{{uuid}}"))
            for name in ("nightly", "weekly", "compliance")
        ]
        self._creators = (*plans * 3, None)  # a tenth on demand
        self._role_arn = self._arn("iam::{account}:role/service-role/AWSBackupDefaultServiceRole")
        self._vault_arns = [
            self._arn(f"backup:{{region}}:{{account}}:backup-vault:{name}")
            for name in ("Default", "production", "locked")
        ]

    def jobs(self) -> Iterator[RestoreJob]:
        created = self._moment()
        while True:
            if self._chance.random() >= 0.03:  # noqa: PLR2004  # few restores share a moment
                created = self._moment()
            if self._chance.random() >= 0.01:  # noqa: PLR2004  # few restores are composite
                yield self._job(created, self._single)
                continue
            parent = self._job(created, self._composite, is_parent=True)
            yield parent
            for _ in range(self._chance.randint(2, 4)):
                created = min(created + self._chance.randrange(5_000), self._end - 1)
                yield self._job(created, self._single, parent_job_id=parent.restore_job_id)

    def _moment(self) -> int:
        night = self._chance.randrange(self._first // _DAY, self._end // _DAY + 1) * _DAY
        moment = night + 2 * _HOUR + int(self._chance.expovariate(3 / _HOUR))
        in_a_cluster = self._chance.random() < 0.85  # noqa: PLR2004  # most run at night
        if in_a_cluster and self._first <= moment < self._end:
            return moment
        return self._chance.randrange(self._first, self._end)

    def _job(
        self,
        created: int,
        kinds: Sequence[_Kind],
        *,
        is_parent: bool = False,
        parent_job_id: str | None = None,
    ) -> RestoreJob:
        chance = self._chance
        kind = chance.choice(kinds)
        status = chance.choice(_STATUSES)
        members: dict[str, Any] = {
            "account_id": self._account_id,
            "restore_job_id": self._uuid(),
            "recovery_point_arn": self._arn(kind.recovery_point),
            "creation_date": _moment_of(created),
            "status": status,
            "percent_done": "0.00%",
            "iam_role_arn": self._role_arn,
            "resource_type": kind.resource_type.value,
            "is_parent": is_parent,
            "parent_job_id": parent_job_id,
        }
        if status is RestoreJobStatus.PENDING:
            return RestoreJob(**members)
        minutes = chance.lognormvariate(3, 0.8)
        backed_up = created - chance.randrange(_HOUR, 30 * _DAY)
        created_by = chance.choice(self._creators)
        members |= {
            "source_resource_arn": self._arn(kind.resource),
            "backup_vault_arn": chance.choice(self._vault_arns),
            "backup_size_in_bytes": int(chance.lognormvariate(23, 2)),
            "expected_completion_time_minutes": int(minutes * chance.uniform(0.8, 1.5)) + 1,
            "recovery_point_creation_date": _moment_of(backed_up),
            "created_by": created_by,
        }
        if status is RestoreJobStatus.RUNNING:
            members["percent_done"] = f"{chance.uniform(0, 100):.2f}%"
            return RestoreJob(**members)
        members["completion_date"] = _moment_of(created + int(minutes * 60_000))
        if status is not RestoreJobStatus.COMPLETED:
            return RestoreJob(**members, status_message=chance.choice(_MESSAGES[status]))
        members["created_resource_arn"] = self._arn(kind.resource)
        if chance.random() < 0.03:  # noqa: PLR2004  # seen in the wild
            members["completion_date"] = None
        else:
            members["percent_done"] = "100.00%"
        if created_by is not None:
            members |= chance.choice(_VALIDATIONS)
            members |= chance.choice(_DELETIONS)
        return RestoreJob(**members)

    def _arn(self, template: str) -> str:
        return self._arn_start + template.format(
            **self._names,
            name=self._chance.choice(_NAMES),
            uuid=self._uuid() if "{uuid}" in template else "",
            hex=f"{self._chance.getrandbits(68):017x}",
        )

    def _uuid(self) -> str:
        text = str(UUID(int=self._chance.getrandbits(128), version=4))
        return text.upper() if self._chance.getrandbits(1) else text


def _moment_of(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MILLISECOND

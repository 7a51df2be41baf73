"""The only room that knows botocore: parameters in, a page or a typed error out.

botocore does the endpoints, signing, retries and credentials. Its parser is stepped around for
our calls: `before-parse` hands over the raw body, and pydantic reads it straight into models. The
raw body is also the only place where a damaged page can be told from an empty one.
"""

from __future__ import annotations

import gc
import json
import os
import random
import threading
from contextlib import contextmanager
from difflib import get_close_matches
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NotRequired, cast

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from restorejobs_client import _errors
from restorejobs_client._errors import (
    CredentialsError,
    InvalidRequestError,
    MalformedResponseError,
    ServiceError,
    TransportError,
)
from restorejobs_client._models import (
    RestoreJob,
    RestoreJobPage,
    share_what_repeats,
    what_is_wrong,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    import boto3
    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient
    from botocore.config import Config


@with_config(ConfigDict(extra="allow"))
class _Members(TypedDict):
    """A page by AWS's names. Those that are not known may be known ones that were damaged."""

    RestoreJobs: NotRequired[tuple[RestoreJob, ...]]
    NextToken: NotRequired[str | None]


_OPERATION: Final = "ListRestoreJobs"
_PAGE: Final = TypeAdapter(_Members)
_STATUSES: Final = frozenset(HTTPStatus)
_SHOWN = 60  # bytes of a body that is no answer: enough to recognise it by

_KINDS: Final[dict[str, type[ServiceError]]] = {
    "AccessDenied": _errors.AccessDeniedException,
    "AccessDeniedException": _errors.AccessDeniedException,
    "ExpiredToken": _errors.ExpiredTokenException,
    "ExpiredTokenException": _errors.ExpiredTokenException,
    "InvalidParameterValueException": _errors.InvalidParameterValueException,
    "MissingParameterValueException": _errors.MissingParameterValueException,
    "ResourceNotFoundException": _errors.ResourceNotFoundException,
    "ServiceUnavailable": _errors.ServiceUnavailableException,
    "ServiceUnavailableException": _errors.ServiceUnavailableException,
    **dict.fromkeys(
        (
            "BandwidthLimitExceeded",
            "EC2ThrottledException",
            "LimitExceededException",
            "PriorRequestNotComplete",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
            "TransactionInProgressException",
        ),
        _errors.ThrottlingException,
    ),
}
_KINDS_BY_STATUS: Final[dict[int, type[ServiceError]]] = {
    429: _errors.ThrottlingException,
    503: _errors.ServiceUnavailableException,
}
_ADVICE: Final[dict[str, str]] = {
    "AccessDeniedException": "the credentials need the permission backup:ListRestoreJobs",
    "ExpiredTokenException": "renew the credentials, then go on from the checkpoint",
    "ThrottlingException": "go on from the checkpoint later, or with fewer requests at a time",
    "NoCredentialsError": "run `aws configure` or `aws sso login`, set AWS_PROFILE, or pass "
    "profile_name or session",
    "NoRegionError": "pass region_name, or set AWS_DEFAULT_REGION or the profile's region",
}
# By name, because botocore adds such classes over time.
_CREDENTIALS: Final = frozenset(
    {
        "CredentialRetrievalError",
        "LoginError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "SSOError",
        "TokenRetrievalError",
        "UnknownCredentialError",
        "UnknownTokenProviderError",
    }
)


class _Exchange:
    """One call of ours while it is under way: the last answer, and what became of it."""

    __slots__ = ("body", "fault", "page", "token_sent")

    def __init__(self, *, token_sent: bool) -> None:
        self.token_sent = token_sent
        self.body: bytes | None = None
        self.page: RestoreJobPage | None = None
        self.fault: MalformedResponseError | None = None


class _Current(threading.local):
    """The exchange of this thread, so that calls by others on the same client are let alone."""

    exchange: _Exchange | None = None


_current = _Current()


class Wire:
    """One boto3 "backup" client, and the way from parameters to pages over it."""

    def __init__(self, client: BaseClient) -> None:
        self._client = cast("Any", client)  # boto3 makes the operations' methods at run time
        retries: Mapping[str, Any] = self._client.meta.config.retries or {}
        usual = 5 if retries.get("mode") == "legacy" else 3
        self._max_attempts: int = retries.get("total_max_attempts", usual)
        events = self._client.meta.events
        # The ids keep a client that several listings share from being registered with twice.
        events.register(
            f"before-parse.backup.{_OPERATION}", _take_body, unique_id="restorejobs-client-body"
        )
        # Behind botocore's own handler: where it retries, its wait counts.
        events.register_last(
            "needs-retry.backup", self._needs_retry, unique_id="restorejobs-client-retry"
        )

    def fetch(self, parameters: Mapping[str, object]) -> RestoreJobPage:
        """Return the page that boto3's `list_restore_jobs` would answer these parameters with.

        Raises:
            ServiceError, TransportError, MalformedResponseError: after botocore's retries.
        """
        exchange = _Exchange(token_sent="NextToken" in parameters)
        outer, _current.exchange = _current.exchange, exchange
        try:
            parsed: dict[str, Any] = self._client.list_restore_jobs(**parameters)
        except ClientError as error:
            raise _service_error(error) from error
        except BotoCoreError as error:
            raise transport_error(error) from error
        except Exception as error:
            # A handler on the user's client, or a mock of it.
            message = f"the call failed: {type(error).__name__}: {error}"
            raise TransportError(message) from error
        finally:
            _current.exchange = outer
        if exchange.fault is not None:
            raise exchange.fault
        if exchange.page is not None:
            return exchange.page
        return _page_of_parsed(parsed, exchange)

    def _needs_retry(
        self, response: tuple[AWSResponse, dict[str, Any]] | None, attempts: int, **_: object
    ) -> float | None:
        """Have botocore try once more after a damaged page, or throttling that it would not retry.

        It retries no bare 429 in all versions, and no throttling any more once a client was
        throttled a hundred times: then the listings of a `gather` would fail one after the other.
        """
        exchange = _current.exchange
        if exchange is None or response is None:
            return None
        status = response[0].status_code
        code = response[1].get("Error", {}).get("Code")
        throttled = status == HTTPStatus.TOO_MANY_REQUESTS or (
            _KINDS.get(code) is _errors.ThrottlingException
        )
        if exchange.body is not None:
            try:
                exchange.page = _page_of_body(exchange, response[0])
            except MalformedResponseError as error:
                exchange.fault = error
        if exchange.fault is None and not throttled:
            return None
        if attempts >= self._max_attempts:
            return None
        # The waits of botocore's standard mode.
        scale = 0.05 if exchange.fault else 1.0
        return random.uniform(0, min(scale * 2 ** (attempts - 1), 20))  # noqa: S311  # jitter


def _take_body(response_dict: dict[str, Any], **_: object) -> None:
    """Keep the body of a success for us; leave botocore's parser what it can read."""
    exchange = _current.exchange
    if exchange is None:
        return
    exchange.body = exchange.page = exchange.fault = None
    status: int = response_dict["status_code"]
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        response_dict["body"] = _error_body(status, response_dict["body"])
    else:
        exchange.body = response_dict["body"]
        response_dict["body"] = b"{}"


def _error_body(status: int, body: bytes) -> bytes:
    """Return the error as botocore's parser can read it: it stumbles over other JSON and bytes."""
    try:
        members: Any = json.loads(body)
    except (ValueError, RecursionError):
        members = None
    texts: dict[str, str]
    if isinstance(members, dict):
        named = cast("dict[str, object]", members)
        texts = {name: value for name, value in named.items() if isinstance(value, str)}
    else:
        reason = f" {HTTPStatus(status).phrase}" if status in _STATUSES else ""
        texts = {"message": f"HTTP {status}{reason} with {_shown(body)}"}
    return json.dumps(texts).encode()


def _page_of_body(exchange: _Exchange, response: AWSResponse) -> RestoreJobPage:
    body = exchange.body or b""
    what = f"HTTP {response.status_code} with {_shown(body)}"
    length = response.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) != len(body):
        message = f"{what} was cut: {len(body)} of {length} bytes came"
        raise MalformedResponseError(message)
    try:
        with _collector_paused():
            members = _PAGE.validate_json(body, by_name=False)
            share_what_repeats(members.get("RestoreJobs", ()))
    except ValidationError as error:
        message = f"{what} is no list of restore jobs: {what_is_wrong(error)}"
        raise MalformedResponseError(message) from error
    return _page_of(members, what, is_promised=exchange.token_sent)


def _page_of_parsed(parsed: dict[str, Any], exchange: _Exchange) -> RestoreJobPage:
    """Read what botocore parsed, where `before-parse` did not fire (such as under `Stubber`)."""
    metadata = parsed.pop("ResponseMetadata", {})
    what = f"the response with {', '.join(parsed) or 'no members'}"
    try:
        members = _PAGE.validate_python(parsed, by_name=False)
    except ValidationError as error:
        message = f"{what} is no list of restore jobs: {what_is_wrong(error)}"
        raise MalformedResponseError(message) from error
    # Over HTTP, botocore's parser makes an empty response of any damaged one.
    return _page_of(members, what, is_promised=exchange.token_sent or "HTTPHeaders" in metadata)


def _page_of(members: _Members, what: str, *, is_promised: bool) -> RestoreJobPage:
    """Return the page, unless it may have jobs, or a page behind it, that its names do not tell.

    `{}` is taken as "no jobs at all", but never as the page that a token promised.
    """
    jobs, token = members.get("RestoreJobs"), members.get("NextToken")
    unknown: dict[str, object] = {
        name: value for name, value in members.items() if name not in _Members.__annotations__
    }
    if jobs is None and (unknown or not token) and (members or is_promised):
        message = f"{what} is no list of restore jobs: there is no RestoreJobs in it"
        raise MalformedResponseError(message)
    for name, value in unknown.items():
        if value and not token and get_close_matches(name.lower(), ["nexttoken"], cutoff=0.8):
            message = f"{what} does not tell whether more follow: it has no NextToken, but {name!r}"
            raise MalformedResponseError(message)
    return RestoreJobPage(restore_jobs=jobs or (), next_token=token)


def _shown(body: bytes) -> str:
    if not body:
        return "an empty body"
    more = "…" if len(body) > _SHOWN else ""
    return f"a body of {len(body)} bytes ({body[:_SHOWN]!r}{more})"


class _Pauses:
    """How many threads have the collector paused, and whether it was on before the first."""

    lock = threading.Lock()
    count = 0
    was_enabled = False


def _end_pauses() -> None:
    """Forget the pauses of threads that a forked child does not have."""
    _Pauses.lock = threading.Lock()
    if _Pauses.count and _Pauses.was_enabled:
        gc.enable()
    _Pauses.count = 0


# Windows does not fork; there, `dict` takes it and nothing happens.
getattr(os, "register_at_fork", dict)(after_in_child=_end_pauses)


@contextmanager
def _collector_paused() -> Generator[None]:
    """Keep Python's cycle collector out of the decoding of a page, which makes no cycles.

    Up to Python 3.11 it runs several times within one page and looks at every job so far.
    """
    with _Pauses.lock:
        if _Pauses.count == 0:
            _Pauses.was_enabled = gc.isenabled()
            gc.disable()
        _Pauses.count += 1
    try:
        yield
    finally:
        with _Pauses.lock:
            _Pauses.count -= 1
            if _Pauses.count == 0 and _Pauses.was_enabled:
                gc.enable()


def _service_error(error: ClientError) -> ServiceError:
    response: dict[str, Any] = dict(error.response)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(response.get("Error", {}).get("Code", ""))
    kind = _KINDS.get(code) or _KINDS_BY_STATUS.get(status, ServiceError)
    message = _with_advice(str(error), kind.__name__)
    return kind(message, response=response, operation_name=_OPERATION)


def transport_error(error: BotoCoreError) -> TransportError:
    """Return our error for one of botocore's own; the caller chains it."""
    names = [kind.__name__ for kind in type(error).__mro__]
    kind = TransportError if _CREDENTIALS.isdisjoint(names) else CredentialsError
    return kind(_with_advice(str(error), names[0]))


def _with_advice(message: str, name: str) -> str:
    advice = _ADVICE.get(name)
    return f"{message} ({advice})" if advice else message


_creating = threading.Lock()  # making clients of one session at the same time is not thread-safe


def connect(
    *,
    session: boto3.Session | None,
    region_name: str | None,
    profile_name: str | None,
    endpoint_url: str | None,
    config: Config | None,
) -> BaseClient:
    """Return a new boto3 "backup" client that retries for longer, unless the user configured it.

    Raises:
        TransportError, CredentialsError: no region, no such profile, a configuration that
            botocore refuses.
        InvalidRequestError: an endpoint that is no URL.
    """
    import boto3  # noqa: PLC0415  # costs more to import than all of this package

    try:
        with _creating:
            session = session or boto3.Session(profile_name=profile_name, region_name=region_name)
            settings = _default_config(session)
            create: Callable[..., BaseClient] = cast("Any", session).client
            return create(
                "backup",
                region_name=region_name,
                endpoint_url=endpoint_url,
                config=settings if config is None else settings.merge(config),
            )
    except BotoCoreError as error:
        raise transport_error(error) from error
    except Exception as error:
        if endpoint_url is None or not isinstance(error, ValueError):
            message = f"no client could be made: {type(error).__name__}: {error}"
            raise TransportError(message) from error
        # One with a user and a password may be in any form, so it is not shown.
        shown = "with a password" if "@" in endpoint_url else f"{endpoint_url!r}"
        message = f"endpoint_url {shown} is refused: it must be a URL such as https://host"
        raise InvalidRequestError(message) from (None if "@" in endpoint_url else error)


def _default_config(session: boto3.Session) -> Config:
    from botocore.config import Config  # noqa: PLC0415

    # boto3 has no other way to what the user configured.
    core: Any = session._session  # noqa: SLF001
    # Enough connections for the workers of parallel listings; idle ones cost nothing.
    settings = Config(max_pool_connections=64)
    configured = {"AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"} & os.environ.keys()
    if not configured and not {"retry_mode", "max_attempts"} & core.get_scoped_config().keys():
        settings = settings.merge(Config(retries={"mode": "standard", "total_max_attempts": 8}))
    defaults: Config | None = core.get_default_client_config()
    return settings if defaults is None else settings.merge(defaults)

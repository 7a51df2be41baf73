"""Every error that leaves this package.

RestoreJobsError
├── InvalidRequestError (ValueError)               refused before anything is sent
├── InvalidCheckpointError (ValueError)            refused before anything is sent
├── PaginationError                                the service repeats a page token
├── MalformedResponseError                         a success that is no list of jobs
├── WatchTimeoutError (TimeoutError)               watched jobs have not ended in time
├── ConfigurationError (botocore's BotoCoreError)  no region, no such profile, wrong settings
│   └── CredentialsError                           no credentials to sign with
├── TransportError (botocore's BotoCoreError)      the network: no answer from the service
└── ServiceError (botocore's ClientError)          the service answers with an error
    ├── ResourceNotFoundException
    ├── InvalidParameterValueException
    ├── MissingParameterValueException
    ├── ServiceUnavailableException
    ├── ThrottlingException
    ├── AccessDeniedException
    └── ExpiredTokenException

The bases in brackets let code that catches botocore's errors today go on working.
"""

# No `from __future__ import annotations`: frameworks read these annotations.

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from restorejobs_client._text import counted

if TYPE_CHECKING:
    # To type checkers, botocore's classes are unknown unless its stubs are installed, and then so
    # would be every member of ours.
    class BotoCoreError(Exception):
        """The base of botocore's own errors."""

    class ClientError(Exception):
        """An answer that is an error."""
else:
    from botocore.exceptions import BotoCoreError, ClientError

_SECRET = re.compile(
    r"""
      (?P<name>
        (?:credential|signature|(?:proxy-)?authorization|(?:security|session)[-_]?token
          |secret[-_]?access[-_]?key)
        (?: (?:[\\"'\s]|&quot;)* (?:[=:,>]|%3[AD]|&\#61;) (?:[\\"'\s]|&quot;|b['"])*
          | \s+ (?=\S{20}) )  # whatever stands between a name and its value, in JSON, HTML, a repr
      ) (?:(?:aws4-hmac-sha256|basic|bearer|digest|negotiate)\s+(?!credential))? [^\s,&"'<>\\)]+
    | (?P<scheme>://) [^/@\s]+ @
    | \b(?:AKIA|ASIA)[A-Z0-9]{8,}
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SECRET_NAME = re.compile(r"authorization|cookie|token|credential|secret|signature", re.IGNORECASE)


def redacted(text: str) -> str:
    """Return the text with access keys, signatures, session tokens and passwords of URLs as `***`.

    The service and proxies may repeat parts of the request that they refuse.
    """
    return _SECRET.sub(lambda match: f"{match['name'] or match['scheme'] or ''}***", text)


def redacted_members(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: "***" if _SECRET_NAME.search(name) else _redacted_value(value)
        for name, value in members.items()
    }


def _redacted_value(value: object) -> object:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return redacted_members(cast("Mapping[str, Any]", value))
    if isinstance(value, list):
        return [_redacted_value(one) for one in cast("list[object]", value)]
    return value


class RestoreJobsError(Exception):
    """The base of every error of this package.

    Attributes:
        checkpoint: where to go on, for `client.resume(checkpoint)`. Set on every error that is
            raised while a listing is iterated, otherwise `None`.
        listing: the listing that failed, as it was given to `gather`; otherwise `None`. It is not
            pickled.
    """

    checkpoint: str | None = None
    listing: object = None

    def __init__(self, message: str) -> None:
        # Not super(): botocore's bases build their message from templates of their own.
        Exception.__init__(self, redacted(message))

    def __reduce__(self) -> tuple[Callable[..., "RestoreJobsError"], tuple[object, ...]]:
        state = {name: value for name, value in self.__dict__.items() if name != "listing"}
        return _unpickled, (type(self), self.args, state)


def _unpickled(
    kind: type[RestoreJobsError], args: tuple[object, ...], state: dict[str, object]
) -> RestoreJobsError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InvalidRequestError(RestoreJobsError, ValueError):
    """A parameter that cannot be right: nothing was sent.

    The message names the parameter, what was given and what is allowed.
    """


class InvalidCheckpointError(RestoreJobsError, ValueError):
    """A checkpoint that is damaged or of a listing with other filters: nothing was sent."""


class PaginationError(RestoreJobsError):
    """The service repeated a page token, which would deliver jobs twice, or never end."""


class WatchTimeoutError(RestoreJobsError, TimeoutError):
    """`watch` ran out of time before all jobs had ended.

    Attributes:
        pending: the ids of the jobs that have not ended, and of those that were never listed.
    """

    pending: tuple[str, ...]

    def __init__(self, timeout: float, pending: tuple[str, ...]) -> None:
        shown = ", ".join(pending[:5]) + (", …" if len(pending) > 5 else "")  # noqa: PLR2004
        jobs = counted(len(pending), "job")
        super().__init__(f"{jobs} had not ended after {timeout:g} seconds: {shown}")
        self.pending = pending


class MalformedResponseError(RestoreJobsError):
    """What came is not a list of restore jobs, although it came as a success.

    Raised for a damaged page after botocore's retries, and by `RestoreJob.from_dict`.
    """


class _BotocoreError(RestoreJobsError, BotoCoreError):
    """An error of botocore's own, which is the `__cause__`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.kwargs: Mapping[str, Any] = {}  # BotoCoreError's; its values may hold a signed request


class ConfigurationError(_BotocoreError):
    """No request can be made: no region, no such profile, or settings that botocore refuses.

    Trying again does not help. botocore's own exception is the `__cause__`.
    """


class CredentialsError(ConfigurationError):
    """There are no AWS credentials, or they could not be loaded or refreshed."""


class TransportError(_BotocoreError):
    """The service did not answer: a network error, a time-out, or a proxy.

    botocore's own exception is the `__cause__`.
    """


class ServiceError(RestoreJobsError, ClientError):
    """AWS Backup answered with an error.

    Attributes:
        code: the AWS error code, such as `"AccessDeniedException"`; the HTTP status as text where
            the answer has none.
        request_id: the id to give to AWS support (header `x-amzn-RequestId`), if there was one.
        context: the `Context` member of AWS Backup's modelled errors, if there was one.
        http_status: the HTTP status code.
        response: botocore's parsed error, secrets removed.
        operation_name: `"ListRestoreJobs"`.
    """

    code: str
    request_id: str | None
    context: str | None
    http_status: int
    response: dict[str, Any]
    operation_name: str

    def __init__(
        self, message: str, *, response: Mapping[str, object], operation_name: str
    ) -> None:
        super().__init__(message)
        members = redacted_members(response)
        self.response = members
        self.operation_name = operation_name
        metadata = members.get("ResponseMetadata", {})
        self.http_status = metadata.get("HTTPStatusCode", 0)
        self.code = members.get("Error", {}).get("Code") or str(self.http_status)
        self.request_id = metadata.get("RequestId")
        self.context = members.get("Context")


class ResourceNotFoundException(ServiceError):
    """A resource that the request names does not exist."""


class InvalidParameterValueException(ServiceError):
    """The service refuses the value of a parameter."""


class MissingParameterValueException(ServiceError):
    """The service misses a parameter."""


class ServiceUnavailableException(ServiceError):
    """The service is unavailable for now (also a bare HTTP 503)."""


class ThrottlingException(ServiceError):
    """Too many requests: any of AWS's throttling codes, or a bare HTTP 429."""


class AccessDeniedException(ServiceError):
    """The credentials lack `backup:ListRestoreJobs`."""


class ExpiredTokenException(ServiceError):
    """The temporary credentials have expired."""

"""Every error that leaves this package.

RestoreJobsError
├── RestoreJobsErrorGroup (ExceptionGroup)         errors of `parallel` or `gather`
├── InvalidRequestError (ValueError)               a wrong parameter; nothing was sent
├── InvalidCheckpointError (ValueError)            a wrong checkpoint; nothing was sent
├── PaginationError                                the service repeated a page token
├── MalformedResponseError                         a response that is not a list of jobs
├── WatchTimeoutError (TimeoutError)               watched jobs did not end in time
├── ConfigurationError (botocore's BotoCoreError)  no region, or wrong settings
│   └── CredentialsError                           no such profile, or no credentials
├── TransportError (botocore's BotoCoreError)      no answer from the service
└── ServiceError (botocore's ClientError)          the service answered with an error
    ├── ResourceNotFoundException
    ├── InvalidParameterValueException
    ├── MissingParameterValueException
    ├── ServiceUnavailableException
    ├── ThrottlingException
    ├── AccessDeniedException
    └── ExpiredTokenException

Code that catches botocore's errors also catches ours that have them in brackets.
"""

# No `from __future__ import annotations`: frameworks read these annotations.

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, cast

from restorejobs_client._core.secrets import cleaned, redacted
from restorejobs_client._core.text import clipped, counted, printable

if TYPE_CHECKING:
    # Without botocore's stubs, type checkers would know neither its classes nor ours.
    class BotoCoreError(Exception): ...

    class ClientError(Exception): ...
else:
    from botocore.exceptions import BotoCoreError, ClientError


class ListingLike(Protocol):
    """What errors know of a `RestoreJobs`.

    Attributes:
        region_name: the AWS region of its jobs.
        profile_name: the profile whose credentials list it, if one was given.
    """

    @property
    def region_name(self) -> str: ...

    @property
    def profile_name(self) -> str | None: ...


class RestoreJobsError(Exception):
    """The base class of all errors of this package.

    Attributes:
        checkpoint: where to continue, for `client.resume(checkpoint)`. It is set on every error
            that is raised while a listing is iterated. Otherwise, it is `None`.
        listing: the listing that failed in `gather`, or the window that failed in `parallel`. Only
            the errors in a `RestoreJobsErrorGroup` have one; it is `None` for the group and for
            other errors, and after pickling. It has no truth value: compare it with `None`.
    """

    checkpoint: str | None = None
    listing: ListingLike = cast("Any", None)  # not optional, for code that reads it

    def __init__(self, message: str) -> None:
        # Not super(), because botocore's classes build their message from a template.
        Exception.__init__(self, printable(redacted(message)))

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...], dict[str, object]]:
        # Unpickling does not call __init__, because its parameters differ between classes.
        state: dict[str, object] = {"args": self.args, **vars(self)}
        state.pop("listing", None)
        return type(self).__new__, (type(self),), state


def with_checkpoint(error: RestoreJobsError, checkpoint: str | None) -> RestoreJobsError:
    """Return a copy of an error with another checkpoint."""
    twin = copy(error)
    vars(twin).update(vars(error), checkpoint=checkpoint)  # copying drops the listing
    twin.__notes__ = [*getattr(error, "__notes__", ())]
    twin.__cause__ = error.__cause__
    return twin


class RestoreJobsErrorGroup(RestoreJobsError, ExceptionGroup[RestoreJobsError]):
    """The errors of `parallel` or `gather`, raised after all jobs that could be listed.

    `except RestoreJobsError` catches it, and `except*` sorts its errors. Each error has the
    `listing` that failed, and the `checkpoint` from which `client.resume` lists the rest.

    Attributes:
        exceptions: the errors.
    """

    exceptions: tuple[RestoreJobsError, ...]  # pyright: ignore[reportIncompatibleMethodOverride]  # a narrower type

    def __new__(cls, message: str, errors: Sequence[RestoreJobsError]) -> Self:
        return super().__new__(cls, message, errors)

    def __init__(self, message: str, errors: Sequence[RestoreJobsError]) -> None:  # noqa: ARG002  # `__new__` uses them
        super().__init__(message)

    def derive(self, errors: Sequence[RestoreJobsError], /) -> "RestoreJobsErrorGroup":  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # it has only our errors
        """Return a group of some of the `errors`, for `except*`, `split` and `subgroup`."""
        return RestoreJobsErrorGroup(self.message, errors)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...], dict[str, object]]:
        _, _, state = super().__reduce__()
        return type(self), (self.message, self.exceptions), state


class InvalidRequestError(RestoreJobsError, ValueError):
    """A parameter is wrong, and nothing was sent.

    The message names the parameter, what was given and what is allowed.
    """


class InvalidCheckpointError(RestoreJobsError, ValueError):
    """A checkpoint is damaged or belongs to a listing with other filters, and nothing was sent."""


class PaginationError(RestoreJobsError):
    """The service repeated a page token, so the listing would repeat jobs or never end."""


class WatchTimeoutError(RestoreJobsError, TimeoutError):
    """The `timeout` of `watch` passed before all jobs had ended.

    Attributes:
        pending: the ids of the jobs that have not ended, and the given ids that were never listed.
            Other jobs may not have ended either if a request of the first round has failed.
    """

    def __init__(self, timeout: float, pending: tuple[str, ...]) -> None:
        shown = ", ".join(map(clipped, pending[:5])) + (", …" if len(pending) > 5 else "")  # noqa: PLR2004  # see the slice
        message = f"AWS had not listed the jobs after {timeout:g} seconds"
        if pending:
            jobs = counted(len(pending), "job")
            message = f"{jobs} had not ended after {timeout:g} seconds: {shown}"
        super().__init__(message)
        self.pending: tuple[str, ...] = pending


class MalformedResponseError(RestoreJobsError):
    """A successful response is not a list of restore jobs, or a value does not fit its member.

    Listings raise it for a page that is still damaged after botocore's retries. So do
    `RestoreJob.from_dict`, tables and summaries, for a value that does not fit.
    """


class _BotocoreError(RestoreJobsError, BotoCoreError):
    """An error that botocore raised. Its exception is the `__cause__`."""

    kwargs: ClassVar[Mapping[str, Any]] = {}  # botocore's may hold a signed request


class ConfigurationError(_BotocoreError):
    """No request can be made: no region, or settings that botocore refuses.

    Retrying does not help. botocore's exception is the `__cause__`.
    """


class CredentialsError(ConfigurationError):
    """There are no AWS credentials, or they could not be loaded or refreshed."""


class TransportError(_BotocoreError):
    """The service did not answer, because of a network error, a timeout or a proxy.

    botocore's exception is the `__cause__`.
    """


class ServiceError(RestoreJobsError, ClientError):
    """AWS Backup answered with an error.

    Attributes:
        code: the AWS error code, such as `"AccessDeniedException"`, or the HTTP status as text if
            the response has no code.
        request_id: the id that AWS support asks for (header `x-amzn-RequestId`), if there is one.
        context: the `Context` member of AWS Backup's modelled errors, if there is one.
        http_status: the HTTP status code; 0 if there is none.
        response: botocore's parsed error, without secrets, and with long texts cut.
        operation_name: `"ListRestoreJobs"`.
    """

    def __init__(
        self, message: str, *, response: Mapping[str, object], operation_name: str
    ) -> None:
        super().__init__(message)
        self.response: dict[str, Any] = cleaned(response)
        self.operation_name = operation_name
        metadata: dict[str, Any] = self.response.get("ResponseMetadata", {})
        self.http_status: int = metadata.get("HTTPStatusCode", 0)
        self.code: str = self.response.get("Error", {}).get("Code") or str(self.http_status)
        self.request_id: str | None = metadata.get("RequestId")
        self.context: str | None = self.response.get("Context")


class ResourceNotFoundException(ServiceError):
    """A resource that the request names does not exist."""


class InvalidParameterValueException(ServiceError):
    """The service refused the value of a parameter."""


class MissingParameterValueException(ServiceError):
    """The request lacks a parameter that the service requires."""


class ServiceUnavailableException(ServiceError):
    """The service is temporarily unavailable: this AWS error code, or any other HTTP 503."""


class ThrottlingException(ServiceError):
    """Too many requests: one of AWS's throttling codes, or any other HTTP 429."""


class AccessDeniedException(ServiceError):
    """The credentials lack the permission `backup:ListRestoreJobs`, or a policy denies it."""


class ExpiredTokenException(ServiceError):
    """The temporary credentials have expired."""

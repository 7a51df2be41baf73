"""botocore's errors as ours: the class, what to do about it, and a cause without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from restorejobs_client import _errors
from restorejobs_client._errors import (
    ConfigurationError,
    CredentialsError,
    RestoreJobsError,
    ServiceError,
    TransportError,
    redacted,
    redacted_members,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

OPERATION: Final = "ListRestoreJobs"
_THROTTLING_CODES: Final = (
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
)
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
    **dict.fromkeys(_THROTTLING_CODES, _errors.ThrottlingException),
}
_KINDS_BY_STATUS: Final[dict[int, type[ServiceError]]] = {
    429: _errors.ThrottlingException,
    503: _errors.ServiceUnavailableException,
}
_ADVICE: Final = {
    "AccessDeniedException": "the credentials need the permission backup:ListRestoreJobs",
    "ExpiredTokenException": "renew the credentials, then go on from the checkpoint",
    "ThrottlingException": "go on from the checkpoint later, or with fewer requests at a time",
    "NoCredentialsError": "run `aws configure` or `aws sso login`, set AWS_PROFILE, or pass "
    "profile_name or session",
    "NoRegionError": "pass region_name, or set AWS_DEFAULT_REGION or the region of the profile",
}
# moto's answer to an operation that it does not have.
_NOT_IN_MOTO: Final = "Not yet implemented"
_MOTO_ADVICE: Final = (
    "moto has no ListRestoreJobs: call restorejobs_client.testing.seed_restore_jobs([]) "
    "inside the mock to add it"
)
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
_NETWORK: Final = frozenset({"ConnectionError", "HTTPClientError", "IncompleteReadError"})


def is_throttling(code: str | None, http_status: int) -> bool:
    """Whether an answer asks for fewer requests."""
    return code in _THROTTLING_CODES or _KINDS_BY_STATUS.get(http_status) is (
        _errors.ThrottlingException
    )


def our_error(error: Exception) -> RestoreJobsError:
    """Return our error for one that a boto3 call raised, with that one as its cause."""
    if isinstance(error, ClientError):
        ours: RestoreJobsError = _service_error(error)
    elif isinstance(error, BotoCoreError):
        ours = _botocore_error(error)
    else:  # a handler on the user's client, or a mock of it
        ours = TransportError(f"the call failed: {type(error).__name__}: {error}")
        ours.__cause__ = error
        return ours
    ours.__cause__ = _without_details(error)
    return ours


def _service_error(error: ClientError) -> ServiceError:
    response: Mapping[str, Any] = dict(error.response)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(response.get("Error", {}).get("Code", ""))
    kind = _KINDS.get(code) or _KINDS_BY_STATUS.get(status, ServiceError)
    advice = _MOTO_ADVICE if _NOT_IN_MOTO in str(error) else _ADVICE.get(kind.__name__)
    return kind(_with_advice(error, advice), response=response, operation_name=OPERATION)


def _botocore_error(error: BotoCoreError) -> RestoreJobsError:
    names = {kind.__name__ for kind in type(error).__mro__}
    kind: type[ConfigurationError | TransportError] = ConfigurationError
    if names & _NETWORK:
        kind = TransportError
    elif names & _CREDENTIALS:
        kind = CredentialsError
    return kind(_with_advice(error, _ADVICE.get(type(error).__name__)))


def _with_advice(error: Exception, advice: str | None) -> str:
    return f"{error} ({advice})" if advice else str(error)


def _without_details(error: Exception) -> Exception:
    """Return botocore's exception without what our message says already, and without secrets.

    Its own causes are a hundred lines of urllib3, and its members may hold the signed request.
    """
    error.args = tuple(redacted(str(one)) for one in error.args)
    error.__traceback__ = error.__cause__ = error.__context__ = None
    if isinstance(error, ClientError):
        error.response = cast("Any", redacted_members(error.response))
    if isinstance(error, BotoCoreError):
        error.kwargs = {}
    return error

"""Convert botocore's errors to ours: add advice, and remove secrets."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from restorejobs_client._core.errors import (
    ConfigurationError,
    CredentialsError,
    RestoreJobsError,
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
    redacted,
    redacted_value,
)

OPERATION: Final = "ListRestoreJobs"
_CLASSES: Final = {kind.__name__: kind for kind in ServiceError.__subclasses__()}
_ADVICE: Final = {
    "AccessDeniedException": "the credentials need the permission backup:ListRestoreJobs",
    "ExpiredTokenException": "renew the credentials, then resume from the checkpoint",
    "ThrottlingException": "resume from the checkpoint later, or send fewer requests at a time",
    "NoCredentialsError": "run `aws configure` or `aws sso login`, set AWS_PROFILE, or pass "
    "profile_name or session",
    "NoRegionError": "pass region_name, or set AWS_DEFAULT_REGION or the region of the profile",
}
_MOTO_NOT_IMPLEMENTED: Final = "Not yet implemented"  # for operations that moto lacks
_MOTO_ADVICE: Final = (
    "moto has no ListRestoreJobs: call restorejobs_client.testing.seed_restore_jobs([]) "
    "inside the mock to add it"
)
# Patterns for parts of names, because AWS and botocore add errors.
_THROTTLING: Final = re.compile(
    "Throttl|SlowDown|TooManyRequests|LimitExceeded|ThroughputExceeded|PriorRequestNotComplete"
    "|TransactionInProgress"
)
_CREDENTIALS: Final = re.compile("Credential|Login|Profile|SSO|Token")
_NETWORK: Final = frozenset({"ConnectionError", "HTTPClientError", "IncompleteReadError"})


def is_throttling(code: str | None, http_status: int) -> bool:
    """Return whether a response means that there were too many requests."""
    return http_status == HTTPStatus.TOO_MANY_REQUESTS or bool(_THROTTLING.search(code or ""))


def our_error(error: Exception) -> RestoreJobsError:
    """Return our error for an exception that a boto3 call raised, which becomes its cause."""
    if isinstance(error, ClientError):
        ours: RestoreJobsError = _service_error(error)
    elif isinstance(error, BotoCoreError):
        ours = _botocore_error(error)
    else:  # from an event handler of the user, or from a mock of the client
        ours = TransportError(f"the call failed: {type(error).__name__}: {error}")
    if isinstance(error, BotoCoreError | ClientError):
        _remove_details(error)
    ours.__cause__ = error
    return ours


def _service_error(error: ClientError) -> ServiceError:
    response: dict[str, Any] = dict(error.response)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(response.get("Error", {}).get("Code", ""))
    kind = _CLASSES.get(code) or _CLASSES.get(f"{code}Exception")
    if kind is None and is_throttling(code, status):
        kind = ThrottlingException
    if kind is None and status == HTTPStatus.SERVICE_UNAVAILABLE:
        kind = ServiceUnavailableException
    kind = kind or ServiceError
    advice = _MOTO_ADVICE if _MOTO_NOT_IMPLEMENTED in str(error) else _ADVICE.get(kind.__name__)
    return kind(_with_advice(error, advice), response=response, operation_name=OPERATION)


def _botocore_error(error: BotoCoreError) -> ConfigurationError | TransportError:
    names = [kind.__name__ for kind in type(error).__mro__]
    message = _with_advice(error, _ADVICE.get(names[0]))
    if not _NETWORK.isdisjoint(names):
        return TransportError(message)
    if any(map(_CREDENTIALS.search, names)):
        return CredentialsError(message)
    return ConfigurationError(message)


def _with_advice(error: Exception, advice: str | None) -> str:
    return f"{error} ({advice})" if advice else str(error)


def _remove_details(error: BotoCoreError | ClientError) -> None:
    """Remove secrets and needless details from botocore's exception.

    Its causes would print a hundred lines of urllib3, and its attributes may hold the signed
    request.
    """
    error.args = tuple(redacted(str(argument)) for argument in error.args)
    error.__traceback__ = error.__cause__ = error.__context__ = None
    if isinstance(error, ClientError):
        error.response = redacted_value(error.response)
    else:
        error.kwargs = {}
    if isinstance(error, HTTPClientError):
        vars(error).update(request=None, response=None)

"""Convert botocore's errors to ours: add advice, and remove secrets."""

from __future__ import annotations

import re
from http import HTTPStatus
from traceback import format_exception_only, walk_tb
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from restorejobs_client._core.errors import (
    AccessDeniedException,
    ConfigurationError,
    CredentialsError,
    RestoreJobsError,
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
)
from restorejobs_client._core.secrets import Secrets, cleaned

OPERATION: Final = "ListRestoreJobs"
_CLASSES: Final = {kind.__name__: kind for kind in ServiceError.__subclasses__()}
_ADVICE: Final = {
    "AccessDeniedException": "the credentials need the permission backup:ListRestoreJobs",
    "ExpiredTokenException": "renew the credentials, then resume from the checkpoint",
    "ThrottlingException": "resume from the checkpoint later, or send fewer requests at a time",
    **dict.fromkeys(
        ("UnrecognizedClientException", "InvalidClientTokenId"),
        "the credentials are not valid, or the account has not enabled this region",
    ),
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
_LOADING_CREDENTIALS: Final = frozenset({"botocore.credentials", "botocore.tokens"})
# AWS's sentences if more permissions for the credentials would not help.
_DENIED_BY_POLICY: Final = re.compile("explicit deny|because no (?!identity-based)")
_NETWORK: Final = frozenset({"ConnectionError", "HTTPClientError", "IncompleteReadError"})


def is_throttling(code: str | None, http_status: int) -> bool:
    """Return whether a response means that there were too many requests."""
    return http_status == HTTPStatus.TOO_MANY_REQUESTS or bool(_THROTTLING.search(code or ""))


def modules_of(error: Exception) -> set[str]:
    """Return the names of the modules that an exception has passed."""
    return {frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)}


def our_error(
    error: Exception,
    secrets: Secrets | None = None,
    otherwise: type[ConfigurationError | TransportError] = TransportError,
) -> RestoreJobsError:
    """Return our error for an exception that boto3 raised.

    Raise it where no exception is being handled, because that one would become its context. An
    exception of botocore becomes its cause. Others may hold anything, so only their text is kept.

    Args:
        error: the exception.
        secrets: what the call must not show.
        otherwise: our class for an exception of somebody else, such as an event handler.
    """
    if isinstance(error, RestoreJobsError):  # for example, of a damaged page
        _clean(error, secrets)
        return error
    is_of_credentials = not _LOADING_CREDENTIALS.isdisjoint(modules_of(error))
    is_of_botocore = type(error).__module__.startswith(("boto3.", "botocore."))
    # The other function also works for an exception whose __str__ raises.
    shown = str(error) if is_of_botocore else format_exception_only(error)[0].strip()
    text: str = cleaned(shown, secrets)
    if isinstance(error, ClientError) and not is_of_credentials:
        ours: RestoreJobsError = _service_error(error, text, secrets)
    else:
        ours = _other_error(error, text, otherwise, is_of_credentials=is_of_credentials)
    if is_of_botocore:
        _clean(error, secrets)
        ours.__cause__ = error
    return ours


def _service_error(error: ClientError, text: str, secrets: Secrets | None) -> ServiceError:
    response: dict[str, Any] = cleaned(error.response, secrets)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(response.get("Error", {}).get("Code", ""))
    kind = _CLASSES.get(code) or _CLASSES.get(f"{code}Exception")
    if kind is None and is_throttling(code, status):
        kind = ThrottlingException
    if kind is None and status == HTTPStatus.SERVICE_UNAVAILABLE:
        kind = ServiceUnavailableException
    kind = kind or ServiceError
    advice = _ADVICE.get(code) or _ADVICE.get(kind.__name__)
    if _MOTO_NOT_IMPLEMENTED in text:
        advice = _MOTO_ADVICE
    elif kind is AccessDeniedException and _DENIED_BY_POLICY.search(text):
        advice = "that policy decides, whatever else the credentials are permitted"
    return kind(_with_advice(text, advice), response=response, operation_name=OPERATION)


def _other_error(
    error: Exception,
    text: str,
    otherwise: type[ConfigurationError | TransportError],
    *,
    is_of_credentials: bool,
) -> ConfigurationError | TransportError:
    names = [kind.__name__ for kind in type(error).__mro__]
    is_of_botocore = isinstance(error, BotoCoreError)
    if not _NETWORK.isdisjoint(names):
        kind: type[ConfigurationError | TransportError] = TransportError
    elif is_of_credentials or (is_of_botocore and any(map(_CREDENTIALS.search, names))):
        kind = CredentialsError
    else:
        kind = ConfigurationError if is_of_botocore else otherwise
    if is_of_credentials or not is_of_botocore:
        what = "loading the credentials" if is_of_credentials else "a call of boto3"
        text = f"{what} failed: {text}"
    return kind(_with_advice(text, _ADVICE.get(names[0])))


def _with_advice(text: str, advice: str | None) -> str:
    return f"{text} ({advice})" if advice else text


def _clean(error: Exception, secrets: Secrets | None) -> None:
    """Remove secrets and needless details from an exception.

    Its causes would print a hundred lines of urllib3. Its frames may hold the whole response, and
    its attributes the signed request.
    """
    error.args = tuple(cleaned(list(error.args), secrets))
    error.__traceback__ = error.__cause__ = error.__context__ = None
    if not isinstance(error, RestoreJobsError):
        response = cleaned(getattr(error, "response", None), secrets)
        # Unpickling formats the message again, for example where Dask has made causes picklable.
        texts = {name: str(one) for name, one in getattr(error, "kwargs", {}).items()}
        kept: dict[str, object] = {"kwargs": cleaned(texts, secrets), "response": response}
        vars(error).update(dict.fromkeys(vars(error)), operation_name=OPERATION, **kept)

"""Convert botocore's errors to ours: add advice, and remove secrets."""

from __future__ import annotations

import re
from http import HTTPStatus
from traceback import format_exception_only, walk_tb
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from restorejobs_client._core.errors import (
    ConfigurationError,
    CredentialsError,
    RestoreJobsError,
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
    with_checkpoint,
)
from restorejobs_client._core.secrets import Secrets, cleaned

OPERATION: Final = "ListRestoreJobs"
_FallbackClass = type[ConfigurationError | TransportError]
_CLASSES: Final = {kind.__name__: kind for kind in ServiceError.__subclasses__()}
# The first pattern decides that matches the class of an error, AWS's code, and the message.
_ADVICE: Final = {
    "(?s).*Not yet implemented": "moto has no ListRestoreJobs: call "
    "restorejobs_client.testing.seed_restore_jobs([]) inside the mock to add it",
    # Here, more permissions for the credentials would not help.
    "(?s)AccessDenied.*(explicit deny|because no (?!identity-based))": "that policy decides, "
    "whatever else the credentials are permitted",
    "AccessDenied": "the credentials need the permission backup:ListRestoreJobs",
    "ExpiredToken": "renew the credentials, then resume from the checkpoint",
    "Throttling": "resume from the checkpoint later, or send fewer requests at a time",
    "ServiceError (UnrecognizedClientException|InvalidClientTokenId)": "the credentials are not "
    "valid, or the account has not enabled this region",
    "NoCredentialsError": "run `aws configure` or `aws sso login`, set AWS_PROFILE, or pass "
    "profile_name or session",
    "NoRegionError": "pass region_name, or set AWS_DEFAULT_REGION or the region of the profile",
}
# Patterns for parts of names, because AWS and botocore add errors.
_THROTTLING: Final = re.compile(
    "Throttl|SlowDown|TooManyRequests|LimitExceeded|ThroughputExceeded|PriorRequestNotComplete"
    "|TransactionInProgress"
)
_CREDENTIALS: Final = re.compile("Credential|Login|Profile|SSO|Token")
_LOADING_CREDENTIALS: Final = frozenset({"botocore.credentials", "botocore.tokens"})
_NETWORK: Final = frozenset({"ConnectionError", "HTTPClientError", "IncompleteReadError"})


def is_throttling(code: object, http_status: int) -> bool:
    """Return whether a response means that there were too many requests."""
    return http_status == HTTPStatus.TOO_MANY_REQUESTS or bool(_THROTTLING.search(str(code)))


def modules_of(error: Exception) -> set[str]:
    """Return the names of the modules that an exception has passed."""
    return {frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)}


def our_error(error: Exception, secrets: Secrets, otherwise: _FallbackClass) -> RestoreJobsError:
    """Return our error for an exception that boto3 raised.

    Raise it where no exception is being handled, because that one would become its context. An
    exception of botocore becomes its cause. Others may hold anything, so only their text is kept.

    Args:
        error: the exception.
        secrets: what the call must not show.
        otherwise: our class for an exception of somebody else, such as an event handler.
    """
    try:
        return _converted(error, secrets, otherwise)
    except Exception:  # noqa: BLE001  # the attributes of an exception may be anything
        return otherwise(f"a call of boto3 failed: {type(error).__name__}")


def _converted(error: Exception, secrets: Secrets, otherwise: _FallbackClass) -> RestoreJobsError:
    if isinstance(error, RestoreJobsError):  # for example, of a damaged page
        ours = with_checkpoint(error, None)  # a handler may raise the same one again
        _clean(ours, secrets)
        return ours
    names = [kind.__name__ for kind in type(error).__mro__]
    is_of_credentials = not _LOADING_CREDENTIALS.isdisjoint(modules_of(error))
    is_of_botocore = type(error).__module__.startswith(("boto3.", "botocore."))
    # The other function also works for an exception whose __str__ raises.
    shown = str(error) if is_of_botocore else format_exception_only(error)[0].strip()
    text: str = cleaned(shown, secrets)
    if isinstance(error, ClientError) and not is_of_credentials:
        ours = _service_error(error, text, secrets)
    else:
        is_typical = isinstance(error, BotoCoreError)  # botocore raises a few others too
        kind = ConfigurationError if is_typical else otherwise
        if is_of_credentials or (is_typical and any(map(_CREDENTIALS.search, names))):
            kind = CredentialsError
        if not _NETWORK.isdisjoint(names):
            kind = TransportError
        if is_of_credentials:
            text = f"loading the credentials failed: {text}"
        elif not is_typical:
            text = f"a call of boto3 failed: {text}"
        ours = kind(_with_advice(text, names[0]))
    if is_of_botocore:
        _clean(error, secrets)
        ours.__cause__ = error
    return ours


def _service_error(error: ClientError, text: str, secrets: Secrets) -> ServiceError:
    response: dict[str, Any] = cleaned(error.response, secrets)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(response.get("Error", {}).get("Code", ""))
    kind = _CLASSES.get(code) or _CLASSES.get(f"{code}Exception") or ServiceError
    if kind is ServiceError and is_throttling(code, status):
        kind = ThrottlingException
    elif kind is ServiceError and status == HTTPStatus.SERVICE_UNAVAILABLE:
        kind = ServiceUnavailableException
    advised = _with_advice(text, kind.__name__, code)
    return kind(advised, response=response, operation_name=OPERATION)


def _with_advice(text: str, *names: str) -> str:
    error = " ".join((*names, text))
    advice = next((one for pattern, one in _ADVICE.items() if re.match(pattern, error)), "")
    return f"{text} ({advice})" if advice else text


def _clean(error: Exception, secrets: Secrets) -> None:
    """Remove secrets and needless details from an exception.

    Its causes would print a hundred lines of urllib3. Its frames may hold the whole response, and
    its attributes the signed request.
    """
    error.args = tuple(cleaned(list(error.args), secrets))
    error.__traceback__ = error.__cause__ = error.__context__ = None
    if not isinstance(error, RestoreJobsError):
        response = cleaned(getattr(error, "response", None), secrets)
        # Unpickling formats the message again, for example where Dask has made causes picklable.
        shown: str = getattr(error, "fmt", "")
        given: dict[str, object] = getattr(error, "kwargs", {})
        texts = {name: str(one) for name, one in given.items() if f"{{{name}" in shown}
        kept: dict[str, object] = {"kwargs": cleaned(texts, secrets), "response": response}
        vars(error).update(dict.fromkeys(vars(error)), operation_name=OPERATION, **kept)

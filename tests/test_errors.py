"""Errors: their base classes, details and copies, and the credentials that they hide."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

import restorejobs_client
from restorejobs_client import (
    AccessDeniedException,
    ConfigurationError,
    CredentialsError,
    ExpiredTokenException,
    InvalidCheckpointError,
    InvalidParameterValueException,
    InvalidRequestError,
    MalformedResponseError,
    MissingParameterValueException,
    PaginationError,
    ResourceNotFoundException,
    RestoreJobsError,
    RestoreJobsErrorGroup,
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
    WatchTimeoutError,
)

BASES: dict[type[RestoreJobsError], tuple[type[Exception], ...]] = {
    RestoreJobsError: (Exception,),
    RestoreJobsErrorGroup: (RestoreJobsError, ExceptionGroup),
    InvalidRequestError: (RestoreJobsError, ValueError),
    InvalidCheckpointError: (RestoreJobsError, ValueError),
    PaginationError: (RestoreJobsError,),
    MalformedResponseError: (RestoreJobsError,),
    WatchTimeoutError: (RestoreJobsError, TimeoutError),
    ConfigurationError: (RestoreJobsError, BotoCoreError),
    CredentialsError: (ConfigurationError,),
    TransportError: (RestoreJobsError, BotoCoreError),
    ServiceError: (RestoreJobsError, ClientError),
    ResourceNotFoundException: (ServiceError,),
    InvalidParameterValueException: (ServiceError,),
    MissingParameterValueException: (ServiceError,),
    ServiceUnavailableException: (ServiceError,),
    ThrottlingException: (ServiceError,),
    AccessDeniedException: (ServiceError,),
    ExpiredTokenException: (ServiceError,),
}
SERVICE_ERRORS = [kind for kind in BASES if issubclass(kind, ServiceError)]
RESPONSE: dict[str, Any] = {
    "Error": {"Code": "Throttling", "Message": "slow"},
    "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "r-1", "HTTPHeaders": {"a": "b"}},
    "Context": "c",
}


def make(kind: type[RestoreJobsError]) -> RestoreJobsError:
    """Return an error of this class with all its details."""
    if issubclass(kind, ServiceError):
        return kind("what happened", response=RESPONSE, operation_name="ListRestoreJobs")
    if kind is WatchTimeoutError:
        return WatchTimeoutError(60, ("a", "b"))
    if kind is RestoreJobsErrorGroup:
        return RestoreJobsErrorGroup("what happened", [PaginationError("a"), TransportError("b")])
    return kind("what happened")


def test_errors_have_their_documented_bases() -> None:
    """Each public error has its documented bases, and there are no other errors."""
    public = {getattr(restorejobs_client, name) for name in restorejobs_client.__all__}
    errors = {kind for kind in public if inspect.isclass(kind) and issubclass(kind, Exception)}
    assert errors == set(BASES)
    for kind, bases in BASES.items():
        assert all(issubclass(kind, base) for base in bases)


@pytest.mark.parametrize("kind", BASES)
def test_errors_survive_pickle_and_copy(kind: type[RestoreJobsError]) -> None:
    """A copy has the message, the checkpoint, the notes and all members of the error."""
    error = make(kind)
    error.checkpoint = "rjc1-abc"
    error.add_note("a note")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  # our own
        assert type(again) is kind
        assert str(again) == str(error)
        assert again.args == error.args
        assert again.checkpoint == "rjc1-abc"
        assert again.__notes__ == ["a note"]
        assert vars(again) == vars(error)


@pytest.mark.parametrize("kind", SERVICE_ERRORS)
def test_service_errors_have_details(kind: type[ServiceError]) -> None:
    """A service error has AWS's code, request id and context, and botocore's members."""
    error = make(kind)
    assert isinstance(error, ServiceError)
    assert (error.code, error.request_id, error.context) == ("Throttling", "r-1", "c")
    assert error.http_status == 400
    assert error.operation_name == "ListRestoreJobs"
    assert error.response["Error"]["Message"] == "slow"
    assert error.checkpoint is None


def test_service_error_may_lack_details() -> None:
    """Without details, the code is the HTTP status, and request id and context are `None`."""
    error = ServiceError("bare", response={}, operation_name="ListRestoreJobs")
    assert (error.code, error.request_id, error.context, error.http_status) == ("0", None, None, 0)


# Built from parts, so that nothing in this file looks like a credential.
KEY_ID = "AKIA" + "TESTING" * 2
SIGNATURE = "0" * 64
TOKEN = "testing" * 9
SECRETS = [
    f"Credential={KEY_ID}/20260101/us-east-1/backup/aws4_request",
    f"the key {KEY_ID} is not known",
    f"Signature={SIGNATURE}",
    f"X-Amz-Signature%3D{SIGNATURE}",
    f"Signature&#61;{SIGNATURE}",
    f"x-amz-security-token:{TOKEN}",
    f"X-Amz-Security-Token {TOKEN}",
    f'"SessionToken": "{TOKEN}"',
    f'{{"body": "{{\\"X-Amz-Security-Token\\": \\"{TOKEN}\\"}}"}}',
    f"<SecurityToken>{TOKEN}</SecurityToken>",
    f"('X-Amz-Security-Token', '{TOKEN}')",
    f"b'x-amz-security-token': b'{TOKEN}'",
    f"aws_secret_access_key = {TOKEN}",
    "Authorization: AWS4-HMAC-SHA256",
    f"Authorization: Basic {TOKEN}",
    f"Proxy-Authorization: Bearer {TOKEN}",
    "http://user:testing@proxy:3128/",
]


@pytest.mark.parametrize("text", SECRETS)
def test_errors_hide_credentials(text: str) -> None:
    """A credential in a message or a response is `***` in everything that an error shows."""
    response = {"Error": {"Code": "X", "Message": text}, "ResponseMetadata": {"HTTPStatusCode": 4}}
    for error in (
        TransportError(text),
        MalformedResponseError(text),
        ServiceError(text, response=response, operation_name="ListRestoreJobs"),
    ):
        everything = f"{error} {error!r} {vars(error)} {pickle.dumps(error)!r}"
        assert "***" in str(error)
        for secret in (KEY_ID, SIGNATURE, TOKEN, "user:testing", "AWS4-HMAC"):
            assert secret not in everything


def test_errors_hide_credentials_in_headers() -> None:
    """Only the credentials in the headers of a response are hidden."""
    headers = {
        "x-amz-security-token": TOKEN,
        "set-cookie": TOKEN,
        "x-amzn-requestid": "r-1",
        "via": [f"Authorization: Basic {TOKEN}"],
    }
    response = {"ResponseMetadata": {"HTTPHeaders": headers, "RetryAttempts": 2}}
    error = ServiceError("no", response=response, operation_name="ListRestoreJobs")
    assert TOKEN not in f"{vars(error)}{pickle.dumps(error)!r}"
    assert error.response["ResponseMetadata"]["RetryAttempts"] == 2
    assert error.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"] == "r-1"


def test_errors_keep_harmless_text() -> None:
    """Text that only sounds like a credential stays as it is."""
    text = "signature does not match; token expired; https://backup.eu-west-1.amazonaws.com/a?b=c"
    assert str(RestoreJobsError(text)) == text


def test_botocore_errors_have_the_known_bases() -> None:
    """Code that catches botocore's base classes catches our errors: botocore has only two."""
    others = {
        name
        for name, kind in vars(botocore.exceptions).items()
        if inspect.isclass(kind)
        and issubclass(kind, Exception)
        and kind.__module__ == "botocore.exceptions"
        and not issubclass(kind, (BotoCoreError, ClientError, Warning))
    }
    assert others <= {"UndefinedModelAttributeError", "MissingServiceIdError"}

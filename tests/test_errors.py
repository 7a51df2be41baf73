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
    ServiceError,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
    WatchTimeoutError,
    _errors,
)
from restorejobs_client._errors import redacted

SERVICE_ERRORS = [
    ServiceError,
    ResourceNotFoundException,
    InvalidParameterValueException,
    MissingParameterValueException,
    ServiceUnavailableException,
    ThrottlingException,
    AccessDeniedException,
    ExpiredTokenException,
]
OTHERS = [
    RestoreJobsError,
    InvalidRequestError,
    InvalidCheckpointError,
    PaginationError,
    MalformedResponseError,
    ConfigurationError,
    WatchTimeoutError,
    TransportError,
    CredentialsError,
]
RESPONSE: dict[str, Any] = {
    "Error": {"Code": "Throttling", "Message": "slow"},
    "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "r-1", "HTTPHeaders": {"a": "b"}},
    "Context": "c",
}


def make(kind: type[RestoreJobsError], message: str = "what happened") -> RestoreJobsError:
    if issubclass(kind, ServiceError):
        return kind(message, response=RESPONSE, operation_name="ListRestoreJobs")
    if kind is WatchTimeoutError:
        return WatchTimeoutError(60, ("a", "b"))
    return kind(message)


def test_the_tree_is_the_one_that_is_drawn() -> None:
    assert issubclass(InvalidRequestError, ValueError)
    assert issubclass(InvalidCheckpointError, ValueError)
    assert issubclass(TransportError, BotoCoreError)
    assert issubclass(ConfigurationError, BotoCoreError)
    assert issubclass(CredentialsError, ConfigurationError)
    assert issubclass(ServiceError, ClientError)
    assert all(issubclass(kind, ServiceError) for kind in SERVICE_ERRORS)
    public = {
        value
        for value in vars(restorejobs_client).values()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert public == {*SERVICE_ERRORS, *OTHERS}
    drawn = _errors.__doc__ or ""
    for kind in public:
        assert kind.__name__ in drawn
        assert issubclass(kind, RestoreJobsError)


@pytest.mark.parametrize("kind", [*SERVICE_ERRORS, *OTHERS])
def test_every_error_pickles_with_all_that_it_says(kind: type[RestoreJobsError]) -> None:
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
def test_service_errors_carry_what_support_asks_for(kind: type[ServiceError]) -> None:
    error = make(kind)
    assert isinstance(error, ServiceError)
    assert (error.code, error.request_id, error.context) == ("Throttling", "r-1", "c")
    assert error.http_status == 400
    assert error.operation_name == "ListRestoreJobs"
    assert error.response["Error"]["Message"] == "slow"
    assert error.checkpoint is None


def test_a_service_error_without_details_says_so() -> None:
    error = ServiceError("bare", response={}, operation_name="ListRestoreJobs")
    assert (error.code, error.request_id, error.context, error.http_status) == ("0", None, None, 0)


# Made of parts, so that no text here looks like a credential.
KEY_ID = "AKIA" + "TESTING" * 2
SECRETS = [
    f"Credential={KEY_ID}/20260101/us-east-1/backup/aws4_request",
    "Signature=" + "0" * 64,
    "x-amz-security-token:" + "testing" * 9,
    '"SessionToken": "' + "testing" * 9 + '"',
    "aws_secret_access_key = " + "testing" * 5,
    "Authorization: AWS4-HMAC-SHA256",
    f"the key {KEY_ID} is not known",
    "http://user:testing@proxy:3128/",
    "Authorization: Basic " + "testing" * 5,
    "Proxy-Authorization: Bearer " + "testing" * 5,
    '{"body": "{\\"X-Amz-Security-Token\\": \\"' + "testing" * 9 + '\\"}"}',
    "X-Amz-Signature%3D" + "0" * 64,
    "Signature&#61;" + "0" * 64,
    "<SecurityToken>" + "testing" * 9 + "</SecurityToken>",
    "('X-Amz-Security-Token', '" + "testing" * 9 + "')",
    "b'x-amz-security-token': b'" + "testing" * 9 + "'",
    "X-Amz-Security-Token " + "testing" * 9,
]


@pytest.mark.parametrize("text", SECRETS)
def test_no_error_shows_a_credential(text: str) -> None:
    response = {"Error": {"Code": "X", "Message": text}, "ResponseMetadata": {"HTTPStatusCode": 4}}
    errors = [make(kind, text) for kind in (TransportError, MalformedResponseError)]
    errors.append(ServiceError(text, response=response, operation_name="ListRestoreJobs"))
    for error in errors:
        everything = f"{error} {error!r} {vars(error)} {pickle.dumps(error)!r}"
        assert "***" in str(error)
        for secret in (KEY_ID, "0" * 64, "testing" * 5, "user:testing", "AWS4-HMAC"):
            assert secret not in everything


def test_headers_that_a_proxy_echoes_are_not_kept() -> None:
    headers = {
        "x-amz-security-token": "testing" * 5,
        "set-cookie": "testing" * 5,
        "x-amzn-requestid": "r-1",
        "via": ["Authorization: Basic " + "testing" * 5],
    }
    error = ServiceError(
        "no",
        response={"ResponseMetadata": {"HTTPHeaders": headers, "RetryAttempts": 2}},
        operation_name="ListRestoreJobs",
    )
    assert "testing" * 5 not in f"{vars(error)}{pickle.dumps(error)!r}"
    assert error.response["ResponseMetadata"]["RetryAttempts"] == 2
    assert error.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"] == "r-1"


def test_what_is_no_secret_stays() -> None:
    text = "signature does not match; token expired; https://backup.eu-west-1.amazonaws.com/a?b=c"
    assert redacted(text) == text


def test_botocore_still_has_the_bases_that_the_tree_stands_on() -> None:
    # Whoever catches one of these today catches ours as well.
    others = {
        kind
        for kind in vars(botocore.exceptions).values()
        if inspect.isclass(kind)
        and issubclass(kind, Exception)
        and kind.__module__ == "botocore.exceptions"
        and not issubclass(kind, (BotoCoreError, ClientError, Warning))
    }
    assert {kind.__name__ for kind in others} <= {
        "UndefinedModelAttributeError",
        "MissingServiceIdError",
    }

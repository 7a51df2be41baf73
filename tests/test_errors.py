"""Errors: their base classes, details and copies."""

from __future__ import annotations

import copy
import inspect
import os
import pickle
import subprocess
import sys
import textwrap
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
    public = {getattr(restorejobs_client, name) for name in dir(restorejobs_client)}
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


def test_errors_with_their_causes_survive_pickle() -> None:
    """If Dask has made causes picklable, an unpickled error has its cause."""
    program = """
        import pickle
        import tblib.pickling_support
        from botocore.config import Config
        from restorejobs_client import RestoreJobsClient, RestoreJobsError
        from restorejobs_client.testing import fake_backup
        tblib.pickling_support.install()  # as Dask does
        with fake_backup() as backup:
            for url in ("http://127.0.0.1:9", backup.endpoint_url):
                config = Config(retries={"total_max_attempts": 1})
                client = RestoreJobsClient(endpoint_url=url, config=config)
                try:
                    client.list_restore_jobs(next_token="no such token").first()
                except RestoreJobsError as error:
                    again = pickle.loads(pickle.dumps(error))
                    print(type(again) is type(error), str(again.__cause__) == str(error.__cause__))
    """
    variables = {name: one for name, one in os.environ.items() if "COVERAGE" not in name}
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        env={**variables, **keys, "AWS_DEFAULT_REGION": "eu-west-1"},
    )
    assert done.stdout.split() == ["True"] * 4, done.stderr

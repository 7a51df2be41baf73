"""Errors say what was given, what is allowed and what to do; they are short and show no secret."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from support.memory_service import Service
from support.raw_server import Answer

from restorejobs_client import (
    ConfigurationError,
    InvalidRequestError,
    ListRestoreJobsRequest,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobSummary,
    ServiceError,
    TransportError,
    gather,
)
from restorejobs_client.testing import fake_backup

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.raw_server import PageServer


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


# What to do


@pytest.mark.parametrize(
    ("name", "meant"),
    [("by_stats", "by_status"), ("ByStatus", "by_status"), ("resume", "resume_from")],
)
def test_misspelt_keyword_suggests_the_right_one(
    server: PageServer, client: RestoreJobsClient, name: str, meant: str
) -> None:
    """An unknown keyword of `list_restore_jobs` is refused with the nearest known one."""
    misspelt: dict[str, Any] = {name: "FAILED"}
    with pytest.raises(InvalidRequestError, match=rf"{name} is not a parameter .*{meant}"):
        client.list_restore_jobs(**misspelt)
    assert server.requests == []


@pytest.mark.parametrize("size", [3, 1000])
def test_max_results_beside_a_request_is_refused(client: RestoreJobsClient, size: int) -> None:
    """A request has its own `max_results`, so the keyword is refused, even if it is the default."""
    request = ListRestoreJobsRequest(max_results=3)
    with pytest.raises(InvalidRequestError, match=r"max_results .*request"):
        client.list_restore_jobs(request, max_results=size)


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (lambda: gather([Service([]).listing()]), r"gather\(\*listings\)"),  # type: ignore[arg-type]
        (lambda: RestoreJobSummary.from_jobs([{}]), r"RestoreJob\.from_dict"),  # type: ignore[list-item]
        (lambda: RestoreJobSummary.grouped([{}], id), r"RestoreJob\.from_dict"),  # type: ignore[list-item]
        (lambda: RestoreJobsClient(session="eu-west-1"), "session='eu-west-1' .*region_name"),  # type: ignore[arg-type]
    ],
    ids=["gather", "from_jobs", "grouped", "session"],
)
def test_wrong_argument_is_refused_with_advice(call: Callable[[], object], advice: str) -> None:
    """The error says what to pass instead."""
    with pytest.raises(InvalidRequestError, match=advice):
        call()


def test_missing_region_is_not_a_transport_error() -> None:
    """Code that retries after a TransportError does not retry a wrong configuration."""
    with pytest.raises(ConfigurationError, match="region") as caught:
        RestoreJobsClient()
    assert not isinstance(caught.value, TransportError)


def test_moto_mock_without_seeded_jobs_says_how_to_seed_them() -> None:
    """Inside a mock without ListRestoreJobs, the error names `seed_restore_jobs`."""
    from moto import mock_aws  # noqa: PLC0415  # slow to import

    with mock_aws(), pytest.raises(ServiceError, match=r"seed_restore_jobs\(\[\]\)"):
        RestoreJobsClient(region_name="eu-west-1").list_restore_jobs().first()


def test_errors_of_gather_name_the_listing_that_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`error.listing` is the listing that failed, and the note of the error describes it."""
    profiles = ["audit", "backup"]
    config = tmp_path / "config"
    config.write_text(
        "".join(
            f"[profile {name}]\nregion=eu-west-1\n"
            "aws_access_key_id=testing\naws_secret_access_key=testing\n"
            for name in profiles
        )
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with fake_backup() as backup:
        backup.fail_next("access_denied", times=2)
        url = backup.endpoint_url
        clients = [RestoreJobsClient(profile_name=name, endpoint_url=url) for name in profiles]
        listings = [client.list_restore_jobs() for client in clients]
        with pytest.raises(ExceptionGroup) as caught:
            list(gather(*listings))
    errors = [error for error in caught.value.exceptions if isinstance(error, RestoreJobsError)]
    assert len(errors) == 2
    for name, listing in zip(profiles, listings, strict=True):
        (error,) = (error for error in errors if error.listing is listing)
        (note,) = error.__notes__
        assert f"profile_name='{name}'" in note
        assert url in note


# Short tracebacks


def traceback_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def test_refused_parameter_has_a_short_traceback(client: RestoreJobsClient) -> None:
    """The traceback does not show pydantic."""
    with pytest.raises(InvalidRequestError) as caught:
        client.list_restore_jobs(by_account_id="12")
    assert traceback_of(caught.value).count("\n") <= 20
    assert caught.value.__cause__ is None


def test_refused_connection_has_a_short_traceback() -> None:
    """The traceback shows botocore's error as the cause, but not urllib3."""
    session: Any = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    boto3_client = session.client(
        "backup",
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:9",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(TransportError) as caught:
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()
    text = traceback_of(caught.value)
    assert text.count("\n") <= 40
    assert "urllib3" not in text
    assert isinstance(caught.value.__cause__, BotoCoreError)


# Secrets


@pytest.mark.usefixtures("_credentials")
def test_password_in_an_endpoint_url_is_not_shown() -> None:
    """The repr of a client and of its listings hides the user and the password in the endpoint."""
    client = RestoreJobsClient(
        region_name="eu-west-1", endpoint_url="http://user:hidden@127.0.0.1:9"
    )
    for text in (repr(client), repr(client.list_restore_jobs())):
        assert "127.0.0.1:9" in text
        assert "hidden" not in text


SECRET = "FwoGZXIvYXdzEBYaDHiddenHiddenHidden"  # no error may show it


@pytest.mark.parametrize(
    "answer",
    [
        Answer(
            status=403,
            body=json.dumps({"message": f"bad X-Amz-Security-Token: {SECRET}"}).encode(),
            headers={"x-amzn-ErrorType": "UnrecognizedClientException"},
        ),
        Answer(status=403, body=f"<html>x-amz-security-token={SECRET}</html>".encode()),
        Answer(body=f"<html>x-amz-security-token: {SECRET}</html>".encode()),
    ],
    ids=["JSON 403", "HTML 403", "HTML 200"],
)
def test_session_token_in_an_answer_is_not_shown(server: PageServer, answer: Answer) -> None:
    """Neither an error nor its cause shows a token that the response contains."""
    server.fail(1, lambda _: answer)
    with pytest.raises(RestoreJobsError) as caught:
        RestoreJobsClient(client=server.client(attempts=1)).list_restore_jobs().first()
    assert SECRET not in traceback_of(caught.value)
    cause = caught.value.__cause__
    assert cause is None or SECRET not in f"{cause!r} {vars(cause)}"
    assert isinstance(cause, ClientError) or answer.status == 200

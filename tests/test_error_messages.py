"""Errors say what was given, what is allowed and what to do; they are short."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from support.memory_service import Service
from support.raw_server import Answer

from restorejobs_client import (
    ConfigurationError,
    InvalidRequestError,
    ListRestoreJobsRequest,
    RestoreJob,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobStatus,
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


DENIED = "User: arn:aws:iam::1:user/x is not authorized to perform: backup:ListRestoreJobs"


@pytest.mark.parametrize(
    ("code", "text", "advice"),
    [
        ("AccessDeniedException", DENIED, "need the permission"),
        (
            "AccessDeniedException",
            f"{DENIED} because no identity-based policy allows the backup:ListRestoreJobs action",
            "need the permission",
        ),
        (
            "AccessDeniedException",
            f"{DENIED} with an explicit deny in a service control policy",
            "that policy decides",
        ),
        (
            "AccessDeniedException",
            f"{DENIED} because no permissions boundary allows the backup:ListRestoreJobs action",
            "that policy decides",
        ),
        ("UnrecognizedClientException", "The security token is invalid.", "enabled this region"),
        ("InvalidClientTokenId", "The security token is invalid.", "enabled this region"),
        ("ExpiredTokenException", "The token has expired", "renew the credentials"),
    ],
)
def test_refusal_of_the_service_has_the_right_advice(
    server: PageServer, code: str, text: str, advice: str
) -> None:
    """The advice after AWS's sentence fits the reason, and does not blame anything else."""
    server.fail_next(
        lambda _: Answer(
            status=403,
            body=json.dumps({"message": text}).encode(),
            headers={"x-amzn-ErrorType": code},
        )
    )
    with pytest.raises(ServiceError, match=advice) as caught:
        RestoreJobsClient(client=server.client(attempts=1)).list_restore_jobs().first()
    assert text in str(caught.value)
    assert ("need the permission" in str(caught.value)) == (advice == "need the permission")


class Odd:
    def __repr__(self) -> str:
        message = "no repr"
        raise OSError(message)


@pytest.mark.parametrize("value", [-(10**5000), Odd(), [10**5000], "\ud800"], ids="abcd")
@pytest.mark.parametrize("name", ["by_status", "max_results", "limit", "resume_from"])
def test_value_that_cannot_be_shown_is_refused(
    client: RestoreJobsClient, name: str, value: object
) -> None:
    """A value whose `repr` raises is refused like any other wrong value."""
    wrong: dict[str, Any] = {name: value}
    with pytest.raises(RestoreJobsError):
        client.list_restore_jobs(**wrong)
    for call in (lambda: client.resume(value), lambda: RestoreJobsClient(client=value)):  # type: ignore[arg-type]
        with pytest.raises(RestoreJobsError):
            call()


def test_huge_sizes_are_shown() -> None:
    """A job or summary with numbers of 5,000 digits has a repr, a text and HTML."""
    size = 10**5000
    job = RestoreJob(
        status=RestoreJobStatus.COMPLETED,
        backup_size_in_bytes=size,
        expected_completion_time_minutes=size,
    )
    summary = RestoreJobSummary.from_jobs([job, job])
    for text in (repr(job), job._repr_html_(), str(summary), repr(summary), summary._repr_html_()):
        assert "COMPLETED" in text or "EiB" in text


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

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError, NoRegionError

from restorejobs_client import (
    ConfigurationError,
    CredentialsError,
    InvalidRequestError,
    ListRestoreJobsRequest,
    RestoreJobsClient,
)

if TYPE_CHECKING:
    from pathlib import Path

    from page_server import PageServer


@pytest.fixture
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def settings_of(client: RestoreJobsClient) -> Any:
    """Return the botocore configuration that the client came to: it has no public way in."""
    return client._wire.client.meta.config  # noqa: SLF001  # see above


@pytest.mark.usefixtures("_credentials")
def test_it_is_made_of_region_and_endpoint(server: PageServer) -> None:
    client = RestoreJobsClient(region_name="ap-south-1", endpoint_url=server.endpoint_url)
    assert repr(client) == (
        f"RestoreJobsClient(region_name='ap-south-1', endpoint_url='{server.endpoint_url}')"
    )
    assert client.region_name == "ap-south-1"
    assert len(list(client.list_restore_jobs())) == 300
    assert "/ap-south-1/backup/aws4_request" in server.headers[0]


def test_it_is_made_of_a_session(server: PageServer) -> None:
    session = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-north-1"
    )
    client = RestoreJobsClient(session=session, endpoint_url=server.endpoint_url)
    assert len(list(client.list_restore_jobs())) == 300
    assert "/eu-north-1/" in server.headers[0]
    other = RestoreJobsClient(
        session=session, region_name="eu-south-1", endpoint_url=server.endpoint_url
    )
    assert other.region_name == "eu-south-1"


def test_it_is_made_of_a_profile(
    server: PageServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "config"
    path.write_text(
        "[profile auditor]\nregion = sa-east-1\nmax_attempts = 3\n"
        "aws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    client = RestoreJobsClient(profile_name="auditor", endpoint_url=server.endpoint_url)
    assert len(list(client.list_restore_jobs())) == 300
    assert "/sa-east-1/" in server.headers[0]
    assert settings_of(client).retries["total_max_attempts"] == 3
    with pytest.raises(CredentialsError, match="nobody"):
        RestoreJobsClient(profile_name="nobody")


def test_arguments_that_exclude_each_other_are_refused(server: PageServer) -> None:
    session, boto3_client = boto3.Session(region_name="eu-west-1"), server.client()
    others: dict[str, Any] = {
        "session": session,
        "region_name": "eu-west-1",
        "profile_name": "auditor",
        "endpoint_url": server.endpoint_url,
        "config": Config(),
    }
    for name, value in others.items():
        with pytest.raises(InvalidRequestError, match=rf"{name} .* together with client"):
            RestoreJobsClient(client=boto3_client, **{name: value})
    with pytest.raises(InvalidRequestError, match=r"profile_name .* together with session"):
        RestoreJobsClient(session=session, profile_name="auditor")


def test_a_missing_region_is_said_in_our_words() -> None:
    with pytest.raises(ConfigurationError, match="pass region_name") as caught:
        RestoreJobsClient()
    assert isinstance(caught.value, BotoCoreError)
    assert isinstance(caught.value.__cause__, NoRegionError)


def test_missing_credentials_are_said_in_our_words(server: PageServer) -> None:
    client = RestoreJobsClient(region_name="eu-west-1", endpoint_url=server.endpoint_url)
    with pytest.raises(CredentialsError, match="aws configure") as caught:
        client.list_restore_jobs().first()
    assert isinstance(caught.value.__cause__, NoCredentialsError)
    assert caught.value.checkpoint is not None
    assert server.requests == []


def test_half_of_a_credential_is_said_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    with pytest.raises(CredentialsError):
        RestoreJobsClient(region_name="eu-west-1").list_restore_jobs().first()


def test_an_endpoint_that_is_no_url_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="endpoint_url 'nowhere'"):
        RestoreJobsClient(region_name="eu-west-1", endpoint_url="nowhere")


@pytest.mark.parametrize("endpoint_url", ["user:testing@host", "htp:/user:testing@h"])
def test_a_password_in_an_endpoint_is_not_shown(endpoint_url: str) -> None:
    with pytest.raises(InvalidRequestError, match="endpoint_url") as caught:
        RestoreJobsClient(region_name="eu-west-1", endpoint_url=endpoint_url)
    assert "testing" not in "".join(traceback.format_exception(caught.value)).split("Error: ")[-1]
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AWS_MAX_ATTEMPTS": "abc"}, "abc"),
        ({"AWS_ENDPOINT_URL": "garbage"}, "garbage"),
    ],
)
def test_configuration_that_botocore_refuses_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], message: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=message):
        RestoreJobsClient(region_name="eu-west-1")


def test_a_tool_for_credentials_that_is_missing_is_said_in_our_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "config"
    path.write_text("[default]\ncredential_process = /no/such/tool\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    with pytest.raises(ConfigurationError, match="/no/such/tool"):
        RestoreJobsClient(region_name="eu-west-1").list_restore_jobs().first()


def test_a_client_of_another_service_is_refused() -> None:
    for other in (boto3.client("s3", region_name="eu-west-1"), "backup"):
        with pytest.raises(InvalidRequestError, match='"backup" client'):
            RestoreJobsClient(client=other)  # type: ignore[arg-type]  # the case


def test_a_region_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="eu west"):
        RestoreJobsClient(region_name="eu west")


def test_retries_that_are_configured_nowhere_are_eight() -> None:
    settings = settings_of(RestoreJobsClient(region_name="eu-west-1"))
    assert settings.retries == {"mode": "standard", "total_max_attempts": 8}
    assert settings.max_pool_connections >= 32


@pytest.mark.parametrize(
    ("environment", "config", "expected"),
    [
        ({"AWS_MAX_ATTEMPTS": "2"}, None, {"total_max_attempts": 2}),
        ({"AWS_RETRY_MODE": "adaptive"}, None, {"mode": "adaptive"}),
        ({}, Config(retries={"total_max_attempts": 5}), {"total_max_attempts": 5}),
        ({}, Config(retries={"max_attempts": 5, "mode": "legacy"}), {"total_max_attempts": 6}),
        (
            {"AWS_MAX_ATTEMPTS": "2"},
            Config(retries={"total_max_attempts": 5}),
            {"total_max_attempts": 5},
        ),
    ],
)
def test_retries_that_are_configured_are_honoured(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    config: Config | None,
    expected: dict[str, Any],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = settings_of(RestoreJobsClient(region_name="eu-west-1", config=config))
    assert settings.retries | expected == settings.retries
    if "mode" in expected:
        assert settings.retries.get("total_max_attempts") != 8


def test_other_configuration_is_kept() -> None:
    config = Config(max_pool_connections=3, read_timeout=7)
    settings = settings_of(RestoreJobsClient(region_name="eu-west-1", config=config))
    assert (settings.max_pool_connections, settings.read_timeout) == (3, 7)
    assert settings.retries["total_max_attempts"] == 8

    core = boto3.Session(region_name="eu-west-1")
    core._session.set_default_client_config(  # noqa: SLF001  # how botocore takes defaults
        Config(retries={"total_max_attempts": 4}, connect_timeout=9)
    )
    settings = settings_of(RestoreJobsClient(session=core))
    assert settings.retries["total_max_attempts"] == 4
    assert settings.connect_timeout == 9


def test_a_request_and_keywords_for_it_exclude_each_other(client: RestoreJobsClient) -> None:
    request = ListRestoreJobsRequest(by_status="FAILED", max_results=10)
    keywords: dict[str, Any] = {
        "by_account_id": "*",
        "by_created_after": datetime(2026, 1, 1, tzinfo=UTC),
        "by_status": "FAILED",
        "max_results": 5,
        "next_token": "t",
    }
    for name, value in keywords.items():
        with pytest.raises(InvalidRequestError, match=rf"{name} .* together with a request"):
            client.list_restore_jobs(request, **{name: value})
    assert len(client.list_restore_jobs(request, limit=25).head(1000).restore_jobs) == 25


def test_a_request_that_was_made_unvalidated_is_validated(
    server: PageServer, client: RestoreJobsClient
) -> None:
    made: Any = ListRestoreJobsRequest.model_construct
    with pytest.raises(InvalidRequestError, match="by_status='DONE'"):
        client.list_restore_jobs(made(by_status="DONE"))
    assert server.requests == []


@pytest.mark.parametrize("request_", ["FAILED", {"by_status": "FAILED"}, 5])
def test_what_is_no_request_is_refused(client: RestoreJobsClient, request_: Any) -> None:
    with pytest.raises(InvalidRequestError, match="ListRestoreJobsRequest"):
        client.list_restore_jobs(request_)


def test_clients_may_be_made_of_one_session_on_many_threads() -> None:
    session = boto3.Session(region_name="eu-west-1")
    made: list[RestoreJobsClient] = []
    threads = [
        threading.Thread(target=lambda: made.append(RestoreJobsClient(session=session)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8


# Pickling


@pytest.mark.usefixtures("_credentials")
def test_clients_and_listings_pickle(server: PageServer) -> None:
    config = Config(retries={"total_max_attempts": 2}, read_timeout=7)
    client = RestoreJobsClient(
        region_name="eu-west-3", endpoint_url=server.endpoint_url, config=config
    )
    again: RestoreJobsClient = pickle.loads(pickle.dumps(client))  # noqa: S301  # our own
    assert repr(again) == repr(client)
    assert settings_of(again).read_timeout == 7

    iterator = iter(client.list_restore_jobs(max_results=100))
    before = [next(iterator) for _ in range(150)]
    listing = client.list_restore_jobs(limit=200, resume_from=iterator.checkpoint)
    code = "import pickle, sys\nfor job in pickle.load(sys.stdin.buffer): print(job.restore_job_id)"
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", code], input=pickle.dumps(listing), capture_output=True, check=True
    )
    ids = [job.restore_job_id for job in before] + done.stdout.decode().split()
    assert ids == [job["RestoreJobId"] for job in server.jobs]
    windows = pickle.loads(pickle.dumps(client.list_restore_jobs().split(3)))  # noqa: S301  # our own
    assert sum(len(list(window)) for window in windows) == 300


def test_credentials_do_not_travel(server: PageServer) -> None:
    session = boto3.Session(region_name="eu-west-1")
    with_userinfo = "http://user:testing@127.0.0.1:3128"
    clients = {
        "made from a client": RestoreJobsClient(client=server.client()),
        "made from a session": RestoreJobsClient(session=session),
        "a password": RestoreJobsClient(
            region_name="eu-west-1", config=Config(proxies={"https": with_userinfo})
        ),
        "with a password in": RestoreJobsClient(
            region_name="eu-west-1", endpoint_url=with_userinfo
        ),
    }
    for reason, client in clients.items():
        for thing in (client, client.list_restore_jobs(), client.list_restore_jobs().split(2)):
            with pytest.raises(InvalidRequestError, match=reason):
                pickle.dumps(thing)

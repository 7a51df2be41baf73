"""The boto3 clients of this package: the default session and the user agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from restorejobs_client import RestoreJobsClient, __version__

if TYPE_CHECKING:
    from support.raw_server import PageServer


def test_default_session_of_boto3_is_used(server: PageServer) -> None:
    """After `boto3.setup_default_session`, a client has its region and credentials."""
    boto3.setup_default_session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="ap-south-1"
    )
    client = RestoreJobsClient(endpoint_url=server.endpoint_url)
    assert client.region_name == "ap-south-1"
    assert client.list_restore_jobs().first() is not None


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, f" restorejobs-client/{__version__}"),
        (Config(user_agent_extra="app/1"), f" app/1 restorejobs-client/{__version__}"),
    ],
)
def test_user_agent_names_the_package(
    server: PageServer, monkeypatch: pytest.MonkeyPatch, config: Config | None, expected: str
) -> None:
    """Each request names the package and its version, after what the user has configured."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = RestoreJobsClient(
        region_name="eu-west-1", endpoint_url=server.endpoint_url, config=config
    )
    client.list_restore_jobs().first()
    assert expected in server.headers[0]

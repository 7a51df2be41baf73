"""Fixtures for all tests: a clean environment, retries without waits, a server with 300 jobs."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING

import boto3
import pytest
from hypothesis import HealthCheck, settings
from support.fakes import JOBS
from support.raw_server import PageServer, wire_job
from support.workers import Workers

from restorejobs_client import RestoreJobsClient
from restorejobs_client.testing import FakeBackup, fake_backup

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Each run generates other cases. HYPOTHESIS_PROFILE=thorough, or --hypothesis-profile=thorough,
# looks for minutes.
settings.register_profile(
    "brief",
    max_examples=10,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("brief"), max_examples=250)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "brief"))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Demand one sentence about its promise from each test; ruff cannot tell tests from helpers."""
    if isinstance(item, pytest.Function) and not item.function.__doc__:
        message = f"{item.nodeid} needs a docstring"
        raise pytest.UsageError(message)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Hide AWS settings, credentials and proxies of this machine from the tests."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    nowhere: Path = tmp_path_factory.getbasetemp() / "nowhere"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nowhere))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nowhere))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # boto3.client in another test makes one


@pytest.fixture(autouse=True)
def retry_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Keep botocore from sleeping before it retries, and return the seconds it would have slept."""
    waits: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=waits.append))
    return waits


@pytest.fixture
def workers() -> Workers:
    """Return the threads of this package that the test will start."""
    return Workers()


@pytest.fixture(scope="session")
def _shared_server() -> Iterator[tuple[PageServer, RestoreJobsClient]]:
    with PageServer([wire_job(number) for number in range(300)]) as server:
        yield server, RestoreJobsClient(client=server.client())


@pytest.fixture
def server(_shared_server: tuple[PageServer, RestoreJobsClient]) -> Iterator[PageServer]:
    """Return a raw HTTP server with 300 jobs, no faults and an empty log."""
    server, _ = _shared_server
    jobs = list(server.jobs)
    server.requests.clear()
    server.headers.clear()
    yield server
    server.heal()
    server.jobs = jobs
    server.ignores_max_results = False


@pytest.fixture
def client(
    server: PageServer, _shared_server: tuple[PageServer, RestoreJobsClient]
) -> RestoreJobsClient:
    """Return a client of `server` that makes two attempts at most."""
    assert server is _shared_server[0]
    return _shared_server[1]


@pytest.fixture
def backup() -> Iterator[FakeBackup]:
    """Return an embedded fake without jobs."""
    with fake_backup() as backup:
        yield backup


@pytest.fixture
def served(backup: FakeBackup) -> FakeBackup:
    """Return an embedded fake with all of `JOBS`."""
    backup.seed(JOBS)
    return backup

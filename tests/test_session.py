"""The boto3 clients of this package: sessions, the models that they share, the user agent."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import moto
import pytest
from botocore.config import Config
from botocore.loaders import Loader
from support.fakes import JOBS
from support.markdown_code import blocks

from restorejobs_client import InvalidRequestError, RestoreJobsClient, __version__
from restorejobs_client._aws.session import new_session
from restorejobs_client.testing import seed_restore_jobs

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


def test_clients_work_where_processes_cannot_fork(server: PageServer) -> None:
    """The package needs no `os.register_at_fork`, which Windows does not have."""
    program = """
import os, sys
import boto3, gzip, logging, random, threading, uuid  # those that use it have it
del os.register_at_fork
from restorejobs_client import RestoreJobsClient
print(len(list(RestoreJobsClient(endpoint_url=sys.argv[1]).list_restore_jobs())))
"""
    environment = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", program, server.endpoint_url],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment, "AWS_DEFAULT_REGION": "eu-west-1"},
    )
    assert (done.stdout, done.stderr) == ("300\n", "")


# Many clients

REGIONS = boto3.Session("testing", "testing").get_available_regions("backup")[:17]
MEASURE = """
import resource, sys, time
from restorejobs_client import RestoreJobsClient
from restorejobs_client.testing import fake_backup

def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()

with fake_backup() as backup:
    if sys.argv[1] == "fake":
        make = lambda region, number: backup.client(region_name=region, account_id=number * 12)
    else:
        make = lambda region, number: RestoreJobsClient(region_name=region, profile_name=number)
    first = make("us-east-1", "1")
    memory, cpu = used()
    clients = [make(region, number) for region in sys.argv[2:] for number in "12"]
    more_memory, more_cpu = used()
unit = 1 if sys.platform == "darwin" else 1024
print(len(clients), (more_memory - memory) * unit, more_cpu - cpu)
"""


def run(code: str, *arguments: str) -> str:
    """Run a program with the profiles 1 and 2, and return what it prints."""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return done.stdout


@pytest.fixture
def _profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    keys = "aws_access_key_id = testing\naws_secret_access_key = testing\n"
    file.write_text(f"[1]\n{keys}[2]\n{keys}", encoding="utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))


@pytest.mark.skipif(sys.platform == "win32", reason="it has no module resource")
@pytest.mark.usefixtures("_profiles")
@pytest.mark.parametrize("kind", ["ours", "fake"])
def test_many_clients_are_light(kind: str) -> None:
    """34 more clients, of 17 regions and two profiles, take less than 30 MB, and little time."""
    count, memory, cpu = run(MEASURE, kind, *REGIONS).split()
    assert int(count) == 34
    assert int(memory) < 30_000_000
    assert float(cpu) < 1.5  # 0.4 on an idle machine, and 4 if each client loads its own models


def test_mock_that_is_imported_later_works() -> None:
    """moto, imported after the first client was made, mocks the clients that are made then."""
    code = """
from restorejobs_client import RestoreJobsClient
RestoreJobsClient(region_name="us-east-1")
from moto import mock_aws
from restorejobs_client.testing import sample_jobs, seed_restore_jobs
with mock_aws():
    seed_restore_jobs(sample_jobs(7))
    print(len(list(RestoreJobsClient(region_name="us-east-1").list_restore_jobs())))
"""
    assert run(code) == "7\n"


def test_models_are_those_of_the_search_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A change of AWS_DATA_PATH counts for the next client, as in boto3."""

    def version() -> str:
        client: Any = RestoreJobsClient(region_name="us-east-1")._wire.client  # noqa: SLF001
        api_version: str = client.meta.service_model.api_version
        return api_version

    model = Loader().load_service_model("backup", "service-2")
    model["metadata"]["apiVersion"] = "2099-01-01"
    folder = tmp_path / "backup" / "2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(model), encoding="utf-8")
    usual = version()
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    assert version() == "2099-01-01"
    monkeypatch.delenv("AWS_DATA_PATH")
    assert version() == usual < "2099-01-01"


def test_sessions_of_the_user_share_nothing() -> None:
    """A session that the user passes, or has set as the default, keeps its own loader."""
    given = boto3.Session("testing", "testing", region_name="us-east-1")
    boto3.setup_default_session(region_name="us-east-1")
    for session in (given, boto3._get_default_session()):  # noqa: SLF001
        before = session._session.get_component("data_loader")  # noqa: SLF001
        if session is given:
            RestoreJobsClient(session=given)
        else:
            RestoreJobsClient()
        assert session._session.get_component("data_loader") is before  # noqa: SLF001


@moto.mock_aws
def test_guide_lists_an_organization_with_roles() -> None:
    """The sessions of the guide have the accounts of their roles, and share one loader."""
    guide: dict[str, Any] = {}
    page = Path(__file__).parent.parent / "docs" / "guides" / "organization.md"
    code = next(block for block in blocks(page, "python") if "def jobs_of_organization" in block)
    exec("from restorejobs_client import RestoreJobsClient, gather\n" + code, guide)  # noqa: S102  # our own
    accounts, regions = ["111111111111", "222222222222"], ["us-east-1", "eu-west-1"]
    places = list(itertools.product(accounts, regions))
    for number, (account, region) in enumerate(places):
        seed_restore_jobs(JOBS[number * 5 :][:5], region_name=region, account_id=account)
    errors: list[tuple[str, Exception]] = []
    guide["regions"] = regions
    listed = guide["jobs_of_organization"](accounts, guide["clients_of"], errors)
    assert list(listed) == JOBS[:20]
    assert errors == []
    first, second = (guide["role_session"](account, "")._session for account in accounts)  # noqa: SLF001
    assert first.get_component("data_loader") is second.get_component("data_loader")


def test_threads_share_the_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Threads that load models at the same time get what one thread gets."""
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))  # so that nothing is loaded yet
    names = Loader().list_available_services("paginators-1")[:60]

    def load(_: int) -> list[Any]:
        core: Any = new_session()._session  # noqa: SLF001
        shared = core.get_component("data_loader")
        return [shared.load_service_model(name, "paginators-1") for name in names]

    expected = [Loader().load_service_model(name, "paginators-1") for name in names]
    with ThreadPoolExecutor(8) as threads:
        loaded = list(threads.map(load, range(16)))
    assert loaded == [expected] * 16
    assert load(16)[-1] is load(17)[-1]


@pytest.mark.parametrize(
    "given", [{"region_name": ["a", "b"]}, {"region_name": ""}, {"profile_name": 5}]
)
def test_name_that_is_no_text_is_refused(given: dict[str, Any]) -> None:
    """A client has one region and one profile."""
    ((name, value),) = given.items()
    with pytest.raises(InvalidRequestError, match=re.escape(f"{name}={value!r} is refused")):
        RestoreJobsClient(**given)


def test_threads_make_clients() -> None:
    """Threads can make clients at the same time, each with its own region."""
    with ThreadPoolExecutor(8) as threads:
        clients = threads.map(lambda region: RestoreJobsClient(region_name=region), REGIONS)
        assert [client.region_name for client in clients] == REGIONS


@pytest.mark.parametrize("config", [5, {"proxies": {"http": "http://user:password@host"}}])
def test_other_configs_are_refused(config: Any) -> None:
    """A config must be one of botocore; the error does not show a password in it."""
    with pytest.raises(InvalidRequestError, match="must be a botocore Config") as caught:
        RestoreJobsClient(region_name="eu-west-1", config=config)
    assert type(config).__name__ in str(caught.value)
    assert "password" not in str(caught.value)

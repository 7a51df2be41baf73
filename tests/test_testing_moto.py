"""The fake's place in moto: the operation comes and goes, jobs are seeded, the rest is moto's."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError
from moto.backup import urls
from moto.backup.models import backup_backends
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from testing_support import JOBS, boto3_client, listed, refusal

from restorejobs_client import _errors
from restorejobs_client._models import RestoreJob
from restorejobs_client.testing import FakeBackup, fake_backup, seed_restore_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = dict(urls.url_paths)
SESSION = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture(autouse=True)
def _moto_is_left_as_it_was() -> Iterator[None]:
    yield
    assert urls.url_paths == ROUTES


@pytest.fixture
def backup() -> Iterator[FakeBackup]:
    with fake_backup() as backup:
        yield backup


def mocked_client(region_name: str = "us-east-1") -> Any:  # made at run time
    return SESSION.client("backup", region_name=region_name)


def test_moto_still_serves_the_rest_of_aws_backup(backup: FakeBackup) -> None:
    client = boto3_client(backup)
    backup.fail_next("access_denied")
    with moto.mock_aws():  # forgets the vault
        created = client.create_backup_vault(BackupVaultName="vault")
        vaults = client.list_backup_vaults()["BackupVaultList"]
    assert created["BackupVaultArn"].endswith(":123456789012:backup-vault:vault")
    assert [vault["BackupVaultName"] for vault in vaults] == ["vault"]
    assert backup.requests == []


def test_what_moto_cannot_do_is_an_answer_that_says_so(backup: FakeBackup) -> None:
    with pytest.raises(ClientError, match="not been implemented") as caught:
        boto3_client(backup).list_backup_selections(BackupPlanId="plan")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_the_operation_is_taken_away_when_the_last_user_has_gone() -> None:
    with fake_backup() as outer:
        with fake_backup():
            assert urls.url_paths != ROUTES
        assert urls.url_paths != ROUTES
        assert listed(boto3_client(outer)) == []
    assert urls.url_paths == ROUTES


def test_an_entry_of_motos_own_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_backup():
        (ours,) = urls.url_paths.keys() - ROUTES.keys()
    routes = {ours: object(), **ROUTES}
    monkeypatch.setattr(urls, "url_paths", routes)
    with fake_backup(JOBS[:3]) as outer:
        with fake_backup(), moto.mock_aws():
            seed_restore_jobs(JOBS[3:5])
            assert listed(mocked_client()) == JOBS[3:5]
        assert listed(boto3_client(outer)) == JOBS[:3]
    assert list(urls.url_paths.items()) == list(routes.items())
    monkeypatch.undo()
    with fake_backup():
        assert urls.url_paths != ROUTES
    assert urls.url_paths == ROUTES


def test_an_error_in_the_block_passes_and_everything_is_undone() -> None:
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), fake_backup():
        raise ZeroDivisionError
    assert set(threading.enumerate()) == before
    assert urls.url_paths == ROUTES


def test_the_environment_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_PROFILE": "missing",
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_REGION": "eu-north-1",
        "AWS_DEFAULT_REGION": "eu-north-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": "/nowhere",
        "MOTO_ACCOUNT_ID": "999999999999",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    with fake_backup(JOBS[:3]) as backup:
        backup.fail_next("unavailable")
        assert list(backup.client().list_restore_jobs()) == JOBS[:3]
        assert len(backup.requests) == 2


def test_seeded_jobs_are_listed_inside_mock_aws() -> None:
    with moto.mock_aws():
        seed_restore_jobs(iter(JOBS))
        client = mocked_client()
        assert listed(client, page_size=90) == JOBS
        assert listed(client, ByStatus="FAILED") == [job for job in JOBS if job.status == "FAILED"]
        assert refusal(client, NextToken="x")["Context"] == "nextToken"
        seed_restore_jobs([RestoreJob(restore_job_id=JOBS[0].restore_job_id)])
        assert len(listed(client)) == len(JOBS)
        client.create_backup_vault(BackupVaultName="vault")


def test_regions_and_accounts_are_apart_inside_mock_aws() -> None:
    with moto.mock_aws():
        seed_restore_jobs(JOBS[:3])
        seed_restore_jobs(JOBS[3:5], region_name="eu-west-1")
        seed_restore_jobs(JOBS[5:9], account_id="111111111111")
        assert listed(mocked_client()) == JOBS[:3]
        assert listed(mocked_client("eu-west-1")) == JOBS[3:5]
        assert listed(mocked_client("eu-west-1"), ByAccountId="*") == JOBS[3:5]
        assert listed(mocked_client("eu-west-2"), ByAccountId="*") == []
        assert listed(mocked_client(), 2, ByAccountId="*") == JOBS[:3] + JOBS[5:9]
        assert listed(mocked_client(), ByAccountId="111111111111") == JOBS[5:9]


def test_moto_forgets_the_jobs_and_the_operation_when_the_mock_ends() -> None:
    with moto.mock_aws():
        seed_restore_jobs(JOBS[:3])
        seed_restore_jobs(JOBS[:3], region_name="eu-west-1")
        assert urls.url_paths != ROUTES
    assert urls.url_paths == ROUTES
    with moto.mock_aws():
        seed_restore_jobs(JOBS[5:6])
        assert listed(mocked_client()) == JOBS[5:6]
        assert listed(mocked_client("eu-west-1")) == []


def test_resetting_one_backend_forgets_its_jobs_only() -> None:
    with moto.mock_aws():
        seed_restore_jobs(JOBS[:3])
        seed_restore_jobs(JOBS[3:5], region_name="eu-west-1")
        backup_backends["123456789012"]["us-east-1"].reset()
        assert listed(mocked_client()) == []
        assert listed(mocked_client("eu-west-1")) == JOBS[3:5]


@moto.mock_aws
def test_it_works_under_the_decorator_and_nested_mocks() -> None:
    seed_restore_jobs(JOBS[:3])
    with moto.mock_aws():
        assert listed(mocked_client()) == JOBS[:3]
    assert listed(mocked_client()) == JOBS[:3]


def test_a_fake_and_a_mock_do_not_see_each_other() -> None:
    with fake_backup(JOBS[:3]) as backup:
        with moto.mock_aws():
            assert listed(mocked_client()) == []
            seed_restore_jobs(JOBS[3:5])
            assert listed(mocked_client()) == JOBS[3:5]
            assert listed(boto3_client(backup)) == JOBS[:3]
            assert listed(boto3_client(backup), ByAccountId="*") == JOBS[:3]
        assert listed(boto3_client(backup)) == JOBS[:3]


def test_motos_own_server_in_the_process_lists_seeded_jobs_too() -> None:
    with moto.mock_aws():
        seed_restore_jobs(JOBS[:3])
        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            _, port = server.get_host_and_port()
            client = SESSION.client(
                "backup", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}"
            )
            assert listed(client, page_size=2) == JOBS[:3]
        finally:
            server.stop()
            assert server._server  # noqa: SLF001  # moto leaves its socket open
            server._server.server_close()  # noqa: SLF001


def test_seeding_moto_outside_of_a_mock_is_refused() -> None:
    with pytest.raises(_errors.InvalidRequestError, match="mock_aws"):
        seed_restore_jobs(JOBS[:3])
    with moto.mock_aws():
        pass
    with pytest.raises(_errors.InvalidRequestError, match="mock_aws"):
        seed_restore_jobs(JOBS[:3])


def test_seeding_moto_checks_region_and_account() -> None:
    with moto.mock_aws():
        with pytest.raises(_errors.InvalidRequestError, match="mars-north-1"):
            seed_restore_jobs([], region_name="mars-north-1")
        with pytest.raises(_errors.InvalidRequestError, match="account_id"):
            seed_restore_jobs([], account_id="1")


@pytest.mark.parametrize("missing", ["flask", "flask_cors", "moto.moto_server.werkzeug_app"])
def test_a_fake_without_the_extra_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError) as caught, fake_backup():
        pass
    assert "restorejobs-client[testing]" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_seeding_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moto.backup.models", None)
    with pytest.raises(ImportError) as caught:
        seed_restore_jobs([])
    assert "restorejobs-client[testing]" in str(caught.value)
    assert "\n" not in str(caught.value)

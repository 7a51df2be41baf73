"""Jobs in moto: `seed_restore_jobs` adds them and the operation, and moto's reset removes both."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError
from moto.backup import urls
from moto.backup.models import backup_backends
from testing_support import JOBS, boto3_client, listed, refusal

from restorejobs_client import _errors
from restorejobs_client._models import RestoreJob
from restorejobs_client.testing import fake_backup, seed_restore_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = dict(urls.url_paths)
SESSION = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture(autouse=True)
def _moto_is_left_as_it_was() -> Iterator[None]:
    yield
    assert urls.url_paths == ROUTES


def mocked_client(region_name: str = "us-east-1") -> Any:  # made at run time
    return SESSION.client("backup", region_name=region_name)


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
            seed_restore_jobs(JOBS[3:5])
            assert listed(mocked_client()) == JOBS[3:5]
            assert listed(boto3_client(backup)) == JOBS[:3]
            assert listed(boto3_client(backup), ByAccountId="*") == JOBS[:3]
        assert listed(boto3_client(backup)) == JOBS[:3]


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


def test_moto_forgets_the_jobs_and_the_operation_when_the_mock_ends() -> None:
    with moto.mock_aws():
        seed_restore_jobs(JOBS[:3])
        seed_restore_jobs(JOBS[:3], region_name="eu-west-1")
        backup_backends["123456789012"]["us-east-1"].reset()
        assert urls.url_paths != ROUTES  # the other region still has jobs
    assert urls.url_paths == ROUTES
    with moto.mock_aws():
        with pytest.raises(ClientError, match="Not yet implemented"):
            listed(mocked_client())
        seed_restore_jobs(JOBS[5:6])
        assert listed(mocked_client()) == JOBS[5:6]
        assert listed(mocked_client("eu-west-1")) == []


def test_an_operation_of_moto_itself_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with moto.mock_aws():
        seed_restore_jobs([])
        (ours,) = urls.url_paths.keys() - ROUTES.keys()
    routes = {ours: object(), **ROUTES}
    with monkeypatch.context() as patched:
        patched.setattr(urls, "url_paths", routes)
        with moto.mock_aws():
            seed_restore_jobs(JOBS[:3])
            assert listed(mocked_client()) == JOBS[:3]
        assert list(urls.url_paths.items()) == list(routes.items())


def test_the_server_of_moto_in_this_process_lists_seeded_jobs_too() -> None:
    pytest.importorskip("flask_cors", reason="moto[server] is not installed")
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # noqa: PLC0415

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


def test_threads_seed_and_list_at_the_same_time() -> None:
    with moto.mock_aws():
        seed_restore_jobs(JOBS[:40])
        client = mocked_client()

        def work(number: int) -> list[RestoreJob]:
            seed_restore_jobs(JOBS[number : number + 5])
            return listed(client, page_size=10)

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(work, range(16))) == [JOBS[:40]] * 16


def test_the_rest_of_moto_stays_as_it_is() -> None:
    with moto.mock_aws():
        client = mocked_client()
        client.create_backup_vault(BackupVaultName="vault")
        seed_restore_jobs(JOBS[:3])
        vaults = client.list_backup_vaults()["BackupVaultList"]
    assert [vault["BackupVaultName"] for vault in vaults] == ["vault"]


def test_without_moto_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moto.core.models", None)
    with pytest.raises(ImportError) as caught:
        seed_restore_jobs([])
    assert str(caught.value).endswith(
        " needs moto: pip install 'restorejobs-client[testing]', or moto alone"
    )

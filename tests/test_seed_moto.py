"""`seed_restore_jobs` adds jobs to moto, until moto resets."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError
from moto.backup.models import backup_backends
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from support.fakes import ACCOUNT, JOBS, OTHER_ACCOUNT, OTHER_REGION, REGION
from support.fakes import listed as listed_by_fake

from restorejobs_client import InvalidRequestError, RestoreJob, RestoreJobsClient
from restorejobs_client.testing import fake_backup, seed_restore_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

SESSION = boto3.Session("testing", "testing")  # made after the import of moto, which mocks it


@pytest.fixture
def _mock() -> Iterator[None]:
    with moto.mock_aws():
        yield


def client(region_name: str = REGION, **options: Any) -> Any:
    return SESSION.client("backup", region_name=region_name, **options)


def listed(boto3_client: Any, *, page_size: int = 1000, **filters: object) -> list[RestoreJob]:
    paginator = boto3_client.get_paginator("list_restore_jobs")
    pages = paginator.paginate(**filters, PaginationConfig={"PageSize": page_size})
    return [RestoreJob.from_dict(job) for page in pages for job in page["RestoreJobs"]]


@pytest.mark.usefixtures("_mock")
def test_boto3_lists_seeded_jobs_in_moto() -> None:
    """boto3 lists seeded jobs with pages, filters and errors; a job replaces one with its id."""
    seed_restore_jobs(iter(JOBS))
    assert listed(client(), page_size=90) == JOBS
    failed = [job for job in JOBS if job.status == "FAILED"]
    assert listed(client(), ByStatus="FAILED") == failed
    with pytest.raises(ClientError, match=r"InvalidParameterValueException.*nextToken"):
        client().list_restore_jobs(NextToken="x")
    seed_restore_jobs([RestoreJob(restore_job_id=JOBS[0].restore_job_id)])
    assert len(listed(client())) == len(JOBS)


@pytest.mark.usefixtures("_mock")
def test_moto_separates_regions_and_accounts() -> None:
    """A caller lists the jobs of its region, and of the account that it names."""
    seed_restore_jobs(JOBS[:3])
    seed_restore_jobs(JOBS[3:5], region_name=OTHER_REGION)
    seed_restore_jobs(JOBS[5:9], account_id=OTHER_ACCOUNT)
    assert listed(client()) == JOBS[:3]
    assert listed(client(), ByAccountId=OTHER_ACCOUNT) == JOBS[5:9]
    assert listed(client(), page_size=2, ByAccountId="*") == JOBS[:3] + JOBS[5:9]
    assert listed(client(OTHER_REGION), ByAccountId="*") == JOBS[3:5]
    assert listed(client("eu-west-2"), ByAccountId="*") == []


@pytest.mark.usefixtures("_mock")
def test_pages_in_moto_have_the_headers_of_aws() -> None:
    """Pages in moto have the headers of AWS, so our client lists them, even if they are empty."""
    seed_restore_jobs([])
    metadata = client().list_restore_jobs()["ResponseMetadata"]
    assert metadata["HTTPHeaders"]["x-amzn-requestid"]
    assert metadata["HTTPHeaders"]["date"].endswith(" GMT")
    ours = RestoreJobsClient(client=client())
    assert list(ours.list_restore_jobs()) == []
    seed_restore_jobs(JOBS[:3])
    assert list(ours.list_restore_jobs(max_results=2)) == JOBS[:3]


@pytest.mark.usefixtures("_mock")
def test_reset_of_a_backend_removes_its_jobs() -> None:
    """Other regions keep their jobs, and the operation remains."""
    seed_restore_jobs(JOBS[:3])
    seed_restore_jobs(JOBS[3:5], region_name=OTHER_REGION)
    backup_backends[ACCOUNT][REGION].reset()
    assert listed(client()) == []
    assert listed(client(OTHER_REGION)) == JOBS[3:5]


def test_end_of_the_mock_removes_jobs() -> None:
    """The next mock starts without jobs and without the operation."""
    with moto.mock_aws():
        seed_restore_jobs(JOBS[:3])
        seed_restore_jobs(JOBS[:3], region_name=OTHER_REGION)
    with moto.mock_aws():
        with pytest.raises(ClientError, match="Not yet implemented"):
            listed(client())
        seed_restore_jobs(JOBS[5:6])
        assert listed(client()) == JOBS[5:6]
        assert listed(client(OTHER_REGION)) == []


@pytest.mark.usefixtures("_mock")
def test_without_jobs_moto_does_not_have_the_operation() -> None:
    """Without seeded jobs, the error is moto's own for a missing operation."""
    with pytest.raises(ClientError) as missing:
        client().describe_restore_job(RestoreJobId="1")
    seed_restore_jobs(JOBS[:3])
    backup_backends[ACCOUNT][REGION].reset()
    with pytest.raises(ClientError) as removed:
        listed(client())
    assert removed.value.response["Error"] == missing.value.response["Error"]


@moto.mock_aws
def test_seeding_works_in_decorated_and_nested_mocks() -> None:
    """Jobs can be seeded under the decorator, and nested mocks share them."""
    seed_restore_jobs(JOBS[:3])
    with moto.mock_aws():
        assert listed(client()) == JOBS[:3]
    assert listed(client()) == JOBS[:3]


@pytest.mark.usefixtures("_mock")
def test_other_operations_of_moto_work() -> None:
    """Seeding changes no other operation of AWS Backup."""
    client().create_backup_vault(BackupVaultName="before")
    seed_restore_jobs(JOBS[:3])
    client().create_backup_vault(BackupVaultName="after")
    vaults = client().list_backup_vaults()["BackupVaultList"]
    assert {vault["BackupVaultName"] for vault in vaults} == {"before", "after"}


@pytest.mark.usefixtures("_mock")
def test_moto_server_lists_seeded_jobs() -> None:
    """A moto server in the same process lists the jobs too."""
    seed_restore_jobs(JOBS[:3])
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        remote = client(endpoint_url=f"http://127.0.0.1:{port}")
        assert listed(remote, page_size=2) == JOBS[:3]
    finally:
        server.stop()
        assert server._server  # noqa: SLF001  # moto leaves its socket open
        server._server.server_close()  # noqa: SLF001


def test_mock_and_fake_are_separate() -> None:
    """A mock and a fake at the same time do not share jobs."""
    with fake_backup(JOBS[:3]) as backup:
        with moto.mock_aws():
            seed_restore_jobs(JOBS[3:5])
            assert listed(client()) == JOBS[3:5]
            assert listed_by_fake(backup, accountId="*") == JOBS[:3]
            assert list(backup.client().list_restore_jobs()) == JOBS[:3]
        assert listed_by_fake(backup) == JOBS[:3]


@pytest.mark.usefixtures("_mock")
def test_threads_seed_and_list() -> None:
    """Listings are complete while other threads add jobs."""
    seed_restore_jobs(JOBS[:40])
    shared = client()

    def work(number: int) -> list[RestoreJob]:
        seed_restore_jobs(JOBS[number : number + 5])
        return listed(shared, page_size=10)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(work, range(16))) == [JOBS[:40]] * 16


@pytest.mark.usefixtures("_mock")
def test_wrong_seeds_are_refused() -> None:
    """Wrong jobs, unknown regions and wrong accounts are refused, and nothing is stored."""
    wrong: Any = RestoreJob(restore_job_id=7)  # type: ignore[arg-type]  # intentional
    with pytest.raises(InvalidRequestError, match=r"jobs\[2\].restore_job_id: .*got 7"):
        seed_restore_jobs([*JOBS[:2], wrong])
    with pytest.raises(InvalidRequestError, match="mars-north-1"):
        seed_restore_jobs([], region_name="mars-north-1")
    with pytest.raises(InvalidRequestError, match="account_id"):
        seed_restore_jobs([], account_id="1")
    seed_restore_jobs([])
    assert listed(client()) == []


def test_seeding_outside_of_a_mock_is_refused() -> None:
    """The error says that moto is not active, also after a mock has ended."""
    with pytest.raises(InvalidRequestError, match="mock_aws"):
        seed_restore_jobs(JOBS[:3])
    with moto.mock_aws():
        pass
    with pytest.raises(InvalidRequestError, match="mock_aws"):
        seed_restore_jobs(JOBS[:3])


def test_missing_moto_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "moto.core.models", None)
    with pytest.raises(ImportError) as caught:
        seed_restore_jobs([])
    assert str(caught.value).endswith(
        " needs moto: pip install moto, or this package with its extra 'testing'"
    )

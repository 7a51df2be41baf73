"""The fake does what the service does, and undoes itself."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import quote, urlencode

import boto3
import moto
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from moto.backup import urls
from moto.backup.models import backup_backends
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from restorejobs_client import _errors
from restorejobs_client._enums import ResourceType, RestoreJobStatus
from restorejobs_client._models import RestoreJob, RestoreJobCreator
from restorejobs_client.testing import (
    FakeBackup,
    FaultName,
    fake_backup,
    sample_jobs,
    seed_restore_jobs,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROUTES = dict(urls.url_paths)
ONE_TRY = Config(retries={"total_max_attempts": 1}, read_timeout=10)
JOBS = sample_jobs(300, seed=7)
SAMPLES = sample_jobs()
SESSION = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly-1"
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def moto_is_left_as_it_was() -> Iterator[None]:
    yield
    assert urls.url_paths == ROUTES


@pytest.fixture
def served() -> Iterator[FakeBackup]:
    with fake_backup(JOBS) as backup:
        yield backup


@pytest.fixture
def backup() -> Iterator[FakeBackup]:
    with fake_backup() as backup:
        yield backup


def boto3_client(backup: FakeBackup, **settings: Any) -> Any:  # made at run time
    settings.setdefault("config", ONE_TRY)
    return backup._botocore_client(**settings)  # noqa: SLF001  # what client() is made of


def listed(client: Any, page_size: int = 1000, **filters: object) -> list[RestoreJob]:
    paginator = client.get_paginator("list_restore_jobs")
    pages = paginator.paginate(**filters, PaginationConfig={"PageSize": page_size})
    return [RestoreJob.from_dict(job) for page in pages for job in page["RestoreJobs"]]


def refusal(client: Any, **parameters: object) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        client.list_restore_jobs(**parameters)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return dict(caught.value.response)


def signed(region_name: str = "us-east-1", **headers: str) -> dict[str, str]:
    scope = f"testing/20250615/{region_name}/backup/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0", **headers}


def connect(backup: FakeBackup) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(backup.endpoint_url.removeprefix("http://"), timeout=10)


def get(
    backup: FakeBackup, headers: dict[str, str] | None = None, /, **parameters: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Ask without any AWS library in between."""
    connection = connect(backup)
    try:
        connection.request(
            "GET", f"/restore-jobs/?{urlencode(parameters)}", headers=headers or signed()
        )
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def received(backup: FakeBackup) -> tuple[bytes, bool]:
    """Return every byte that comes over a fresh connection, and whether a reset ended it."""
    host, port = backup.endpoint_url.removeprefix("http://").split(":")
    head = [f"{name}: {value}" for name, value in signed(Connection="close").items()]
    request = "\r\n".join(["GET /restore-jobs/ HTTP/1.1", f"Host: {host}", *head, "", ""])
    got = b""
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request.encode())
        try:
            while chunk := connection.recv(1 << 16):
                got += chunk
        except ConnectionResetError:
            return got, True
    return got, False


def ids(jobs: Iterable[RestoreJob]) -> list[str | None]:
    return [job.restore_job_id for job in jobs]


# --- listing -------------------------------------------------------------------------------------


def test_a_listing_equals_what_was_seeded_newest_first(served: FakeBackup) -> None:
    assert listed(boto3_client(served)) == JOBS


def test_the_client_of_the_package_lists_the_same() -> None:
    with fake_backup(JOBS) as backup:
        client = backup.client()
        assert list(client.list_restore_jobs(max_results=100)) == JOBS
        assert [request["maxResults"] for request in backup.requests] == ["100"] * 3
        failed = list(client.list_restore_jobs(by_status="FAILED"))
        assert failed == [job for job in JOBS if job.status == "FAILED"]


def test_the_client_gets_over_a_few_faults_by_itself() -> None:
    with fake_backup(JOBS[:3]) as backup:
        backup.fail_next("unavailable")
        assert list(backup.client().list_restore_jobs()) == JOBS[:3]
        assert len(backup.requests) == 2


def test_the_client_takes_region_account_and_config() -> None:
    with fake_backup(JOBS[:1], region_name="eu-west-1", account_id="210987654321") as backup:
        assert listed(boto3_client(backup)) == JOBS[:1]
        backup.seed(JOBS[1:2], region_name="us-east-2", account_id="111111111111")
        other = backup.client(region_name="us-east-2", account_id="111111111111", config=ONE_TRY)
        assert list(other.list_restore_jobs()) == JOBS[1:2]
        backup.fail_next("unavailable")
        with pytest.raises(_errors.ServiceUnavailableException):
            list(other.list_restore_jobs())


def test_without_a_config_there_are_eight_attempts_and_many_connections(backup: FakeBackup) -> None:
    config = boto3_client(backup, config=None).meta.config
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == 8
    assert config.max_pool_connections == 64


def test_every_member_survives(backup: FakeBackup) -> None:
    full = RestoreJob.from_dict(
        {
            "AccountId": "123456789012",
            "RestoreJobId": "Ünïcode-Id",
            "RecoveryPointArn": "arn:aws:ec2:us-east-1::image/ami-1",
            "SourceResourceArn": "arn:aws:ec2:us-east-1:123456789012:instance/i-1",
            "BackupVaultArn": "arn:aws:backup:us-east-1:123456789012:backup-vault:a",
            "CreationDate": NOON + timedelta(microseconds=123_457),
            "CompletionDate": NOON + timedelta(hours=1, microseconds=1),
            "Status": "PAUSED",
            "StatusMessage": 'a\n"b" <c>',
            "PercentDone": "12.5",
            "BackupSizeInBytes": 2**62,
            "IamRoleArn": "arn:aws:iam::123456789012:role/a",
            "ExpectedCompletionTimeMinutes": 0,
            "CreatedResourceArn": "arn:aws:ec2:us-east-1:123456789012:instance/i-2",
            "ResourceType": "EC2",
            "RecoveryPointCreationDate": datetime(1969, 12, 31, 23, tzinfo=UTC),
            "IsParent": False,
            "ParentJobId": "",
            "CreatedBy": {"RestoreTestingPlanArn": PLAN},
            "ValidationStatus": "TIMED_OUT",
            "ValidationStatusMessage": "b",
            "DeletionStatus": "DELETING",
            "DeletionStatusMessage": "c",
        }
    )
    assert None not in full.to_dict().values()
    backup.seed([full, RestoreJob(restore_job_id="bare")])
    assert listed(boto3_client(backup)) == [full, RestoreJob(restore_job_id="bare")]
    assert list(backup.client().list_restore_jobs()) == [full, RestoreJob(restore_job_id="bare")]


def test_on_the_wire_a_page_looks_like_aws_made_it() -> None:
    job = RestoreJob(
        restore_job_id="A", creation_date=NOON + timedelta(milliseconds=87), backup_size_in_bytes=5
    )
    with fake_backup([job]) as backup:
        status, headers, body = get(backup)
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert headers["x-amzn-RequestId"]
    assert json.loads(body) == {
        "RestoreJobs": [
            {
                "RestoreJobId": "A",
                "CreationDate": pytest.approx(NOON.timestamp() + 0.087, abs=1e-7),
                "BackupSizeInBytes": 5,
            }
        ],
        "NextToken": None,
    }


def test_without_jobs_the_listing_is_empty(backup: FakeBackup) -> None:
    assert listed(boto3_client(backup)) == []


def test_jobs_of_the_same_moment_come_by_id_and_undated_ones_last(backup: FakeBackup) -> None:
    dated = [RestoreJob(restore_job_id=name, creation_date=NOON) for name in "BaA"]
    undated = [RestoreJob(restore_job_id="1"), RestoreJob(restore_job_id="0")]
    backup.seed(undated + dated)
    assert ids(listed(boto3_client(backup), page_size=1)) == ["A", "B", "a", "0", "1"]
    no_bound_takes_them = listed(boto3_client(backup), ByCreatedBefore=datetime.now(UTC))
    assert ids(no_bound_takes_them) == ["A", "B", "a"]
    assert ids(listed(boto3_client(backup), ByCreatedAfter=NOON)) == ["A", "B", "a"]


def test_jobs_without_an_id_are_all_kept(backup: FakeBackup) -> None:
    nameless = RestoreJob(creation_date=NOON)
    backup.seed([nameless, nameless])
    backup.seed([nameless])
    assert listed(boto3_client(backup), page_size=1) == [nameless] * 3


# --- filters -------------------------------------------------------------------------------------

Filter = tuple[dict[str, object], "Callable[[RestoreJob], bool]"]


def _created(job: RestoreJob) -> datetime:
    assert job.creation_date
    return job.creation_date


def _having(member: str, value: object) -> Callable[[RestoreJob], bool]:
    return lambda job: getattr(job, member) == value


def _within(
    member: str, after: datetime | None = None, before: datetime | None = None
) -> Callable[[RestoreJob], bool]:
    def match(job: RestoreJob) -> bool:
        moment: datetime | None = getattr(job, member)
        if moment is None:
            return False
        return (after is None or moment >= after) and (before is None or moment < before)

    return match


def _filters() -> Iterator[Filter]:
    for status in RestoreJobStatus:
        yield {"ByStatus": status.value}, _having("status", status)
    for kind in ("EBS", "S3", "Timestream", "NoSuchType"):
        yield {"ByResourceType": kind}, _having("resource_type", kind)
    for plan in sorted(
        {str(job.created_by.restore_testing_plan_arn) for job in JOBS if job.created_by}
    ):
        creator = RestoreJobCreator(restore_testing_plan_arn=plan)
        yield {"ByRestoreTestingPlanArn": plan}, _having("created_by", creator)
    parent = next(job.parent_job_id for job in JOBS if job.parent_job_id)
    yield {"ByParentJobId": parent}, _having("parent_job_id", parent)
    yield {"ByParentJobId": parent.swapcase()}, _having("parent_job_id", "nobody's")
    moment = _created(JOBS[150])
    yield {"ByCreatedAfter": moment}, _within("creation_date", moment)
    yield {"ByCreatedBefore": moment}, _within("creation_date", None, moment)
    for hours in (-1, 0, 1, 100):
        end = moment + timedelta(hours=hours)
        yield (
            {"ByCreatedAfter": moment, "ByCreatedBefore": end},
            _within("creation_date", moment, end),
        )
    done = next(job.completion_date for job in JOBS[100:] if job.completion_date)
    yield {"ByCompleteAfter": done}, _within("completion_date", done)
    yield {"ByCompleteBefore": done}, _within("completion_date", None, done)
    earlier = done - timedelta(days=9)
    yield (
        {
            "ByCompleteAfter": earlier,
            "ByCompleteBefore": done,
            "ByCreatedBefore": done - timedelta(days=1),
            "ByStatus": "COMPLETED",
            "ByResourceType": "EBS",
        },
        lambda job: (
            _within("completion_date", earlier, done)(job)
            and _within("creation_date", None, done - timedelta(days=1))(job)
            and job.status == "COMPLETED"
            and job.resource_type == "EBS"
        ),
    )


FILTERS = list(_filters())


@pytest.mark.parametrize("which", range(len(FILTERS)))
def test_each_filter_lists_exactly_what_plain_python_picks(served: FakeBackup, which: int) -> None:
    asked, match = FILTERS[which]
    for page_size in (1000, 40):
        assert listed(boto3_client(served), page_size, **asked) == list(filter(match, JOBS))


def test_the_filters_above_pick_something() -> None:
    picked = [sum(map(match, JOBS)) for _, match in FILTERS]
    assert sum(0 < count < len(JOBS) for count in picked) >= len(FILTERS) / 2


@pytest.mark.parametrize("kind", ["Storage Gateway", "SAP HANA on Amazon EC2"])
def test_resource_types_with_spaces_are_found(served: FakeBackup, kind: str) -> None:
    # botocore's own pattern is only a warning to it
    expected = [job for job in JOBS if job.resource_type == kind]
    assert expected
    assert listed(boto3_client(served), ByResourceType=kind) == expected
    _, _, body = get(served, resourceType=kind)
    assert len(json.loads(body)["RestoreJobs"]) == len(expected)


def test_bounds_are_exact_to_the_microsecond_and_in_any_time_zone(backup: FakeBackup) -> None:
    moment = NOON + timedelta(microseconds=1)
    backup.seed([RestoreJob(restore_job_id="a", creation_date=moment, completion_date=moment)])
    client = boto3_client(backup)
    later = moment + timedelta(microseconds=1)
    assert ids(listed(client, ByCreatedAfter=moment, ByCreatedBefore=later)) == ["a"]
    assert listed(client, ByCreatedBefore=moment) == []
    assert listed(client, ByCreatedAfter=later) == []
    assert ids(listed(client, ByCompleteAfter=moment, ByCompleteBefore=later)) == ["a"]
    assert listed(client, ByCompleteBefore=moment) == []
    _, _, body = get(backup, createdAfter="2025-06-15T17:30:00.000001+05:30")
    assert len(json.loads(body)["RestoreJobs"]) == 1


def test_unknown_parameters_are_ignored(served: FakeBackup) -> None:
    status, _, body = get(served, colour="red", maxResults="3")
    assert status == 200
    assert [job["RestoreJobId"] for job in json.loads(body)["RestoreJobs"]] == ids(JOBS[:3])


# --- pages and tokens ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 99, 100, 150, 299, 300, 301, 1000])
def test_pages_are_full_up_to_the_last_which_has_no_token(served: FakeBackup, size: int) -> None:
    jobs = JOBS[:20] if size == 1 else JOBS
    bounds = {"ByCreatedAfter": _created(jobs[-1])}
    assert [job for job in JOBS if _created(job) >= bounds["ByCreatedAfter"]] == jobs
    paginator = boto3_client(served).get_paginator("list_restore_jobs")
    pages = list(paginator.paginate(**bounds, PaginationConfig={"PageSize": size}))
    assert [len(page["RestoreJobs"]) for page in pages] == [
        min(size, len(jobs) - start) for start in range(0, len(jobs), size)
    ]
    assert [bool(page.get("NextToken")) for page in pages] == [True] * (len(pages) - 1) + [False]


def test_a_page_has_a_thousand_jobs_by_default() -> None:
    with fake_backup(sample_jobs(1_001)) as backup:
        client = boto3_client(backup)
        first = client.list_restore_jobs()
        assert len(first["RestoreJobs"]) == 1000
        assert len(client.list_restore_jobs(NextToken=first["NextToken"])["RestoreJobs"]) == 1


def test_tokens_are_url_safe_and_never_the_same(served: FakeBackup) -> None:
    client = boto3_client(served)
    tokens = [client.list_restore_jobs(MaxResults=5)["NextToken"] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert [quote(token, safe="") for token in tokens] == tokens
    pages = [client.list_restore_jobs(MaxResults=5, NextToken=token) for token in tokens]
    assert [page["RestoreJobs"] for page in pages] == [pages[0]["RestoreJobs"]] * 3


def test_the_page_size_may_change_between_pages(served: FakeBackup) -> None:
    client = boto3_client(served)
    token = client.list_restore_jobs(MaxResults=5)["NextToken"]
    page = client.list_restore_jobs(MaxResults=11, NextToken=token)
    assert [job["RestoreJobId"] for job in page["RestoreJobs"]] == ids(JOBS[5:16])


def test_jobs_that_come_and_go_between_pages_hide_and_repeat_no_other() -> None:
    with fake_backup(JOBS[10:20]) as backup:
        client = boto3_client(backup)
        first = client.list_restore_jobs(MaxResults=5)
        backup.clear()
        backup.seed(JOBS[:14] + JOBS[16:25])
        second = client.list_restore_jobs(NextToken=first["NextToken"])
        assert [job["RestoreJobId"] for job in second["RestoreJobs"]] == ids(JOBS[16:25])


def test_a_token_is_good_in_another_fake_with_the_same_jobs(served: FakeBackup) -> None:
    token = boto3_client(served).list_restore_jobs(MaxResults=3)["NextToken"]
    with fake_backup(JOBS[:7]) as other:
        page = boto3_client(other).list_restore_jobs(NextToken=token)
    assert [job["RestoreJobId"] for job in page["RestoreJobs"]] == ids(JOBS[3:7])


def test_a_token_of_another_listing_is_refused(served: FakeBackup) -> None:
    client = boto3_client(served)
    token = client.list_restore_jobs(MaxResults=5, ByStatus="COMPLETED")["NextToken"]
    for parameters in (
        {},
        {"ByStatus": "FAILED"},
        {"ByStatus": "COMPLETED", "ByResourceType": "EBS"},
        {"ByStatus": "COMPLETED", "ByAccountId": "*"},
        {"ByStatus": "COMPLETED", "ByCreatedAfter": NOON},
    ):
        assert refusal(client, NextToken=token, **parameters)["Context"] == "nextToken"
    for settings in ({"region_name": "eu-west-1"}, {"account_id": "111111111111"}):
        elsewhere = boto3_client(served, **settings)
        assert refusal(elsewhere, NextToken=token, ByStatus="COMPLETED")["Context"] == "nextToken"


def test_a_mangled_token_is_refused(served: FakeBackup) -> None:
    client = boto3_client(served)
    token = client.list_restore_jobs(MaxResults=5)["NextToken"]
    chance = random.Random(1)  # noqa: S311  # nothing secret
    for place in chance.sample(range(len(token)), 25):
        other = "0" if token[place] != "0" else "1"
        refusal(client, NextToken=token[:place] + other + token[place + 1 :])
    for wrong in ("", "é", token[:-1], token + "0", token.upper(), token[1:], f" {token}"):
        assert refusal(client, NextToken=wrong)["Context"] == "nextToken"


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("maxResults", ["0", "1001", "-1", "1.5", "ten", "", " 5", "1_0", "\u0663", "9" * 5000]),
        ("status", ["completed", "DONE", ""]),
        ("accountId", ["12345678901", "1234567890123", "abcdefghijkl", "**", "", "\u0661" * 12]),
        ("resourceType", ["", "a" * 51, "EBS;", "EBS\n", "é"]),
        (
            "createdAfter",
            ["", "yesterday", "2025-06-15T12:00:00", "2025-13-01T00:00:00Z", "1750000000"],
        ),
        ("createdBefore", ["2025-06-15", "0001-01-01T00:00:00+05:00"]),
        ("completeAfter", ["noon"]),
        ("completeBefore", ["noon"]),
        ("nextToken", ["x"]),
    ],
)
def test_what_the_service_cannot_take_it_refuses(
    served: FakeBackup, parameter: str, values: list[str]
) -> None:
    for value in values:
        status, headers, body = get(served, **{parameter: value})
        assert status == 400
        assert headers["x-amzn-ErrorType"] == "InvalidParameterValueException"
        assert headers["x-amzn-RequestId"]
        members = json.loads(body)
        assert set(members) == {"Code", "Message", "Type", "Context"}
        assert members["Context"] == parameter
        assert members["Message"].startswith(f"{parameter}: ")


def test_boto3_sees_the_modelled_members_of_a_refusal(served: FakeBackup) -> None:
    client = boto3_client(served)
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.list_restore_jobs(NextToken="x")
    assert caught.value.response["Type"] == "User"
    assert caught.value.response["Context"] == "nextToken"
    assert "nextToken" in caught.value.response["Error"]["Message"]


# --- regions, accounts, several fakes ------------------------------------------------------------


def test_regions_and_accounts_are_apart() -> None:
    regions = ("us-east-1", "eu-west-1")
    accounts = ("123456789012", "111111111111")
    spread = {
        place: JOBS[start : start + 40]
        for start, place in zip(
            range(0, 160, 40), itertools.product(regions, accounts), strict=True
        )
    }
    with fake_backup() as backup:
        for (region, account), jobs in spread.items():
            backup.seed(jobs, region_name=region, account_id=account)
        for (region, account), jobs in spread.items():
            client = boto3_client(backup, region_name=region, account_id=account)
            assert listed(client) == jobs
            everybody = [job for owner in accounts for job in spread[region, owner]]
            assert listed(client, 30, ByAccountId="*") == everybody
            for owner in accounts:
                assert listed(client, 30, ByAccountId=owner) == spread[region, owner]
            assert listed(client, ByAccountId="222222222222") == []
        backup.clear()
        assert listed(boto3_client(backup), ByAccountId="*") == []
        assert listed(boto3_client(backup, region_name="eu-west-1")) == []


def test_all_accounts_are_listed_in_one_order_even_with_equal_ids() -> None:
    same = [RestoreJob(restore_job_id="same", creation_date=NOON, account_id=str(n)) for n in "12"]
    with fake_backup(JOBS[::2]) as backup:
        backup.seed(JOBS[1::2], account_id="111111111111")
        client = boto3_client(backup)
        assert listed(client, 40, ByAccountId="*") == JOBS
        backup.clear()
        backup.seed(same[:1], account_id="111111111111")
        backup.seed(same[1:], account_id="222222222222")
        assert listed(client, 1, ByAccountId="*") == same


def test_a_client_of_ones_own_is_of_the_fakes_account() -> None:
    with fake_backup(JOBS[:2], region_name="eu-west-1", account_id="210987654321") as backup:
        own = SESSION.client("backup", region_name="eu-west-1", endpoint_url=backup.endpoint_url)
        assert listed(own) == JOBS[:2]
        as_another = signed("eu-west-1", **{"X-Moto-Account-Id": "111111111111"})
        assert json.loads(get(backup, as_another)[2])["RestoreJobs"] == []


def test_nested_fakes_do_not_see_each_other() -> None:
    with fake_backup(JOBS[:3]) as outer:
        with fake_backup(JOBS[3:5]) as inner:
            assert listed(boto3_client(inner)) == JOBS[3:5]
            assert listed(boto3_client(outer)) == JOBS[:3]
            inner.seed(JOBS[5:6])
            inner.fail_next("access_denied")
            assert listed(boto3_client(outer)) == JOBS[:3]
        assert listed(boto3_client(outer)) == JOBS[:3]
        assert len(outer.requests) == 3


def test_seeding_a_job_again_replaces_it(backup: FakeBackup) -> None:
    running = RestoreJob(restore_job_id="a", creation_date=NOON, status=RestoreJobStatus.RUNNING)
    done = replace(running, status=RestoreJobStatus.COMPLETED)
    other_case = replace(running, restore_job_id="A")
    backup.seed([running, other_case])
    client = boto3_client(backup)
    assert listed(client, ByStatus="RUNNING") == [other_case, running]
    backup.seed([done])
    assert listed(client) == [other_case, done]
    assert listed(client, ByStatus="RUNNING") == [other_case]


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


def test_twenty_threads_list_at_once_while_others_seed() -> None:
    with fake_backup(JOBS) as backup:
        client = boto3_client(backup, config=Config(max_pool_connections=20))
        elsewhere = itertools.cycle(["us-east-1", "eu-west-1"])

        def work(number: int) -> list[RestoreJob]:
            backup.seed(JOBS[number : number + 5], region_name=next(elsewhere))
            return listed(client, page_size=75)

        with ThreadPoolExecutor(20) as threads:
            results = list(threads.map(work, range(20)))
        assert results == [JOBS] * 20
        assert len(backup.requests) == 20 * 4


# --- the record of requests ----------------------------------------------------------------------


def test_requests_are_recorded_by_their_wire_names_in_order() -> None:
    with fake_backup(JOBS[:3]) as backup:
        client = boto3_client(backup)
        assert backup.requests == []
        token = client.list_restore_jobs(MaxResults=2, ByResourceType="Storage Gateway").get("x")
        assert token is None
        token = client.list_restore_jobs(MaxResults=2, ByCreatedAfter=NOON - timedelta(99))
        backup.fail_next("throttle")
        with pytest.raises(ClientError):
            client.list_restore_jobs(NextToken=token["NextToken"])
        assert backup.requests == [
            {"maxResults": "2", "resourceType": "Storage Gateway"},
            {"maxResults": "2", "createdAfter": "2025-03-08T12:00:00Z"},
            {"nextToken": token["NextToken"]},
        ]


# --- faults --------------------------------------------------------------------------------------

AWS_ERRORS: dict[FaultName, tuple[int, str]] = {
    "throttle": (400, "ThrottlingException"),
    "access_denied": (403, "AccessDeniedException"),
    "expired_token": (403, "ExpiredTokenException"),
    "unavailable": (503, "ServiceUnavailableException"),
}
PLAIN: dict[FaultName, tuple[int, str | None, bool]] = {  # status, content type, has a body
    "too_many_requests": (429, None, False),
    "server_error": (500, "text/html", True),
    "damage": (200, "text/html", True),
    "empty_body": (200, "application/json", False),
    "no_content": (204, None, False),
    "redirect": (302, None, False),
}
OTHERS: set[FaultName] = {
    "cut",
    "short",
    "trailing",
    "reset",
    "reset_in_body",
    "stuck_token",
    "empty_page",
    "ignored_max_results",
}


def test_no_fault_is_without_a_test() -> None:
    assert set(get_args(FaultName)) == AWS_ERRORS.keys() | PLAIN.keys() | OTHERS


@pytest.mark.parametrize("fault", AWS_ERRORS)
def test_errors_of_aws_look_like_them(fault: FaultName) -> None:
    status, code = AWS_ERRORS[fault]
    with fake_backup(JOBS[:2]) as backup:
        backup.fail_next(fault, times=2)
        with pytest.raises(ClientError) as caught:
            boto3_client(backup).list_restore_jobs()
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["Error"]["Message"]
        answered, headers, body = get(backup)
        assert (answered, headers["x-amzn-ErrorType"]) == (status, code)
        assert headers["x-amzn-RequestId"] != caught.value.response["ResponseMetadata"]["RequestId"]
        assert isinstance(json.loads(body), dict)
        assert listed(boto3_client(backup)) == JOBS[:2]


def test_unavailable_has_the_modelled_members(backup: FakeBackup) -> None:
    backup.fail_next("unavailable")
    assert set(json.loads(get(backup)[2])) == {"Code", "Message", "Type", "Context"}


@pytest.mark.parametrize("fault", PLAIN)
def test_answers_that_are_not_of_aws_are_what_they_say(fault: FaultName) -> None:
    status, content_type, has_body = PLAIN[fault]
    with fake_backup(JOBS[:2]) as backup:
        backup.fail_next(fault)
        answered, headers, body = get(backup)
        assert (answered, headers["Content-Type"], bool(body)) == (status, content_type, has_body)
        assert headers["Content-Length"] == str(len(body))
        assert bool(headers["Location"]) == (fault == "redirect")
        assert "x-amzn-ErrorType" not in headers
        assert get(backup)[0] == 200


def test_cut_is_half_a_page_of_that_length() -> None:
    with fake_backup(JOBS[:9]) as backup:
        _, _, whole = get(backup)
        backup.fail_next("cut")
        status, headers, body = get(backup)
    assert (status, headers["Content-Length"]) == (200, str(len(whole) // 2))
    assert body == whole[: len(whole) // 2]


def test_short_promises_a_whole_page_and_closes_after_half() -> None:
    with fake_backup(JOBS[:9]) as backup:
        _, _, whole = get(backup)
        backup.fail_next("short", times=2)
        connection = connect(backup)
        connection.request("GET", "/restore-jobs/", headers=signed())
        response = connection.getresponse()
        assert response.headers["Content-Length"] == str(len(whole))
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        assert caught.value.partial == whole[: len(whole) // 2]
        connection.close()
        got, was_reset = received(backup)
        assert not was_reset
        assert got.partition(b"\r\n\r\n")[2] == whole[: len(whole) // 2]


def test_trailing_is_a_page_and_garbage() -> None:
    with fake_backup(JOBS[:9]) as backup:
        _, _, whole = get(backup)
        backup.fail_next("trailing")
        _, _, body = get(backup)
        assert body.startswith(whole)
        with pytest.raises(ValueError, match="Extra data"):
            json.loads(body)


def test_reset_comes_before_any_byte() -> None:
    with fake_backup(JOBS[:9]) as backup:
        backup.fail_next("reset", times=2)
        assert received(backup) == (b"", True)
        with pytest.raises(BotoCoreError):
            boto3_client(backup).list_restore_jobs()
        assert listed(boto3_client(backup)) == JOBS[:9]


def test_reset_in_body_comes_after_half_a_page() -> None:
    with fake_backup(JOBS) as backup:
        _, _, whole = get(backup)
        backup.fail_next("reset_in_body", times=2)
        got, was_reset = received(backup)
        head, _, body = got.partition(b"\r\n\r\n")
        assert was_reset
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert f"Content-Length: {len(whole)}".encode() in head
        assert body == whole[: len(whole) // 2]
        with pytest.raises(BotoCoreError):
            boto3_client(backup).list_restore_jobs()


def test_stuck_token_waits_for_a_token_and_hands_it_out_again() -> None:
    with fake_backup(JOBS[:9]) as backup:
        backup.fail_next("stuck_token")
        backup.fail_next("access_denied")
        client = boto3_client(backup)
        first = client.list_restore_jobs(MaxResults=4)
        stuck = client.list_restore_jobs(MaxResults=4, NextToken=first["NextToken"])
        assert [job["RestoreJobId"] for job in stuck["RestoreJobs"]] == ids(JOBS[4:8])
        assert stuck["NextToken"] == first["NextToken"]
        with pytest.raises(ClientError, match="AccessDenied"):
            client.list_restore_jobs()


def test_stuck_token_is_found_out_by_the_client() -> None:
    with fake_backup(JOBS[:9]) as backup:
        backup.fail_next("stuck_token")
        with pytest.raises(_errors.PaginationError):
            list(backup.client().list_restore_jobs(max_results=2))


def test_empty_pages_lead_to_the_same_place_with_other_tokens() -> None:
    with fake_backup(JOBS[:9]) as backup:
        backup.fail_next("empty_page", times=2)
        client = boto3_client(backup)
        tokens: list[str] = []
        jobs: list[str] = []
        page = client.list_restore_jobs(MaxResults=4)
        while "NextToken" in page:
            tokens.append(page["NextToken"])
            if len(tokens) == 3:
                backup.fail_next("empty_page", times=2)
            jobs += [job["RestoreJobId"] for job in page["RestoreJobs"]]
            page = client.list_restore_jobs(MaxResults=4, NextToken=page["NextToken"])
        jobs += [job["RestoreJobId"] for job in page["RestoreJobs"]]
        assert jobs == ids(JOBS[:9])
        assert len(tokens) == len(set(tokens)) == 6


def test_an_empty_page_has_a_token_even_without_jobs(backup: FakeBackup) -> None:
    backup.fail_next("empty_page")
    page = boto3_client(backup).list_restore_jobs()
    assert page["RestoreJobs"] == []
    assert boto3_client(backup).list_restore_jobs(NextToken=page["NextToken"])["RestoreJobs"] == []


def test_ignored_max_results_brings_a_full_page_and_goes_on_behind_it() -> None:
    jobs = sample_jobs(1_003)
    with fake_backup(jobs) as backup:
        backup.fail_next("ignored_max_results")
        client = boto3_client(backup)
        page = client.list_restore_jobs(MaxResults=4)
        assert len(page["RestoreJobs"]) == 1000
        rest = client.list_restore_jobs(MaxResults=4, NextToken=page["NextToken"])
        assert [job["RestoreJobId"] for job in rest["RestoreJobs"]] == ids(jobs[1000:])


def test_faults_queue_up_for_as_many_requests_as_asked() -> None:
    with fake_backup(JOBS[:1]) as backup:
        backup.fail_next("throttle", times=2)
        backup.fail_next("damage", times=0)
        backup.fail_next("no_content")
        assert [get(backup)[0] for _ in range(5)] == [400, 400, 204, 200, 200]
        assert len(backup.requests) == 5


def test_a_fault_that_damages_the_page_also_damages_a_refusal(backup: FakeBackup) -> None:
    backup.fail_next("trailing")
    status, _, body = get(backup, maxResults="0")
    assert (status, body[-7:]) == (400, b"</html>")


def test_an_unknown_fault_is_refused_with_the_names(backup: FakeBackup) -> None:
    with pytest.raises(_errors.InvalidRequestError) as caught:
        backup.fail_next("throtle")  # type: ignore[arg-type]  # a misspelling
    assert "did you mean 'throttle'?" in str(caught.value)
    assert all(name in str(caught.value) for name in get_args(FaultName))
    with pytest.raises(_errors.InvalidRequestError) as caught:
        backup.fail_next("xyzzy")  # type: ignore[arg-type]  # nothing like it
    assert "did you mean" not in str(caught.value)
    with pytest.raises(_errors.InvalidRequestError, match="times"):
        backup.fail_next("throttle", times=-1)
    assert get(backup)[0] == 200


# --- the server ----------------------------------------------------------------------------------


def test_a_connection_stays_open_and_answers_without_delay(served: FakeBackup) -> None:
    connection = connect(served)
    connection.connect()
    first = connection.sock
    started = time.perf_counter()
    for _ in range(20):
        connection.request("GET", "/restore-jobs/?maxResults=2", headers=signed())
        response = connection.getresponse()
        assert response.version == 11
        assert response.headers["Content-Length"] == str(len(response.read()))
    took = time.perf_counter() - started
    assert connection.sock is first
    assert took < 20 * 0.03  # a delayed acknowledgement would be 40 ms
    connection.close()


def test_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    with fake_backup(JOBS) as backup:
        idle = connect(backup)
        idle.request("GET", "/restore-jobs/", headers=signed())
        idle.getresponse().read()
        assert set(threading.enumerate()) != before
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionError):
        get(backup)
    idle.close()


def test_the_operation_is_taken_away_when_the_last_user_has_gone() -> None:
    with fake_backup() as outer:
        with fake_backup():
            assert urls.url_paths != ROUTES
        assert urls.url_paths != ROUTES
        assert listed(boto3_client(outer)) == []
    assert urls.url_paths == ROUTES


def test_an_error_in_the_block_passes_and_everything_is_undone() -> None:
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), fake_backup():
        raise ZeroDivisionError
    assert set(threading.enumerate()) == before
    assert urls.url_paths == ROUTES


def test_a_client_that_hangs_up_bothers_nobody(
    backup: FakeBackup, capfd: pytest.CaptureFixture[str]
) -> None:
    host, port = backup.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /restore-jobs/ HTTP/1.1\r\nHost")
    assert get(backup)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_it_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with fake_backup(JOBS[:3]) as backup:
        assert listed(boto3_client(backup)) == JOBS[:3]
        for fault in ("server_error", "damage", "reset", "reset_in_body", "short"):
            backup.fail_next(fault)
            received(backup)
        get(backup, maxResults="0")
    assert capfd.readouterr() == ("", "")


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


def test_the_repr_says_where_it_listens(backup: FakeBackup) -> None:
    assert repr(backup) == f"FakeBackup('{backup.endpoint_url}')"
    assert backup.endpoint_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("account_id", ["1234", "*", "12345678901x", "1234567890123"])
def test_account_ids_are_checked(account_id: str, backup: FakeBackup) -> None:
    calls: list[Callable[[], object]] = [
        lambda: fake_backup(account_id=account_id).__enter__(),
        lambda: backup.seed(JOBS, account_id=account_id),
        lambda: backup.client(account_id=account_id),
        lambda: sample_jobs(account_id=account_id),
    ]
    for call in calls:
        with pytest.raises(_errors.InvalidRequestError, match="account_id"):
            call()


# --- inside moto ---------------------------------------------------------------------------------


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


# --- without the extra ---------------------------------------------------------------------------


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


def test_samples_need_nothing_but_the_package() -> None:
    code = (
        "import sys; from restorejobs_client.testing import sample_jobs; sample_jobs(3);"
        "print({'boto3', 'flask', 'moto', 'werkzeug'} & set(sys.modules))"
    )
    ran = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.stdout == "set()\n"


# --- samples -------------------------------------------------------------------------------------


def test_samples_are_the_same_for_the_same_arguments() -> None:
    assert sample_jobs(300, seed=3) == sample_jobs(300, seed=3)
    assert sample_jobs(300, seed=3) != sample_jobs(300, seed=4)
    assert sample_jobs(300) == sample_jobs(300, seed=0, region_name="us-east-1")
    code = "from restorejobs_client.testing import sample_jobs; print(sample_jobs(5, seed=9)[4])"
    ran = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "77"},
    )
    assert ran.stdout == f"{sample_jobs(5, seed=9)[4]}\n"


@pytest.mark.parametrize("count", [0, 1, 2, 49])
def test_samples_are_as_many_as_asked(count: int) -> None:
    assert len(sample_jobs(count)) == count


def test_samples_come_newest_first_with_ids_of_their_own_and_whole_milliseconds() -> None:
    jobs = SAMPLES
    assert len(jobs) == 2_500
    assert len(set(ids(jobs))) == 2_500
    created = [_created(job) for job in jobs]
    assert created == sorted(created, reverse=True)
    assert all(moment.tzinfo is UTC or moment.utcoffset() == timedelta(0) for moment in created)
    dates = created + [job.completion_date for job in jobs if job.completion_date]
    assert all(moment.microsecond % 1000 == 0 for moment in dates)
    assert min(created) >= datetime(2025, 6, 1, tzinfo=UTC)
    assert max(created) < datetime(2025, 7, 1, tzinfo=UTC)


def test_samples_keep_to_narrow_and_unround_ranges() -> None:
    start = NOON + timedelta(microseconds=1)
    for width in (timedelta(milliseconds=2), timedelta(hours=5), timedelta(days=400)):
        jobs = sample_jobs(200, created_after=start, created_before=start + width)
        assert all(start <= _created(job) < start + width for job in jobs)
    same = sample_jobs(50, created_after=NOON, created_before=NOON + timedelta(milliseconds=1))
    assert {job.creation_date for job in same} == {NOON}


def test_samples_cluster_at_night_and_share_milliseconds() -> None:
    jobs = SAMPLES
    at_night = sum(2 <= _created(job).hour < 4 for job in jobs)
    assert at_night > 0.7 * len(jobs)
    assert len({job.creation_date for job in jobs}) < len(jobs)


def test_samples_have_every_status_as_the_wild_has_them() -> None:
    jobs = SAMPLES
    by_status = {
        status: [job for job in jobs if job.status is status] for status in RestoreJobStatus
    }
    assert all(by_status.values())
    completed = by_status[RestoreJobStatus.COMPLETED]
    assert len(completed) > 0.8 * len(jobs)
    odd = [job for job in completed if job.completion_date is None]
    assert {job.percent_done for job in odd} == {"0.00%"}
    assert 0 < len(odd) < 0.1 * len(completed)
    assert all(
        job.duration and job.duration > timedelta(0) and job.percent_done == "100.00%"
        for job in completed
        if job not in odd
    )
    assert all(
        job.status_message and job.completion_date for job in by_status[RestoreJobStatus.FAILED]
    )
    assert len({job.status_message for job in by_status[RestoreJobStatus.FAILED]}) > 3
    assert all(job.status_message for job in by_status[RestoreJobStatus.ABORTED])
    assert all(0 <= (job.percent or 0) <= 100 for job in jobs)
    assert all(job.completion_date is None for job in by_status[RestoreJobStatus.RUNNING])
    for job in by_status[RestoreJobStatus.PENDING]:
        missing = [value for value in job.to_dict().values() if value is None]
        assert len(missing) >= 12


def test_samples_are_mostly_restore_tests_with_their_outcomes() -> None:
    jobs = [job for job in SAMPLES if job.status == "COMPLETED"]
    tests = [job for job in jobs if job.created_by]
    assert 0.8 * len(jobs) < len(tests) < len(jobs)
    assert {str(job.validation_status) for job in tests} == {
        "SUCCESSFUL",
        "FAILED",
        "TIMED_OUT",
        "VALIDATING",
    }
    assert {str(job.deletion_status) for job in tests} == {"SUCCESSFUL", "FAILED", "DELETING"}
    assert {job.validation_status for job in jobs if not job.created_by} == {None}


def test_samples_have_parents_whose_children_name_them() -> None:
    jobs = SAMPLES
    parents = {job.restore_job_id for job in jobs if job.is_parent}
    named = {job.parent_job_id for job in jobs if job.parent_job_id}
    assert 0 < len(parents) < 0.05 * len(jobs)
    assert named <= parents
    assert len(named) > 0.5 * len(parents)
    assert all(
        job.resource_type in {ResourceType.CLOUDFORMATION, ResourceType.EKS}
        for job in jobs
        if job.is_parent
    )


def test_samples_have_every_resource_type_and_ids_in_both_cases() -> None:
    jobs = SAMPLES
    assert {job.resource_type for job in jobs} == {kind.value for kind in ResourceType}
    upper = [name for name in ids(jobs) if name and name.upper() == name]
    assert 0.3 * len(jobs) < len(upper) < 0.7 * len(jobs)


@pytest.mark.parametrize(
    ("region_name", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_samples_have_arns_of_their_region_and_account(region_name: str, partition: str) -> None:
    jobs = sample_jobs(300, region_name=region_name, account_id="111111111111")
    assert {job.account_id for job in jobs} == {"111111111111"}
    assert {job.region for job in jobs} <= {region_name}
    arns = [
        value
        for job in jobs
        for name, value in job.to_dict().items()
        if name.endswith("_arn") and value
    ]
    assert len(arns) > 1000
    for arn in arns:
        assert "{" not in arn
        assert arn.split(":")[:2] == ["arn", partition]
        assert arn.split(":")[3] in {region_name, ""}
        assert arn.split(":")[4] in {"111111111111", ""}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"count": -1}, "count"),
        ({"created_after": NOON, "created_before": NOON}, "created_before"),
        ({"created_after": datetime(2026, 1, 1, tzinfo=UTC)}, "created_before"),
        ({"created_after": datetime(2025, 6, 2)}, "created_after"),  # noqa: DTZ001  # naive
        ({"created_before": datetime(2025, 6, 2)}, "created_before"),  # noqa: DTZ001  # naive
        (
            {
                "created_after": NOON + timedelta(microseconds=1),
                "created_before": NOON + timedelta(microseconds=999),
            },
            "created_before",
        ),
    ],
)
def test_samples_that_cannot_be_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(_errors.InvalidRequestError, match=named):
        sample_jobs(**arguments)


def test_a_hundred_pages_take_no_time_to_speak_of() -> None:
    jobs = [
        RestoreJob(
            restore_job_id=f"{number:05}", creation_date=NOON, status=RestoreJobStatus.FAILED
        )
        for number in range(20_000)
    ]
    with fake_backup(jobs) as backup:
        started = time.perf_counter()
        token: dict[str, str] = {}
        connection = connect(backup)
        for start in range(0, 20_000, 200):
            query = urlencode({"maxResults": "200", "status": "FAILED", **token})
            connection.request("GET", f"/restore-jobs/?{query}", headers=signed())
            page = json.loads(connection.getresponse().read())
            assert page["RestoreJobs"][0]["RestoreJobId"] == f"{start:05}"
            token = {"nextToken": page["NextToken"]}
        connection.close()
        assert token == {"nextToken": None}
        assert time.perf_counter() - started < 5

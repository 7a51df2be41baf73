"""The service behind the fake: order, filters, pages, tokens and refusals, over HTTP."""

from __future__ import annotations

import itertools
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from testing_support import (
    JOBS,
    NOON,
    ONE_TRY,
    boto3_client,
    connect,
    created,
    get,
    ids,
    listed,
    page_ids,
    refusal,
    signed,
)

from restorejobs_client import _errors
from restorejobs_client._enums import RestoreJobStatus
from restorejobs_client._models import RestoreJob, RestoreJobCreator
from restorejobs_client.testing import FakeBackup, fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly-1"


@pytest.fixture(scope="module")
def _shared() -> Iterator[FakeBackup]:
    with fake_backup() as backup:
        yield backup


@pytest.fixture
def backup(_shared: FakeBackup) -> FakeBackup:
    _shared.clear()
    _shared.requests.clear()
    return _shared


@pytest.fixture
def served(backup: FakeBackup) -> FakeBackup:
    backup.seed(JOBS)
    return backup


def test_a_listing_equals_what_was_seeded_newest_first(backup: FakeBackup) -> None:
    assert listed(boto3_client(backup)) == []
    backup.seed(reversed(JOBS))
    assert listed(boto3_client(backup)) == JOBS
    client = backup.client()
    backup.requests.clear()
    assert list(client.list_restore_jobs(max_results=100)) == JOBS
    assert [request["maxResults"] for request in backup.requests] == ["100"] * 3
    failed = list(client.list_restore_jobs(by_status="FAILED"))
    assert failed == [job for job in JOBS if job.status == "FAILED"]


def test_the_client_takes_region_account_and_config() -> None:
    with fake_backup(JOBS[:1], region_name="eu-west-1", account_id="210987654321") as backup:
        assert list(backup.client().list_restore_jobs()) == JOBS[:1]
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


def test_on_the_wire_a_page_looks_like_aws_made_it(backup: FakeBackup) -> None:
    job = RestoreJob(
        restore_job_id="A", creation_date=NOON + timedelta(milliseconds=87), backup_size_in_bytes=5
    )
    backup.seed([job])
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


Filter = tuple[dict[str, object], "Callable[[RestoreJob], bool]"]


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
    moment = created(JOBS[150])
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
    assert listed(boto3_client(served), 60, **asked) == list(filter(match, JOBS))


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
    assert page_ids(json.loads(body)) == ids(JOBS[:3])


@pytest.mark.parametrize("size", [1, 19, 20, 21, 59, 60, 61])
def test_pages_are_full_up_to_the_last_which_has_no_token(backup: FakeBackup, size: int) -> None:
    backup.seed(RestoreJob(restore_job_id=f"{number:02}") for number in range(60))
    paginator = boto3_client(backup).get_paginator("list_restore_jobs")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": size}))
    assert [len(page["RestoreJobs"]) for page in pages] == [
        min(size, 60 - start) for start in range(0, 60, size)
    ]
    assert [bool(page.get("NextToken")) for page in pages] == [True] * (len(pages) - 1) + [False]


def test_a_page_has_a_thousand_jobs_by_default(backup: FakeBackup) -> None:
    backup.seed(RestoreJob(restore_job_id=f"{number:04}") for number in range(1_001))
    client = boto3_client(backup)
    first = client.list_restore_jobs()
    assert len(first["RestoreJobs"]) == 1000
    assert page_ids(client.list_restore_jobs(NextToken=first["NextToken"])) == ["1000"]


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
    assert page_ids(page) == ids(JOBS[5:16])


def test_jobs_that_come_and_go_between_pages_hide_and_repeat_no_other(backup: FakeBackup) -> None:
    backup.seed(JOBS[10:20])
    client = boto3_client(backup)
    first = client.list_restore_jobs(MaxResults=5)
    backup.clear()
    backup.seed(JOBS[:14] + JOBS[16:25])
    second = client.list_restore_jobs(NextToken=first["NextToken"])
    assert page_ids(second) == ids(JOBS[16:25])


def test_a_token_is_good_in_another_fake_with_the_same_jobs(served: FakeBackup) -> None:
    token = boto3_client(served).list_restore_jobs(MaxResults=3)["NextToken"]
    with fake_backup(JOBS[:7]) as other:
        page = boto3_client(other).list_restore_jobs(NextToken=token)
    assert page_ids(page) == ids(JOBS[3:7])


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
    for elsewhere in (
        boto3_client(served, region_name="eu-west-1"),
        boto3_client(served, account_id="111111111111"),
    ):
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


def test_regions_and_accounts_are_apart(backup: FakeBackup) -> None:
    regions = ("us-east-1", "eu-west-1")
    accounts = ("123456789012", "111111111111")
    spread = {
        place: JOBS[start : start + 40]
        for start, place in zip(
            range(0, 160, 40), itertools.product(regions, accounts), strict=True
        )
    }
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


def test_all_accounts_are_listed_in_one_order_even_with_equal_ids(backup: FakeBackup) -> None:
    same = [RestoreJob(restore_job_id="same", creation_date=NOON, account_id=str(n)) for n in "12"]
    backup.seed(JOBS[::2])
    backup.seed(JOBS[1::2], account_id="111111111111")
    client = boto3_client(backup)
    assert listed(client, 40, ByAccountId="*") == JOBS
    backup.clear()
    backup.seed(same[:1], account_id="111111111111")
    backup.seed(same[1:], account_id="222222222222")
    assert listed(client, 1, ByAccountId="*") == same


def test_a_client_of_ones_own_is_of_the_fakes_account() -> None:
    with fake_backup(JOBS[:2], region_name="eu-west-1", account_id="210987654321") as backup:
        own = boto3.Session("testing", "testing").client(
            "backup", region_name="eu-west-1", endpoint_url=backup.endpoint_url
        )
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


def test_twenty_threads_list_at_once_while_others_seed(backup: FakeBackup) -> None:
    jobs = JOBS[:40]
    backup.seed(jobs)
    client = boto3_client(backup, config=Config(max_pool_connections=20))
    elsewhere = itertools.cycle(["us-east-1", "eu-west-1"])

    def work(number: int) -> list[RestoreJob]:
        backup.seed(jobs[number : number + 5], region_name=next(elsewhere))
        return listed(client, page_size=10)

    with ThreadPoolExecutor(20) as threads:
        results = list(threads.map(work, range(20)))
    assert results == [jobs] * 20
    assert len(backup.requests) == 20 * 4


def test_requests_are_recorded_by_their_wire_names_in_order(backup: FakeBackup) -> None:
    backup.seed(JOBS[:3])
    client = boto3_client(backup)
    assert backup.requests == []
    client.list_restore_jobs(MaxResults=2, ByResourceType="Storage Gateway")
    page = client.list_restore_jobs(MaxResults=2, ByCreatedAfter=NOON - timedelta(99))
    backup.fail_next("throttle")
    with pytest.raises(ClientError):
        client.list_restore_jobs(NextToken=page["NextToken"])
    assert backup.requests == [
        {"maxResults": "2", "resourceType": "Storage Gateway"},
        {"maxResults": "2", "createdAfter": "2025-03-08T12:00:00Z"},
        {"nextToken": page["NextToken"]},
    ]


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


def test_a_hundred_pages_take_no_time_to_speak_of(backup: FakeBackup) -> None:
    jobs = [
        RestoreJob(
            restore_job_id=f"{number:05}", creation_date=NOON, status=RestoreJobStatus.FAILED
        )
        for number in range(10_000)
    ]
    backup.seed(jobs)
    started = time.perf_counter()
    token: dict[str, str] = {}
    connection = connect(backup)
    for start in range(0, 10_000, 100):
        query = urlencode({"maxResults": "100", "status": "FAILED", **token})
        connection.request("GET", f"/restore-jobs/?{query}", headers=signed())
        page = json.loads(connection.getresponse().read())
        assert page["RestoreJobs"][0]["RestoreJobId"] == f"{start:05}"
        token = {"nextToken": page["NextToken"]}
    connection.close()
    assert token == {"nextToken": None}
    assert time.perf_counter() - started < 5

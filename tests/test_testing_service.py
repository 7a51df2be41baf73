"""The service behind the fake: order, filters, pages, tokens and refusals, over HTTP."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from testing_support import (
    JOBS,
    NOON,
    boto3_client,
    created,
    get,
    ids,
    listed,
    page_ids,
)

from restorejobs_client._enums import RestoreJobStatus
from restorejobs_client._models import RestoreJob, RestoreJobCreator
from restorejobs_client.testing import FakeBackup, fake_backup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly-1"


@pytest.fixture
def backup() -> Iterator[FakeBackup]:
    with fake_backup() as backup:
        yield backup


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


def test_a_page_on_the_wire_looks_like_one_of_aws(backup: FakeBackup) -> None:
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
    without_undated = listed(boto3_client(backup), ByCreatedBefore=datetime.now(UTC))
    assert ids(without_undated) == ["A", "B", "a"]
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


def test_half_of_these_filters_pick_some_jobs_but_not_all() -> None:
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

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from dateutil.tz import tzlocal  # type: ignore[import-untyped]  # it has no types of its own

from restorejobs_client import (
    MalformedResponseError,
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobPage,
    RestoreJobStatus,
    RestoreValidationStatus,
)

WHOLE = {
    "AccountId": "123456789012",
    "RestoreJobId": "1EB3B5E7-9EB0-435A-A80B-108B488B0D45",
    "RecoveryPointArn": "arn:aws:ec2:us-east-1::snapshot/snap-1",
    "SourceResourceArn": "arn:aws:ec2:us-east-1:123456789012:volume/vol-1",
    "BackupVaultArn": "arn:aws:backup:us-east-1:123456789012:backup-vault:Default",
    "CreationDate": 1516925490.087,
    "CompletionDate": 1516929090.087,
    "Status": "COMPLETED",
    "StatusMessage": "done",
    "PercentDone": "100.00%",
    "BackupSizeInBytes": 2**70,
    "IamRoleArn": "arn:aws:iam::123456789012:role/Restore",
    "ExpectedCompletionTimeMinutes": 30,
    "CreatedResourceArn": "arn:aws:ec2:us-east-1:123456789012:volume/vol-2",
    "ResourceType": "EBS",
    "RecoveryPointCreationDate": 1516900000,
    "IsParent": False,
    "ParentJobId": "parent",
    "CreatedBy": {"RestoreTestingPlanArn": "arn:aws:backup:…:restore-testing-plan:nightly"},
    "ValidationStatus": "SUCCESSFUL",
    "ValidationStatusMessage": "fine",
    "DeletionStatus": "DELETING",
    "DeletionStatusMessage": "soon",
}


def job(**members: Any) -> RestoreJob:
    return RestoreJob(**members)


def test_every_member_is_typed() -> None:
    whole = RestoreJob.from_dict(WHOLE)
    assert whole.creation_date == datetime(2018, 1, 26, 0, 11, 30, 87000, tzinfo=UTC)
    assert whole.completion_date == datetime(2018, 1, 26, 1, 11, 30, 87000, tzinfo=UTC)
    assert whole.status is RestoreJobStatus.COMPLETED
    assert whole.validation_status is RestoreValidationStatus.SUCCESSFUL
    assert whole.deletion_status is RestoreDeletionStatus.DELETING
    assert whole.backup_size_in_bytes == 2**70
    assert whole.is_parent is False
    assert whole.created_by == RestoreJobCreator(
        restore_testing_plan_arn="arn:aws:backup:…:restore-testing-plan:nightly"
    )
    assert None not in dataclasses.astuple(whole)
    assert len(dataclasses.fields(RestoreJob)) == 23


def test_a_pending_job_has_nothing_invented() -> None:
    pending = RestoreJob.from_dict({"RestoreJobId": "a", "Status": "PENDING", "PercentDone": None})
    set_members = {name for name, value in pending.to_dict().items() if value is not None}
    assert set_members == {"restore_job_id", "status"}
    assert RestoreJob.from_dict({}) == RestoreJob()


def test_it_is_frozen_slotted_hashable_and_pickles() -> None:
    whole = RestoreJob.from_dict(WHOLE)
    with pytest.raises(dataclasses.FrozenInstanceError):
        whole.status = None  # type: ignore[misc]  # the case
    assert not hasattr(whole, "__dict__")
    assert whole in {RestoreJob.from_dict(WHOLE)}
    assert pickle.loads(pickle.dumps(whole)) == whole  # noqa: S301  # our own
    assert copy.deepcopy(whole) == whole
    assert dataclasses.replace(whole, status=RestoreJobStatus.FAILED) != whole
    page = RestoreJobPage(restore_jobs=(whole,), next_token="t")
    assert pickle.loads(pickle.dumps(page)) == page  # noqa: S301  # our own


@pytest.mark.parametrize("members", [WHOLE, {}, {"Status": "PAUSED", "DeletionStatus": "Deleting"}])
def test_it_goes_to_dict_and_json_and_back(members: dict[str, object]) -> None:
    one = RestoreJob.from_dict(members)
    assert RestoreJob.from_dict(one.to_dict()) == one
    assert RestoreJob.from_dict(json.loads(one.to_json())) == one
    assert "\n" not in one.to_json()
    assert list(one.to_dict()) == [field.name for field in dataclasses.fields(RestoreJob)]
    assert list(json.loads(one.to_json())) == list(one.to_dict())


def test_json_has_dates_in_iso_8601_utc() -> None:
    members = json.loads(RestoreJob.from_dict(WHOLE).to_json())
    assert members["creation_date"] == "2018-01-26T00:11:30.087000Z"
    assert members["created_by"] == {
        "restore_testing_plan_arn": "arn:aws:backup:…:restore-testing-plan:nightly"
    }


@pytest.mark.parametrize(
    "date",
    [
        "2026-01-01T05:30:00.250000+05:30",  # the CLI in India
        "2026-01-01T00:00:00.25Z",
        1767225600.25,
        "1767225600.25",
        datetime(2026, 1, 1, 0, 0, 0, 250000, tzinfo=UTC),
        datetime(2025, 12, 31, 19, 0, 0, 250000, tzinfo=timezone(timedelta(hours=-5))),
        datetime(2026, 1, 1, 0, 0, 0, 250000, tzinfo=UTC).astimezone(tzlocal()),  # boto3
    ],
)
def test_dates_of_any_form_are_the_moment_in_utc(date: object) -> None:
    made = RestoreJob.from_dict({"CreationDate": date}).creation_date
    assert made == datetime(2026, 1, 1, 0, 0, 0, 250000, tzinfo=UTC)
    assert made.utcoffset() == timedelta(0)
    assert made.tzname() == "UTC"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"CreationDate": "2026-01-01"}, "CreationDate: .*timezone.*'2026-01-01'"),
        ({"CreationDate": datetime(2026, 1, 1)}, "CreationDate: .*timezone"),  # noqa: DTZ001
        ({"CreationDate": "9999-12-31T23:59:59-05:00"}, "CreationDate: .*outside the years"),
        ({"CreationDate": True}, "CreationDate"),
        ({"RestoreJobId": 5}, "RestoreJobId: .*got 5"),
        ({"restore_job_id": ["a" * 500]}, "restore_job_id: .*…"),
        ({"Status": 5}, "Status"),
        ({"CreatedBy": "plan"}, "CreatedBy: .*'plan'"),
        ({"CreatedBy": {"RestoreTestingPlanArn": 7}}, r"CreatedBy\.RestoreTestingPlanArn: .*7"),
        ({"BackupSizeInBytes": 1.5}, "BackupSizeInBytes: .*1.5"),
        ([], "the whole"),
        (None, "the whole"),
    ],
)
def test_what_is_no_job_is_named(members: Any, message: str) -> None:
    with pytest.raises(MalformedResponseError, match=f"not a restore job: {message}") as caught:
        RestoreJob.from_dict(members)
    assert "pydantic" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_values_seen_in_the_wild() -> None:
    wild = RestoreJob.from_dict(
        {"BackupSizeInBytes": "1024", "Status": "Completed", "PercentDone": "0.00%", "New": {}}
    )
    assert wild.backup_size_in_bytes == 1024
    assert wild.status is RestoreJobStatus.COMPLETED
    assert wild.is_terminal
    assert wild.percent == 0.0
    assert wild.duration is None


@pytest.mark.parametrize(
    ("status", "terminal"),
    [
        ("COMPLETED", True),
        ("ABORTED", True),
        ("FAILED", True),
        ("RUNNING", False),
        ("PENDING", False),
        ("PAUSED", False),
        (None, False),
    ],
)
def test_is_terminal(status: str | None, terminal: bool) -> None:  # noqa: FBT001  # a case
    assert RestoreJob.from_dict({"Status": status}).is_terminal is terminal


@pytest.mark.parametrize(
    ("percent_done", "percent"),
    [
        ("0.00%", 0.0),
        ("100.0", 100.0),
        ("40", 40.0),
        (" 12.5 % ", 12.5),
        ("", None),
        (None, None),
        ("unknown", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("-5%", None),
        ("5%%", None),
    ],
)
def test_percent(percent_done: str | None, percent: float | None) -> None:
    assert job(percent_done=percent_done).percent == percent


def test_duration_needs_both_dates() -> None:
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert job(creation_date=start, completion_date=end).duration == timedelta(hours=1)
    assert job(creation_date=start).duration is None
    assert job(completion_date=end).duration is None


@pytest.mark.parametrize(
    ("members", "region"),
    [
        ({"backup_vault_arn": "arn:aws:backup:eu-west-1:1:backup-vault:a"}, "eu-west-1"),
        (
            {
                "recovery_point_arn": "arn:aws:ec2:us-east-1::snapshot/snap-1",
                "backup_vault_arn": "arn:aws:backup:eu-west-1:1:backup-vault:a",
            },
            "eu-west-1",
        ),
        ({"recovery_point_arn": "arn:aws-cn:ec2:cn-north-1::snapshot/snap-1"}, "cn-north-1"),
        ({"source_resource_arn": "arn:aws:s3:::bucket"}, None),
        (
            {
                "source_resource_arn": "arn:aws:s3:::bucket",
                "created_resource_arn": "arn:aws:rds:ap-south-1:1:db:x:y",
            },
            "ap-south-1",
        ),
        ({"backup_vault_arn": "no arn"}, None),
        ({}, None),
    ],
)
def test_region_is_that_of_the_vault_or_the_next_arn(
    members: dict[str, str], region: str | None
) -> None:
    assert job(**members).region == region

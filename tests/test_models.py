from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
import typing
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import polars as pl
import pytest
from dateutil.tz import tzlocal  # type: ignore[import-untyped]  # it has no types of its own
from pydantic import BaseModel, ValidationError

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
    with pytest.raises(AttributeError):
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


# The protocols of others


class Report(BaseModel):
    title: str
    newest: RestoreJob
    page: RestoreJobPage
    status: RestoreJobStatus = RestoreJobStatus.COMPLETED


def test_a_job_is_a_field_of_pydantic_models() -> None:
    whole = RestoreJob.from_dict(WHOLE)
    page = RestoreJobPage(restore_jobs=(whole,), next_token="t")
    made = Report(title="t", newest=whole, page=page)
    assert made.newest is whole
    for spelling in (WHOLE, whole.to_dict(), whole.to_dict(mode="json")):
        pages: Any = {"RestoreJobs": [spelling], "NextToken": "t"}
        read = Report.model_validate({"title": "t", "newest": spelling, "page": pages})
        assert read == made
    assert Report.model_validate_json(made.model_dump_json()) == made
    assert made.model_dump()["newest"] == whole.to_dict()
    assert made.model_dump(mode="json")["newest"] == whole.to_dict(mode="json")
    assert json.loads(made.model_dump_json())["page"]["next_token"] == "t"
    assert Report.model_validate(made.model_dump() | {"status": "PAUSED"}).status == "PAUSED"


def test_what_is_no_job_is_an_error_of_pydantic() -> None:
    with pytest.raises(ValidationError, match="Status: it must be text, got 5"):
        Report.model_validate({"title": "t", "newest": {"Status": 5}, "page": {}})


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_a_job_has_a_json_schema(mode: Any) -> None:
    schema = Report.model_json_schema(mode=mode)
    job_schema = schema["$defs"]["RestoreJob"]
    assert list(job_schema["properties"]) == [
        field.name for field in dataclasses.fields(RestoreJob)
    ]
    status = job_schema["properties"]["status"]["anyOf"][0]
    assert status["type"] == "string"
    assert "enum" not in status  # AWS may add values
    assert "COMPLETED" in status["examples"]
    dates = job_schema["properties"]["creation_date"]["anyOf"]
    assert {"type": "string", "format": "date-time"} in dates


@pytest.mark.parametrize("kind", [RestoreJob, RestoreJobCreator, RestoreJobPage])
def test_the_models_are_dataclasses_to_those_who_ask(kind: Any) -> None:
    one: Any = kind()
    assert dataclasses.fields(one)
    assert dataclasses.replace(one) == one
    with pytest.raises(TypeError, match="stauts"):
        dataclasses.replace(one, stauts="x")
    with pytest.raises(TypeError, match="stauts"):
        kind(stauts="x")
    assert list(inspect.signature(kind).parameters) == [f.name for f in dataclasses.fields(kind)]
    assert set(typing.get_type_hints(kind)) >= {f.name for f in dataclasses.fields(kind)}
    if kind is RestoreJob:
        whole = RestoreJob.from_dict(WHOLE)
        assert dataclasses.asdict(whole) == whole.to_dict()


def test_a_list_of_jobs_is_a_frame_with_a_column_for_each_member() -> None:
    jobs = [RestoreJob.from_dict(WHOLE), RestoreJob()]
    names = [field.name for field in dataclasses.fields(RestoreJob)]
    assert list(pd.DataFrame(jobs).columns) == names
    small = [dataclasses.replace(job, backup_size_in_bytes=1) for job in jobs]
    assert pl.DataFrame(small).columns == names


def test_jobs_match_by_keyword() -> None:
    match RestoreJob.from_dict(WHOLE):
        case RestoreJob(status="COMPLETED", created_by=RestoreJobCreator()):
            pass
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(RestoreJob)])
def test_the_repr_shows_every_member_in_one_line(name: str) -> None:
    whole = RestoreJob.from_dict(WHOLE | {"StatusMessage": "two\nlines"})
    less = dataclasses.replace(whole, **{name: None})
    assert repr(whole) != repr(less)
    assert f"{name}=" in repr(whole)
    assert "\n" not in repr(whole)


def test_a_page_iterates_and_has_a_length() -> None:
    jobs = (RestoreJob(restore_job_id="a"), RestoreJob(restore_job_id="b"))
    page = RestoreJobPage(restore_jobs=jobs, next_token="t")
    assert (len(page), tuple(page)) == (2, jobs)


def test_half_of_a_surrogate_pair_goes_to_json_and_back() -> None:
    odd = RestoreJob.from_dict({"StatusMessage": "\ud800", "Status": "\ud800"})
    assert RestoreJob.from_dict(json.loads(odd.to_json())) == odd
    assert odd.to_json().encode()


def test_a_dict_may_hold_a_creator_as_it_is() -> None:
    creator = RestoreJobCreator(restore_testing_plan_arn="plan")
    assert RestoreJob.from_dict({"created_by": creator}).created_by is creator

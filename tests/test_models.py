"""Restore jobs and pages: members, conversions, and use with other libraries."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
import time
import typing
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import polars as pl
import pytest
from dateutil.tz import tzlocal  # type: ignore[import-untyped]  # it has no types
from pydantic import BaseModel, TypeAdapter, ValidationError
from support.fakes import COMPLETE, PLAN

from restorejobs_client import (
    MalformedResponseError,
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobPage,
    RestoreJobStatus,
    RestoreValidationStatus,
)

JOB = RestoreJob.from_dict(COMPLETE)
PAGE = RestoreJobPage(restore_jobs=(JOB,), next_token="t")
MEMBERS = [field.name for field in dataclasses.fields(RestoreJob)]


def test_from_dict_gives_every_member_its_type() -> None:
    """Dates become datetimes, statuses become enum members, and `created_by` becomes an object."""
    assert len(MEMBERS) == 23
    assert None not in dataclasses.astuple(JOB)
    assert JOB.creation_date == datetime(2018, 1, 26, 0, 11, 30, 87000, tzinfo=UTC)
    assert JOB.completion_date == datetime(2018, 1, 26, 1, 11, 30, 87000, tzinfo=UTC)
    assert JOB.status is RestoreJobStatus.COMPLETED
    assert JOB.validation_status is RestoreValidationStatus.SUCCESSFUL
    assert JOB.deletion_status is RestoreDeletionStatus.DELETING
    assert JOB.backup_size_in_bytes == 2**70
    assert JOB.is_parent is False
    assert JOB.created_by == RestoreJobCreator(restore_testing_plan_arn=PLAN)


def test_from_dict_leaves_missing_members_none() -> None:
    """A member that is missing or null is `None`."""
    job = RestoreJob.from_dict({"RestoreJobId": "a", "Status": "PENDING", "PercentDone": None})
    given = {name for name, value in job.to_dict().items() if value is not None}
    assert given == {"restore_job_id", "status"}


def test_from_dict_accepts_values_in_other_forms() -> None:
    """Numbers may be text, statuses may have any case, and unknown members are ignored."""
    job = RestoreJob.from_dict({"BackupSizeInBytes": "1024", "Status": "Completed", "New": {}})
    assert job == RestoreJob(backup_size_in_bytes=1024, status=RestoreJobStatus.COMPLETED)


def test_from_dict_accepts_a_creator() -> None:
    """`created_by` may be a `RestoreJobCreator` already."""
    assert RestoreJob.from_dict({"created_by": JOB.created_by}).created_by is JOB.created_by


@pytest.mark.parametrize(
    "date",
    [
        "2026-01-01T05:30:00.250000+05:30",  # the AWS CLI in India
        "2026-01-01T00:00:00.25Z",
        1767225600.25,
        "1767225600.25",
        datetime(2026, 1, 1, 0, 0, 0, 250000, tzinfo=UTC),
        datetime(2025, 12, 31, 19, 0, 0, 250000, tzinfo=timezone(timedelta(hours=-5))),
        datetime(2026, 1, 1, 0, 0, 0, 250000, tzinfo=UTC).astimezone(tzlocal()),  # boto3
    ],
)
def test_from_dict_converts_dates_to_utc(date: object) -> None:
    """Epoch seconds, ISO 8601 text and aware datetimes become the same datetime in UTC."""
    converted = RestoreJob.from_dict({"CreationDate": date}).creation_date
    assert converted == datetime(2026, 1, 1, 0, 0, 0, 250000, tzinfo=UTC)
    assert converted.tzname() == "UTC"


NESTED: list[Any] = []
for _ in range(3000):
    NESTED = [NESTED]


class Unshowable:
    """An object that cannot be shown."""

    def __repr__(self) -> str:
        raise KeyError


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"CreationDate": "2026-01-01"}, "CreationDate: .*timezone.*'2026-01-01'"),
        ({"CreationDate": datetime(2026, 1, 1)}, "CreationDate: .*timezone"),  # noqa: DTZ001
        ({"CreationDate": "9999-12-31T23:59:59-05:00"}, "CreationDate: .*within the years"),
        ({"CreationDate": True}, "CreationDate"),
        ({"RestoreJobId": 5}, "RestoreJobId: .*got 5"),
        ({"restore_job_id": ["a" * 500]}, "restore_job_id: .*…"),
        ({"Status": 5}, "Status"),
        ({"Status": NESTED}, "Status: it must be text"),
        ({"ValidationStatus": Unshowable()}, "ValidationStatus: .*that cannot be shown"),
        ({"CreatedBy": "plan"}, "CreatedBy: .*'plan'"),
        ({"CreatedBy": {"RestoreTestingPlanArn": 7}}, r"CreatedBy\.RestoreTestingPlanArn: .*7"),
        ({"BackupSizeInBytes": 1.5}, "BackupSizeInBytes: .*1.5"),
        ([], "the value"),
        (None, "the value"),
    ],
)
def test_from_dict_names_the_wrong_value(members: Any, message: str) -> None:
    """The error names the member and shows its value in one short message."""
    with pytest.raises(MalformedResponseError, match=f"not a restore job: {message}") as caught:
        RestoreJob.from_dict(members)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "members",
    [
        COMPLETE,
        {"RestoreJobId": None},
        {"Status": "PAUSED", "DeletionStatus": "Deleting"},
        {"StatusMessage": "\ud800", "Status": "\ud800"},  # a lone surrogate
    ],
)
def test_jobs_survive_conversion_to_dict_and_json(members: dict[str, object]) -> None:
    """`from_dict` reads the results of `to_dict` and `to_json`; both have all members in order."""
    job = RestoreJob.from_dict(members)
    line = job.to_json()
    assert "\n" not in line
    assert line.encode()
    assert RestoreJob.from_dict(job.to_dict()) == RestoreJob.from_dict(json.loads(line)) == job
    assert list(job.to_dict()) == list(json.loads(line)) == MEMBERS


def test_json_has_dates_in_utc() -> None:
    """Dates in JSON are ISO 8601 with `Z`, and `created_by` is an object."""
    members = json.loads(JOB.to_json())
    assert members["creation_date"] == "2018-01-26T00:11:30.087000Z"
    assert members["created_by"] == {"restore_testing_plan_arn": PLAN}


@pytest.mark.parametrize(
    ("status", "is_terminal"),
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
def test_ended_jobs_are_terminal(status: str | None, *, is_terminal: bool) -> None:
    """A job has ended if it is COMPLETED, ABORTED or FAILED."""
    assert RestoreJob.from_dict({"Status": status}).is_terminal is is_terminal


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
        ("5 5", None),
        ("100.01%", None),
        ("101", None),
        ("9" * 400, None),
        ("0." + "3" * 400 + "%", 1 / 3),
    ],
)
def test_percent_is_a_number_or_none(percent_done: str | None, percent: float | None) -> None:
    """`percent` is `percent_done` as a number, or `None` if it is not a number."""
    assert RestoreJob(percent_done=percent_done).percent == percent


@pytest.mark.parametrize(
    "text", ["5" * 10**6, f"5{' ' * 10**6}x", f"0.{'5' * 10**6}x", " " * 10**6]
)
def test_percent_takes_linear_time(text: str) -> None:
    """A text of a million characters is read at once."""
    started = time.perf_counter()
    assert RestoreJob(percent_done=text).percent is None
    assert time.perf_counter() - started < 1


def test_duration_is_the_time_between_the_dates() -> None:
    """`duration` is `None` if the creation date or the completion date is missing."""
    assert JOB.duration == timedelta(hours=1)
    assert dataclasses.replace(JOB, completion_date=None).duration is None
    assert dataclasses.replace(JOB, creation_date=None).duration is None


VAULT = "arn:aws:backup:eu-west-1:1:backup-vault:a"
SNAPSHOT = "arn:aws-cn:ec2:cn-north-1::snapshot/snap-1"
DATABASE = "arn:aws:rds:ap-south-1:1:db:x:y"
BUCKET = "arn:aws:s3:::bucket"


@pytest.mark.parametrize(
    ("members", "region"),
    [
        ({"backup_vault_arn": VAULT, "recovery_point_arn": SNAPSHOT}, "eu-west-1"),
        ({"recovery_point_arn": SNAPSHOT, "created_resource_arn": DATABASE}, "cn-north-1"),
        ({"created_resource_arn": DATABASE, "source_resource_arn": VAULT}, "ap-south-1"),
        ({"created_resource_arn": BUCKET, "source_resource_arn": VAULT}, "eu-west-1"),
        ({"source_resource_arn": BUCKET}, None),
        ({"backup_vault_arn": "no arn"}, None),
        ({}, None),
    ],
)
def test_region_comes_from_an_arn(members: dict[str, Any], region: str | None) -> None:
    """`region` is that of the vault, the recovery point, the created resource or the source."""
    assert RestoreJob(**members).region == region


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (VAULT, "a"),
        ("arn:aws-us-gov:backup:us-gov-west-1:123456789012:backup-vault:Default", "Default"),
        (SNAPSHOT, None),
        ("arn:aws:backup:eu-west-1:1:recovery-point:backup-vault", None),
        (VAULT.removesuffix("a"), None),
        (None, None),
    ],
)
def test_backup_vault_name_comes_from_the_vault(arn: str | None, name: str | None) -> None:
    """`backup_vault_name` is the end of the vault's ARN, and never that of another resource."""
    job = RestoreJob(backup_vault_arn=arn, recovery_point_arn=VAULT, created_resource_arn=VAULT)
    assert job.backup_vault_name == name


def test_restore_testing_plan_arn_is_that_of_the_creator() -> None:
    """`restore_testing_plan_arn` is `None` for a job that no plan started."""
    assert JOB.restore_testing_plan_arn == PLAN
    assert RestoreJob().restore_testing_plan_arn is None
    assert RestoreJob(created_by=RestoreJobCreator()).restore_testing_plan_arn is None


def test_recovery_point_age_is_its_age_when_the_job_began() -> None:
    """`recovery_point_age` is `None` unless both dates are known."""
    backed_up = datetime(2018, 1, 20, 0, 11, 30, 87000, tzinfo=UTC)
    job = dataclasses.replace(JOB, recovery_point_creation_date=backed_up)
    assert job.recovery_point_age == timedelta(days=6)
    assert dataclasses.replace(job, creation_date=None).recovery_point_age is None
    assert dataclasses.replace(job, recovery_point_creation_date=None).recovery_point_age is None


def test_page_has_a_length_and_iterates() -> None:
    """A page iterates over its jobs, and `len` counts them."""
    jobs = (RestoreJob(restore_job_id="a"), RestoreJob(restore_job_id="b"))
    page = RestoreJobPage(restore_jobs=jobs, next_token="t")
    assert (len(page), tuple(page)) == (2, jobs)


def test_what_an_answer_came_with_is_kept_but_not_compared() -> None:
    """Equal pages of different answers are equal; copies keep the request id and the date."""
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    page = dataclasses.replace(PAGE, request_id="1-2", answered_at=moment)
    assert page == PAGE
    assert hash(page) == hash(PAGE)
    assert page != dataclasses.replace(page, next_token=None)
    assert (PAGE.restore_jobs == PAGE) is False
    for same in (pickle.loads(pickle.dumps(page)), copy.copy(page), dataclasses.replace(page)):  # noqa: S301  # our own
        assert (same.request_id, same.answered_at) == ("1-2", moment)
    assert repr(page) == (
        "RestoreJobPage(1 restore job, next_token='t', request_id='1-2', "
        "answered_at='2026-01-01 12:00:00 UTC')"
    )


@pytest.mark.parametrize("model", [JOB, JOB.created_by, PAGE])
def test_models_are_immutable_values(model: Any) -> None:
    """Models are frozen and have no `__dict__`; equal models have equal hashes."""
    name = dataclasses.fields(model)[0].name
    with pytest.raises(AttributeError):
        setattr(model, name, None)
    assert not hasattr(model, "__dict__")
    assert model != dataclasses.replace(model, **{name: None})
    for equal in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):  # noqa: S301  # our own
        assert equal == model
        assert hash(equal) == hash(model)


@pytest.mark.parametrize("kind", [RestoreJob, RestoreJobCreator, RestoreJobPage])
def test_models_follow_the_dataclass_protocol(kind: Any) -> None:
    """`dataclasses` functions, signatures and type hints work, and unknown names are refused."""
    names = [field.name for field in dataclasses.fields(kind)]
    assert dataclasses.replace(kind()) == kind()
    for make in (kind, lambda **members: dataclasses.replace(kind(), **members)):
        with pytest.raises(TypeError, match="stauts"):
            make(stauts="x")
    assert list(inspect.signature(kind).parameters) == names
    assert set(typing.get_type_hints(kind)) >= set(names)
    assert dataclasses.asdict(JOB) == JOB.to_dict()


class Noted(RestoreJob, frozen=True, kw_only=True):
    """A job as a program extends it."""

    note: str
    tags: list[str] = []  # noqa: RUF012  # msgspec copies it
    seen: datetime | None = None
    effort: int | str = 0


def test_subclasses_of_jobs_are_read_and_changed() -> None:
    """A subclass keeps its own members, whatever reads, changes or copies it."""
    members = {**COMPLETE, "Note": "late", "tags": ["a"], "Seen": 1767225600, "Effort": "big"}
    job = Noted.from_dict(members)
    assert (job.note, job.tags, job.effort) == ("late", ["a"], "big")
    assert job.seen == datetime(2026, 1, 1, tzinfo=UTC)
    assert {
        name: value for name, value in job.to_dict().items() if name in MEMBERS
    } == JOB.to_dict()
    same = (
        Noted.from_dict(job.to_dict()),
        Noted.from_dict(json.loads(job.to_json())),
        pickle.loads(pickle.dumps(job)),  # noqa: S301  # our own
        dataclasses.replace(job),
        TypeAdapter(Noted).validate_python(dataclasses.asdict(job)),
    )
    assert set(map(repr, same)) == {repr(job)}
    assert repr(job).startswith("Noted(restore_job_id=")
    assert dataclasses.replace(job, status=None).note == "late"
    assert [field.name for field in dataclasses.fields(Noted)] == [
        *MEMBERS,
        *list(job.to_dict())[23:],
    ]
    required, tags = (
        next(one for one in dataclasses.fields(Noted) if one.name == name)
        for name in ("note", "tags")
    )
    assert required.default is required.default_factory is dataclasses.MISSING
    assert tags.default_factory is list
    assert list(pd.DataFrame([job]).note) == ["late"]
    assert [field.name for field in dataclasses.fields(RestoreJob)] == MEMBERS


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "note: it must be text, got None"),
        ({"Note": 5}, "Note: .*got 5"),
        ({"note": "n", "tags": "a"}, "tags: .*got 'a'"),
        ({"note": "n", "Seen": "2026-01-01T00:00:00"}, "Seen: .*timezone"),
        ({"note": "n", "Effort": 1.5}, "Effort: .*got 1.5"),
    ],
)
def test_wrong_members_of_a_subclass_are_named(members: dict[str, object], message: str) -> None:
    """A member of a subclass that is missing or wrong is refused like one of AWS."""
    with pytest.raises(MalformedResponseError, match=message):
        Noted.from_dict({"RestoreJobId": "a", **members})


class Family(RestoreJob, frozen=True, kw_only=True):
    """A job with other jobs."""

    first: RestoreJob = RestoreJob()
    children: list[RestoreJob] | None = None
    others: tuple[RestoreJob, ...] = ()


@pytest.mark.parametrize("members", [{"RestoreJobId": "2"}, {"restore_job_id": "2"}])
def test_jobs_inside_of_a_subclass_are_read(members: dict[str, object]) -> None:
    """Models in the members of a subclass are read by both spellings, and survive JSON."""
    job = RestoreJob(restore_job_id="2")
    given = {"restore_job_id": "1", "first": members, "children": [members], "others": [members]}
    family = Family.from_dict(given)
    assert (family.first, family.children, family.others) == (job, [job], (job,))
    assert Family.from_dict(json.loads(family.to_json())) == family
    assert Family.from_dict({"restore_job_id": "1", "children": None}).children is None
    for name in ("first", "children", "others"):
        with pytest.raises(MalformedResponseError, match=name):
            Family.from_dict({"restore_job_id": "1", name: [{"restore_job_id": 5}]})


class ByName(RestoreJob, frozen=True, kw_only=True):
    """A job with jobs in a shape that is not read."""

    jobs: dict[str, RestoreJob] = {}  # noqa: RUF012  # msgspec copies it


def test_other_shapes_of_jobs_are_refused() -> None:
    """A member whose models could not be read is refused, because their values would be lost."""
    with pytest.raises(TypeError, match=r"dict\[str, .*RestoreJob\] is refused"):
        ByName.from_dict({"restore_job_id": "1"})


EVENT = {"source": "aws.backup", "detail-type": "Restore Job State Change", "region": "eu-west-1"}
DETAIL = {"restoreJobId": "1", "status": "FAILED", "creationDate": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "such as RestoreJobId, got {}"),
        ({"job": {"RestoreJobId": "1"}}, "such as RestoreJobId, got"),
        ({1: 2}, "such as RestoreJobId, got"),
        ({**EVENT, "detail": DETAIL}, "looks like an event: use RestoreJob.from_event"),
        (DETAIL, "the detail of an event: pass the whole event to RestoreJob.from_event"),
        ({"RestoreJobs": [], "ResponseMetadata": {}}, "a whole answer"),
        ({"accountId": "1", "restoreJobId": "1", "jobStatus": "FAILED"}, "Audit Manager report"),
        ({"BackupJobId": "1", "State": "FAILED", "AccountId": "1"}, "another kind of job"),
        ({"RestoreJobID": "1"}, "RestoreJobID: .*written RestoreJobId or restore_job_id"),
        ({"RESTORE_JOB_ID": "1", "Status": "FAILED"}, "RESTORE_JOB_ID: .*written RestoreJobId"),
        ({"Restore job ID": "1", "Status": "Failed"}, "Restore job ID: .*written RestoreJobId"),
        ({"Status": "FAILED", "statusMessage": "no"}, "statusMessage: .*written StatusMessage"),
        ({"CreatedBy": {"restoreTestingPlanArn": PLAN}}, r"CreatedBy\.restoreTestingPlanArn: "),
    ],
)
def test_dict_that_is_no_job_is_refused(members: Any, message: str) -> None:
    """A dict whose members would be lost is refused, and the error says what it looks like."""
    with pytest.raises(MalformedResponseError, match=message) as caught:
        RestoreJob.from_dict(members)
    assert len(str(caught.value)) < 350
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(RestoreJob).validate_python(members)


def test_unknown_names_beside_a_job_are_ignored() -> None:
    """A job may have names that this release does not know, even those of another thing."""
    known = {"RestoreJobId": "1", "status": "FAILED"}
    others = {"ResponseMetadata": {}, "detail": 1, "State": 2, "restoreJobId": 3, 4: 5}
    assert RestoreJob.from_dict({**known, **others}) == RestoreJob.from_dict(known)  # type: ignore[dict-item]  # intentional


def test_jobs_match_by_keyword() -> None:
    """A class pattern of `match` takes members by name."""
    match JOB:
        case RestoreJob(status="COMPLETED", created_by=RestoreJobCreator()):
            pass
        case _:
            pytest.fail("no match")


def test_data_frames_have_a_column_for_each_member() -> None:
    """Pandas and polars make a data frame from a list of jobs."""
    jobs = [dataclasses.replace(JOB, backup_size_in_bytes=1), RestoreJob()]
    assert list(pd.DataFrame(jobs).columns) == MEMBERS
    assert pl.DataFrame(jobs).columns == MEMBERS


class Report(BaseModel):
    title: str
    newest: RestoreJob
    page: RestoreJobPage
    status: RestoreJobStatus = RestoreJobStatus.COMPLETED


def test_pydantic_validates_and_dumps_models() -> None:
    """Both spellings of members are read; dumps have the names and values of `to_dict`."""
    report = Report(title="t", newest=JOB, page=PAGE)
    assert report.newest is JOB
    for spelling in (COMPLETE, JOB.to_dict(), JOB.to_dict(mode="json")):
        page = {"RestoreJobs": [spelling], "NextToken": "t"}
        assert Report.model_validate({"title": "t", "newest": spelling, "page": page}) == report
    assert Report.model_validate_json(report.model_dump_json()) == report
    assert report.model_dump()["newest"] == JOB.to_dict()
    assert report.model_dump(mode="json")["newest"] == JOB.to_dict(mode="json")
    assert json.loads(report.model_dump_json())["page"]["next_token"] == "t"
    assert Report.model_validate(report.model_dump() | {"status": "PAUSED"}).status == "PAUSED"


def test_pydantic_raises_its_own_error() -> None:
    """A wrong member is pydantic's `ValidationError`, with our message."""
    with pytest.raises(ValidationError, match="Status: it must be text, got 5"):
        Report.model_validate({"title": "t", "newest": {"Status": 5}, "page": {}})


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_json_schema_describes_every_member(mode: Any) -> None:
    """The JSON schema has all members; a status is any string, with the known ones as examples."""
    schema = Report.model_json_schema(mode=mode)["$defs"]["RestoreJob"]["properties"]
    assert list(schema) == MEMBERS
    status = schema["status"]["anyOf"][0]
    assert status["type"] == "string"
    assert "enum" not in status
    assert "COMPLETED" in status["examples"]
    assert {"type": "string", "format": "date-time"} in schema["creation_date"]["anyOf"]

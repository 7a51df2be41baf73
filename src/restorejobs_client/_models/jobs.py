"""Restore jobs, as `msgspec` structs."""

# No `from __future__ import annotations`: msgspec and `typing.get_type_hints` need the types.

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, Literal, Self

from msgspec.structs import asdict

from restorejobs_client._core import enums
from restorejobs_client._core.dates import datetime
from restorejobs_client._core.errors import MalformedResponseError
from restorejobs_client._core.table import Cell, Table, minutes_cell, size_cell, status_cell
from restorejobs_client._core.text import clipped, counted, duration_text, moment_text, one_line
from restorejobs_client._models.convert import Struct, WrongValueError, json_text, read_struct
from restorejobs_client._models.events import job_members, looks_like

_ARN_WITH_REGION: Final = re.compile("arn:[^:]*:[^:]*:([^:]+):")
_PERCENT: Final = re.compile(r"\s*+(100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]+)?)\s*+%?\s*+")
_FIRST_IN_REPR: Final = ("restore_job_id", "resource_type", "status", "creation_date", "duration")
_SHOWN_JOBS: Final = 100  # of a page, in a notebook
TERMINAL: Final = frozenset(map(enums.RestoreJobStatus, ("COMPLETED", "ABORTED", "FAILED")))


class RestoreJobCreator(Struct, frozen=True, kw_only=True):
    """What started a restore job (AWS type `RestoreJobCreator`).

    Attributes:
        restore_testing_plan_arn: the restore testing plan that started the job, if one did.
    """

    restore_testing_plan_arn: str | None = None


class RestoreJob(Struct, frozen=True, kw_only=True):
    """One job that restores, or restored, a saved resource (AWS type `RestoreJobsListMember`).

    Members that AWS did not send are `None`, as most are while a job is pending. Members that this
    release does not know are ignored. Datetimes are aware and in UTC.

    The constructor takes the members by their snake_case names. Like that of a dataclass, it does
    not check their types; `from_dict` does. `dataclasses.fields`, `asdict` and `replace` work.

    Attributes:
        account_id: the account that owns the job, 12 digits.
        restore_job_id: the id of the job.
        recovery_point_arn: the recovery point that is restored.
        source_resource_arn: the resource that was backed up.
        backup_vault_arn: the vault that holds the recovery point.
        creation_date: when the job was created; AWS is accurate to milliseconds.
        completion_date: when the job ended.
        status: the state of the job.
        status_message: why it is in that state.
        percent_done: progress as AWS words it, such as `"0.00%"`; `percent` is the number.
        backup_size_in_bytes: the size of the restored resource, in bytes.
        iam_role_arn: the IAM role that performs the restore.
        expected_completion_time_minutes: how long the job is expected to take, in minutes.
        created_resource_arn: the resource that the job created.
        resource_type: such as `"EBS"`; compare it with `ResourceType`.
        recovery_point_creation_date: when the recovery point was created.
        is_parent: whether this is a parent (composite) job.
        parent_job_id: the id of the parent job.
        created_by: the restore testing plan that started the job.
        validation_status: the state of the validation of a restore test.
        validation_status_message: why it is in that state.
        deletion_status: the state of the deletion of a restore test's data.
        deletion_status_message: why it is in that state.

    Examples:
        >>> job = RestoreJob(status=RestoreJobStatus.COMPLETED, percent_done="0.00%")
        >>> job.is_terminal, job.percent, job.duration
        (True, 0.0, None)
    """

    account_id: str | None = None
    restore_job_id: str | None = None
    recovery_point_arn: str | None = None
    source_resource_arn: str | None = None
    backup_vault_arn: str | None = None
    creation_date: datetime | None = None
    completion_date: datetime | None = None
    status: enums.RestoreJobStatus | None = None
    status_message: str | None = None
    percent_done: str | None = None
    backup_size_in_bytes: int | None = None
    iam_role_arn: str | None = None
    expected_completion_time_minutes: int | None = None
    created_resource_arn: str | None = None
    resource_type: str | None = None
    recovery_point_creation_date: datetime | None = None
    is_parent: bool | None = None
    parent_job_id: str | None = None
    created_by: RestoreJobCreator | None = None
    validation_status: enums.RestoreValidationStatus | None = None
    validation_status_message: str | None = None
    deletion_status: enums.RestoreDeletionStatus | None = None
    deletion_status_message: str | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended, with the status COMPLETED, ABORTED or FAILED."""
        return self.status in TERMINAL

    @property
    def duration(self) -> timedelta | None:
        """The time from creation to completion; `None` unless both dates are known."""
        return _elapsed(self.creation_date, self.completion_date)

    @property
    def percent(self) -> float | None:
        """`percent_done` as a number from 0 to 100; `None` if it is missing or not a number.

        Do not infer completion from it: AWS reports completed jobs with `"0.00%"`. Use `status`.
        """
        match = _PERCENT.fullmatch(self.percent_done or "")
        return float(match[1]) if match else None

    @property
    def region(self) -> str | None:
        """The AWS region of the job; `None` if none of its ARNs names one.

        A restore runs in the region of its vault, so the ARN of the backup vault is used first, and
        then those of the recovery point, the created resource and the source.
        """
        return (
            _region_of(self.backup_vault_arn)
            or _region_of(self.recovery_point_arn)
            or _region_of(self.created_resource_arn)
            or _region_of(self.source_resource_arn)
        )

    @property
    def restore_testing_plan_arn(self) -> str | None:
        """The restore testing plan that started the job; `None` if none did."""
        return None if self.created_by is None else self.created_by.restore_testing_plan_arn

    @property
    def backup_vault_name(self) -> str | None:
        """The name in `backup_vault_arn`; `None` if it is missing or not the ARN of a vault."""
        return (self.backup_vault_arn or "").partition(":backup-vault:")[2] or None

    @property
    def recovery_point_age(self) -> timedelta | None:
        """The age of the recovery point when the job was created; `None` unless both are known."""
        return _elapsed(self.recovery_point_creation_date, self.creation_date)

    def __repr__(self) -> str:
        """Return the members that are set as one line, the most important ones first."""
        members = dict.fromkeys(_FIRST_IN_REPR) | self.to_dict()
        with suppress(TypeError):  # the constructor does not check types
            members["duration"] = None if self.duration is None else duration_text(self.duration)
        for name, value in members.items():
            if isinstance(value, datetime | enums.OpenEnum):
                members[name] = str(value).replace("+00:00", " UTC")
            elif isinstance(value, str) and name.endswith("_message"):
                members[name] = clipped(value)
        return one_line(type(self).__name__, members)

    def _repr_html_(self) -> str:
        """Return the members that are set as a table for a notebook, with exact values on hover."""
        facts = self.to_dict() | {
            "backup_size_in_bytes": size_cell(self.backup_size_in_bytes),
            "expected_completion_time_minutes": minutes_cell(self.expected_completion_time_minutes),
            "created_by": getattr(self.created_by, "restore_testing_plan_arn", self.created_by),
            "duration": self.duration,
        }
        return Table.of_facts("Restore job", facts).html()

    def to_dict(self, *, mode: Literal["python", "json"] = "python") -> dict[str, Any]:
        """Return all 23 members by their snake_case names, `created_by` as a dict.

        `from_dict` reads it back as an equal job.

        Args:
            mode: `"python"` keeps datetimes, enum members (which are `str`) and `None` as they
                are. `"json"` returns the same as `json.loads(job.to_json())`.
        """
        members = asdict(self)
        if isinstance(self.created_by, RestoreJobCreator):
            members["created_by"] = asdict(self.created_by)
        return members if mode == "python" else json.loads(json_text(members))

    def to_json(self) -> str:
        """Return all members by their snake_case names, as one line of JSON.

        Dates are text in ISO 8601 with `Z`. `from_dict` reads the parsed JSON as an equal job.
        """
        return json_text(self.to_dict())

    @classmethod
    def from_dict(cls, job: Mapping[str, object]) -> Self:
        """Return the job that a dict from boto3, the AWS CLI, `to_dict` or `to_json` describes.

        Args:
            job: the members by their AWS names (`RestoreJobId`) or in snake_case, at least one.
                Dates may be aware datetimes, epoch seconds, or text in ISO 8601 with an offset.
                Unknown names are ignored, unless they are a member in another spelling.

        Raises:
            MalformedResponseError: the dict names no member (the message says what it looks like),
                or a value does not fit its member, such as a naive datetime.

        Examples:
            >>> job = RestoreJob.from_dict({"RestoreJobId": "1A2B", "CreationDate": 1767225600})
            >>> job.creation_date.isoformat()
            '2026-01-01T00:00:00+00:00'
        """
        try:
            return read_struct(cls, job)
        except WrongValueError as wrong:
            raise MalformedResponseError(f"this is not a restore job: {wrong}") from None

    @classmethod
    def from_event(cls, event: Mapping[str, object]) -> Self:
        """Return the job that an event "Restore Job State Change" of EventBridge describes.

        An event has fewer members than a listing, and the first event has the status `"CREATED"`.
        `region` is `None` if no ARN in the event names it; `event["region"]` always does. AWS
        delivers events on a best-effort basis, so a listing is still needed from time to time.

        Args:
            event: the whole event as a dict, as AWS Lambda passes it to a handler.

        Raises:
            MalformedResponseError: it is another event, or a value does not fit its member.

        Examples:
            >>> event = {"source": "aws.backup", "detail-type": "Restore Job State Change"}
            >>> detail = {"restoreJobId": "1A2B", "status": "RUNNING", "percentDone": 40}
            >>> RestoreJob.from_event({**event, "detail": detail})
            RestoreJob(restore_job_id='1A2B', status='RUNNING', percent_done='40.00%')

        Source: https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html
        """
        try:
            return read_struct(cls, job_members(event), aws_names_only=True)
        except WrongValueError as wrong:
            raise MalformedResponseError(f"this is no event of a restore job: {wrong}") from None

    @classmethod
    def __check_names__(cls, given: Mapping[str, Any], read: Mapping[str, Any], path: str) -> None:
        other = "" if "restore_job_id" in read else looks_like(given)
        if not other:
            super().__check_names__(given, read, path)
        if other or not read:
            allowed = f"an object with members of a restore job, such as RestoreJobId{other}"
            raise WrongValueError(allowed, given, path)


def _elapsed(start: datetime | None, end: datetime | None) -> timedelta | None:
    return None if start is None or end is None else end - start


@lru_cache(maxsize=1024)  # many jobs share a vault
def _region_of(arn: str | None) -> str | None:
    match = _ARN_WITH_REGION.match(arn or "")
    return match[1] if match else None


class PageMembers(Struct, frozen=True, kw_only=True):
    """What the body of an answer says (AWS type `ListRestoreJobsOutput`)."""

    restore_jobs: tuple[RestoreJob, ...] = ()
    next_token: str | None = None

    @classmethod
    def __check_names__(cls, given: Mapping[str, Any], read: Mapping[str, Any], path: str) -> None:
        super().__check_names__(given, read, path)
        if not read:
            raise WrongValueError("an object with RestoreJobs or NextToken", given, path)


class RestoreJobPage(PageMembers, frozen=True, kw_only=True):
    """One page of a listing (AWS type `ListRestoreJobsOutput`).

    Iterating over it yields its jobs, and `len` counts them. Pages with equal jobs and tokens are
    equal, whatever answers they came with.

    Attributes:
        restore_jobs: the jobs of the page. It may be empty even if more pages follow.
        next_token: AWS's token of the next page. It is `None` on the last page, and on a page that
            `limit` or `head` cut short, because the token would skip the jobs that were cut.
        request_id: AWS's id of the request (header `x-amzn-RequestId`); `None` if no single answer
            over HTTP makes up the page.
        answered_at: when AWS answered, in UTC (header `Date`, to the second), or `None`.
    """

    request_id: str | None = None
    answered_at: datetime | None = None

    def __iter__(self) -> Iterator[RestoreJob]:
        return iter(self.restore_jobs)

    def __len__(self) -> int:
        return len(self.restore_jobs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RestoreJobPage):
            return NotImplemented
        return (self.restore_jobs, self.next_token) == (other.restore_jobs, other.next_token)

    def __hash__(self) -> int:
        return hash((self.restore_jobs, self.next_token))

    def __repr__(self) -> str:
        """Return how many jobs are on the page, whether more follow, and what answer it is of."""
        facts = [f"next_token={clipped(self.next_token)!r}" if self.next_token else "no next_token"]
        facts += [f"request_id={clipped(self.request_id)!r}"] if self.request_id else []
        facts += [f"answered_at={moment_text(self.answered_at)!r}"] if self.answered_at else []
        return f"RestoreJobPage({counted(len(self), 'restore job')}, {', '.join(facts)})"

    def _repr_html_(self) -> str:
        """Return the first 100 jobs as a table for a notebook, with exact values on hover."""
        title = counted(len(self), "restore job")
        if len(self) > _SHOWN_JOBS:
            title += f"; the first {_SHOWN_JOBS} of them are shown"
        if self.next_token is not None:
            title += "; more pages follow"
        rows = list(map(_row, range(_SHOWN_JOBS), self.restore_jobs))
        for name, member in (("account", "account_id"), ("region", "region")):
            values = {getattr(job, member) for job in self}
            if len(values) == 1 and any(values):
                title += f"; {name} {values.pop()}"
                rows = [row | {name: None} for row in rows]
        return Table(title, rows).html()


def _row(number: int, job: RestoreJob) -> dict[str, object]:
    """Return the row of a job in the table of a page, by column names."""
    source = job.source_resource_arn or ""
    return {
        "": number,
        "status": status_cell(job.status, job.status_message),
        "job id": job.restore_job_id,
        "resource": Cell(job.resource_type or "", source, note=source.split(":", 5)[-1]),
        "created": job.creation_date,
        "done": None if job.is_terminal else job.percent_done,  # AWS may report 0 % for ended jobs
        "took": job.duration,
        "size": size_cell(job.backup_size_in_bytes),
        "validation": status_cell(job.validation_status, job.validation_status_message),
        "deletion": status_cell(job.deletion_status, job.deletion_status_message),
        "account": job.account_id,
        "region": job.region,
    }

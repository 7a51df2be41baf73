"""What a listing yields: restore jobs, and pages of them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic.alias_generators import to_pascal
from pydantic.dataclasses import dataclass
from pydantic_core import CoreSchema, core_schema

from restorejobs_client._display import (
    clipped,
    counted,
    job_html,
    moment,
    one_line,
    page_html,
    span,
)
from restorejobs_client._enums import (
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._errors import MalformedResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self


class _InUtc:
    """Any aware moment in, the same moment in UTC out.

    Numbers in JSON are epoch seconds; they come out of the parser in UTC, so nothing in Python
    runs for them. Only text with another offset, datetimes made in Python and moments before 1970
    (which pydantic reads wrong up to 2.14.0) are converted.
    """

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        aware = core_schema.datetime_schema(tz_constraint="aware")
        converted = core_schema.no_info_before_validator_function(
            _epoch_to_utc, core_schema.no_info_after_validator_function(_to_utc, aware)
        )
        in_utc = core_schema.datetime_schema(tz_constraint=0, ge=_EPOCH)
        utc_or_converted = core_schema.union_schema([in_utc, converted], mode="left_to_right")
        return core_schema.json_or_python_schema(utc_or_converted, converted)


def _epoch_to_utc(value: object) -> object:
    with suppress(ValueError):
        if isinstance(value, str):
            value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError, ValueError) as error:
            message = "epoch seconds outside the years 1 to 9999"
            raise ValueError(message) from error
    return value


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        message = f"{moment.isoformat()} is outside the years 1 to 9999 in UTC"
        raise ValueError(message) from error


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UtcDatetime = Annotated[datetime, _InUtc]

_CONFIG = ConfigDict(
    alias_generator=to_pascal,
    validate_by_alias=True,
    validate_by_name=True,
    val_temporal_unit="seconds",
)
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%?\s*")
_SHOWN = 80  # characters of a value that does not fit: enough to recognise it by
_TERMINAL = frozenset(
    {RestoreJobStatus.COMPLETED, RestoreJobStatus.ABORTED, RestoreJobStatus.FAILED}
)


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class RestoreJobCreator:
    """What started a restore job (AWS type `RestoreJobCreator`).

    Attributes:
        restore_testing_plan_arn: the restore testing plan that started it, if one did.
    """

    restore_testing_plan_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class RestoreJob:
    """One job that restores, or restored, a saved resource (AWS type `RestoreJobsListMember`).

    Every member is `None` where AWS sent nothing, which is the rule while a job is pending.
    Members that this release does not know are ignored. Datetimes are aware and in UTC.

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
        iam_role_arn: the role that restores.
        expected_completion_time_minutes: how long it is expected to take, in minutes.
        created_resource_arn: the resource that the job created.
        resource_type: such as `"EBS"`; compare it with `ResourceType`.
        recovery_point_creation_date: when the recovery point was created.
        is_parent: whether this is a parent (composite) job.
        parent_job_id: the id of the parent job.
        created_by: the restore testing plan that started the job.
        validation_status: the state of the validation of a restore test.
        validation_status_message: why it is in that state.
        deletion_status: the state of the removal of what a restore test created.
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
    creation_date: UtcDatetime | None = None
    completion_date: UtcDatetime | None = None
    status: RestoreJobStatus | None = None
    status_message: str | None = None
    percent_done: str | None = None
    backup_size_in_bytes: int | None = None
    iam_role_arn: str | None = None
    expected_completion_time_minutes: int | None = None
    created_resource_arn: str | None = None
    resource_type: str | None = None
    recovery_point_creation_date: UtcDatetime | None = None
    is_parent: bool | None = None
    parent_job_id: str | None = None
    created_by: RestoreJobCreator | None = None
    validation_status: RestoreValidationStatus | None = None
    validation_status_message: str | None = None
    deletion_status: RestoreDeletionStatus | None = None
    deletion_status_message: str | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended: its status is COMPLETED, ABORTED or FAILED."""
        return self.status in _TERMINAL

    @property
    def duration(self) -> timedelta | None:
        """The time from creation to completion; `None` unless both dates are known."""
        if self.creation_date is None or self.completion_date is None:
            return None
        return self.completion_date - self.creation_date

    @property
    def percent(self) -> float | None:
        """`percent_done` as a number from 0 to 100; `None` where it is missing or not a number.

        Never a sign of completion: AWS reports completed jobs with `"0.00%"`. Ask `status`.
        """
        match = _PERCENT.fullmatch(self.percent_done or "")
        return None if match is None else float(match[1])

    @property
    def region(self) -> str | None:
        """The AWS region of the job; `None` where no ARN of it names one.

        Taken from the backup vault's ARN, else the recovery point's, the created resource's, or
        the source's: a restore runs in the region of its vault.
        """
        for arn in (
            self.backup_vault_arn,
            self.recovery_point_arn,
            self.created_resource_arn,
            self.source_resource_arn,
        ):
            parts = (arn or "").split(":", 4)
            if len(parts) == 5 and parts[3]:  # noqa: PLR2004  # arn:partition:service:region:…
                return parts[3]
        return None

    def __repr__(self) -> str:
        """Return the job as one line: what it is and what became of it; `to_dict` has the rest."""
        return one_line(
            "RestoreJob",
            {
                "restore_job_id": self.restore_job_id,
                "resource_type": self.resource_type,
                "status": None if self.status is None else self.status.value,
                "creation_date": self.creation_date and f"{moment(self.creation_date)} UTC",
                "duration": None if self.duration is None else span(self.duration),
                "status_message": self.status_message and clipped(self.status_message),
            },
        )

    def _repr_html_(self) -> str:
        """Return the job as a table for a notebook, exact values on hover."""
        return job_html(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all 23 members by their snake_case names, `created_by` as a dict.

        The values are as they are here: datetimes, enum members (which are `str`), `None` for
        what is missing. `from_dict` reads it back as an equal job.
        """
        members: dict[str, Any] = _JOB.dump_python(self)
        return members

    def to_json(self) -> str:
        """Return `to_dict()` as one line of JSON, datetimes in ISO 8601 with `Z`."""
        return _JOB.dump_json(self).decode()

    @classmethod
    def from_dict(cls, job: Mapping[str, object]) -> Self:
        """Read a job as boto3 or the AWS CLI give it, or as `to_dict` and `to_json` made it.

        In `job`, AWS names (`RestoreJobId`) and snake_case names are both taken, dates as aware
        datetimes, epoch seconds or ISO 8601 with an offset. Unknown names are ignored.

        Raises:
            MalformedResponseError: if a value cannot be what its member is; the message says
                which. A naive datetime is one of those.

        Examples:
            >>> job = RestoreJob.from_dict({"RestoreJobId": "1A2B", "CreationDate": 1767225600})
            >>> job.creation_date.isoformat()
            '2026-01-01T00:00:00+00:00'
        """
        try:
            return _JOB.validate_python(job)  # type: ignore[return-value]  # no subclasses: slots
        except ValidationError as error:
            message = f"this is not a restore job: {what_is_wrong(error)}"
            raise MalformedResponseError(message) from error


@dataclass(frozen=True, slots=True, kw_only=True, config=_CONFIG)
class RestoreJobPage:
    """One page of a listing (AWS type `ListRestoreJobsOutput`).

    Attributes:
        restore_jobs: the jobs of the page; there may be none although more pages follow.
        next_token: AWS's token of the next page; `None` on the last page, and on a page that
            `limit` or `head` cut short (the token would skip the jobs that were cut).
    """

    restore_jobs: tuple[RestoreJob, ...] = ()
    next_token: str | None = None

    def __repr__(self) -> str:
        """Return how many jobs are on the page, and whether more pages follow."""
        more = f"next_token={clipped(self.next_token)!r}" if self.next_token else "no next_token"
        return f"RestoreJobPage({counted(len(self.restore_jobs))}, {more})"

    def _repr_html_(self) -> str:
        """Return the jobs as a table for a notebook, exact values on hover."""
        return page_html(self)


_JOB = TypeAdapter(RestoreJob)
_set_created_by = RestoreJob.__dict__["created_by"].__set__  # past the frozen class, as __init__
_set_iam_role_arn = RestoreJob.__dict__["iam_role_arn"].__set__


def share_what_repeats(jobs: tuple[RestoreJob, ...]) -> None:
    """Let jobs that have the same plan and role share them, before anyone has seen the jobs.

    Both are longer than the texts that pydantic shares: a quarter of the memory of a job.
    """
    creators: dict[str | None, RestoreJobCreator] = {}
    roles: dict[str, str] = {}
    for job in jobs:
        creator, role = job.created_by, job.iam_role_arn
        if creator is not None:
            shared = creators.setdefault(creator.restore_testing_plan_arn, creator)
            _set_created_by(job, shared)
        if role is not None:
            _set_iam_role_arn(job, roles.setdefault(role, role))


def what_is_wrong(error: ValidationError) -> str:
    """Say in one line where the first fault of a pydantic validation is, and what stands there."""
    fault = error.errors(include_url=False)[0]
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "json_invalid":  # the input would be the whole body
        return message
    place = ".".join(str(part) for part in fault["loc"] if not str(part).startswith("function-"))
    given = repr(fault["input"])
    if len(given) > _SHOWN:
        given = f"{given[:_SHOWN]}…"
    return f"{place or 'the whole'}: {message}, got {given}"

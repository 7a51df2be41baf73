"""Counting restore jobs in one pass."""

# No `from __future__ import annotations`: frameworks read these annotations.

import math
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, ClassVar, Final, TypeVar

from restorejobs_client._core.enums import (
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._models.jobs import RestoreJob

_Value = TypeVar("_Value")
# A status, a resource type and a message.
_Reason = tuple[str | None, str | None, str | None]

_MICROSECOND: Final = timedelta(microseconds=1)
_UNDATED: Final = datetime.min.replace(tzinfo=UTC)
_MAX_REASONS: Final = 1_000  # kept for each member, because messages may contain ids
_FAILED: Final = {  # the statuses that say that something failed
    "status": {"FAILED"},
    "validation_status": {"FAILED", "TIMED_OUT"},
    "deletion_status": {"FAILED"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDurations:
    """How long COMPLETED jobs took from creation to completion.

    Attributes:
        jobs: how many jobs were measured: those that have both dates, in the right order.
        median: the middle duration, or the mean of the two middle ones.
        p95: the shortest duration that at least 95 % of the jobs do not exceed (nearest rank).
        longest: the longest duration.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"ser_json_timedelta": "float"}  # as to_json

    jobs: int
    median: timedelta
    p95: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFailures:
    """Jobs with the same resource type that failed in the same status for the same reason.

    Attributes:
        jobs: how many jobs failed.
        member: what failed: `"status"` (the restore itself), `"validation_status"` or
            `"deletion_status"`.
        status: the status of the failure: `"FAILED"`, or `"TIMED_OUT"` for a validation.
        resource_type: the resource type of the jobs; `None` if they have none.
        message: the reason that AWS gives; `None` if it gives none.
        latest: the latest creation date among the jobs; `None` if no job has one.
        latest_job_id: the id of that job, or of the first job if none has a creation date.
    """

    jobs: int
    member: str
    status: str
    resource_type: str | None
    message: str | None
    latest: datetime | None
    latest_job_id: str | None


class Tally:
    """Counts jobs one by one."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str | None]] = {
            "status": Counter(dict.fromkeys(RestoreJobStatus, 0)),
            "resource_type": Counter(),
            "validation_status": Counter(dict.fromkeys(RestoreValidationStatus, 0)),
            "deletion_status": Counter(dict.fromkeys(RestoreDeletionStatus, 0)),
        }
        self._ended = self._parents = self._dated = self._sized = self._bytes = 0
        self._oldest: datetime | None = None
        self._newest: datetime | None = None
        self._durations: dict[str | None, array[int]] = {}  # microseconds, by resource type
        # How many jobs failed for each reason, and the latest of them.
        self._failures: dict[str, dict[_Reason, tuple[int, RestoreJob]]] = {
            member: {} for member in _FAILED
        }
        self._other_failures = dict.fromkeys(_FAILED, 0)

    def add(self, job: RestoreJob) -> None:
        """Count a job."""
        for member, counts in self._counts.items():
            counts[getattr(job, member)] += 1
        self._ended += job.is_terminal
        self._parents += job.is_parent is True
        if (created := job.creation_date) is not None:
            self._dated += 1
            self._oldest = min(self._oldest or created, created)
            self._newest = max(self._newest or created, created)
        if job.status == RestoreJobStatus.COMPLETED:
            self._add_completed(job)
        for member, failed in _FAILED.items():
            if getattr(job, member) in failed:
                self._add_failure(member, job)

    def _add_completed(self, job: RestoreJob) -> None:
        size, duration = job.backup_size_in_bytes, job.duration
        if size is not None and size >= 0:
            self._sized += 1
            self._bytes += size
        if duration is not None and duration >= timedelta(0):
            durations = self._durations.setdefault(job.resource_type, array("q"))
            durations.append(duration // _MICROSECOND)

    def _add_failure(self, member: str, job: RestoreJob) -> None:
        failures = self._failures[member]
        reason = (getattr(job, member), job.resource_type, getattr(job, f"{member}_message"))
        jobs, latest = failures.get(reason, (0, job))
        latest = max(latest, job, key=lambda one: one.creation_date or _UNDATED)
        failures[reason] = (jobs + 1, latest)
        if len(failures) == 2 * _MAX_REASONS:
            self._drop_rare_reasons(member)

    def _drop_rare_reasons(self, member: str) -> None:
        # Equally frequent reasons are sorted too, so that the order of the jobs does not matter.
        failures = self._failures[member]
        reasons = sorted(failures, key=lambda reason: (-failures[reason][0], repr(reason)))
        self._failures[member] = {reason: failures[reason] for reason in reasons[:_MAX_REASONS]}
        rare = reasons[_MAX_REASONS:]
        self._other_failures[member] += sum(failures[reason][0] for reason in rare)

    def summary(self) -> dict[str, Any]:
        """Return the attributes of a summary of the jobs."""
        statuses, types = self._counts["status"], self._counts["resource_type"]
        jobs, completed = statuses.total(), statuses["COMPLETED"]
        all_durations = array("q", chain.from_iterable(self._durations.values()))
        for member in _FAILED:
            self._drop_rare_reasons(member)
        return {
            "jobs": jobs,
            "by_status": _named(statuses),
            "by_resource_type": _named(dict(types.most_common())),
            "by_validation_status": _named(self._counts["validation_status"]),
            "by_deletion_status": _named(self._counts["deletion_status"]),
            "success_rate": completed / self._ended if self._ended else None,
            "duration": _measured(all_durations) if all_durations else None,
            "durations": _named({name: _measured(one) for name, one in self._durations.items()}),
            "bytes_restored": self._bytes,
            "oldest": self._oldest,
            "newest": self._newest,
            "failures": tuple(
                RestoreFailures(
                    jobs=failed,
                    member=member,
                    status=str(status),
                    resource_type=resource_type,
                    message=message,
                    latest=latest.creation_date,
                    latest_job_id=latest.restore_job_id,
                )
                for member, failures in self._failures.items()
                for (status, resource_type, message), (failed, latest) in failures.items()
            ),
            "other_failures": self._other_failures,
            "parents": self._parents,
            "without_status": statuses[None],
            "with_unknown_status": jobs - sum(statuses[one] for one in (*RestoreJobStatus, None)),
            "without_resource_type": types[None],
            "without_creation_date": jobs - self._dated,
            "without_duration": completed - len(all_durations),
            "without_size": completed - self._sized,
        }


def _named(values: Mapping[str | None, _Value]) -> dict[str, _Value]:
    return {str(name): value for name, value in values.items() if name is not None}


def _measured(microseconds: "array[int]") -> RestoreDurations:
    ordered = sorted(microseconds)
    count = len(ordered)
    middle_sum = ordered[(count - 1) // 2] + ordered[count // 2]
    return RestoreDurations(
        jobs=count,
        median=middle_sum * _MICROSECOND / 2,
        p95=ordered[math.ceil(0.95 * count) - 1] * _MICROSECOND,
        longest=ordered[-1] * _MICROSECOND,
    )

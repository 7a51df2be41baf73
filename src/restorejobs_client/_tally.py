"""Counting restore jobs in one pass."""

# No `from __future__ import annotations`: frameworks read these annotations.

import math
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from restorejobs_client._enums import (
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._models import RestoreJob

_Value = TypeVar("_Value")
_MICROSECOND: Final = timedelta(microseconds=1)
_REASONS: Final = 1_000  # the most that are kept of each member; messages may contain ids
_FAILED: Final[dict[str, frozenset[str]]] = {  # the statuses that say that something failed
    "status": frozenset({RestoreJobStatus.FAILED}),
    "validation_status": frozenset(
        {RestoreValidationStatus.FAILED, RestoreValidationStatus.TIMED_OUT}
    ),
    "deletion_status": frozenset({RestoreDeletionStatus.FAILED}),
}
_counted: Final[Callable[[RestoreJob], tuple[str | None, ...]]] = attrgetter(
    "status", "resource_type", "validation_status", "deletion_status"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDurations:
    """How long COMPLETED jobs took from creation to completion.

    Attributes:
        jobs: how many jobs were measured: those that have both dates, in the right order.
        median: the middle duration, or the mean of the two middle ones.
        p95: the shortest of the durations that at least 95 % of them do not exceed (nearest rank).
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
        resource_type: the resource type of the jobs; `None` where they have none.
        message: the reason that AWS gives; `None` where it gives none.
        latest: the latest creation date among the jobs; `None` where none has one.
        latest_job_id: the id of that job, or of the first job where none has a creation date.
    """

    jobs: int
    member: str
    status: str
    resource_type: str | None
    message: str | None
    latest: datetime | None
    latest_job_id: str | None


class _Reason(NamedTuple):
    """What jobs that failed alike have in common."""

    member: str
    status: str
    resource_type: str | None
    message: str | None


class _Failed(NamedTuple):
    """The jobs that failed for one reason."""

    jobs: int = 0
    latest: datetime | None = None
    latest_job_id: str | None = None


class Tally:
    """Counts jobs one by one."""

    def __init__(self) -> None:
        self._counts = Counter[tuple[str | None, ...]]()
        self._numbers = {
            "bytes_restored": 0,
            "parents": 0,
            "without_creation_date": 0,
            "without_duration": 0,
            "without_size": 0,
        }
        self._ended = 0
        self._dates: tuple[datetime | None, datetime | None] = (None, None)  # oldest, newest
        self._durations: dict[str | None, array[int]] = {}  # microseconds, by resource type
        self._failures: dict[str, dict[_Reason, _Failed]] = {member: {} for member in _FAILED}
        self._other_failures = dict.fromkeys(_FAILED, 0)

    def add(self, job: RestoreJob) -> None:
        """Count a job."""
        self._counts[_counted(job)] += 1
        if (created := job.creation_date) is None:
            self._numbers["without_creation_date"] += 1
        else:
            oldest, newest = self._dates
            self._dates = min(oldest or created, created), max(newest or created, created)
        self._numbers["parents"] += job.is_parent is True
        self._ended += job.is_terminal
        if job.status == RestoreJobStatus.COMPLETED:
            self._add_completed(job)
        for member, failed in _FAILED.items():
            if getattr(job, member) in failed:
                self._add_failure(member, job)

    def _add_completed(self, job: RestoreJob) -> None:
        size, duration = job.backup_size_in_bytes, job.duration
        if size is None or size < 0:
            self._numbers["without_size"] += 1
        else:
            self._numbers["bytes_restored"] += size
        if duration is None or duration < timedelta(0):
            self._numbers["without_duration"] += 1
        else:
            durations = self._durations.setdefault(job.resource_type, array("q"))
            durations.append(duration // _MICROSECOND)

    def _add_failure(self, member: str, job: RestoreJob) -> None:
        status, message = str(getattr(job, member)), getattr(job, f"{member}_message")
        reason = _Reason(member, status, job.resource_type, message)
        failures = self._failures[member]
        jobs, latest, latest_job_id = failures.get(reason, (0, None, job.restore_job_id))
        if (created := job.creation_date) and (latest is None or created > latest):
            latest, latest_job_id = created, job.restore_job_id
        failures[reason] = _Failed(jobs + 1, latest, latest_job_id)
        if len(failures) == 2 * _REASONS:
            self._drop_rare_reasons(member)

    def _drop_rare_reasons(self, member: str) -> None:
        # Equally frequent reasons are sorted too, so that the order of the jobs does not matter.
        reasons = sorted(
            self._failures[member].items(), key=lambda item: (-item[1].jobs, repr(item[0]))
        )
        self._failures[member] = dict(reasons[:_REASONS])
        self._other_failures[member] += sum(failed.jobs for _, failed in reasons[_REASONS:])

    def _counts_of(self, place: int) -> Counter[str | None]:
        counts = Counter[str | None]()
        for values, jobs in self._counts.items():
            counts[values[place]] += jobs
        return counts

    def summary(self) -> dict[str, Any]:
        """Return the attributes of a summary of the jobs."""
        statuses, types, validations, deletions = map(self._counts_of, range(4))
        all_durations = array("q", chain.from_iterable(self._durations.values()))
        known = {*RestoreJobStatus, None}
        oldest, newest = self._dates
        for member in _FAILED:
            self._drop_rare_reasons(member)
        return self._numbers | {
            "jobs": statuses.total(),
            "by_status": _named(dict.fromkeys(RestoreJobStatus, 0) | statuses),
            "by_resource_type": _named(dict(types.most_common())),
            "by_validation_status": _named(dict.fromkeys(RestoreValidationStatus, 0) | validations),
            "by_deletion_status": _named(dict.fromkeys(RestoreDeletionStatus, 0) | deletions),
            "success_rate": statuses["COMPLETED"] / self._ended if self._ended else None,
            "duration": _measured(all_durations) if all_durations else None,
            "durations": _named({name: _measured(one) for name, one in self._durations.items()}),
            "oldest": oldest,
            "newest": newest,
            "failures": tuple(
                RestoreFailures(**reason._asdict(), **failed._asdict())
                for failures in self._failures.values()
                for reason, failed in failures.items()
            ),
            "other_failures": self._other_failures,
            "without_status": statuses[None],
            "with_unknown_status": sum(statuses[one] for one in statuses.keys() - known),
            "without_resource_type": types[None],
        }


def _named(values: Mapping[str | None, _Value]) -> dict[str, _Value]:
    return {str(name): value for name, value in values.items() if name is not None}


def _measured(microseconds: "array[int]") -> RestoreDurations:
    ordered = sorted(microseconds)
    count = len(ordered)
    two_in_the_middle = ordered[(count - 1) // 2] + ordered[count // 2]
    return RestoreDurations(
        jobs=count,
        median=two_in_the_middle * _MICROSECOND / 2,
        p95=ordered[math.ceil(0.95 * count) - 1] * _MICROSECOND,
        longest=ordered[-1] * _MICROSECOND,
    )

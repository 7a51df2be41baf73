"""Counting restore jobs in one pass, and what is counted of them."""

# No `from __future__ import annotations`: frameworks read these annotations.

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, ClassVar, Final

from restorejobs_client._enums import (
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._models import RestoreJob
from restorejobs_client._text import clipped_repr

_NONE: Final = timedelta(0)
_MICROSECOND: Final = timedelta(microseconds=1)
_REASONS: Final = 1_000  # of each kind that are kept apart; messages may hold ids
_MEMBERS: Final = ("status", "validation_status", "deletion_status")  # that can fail
_FAILED_RESTORE: Final = frozenset({RestoreJobStatus.FAILED})
_FAILED_VALIDATION: Final = frozenset(
    {RestoreValidationStatus.FAILED, RestoreValidationStatus.TIMED_OUT}
)
_FAILED_DELETION: Final = frozenset({RestoreDeletionStatus.FAILED})


# As what they failed, of which resource type, and why.
_Reason = tuple[str, str | None, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDurations:
    """How long jobs took that are COMPLETED and have both dates, from creation to completion.

    Attributes:
        jobs: how many there are.
        median: the middle duration; of an even number, the mean of the two in the middle.
        p95: the shortest of their durations that 95 % of them do not exceed (nearest rank).
        longest: the longest.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {
        "ser_json_timedelta": "float"
    }  # in seconds, as in to_json

    jobs: int
    median: timedelta
    p95: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFailures:
    """Jobs that failed alike: in the same status, of the same resource type, for the same reason.

    Attributes:
        jobs: how many there are.
        member: what failed: `"status"` (the restore itself), `"validation_status"` or
            `"deletion_status"`.
        status: as what: `"FAILED"`, or the validation's `"TIMED_OUT"`.
        resource_type: of the jobs; `None` where they have none.
        message: the reason that AWS gives; `None` where it gives none.
        latest: the latest creation date among them.
        latest_job_id: the id of that job, or of the first that came where none has a date.
    """

    jobs: int
    member: str
    status: str
    resource_type: str | None
    message: str | None
    latest: datetime | None
    latest_job_id: str | None


class _Failed:
    """Jobs that failed for one reason: how many, and the latest of them."""

    def __init__(self) -> None:
        self.jobs = 0
        self.latest: datetime | None = None
        self.latest_job_id: str | None = None

    def add(self, job: RestoreJob) -> None:
        self.jobs += 1
        created = job.creation_date
        is_later = created is not None and (self.latest is None or created > self.latest)
        if is_later or self.jobs == 1:
            self.latest, self.latest_job_id = created, job.restore_job_id


class Tally:
    """What is counted of jobs, one by one."""

    def __init__(self) -> None:
        self._jobs = self._ended = self._bytes = 0
        self._statuses = Counter[str | None](dict.fromkeys(RestoreJobStatus, 0))
        self._validations = Counter[str | None](dict.fromkeys(RestoreValidationStatus, 0))
        self._deletions = Counter[str | None](dict.fromkeys(RestoreDeletionStatus, 0))
        self._resource_types = Counter[str | None]()
        self._dates: tuple[datetime, datetime] | None = None  # the oldest and the newest
        self._without_date = self._sized = self._parents = 0
        self._durations: dict[str | None, array[int]] = {}
        self._failures: dict[str, dict[_Reason, _Failed]] = {member: {} for member in _MEMBERS}
        self._other_failures: dict[str, int] = dict.fromkeys(_MEMBERS, 0)

    @staticmethod
    def check(job: object) -> None:
        """Refuse what is not a restore job."""
        if not isinstance(job, RestoreJob):
            message = f"{clipped_repr(job)} is not a RestoreJob: RestoreJob.from_dict makes one"
            raise InvalidRequestError(message)

    def add(self, job: RestoreJob) -> None:
        """Count a job."""
        self.check(job)
        self._jobs += 1
        self._statuses[job.status] += 1
        self._resource_types[job.resource_type] += 1
        self._validations[job.validation_status] += 1
        self._deletions[job.deletion_status] += 1
        created = job.creation_date
        if created is None:
            self._without_date += 1
        elif self._dates is None:
            self._dates = created, created
        else:
            oldest, newest = self._dates
            self._dates = min(oldest, created), max(newest, created)
        if job.is_terminal:
            self._ended += 1
        if job.is_parent:
            self._parents += 1
        if job.status == RestoreJobStatus.COMPLETED:
            self._add_completed(job)
        for member, status, message in _failed_members(job):
            self._add_failure(member, (status, job.resource_type, message), job)

    def _add_completed(self, job: RestoreJob) -> None:
        size, duration = job.backup_size_in_bytes, job.duration
        if size is not None and size >= 0:
            self._bytes += size
            self._sized += 1
        if duration is not None and duration >= _NONE:
            of_type = self._durations.setdefault(job.resource_type, array("q"))
            of_type.append(duration // _MICROSECOND)

    def _add_failure(self, member: str, reason: _Reason, job: RestoreJob) -> None:
        failures = self._failures[member]
        failures.setdefault(reason, _Failed()).add(job)
        if len(failures) == 2 * _REASONS:
            frequent = _most_frequent(failures)
            self._failures[member] = dict(frequent[:_REASONS])
            self._other_failures[member] += sum(failed.jobs for _, failed in frequent[_REASONS:])

    def summary(self) -> dict[str, Any]:
        """Return the members of a summary of what was counted."""
        known = frozenset(RestoreJobStatus)
        completed = self._statuses[RestoreJobStatus.COMPLETED]
        every_duration = array("q", chain.from_iterable(self._durations.values()))
        oldest, newest = self._dates or (None, None)
        types = dict(self._resource_types.most_common())
        return {
            "jobs": self._jobs,
            "by_status": _named(self._statuses),
            "by_resource_type": _named(types),
            "by_validation_status": _named(self._validations),
            "by_deletion_status": _named(self._deletions),
            "success_rate": completed / self._ended if self._ended else None,
            "duration": _durations(every_duration) if every_duration else None,
            "durations": {
                name: _durations(self._durations[name])
                for name in types
                if name is not None and name in self._durations
            },
            "bytes_restored": self._bytes,
            "oldest": oldest,
            "newest": newest,
            "failures": tuple(
                RestoreFailures(
                    jobs=failed.jobs,
                    member=member,
                    status=status,
                    resource_type=resource_type,
                    message=message,
                    latest=failed.latest,
                    latest_job_id=failed.latest_job_id,
                )
                for member in _MEMBERS
                for (status, resource_type, message), failed in self._kept(member)
            ),
            "other_failures": self._other_failures,
            "parents": self._parents,
            "without_status": self._statuses[None],
            "with_unknown_status": sum(
                count
                for status, count in self._statuses.items()
                if status is not None and status not in known
            ),
            "without_resource_type": self._resource_types[None],
            "without_creation_date": self._without_date,
            "without_duration": completed - len(every_duration),
            "without_size": completed - self._sized,
        }

    def _kept(self, member: str) -> list[tuple[_Reason, _Failed]]:
        frequent = _most_frequent(self._failures[member])
        self._other_failures[member] += sum(failed.jobs for _, failed in frequent[_REASONS:])
        return frequent[:_REASONS]


def _failed_members(job: RestoreJob) -> Iterator[tuple[str, str, str | None]]:
    """Yield each member that says that something failed, as what, and why."""
    for member, status, failed, message in (
        ("status", job.status, _FAILED_RESTORE, job.status_message),
        (
            "validation_status",
            job.validation_status,
            _FAILED_VALIDATION,
            job.validation_status_message,
        ),
        ("deletion_status", job.deletion_status, _FAILED_DELETION, job.deletion_status_message),
    ):
        if status is not None and status in failed:
            yield member, status.value, message


def _most_frequent(failures: Mapping[_Reason, _Failed]) -> list[tuple[_Reason, _Failed]]:
    """Return the reasons, the most frequent first; the same order whatever that of the jobs."""
    return sorted(
        failures.items(), key=lambda item: (-item[1].jobs, *(text or "" for text in item[0]))
    )


def _named(counter: Mapping[str | None, int]) -> dict[str, int]:
    return {str(name): count for name, count in counter.items() if name is not None}


def _durations(microseconds: "array[int]") -> RestoreDurations:
    ordered = sorted(microseconds)
    count = len(ordered)
    two_in_the_middle = ordered[(count - 1) // 2] + ordered[count // 2]
    return RestoreDurations(
        jobs=count,
        median=two_in_the_middle * _MICROSECOND / 2,
        p95=ordered[math.ceil(0.95 * count) - 1] * _MICROSECOND,
        longest=ordered[-1] * _MICROSECOND,
    )

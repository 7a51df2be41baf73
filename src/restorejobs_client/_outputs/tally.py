"""Counting restore jobs in one pass."""

# No `from __future__ import annotations`: frameworks read these annotations.

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import chain
from typing import Any, ClassVar, Final, TypeVar

from restorejobs_client._core.dates import datetime
from restorejobs_client._core.enums import (
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.jobs import TERMINAL, RestoreJob

_Value = TypeVar("_Value")
# A status, a resource type and a message without names and ids.
_Reason = tuple[str | None, str | None, str]

_MICROSECOND: Final = timedelta(microseconds=1)
_UNDATED: Final = datetime.min.replace(tzinfo=UTC)
_MAX_REASONS: Final = 1_000  # kept for each member, because messages may be all different
# What differs from job to job in a message: quoted words, words of five or more characters with a
# digit in them (but not S3 or 403), such as ids and ARNs, and words with two hyphens.
_NAME: Final = re.compile(
    r"""(['"`])\S+?\1|(?<![\w:./@-])(?=[\w:./@-]*[0-9])[\w:./@-]{4,}\w|\b[a-zA-Z]+-[a-zA-Z]+-[\w-]*"""
)
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

    Two messages are the same reason if they differ only in names and ids: words in quotes, words of
    five or more characters with a digit in them (such as ARNs), and words with two hyphens.

    Attributes:
        jobs: how many jobs failed.
        member: what failed: `"status"` (the restore itself), `"validation_status"` or
            `"deletion_status"`.
        status: the status of the failure: `"FAILED"`, or `"TIMED_OUT"` for a validation.
        resource_type: the resource type of the jobs; `None` if they have none.
        message: the reason as AWS words it for the latest job; `None` if it gives none.
        latest: the latest creation date among the jobs; `None` if no job has one.
        latest_job_id: the id of the latest job; the greatest id if several have that date.
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
        self._numbers = Counter[str]()  # the attributes of a summary that are numbers
        self._counts: dict[str, Counter[str | None]] = {
            "status": Counter(dict.fromkeys(RestoreJobStatus, 0)),
            "resource_type": Counter(),
            "validation_status": Counter(dict.fromkeys(RestoreValidationStatus, 0)),
            "deletion_status": Counter(dict.fromkeys(RestoreDeletionStatus, 0)),
        }
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
        self._numbers["jobs"] += 1
        self._numbers["parents"] += job.is_parent is True
        if (created := job.creation_date) is None:
            self._numbers["without_creation_date"] += 1
        else:
            self._oldest = min(self._oldest or created, created)
            self._newest = max(self._newest or created, created)
        if job.status == RestoreJobStatus.COMPLETED:
            self._add_completed(job)
        for member, failed in _FAILED.items():
            if getattr(job, member) in failed:
                self._add_failure(member, job)

    def _add_completed(self, job: RestoreJob) -> None:
        size, duration = job.backup_size_in_bytes, job.duration
        self._numbers["completed_with_issues"] += bool(job.status_message)
        if size is None or size < 0:
            self._numbers["without_size"] += 1
        else:
            self._numbers["bytes_restored"] += size
        if duration is None or duration < timedelta(0):
            self._numbers["without_duration"] += 1
        else:
            durations = self._durations.setdefault(job.resource_type, array("q"))
            # The dates of a caller may be of a subclass, and so may be what is between them.
            durations.append(timedelta.__floordiv__(duration, _MICROSECOND))

    def _add_failure(self, member: str, job: RestoreJob) -> None:
        def order(one: RestoreJob) -> tuple[datetime, str, str]:
            return one.creation_date or _UNDATED, one.restore_job_id or "", _message(member, one)

        failures = self._failures[member]
        reason = _NAME.sub("…", _message(member, job))
        key = (getattr(job, member), job.resource_type, reason)
        jobs, latest = failures.get(key, (0, job))
        failures[key] = (jobs + 1, max(latest, job, key=order))
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
        jobs, ended = statuses.total(), sum(statuses[status] for status in TERMINAL)
        all_durations = array("q", chain.from_iterable(self._durations.values()))
        for member in _FAILED:
            self._drop_rare_reasons(member)
        return {
            **self._numbers,
            "by_status": _named(statuses),
            "by_resource_type": _named(dict(types.most_common())),
            "by_validation_status": _named(self._counts["validation_status"]),
            "by_deletion_status": _named(self._counts["deletion_status"]),
            "success_rate": statuses["COMPLETED"] / ended if ended else None,
            "duration": _measured(all_durations) if all_durations else None,
            "durations": _named({name: _measured(one) for name, one in self._durations.items()}),
            "oldest": self._oldest,
            "newest": self._newest,
            "failures": tuple(
                RestoreFailures(
                    jobs=failed,
                    member=member,
                    status=str(status),
                    resource_type=resource_type,
                    message=_message(member, latest) or None,
                    latest=latest.creation_date,
                    latest_job_id=latest.restore_job_id,
                )
                for member, failures in self._failures.items()
                for (status, resource_type, _), (failed, latest) in failures.items()
            ),
            "other_failures": self._other_failures,
            "without_status": statuses[None],
            "with_unknown_status": jobs - sum(statuses[one] for one in (*RestoreJobStatus, None)),
            "without_resource_type": types[None],
        }


def _message(member: str, job: RestoreJob) -> str:
    return getattr(job, f"{member}_message") or ""


def checked_jobs(jobs: Iterable[object]) -> Iterator[RestoreJob]:
    """Yield the jobs. Anything that is not a job raises `InvalidRequestError`."""
    if not isinstance(jobs, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
        raise InvalidRequestError(f"{clipped_repr(jobs)} is refused: pass a list of jobs")
    for job in jobs:
        if not isinstance(job, RestoreJob):
            message = (
                f"{clipped_repr(job)} is not a RestoreJob: create one with RestoreJob.from_dict"
            )
            raise InvalidRequestError(message)
        yield job


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

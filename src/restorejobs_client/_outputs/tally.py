"""Counting restore jobs in one pass."""

# No `from __future__ import annotations`: frameworks read these annotations.

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from itertools import chain, islice
from operator import call
from typing import Any, ClassVar, Final, TypeVar

from restorejobs_client._core import enums
from restorejobs_client._core.dates import datetime
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.jobs import TERMINAL, RestoreJob

_Made = TypeVar("_Made")
_BATCH: Final = 1000  # jobs in hand, as many as AWS puts on a page
_MICROSECOND: Final = timedelta(microseconds=1)
_UNDATED: Final = datetime.min.replace(tzinfo=UTC)
_MAX_REASONS: Final = 1_000  # kept for each member, because messages may be all different
# What differs from job to job in a message: quoted words, words of five or more characters with a
# digit in them (but not S3 or 403), such as ids and ARNs, and words with two hyphens.
_NAME: Final = re.compile(
    r"""(['"`])\S+?\1|(?<![\w:./@-])(?=[\w:./@-]*[0-9])[\w:./@-]{4,}\w|\b[a-zA-Z]+-[a-zA-Z]+-[\w-]*"""
)
_MAY_FAIL: Final = ("status", "validation_status", "deletion_status")
_FAILED: Final = {"FAILED", "TIMED_OUT"}


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
        status: the status of the failure: `"FAILED"`, or `"TIMED_OUT"`, which AWS documents for
            validations.
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
        # The attributes of a summary that are counted or compared job by job.
        self._facts: dict[str, Any] = defaultdict(int, other_failures=dict.fromkeys(_MAY_FAIL, 0))
        self._counts: dict[str, Counter[str | None]] = {
            "status": Counter(dict.fromkeys(enums.RestoreJobStatus, 0)),
            "resource_type": Counter(),
            "validation_status": Counter(dict.fromkeys(enums.RestoreValidationStatus, 0)),
            "deletion_status": Counter(dict.fromkeys(enums.RestoreDeletionStatus, 0)),
        }
        # In microseconds, by resource type.
        self._durations: dict[str | None, array[int]] = defaultdict(lambda: array("q"))
        # By status, resource type, and message without names.
        self._failures = {member: dict[tuple[Any, ...], RestoreFailures]() for member in _MAY_FAIL}

    def add(self, job: RestoreJob) -> None:
        """Count a job."""
        for member, counts in self._counts.items():
            value = getattr(job, member)
            counts[value] += 1
            if value in _FAILED and member in self._failures:
                self._add_failure(member, str(value), job)
        facts, created = self._facts, job.creation_date
        facts["parents"] += job.is_parent is True
        facts["without_creation_date"] += created is None
        if created is not None:
            facts["oldest"] = min(facts["oldest"] or created, created)
            facts["newest"] = max(facts["newest"] or _UNDATED, created)  # refuses a naive date
        if job.status == "COMPLETED":
            size, duration = job.backup_size_in_bytes, job.duration
            facts["completed_with_issues"] += bool(job.status_message)
            facts["without_size"] += size is None or size < 0
            facts["bytes_restored"] += max(size or 0, 0)
            if duration is not None and duration >= timedelta(0):
                # The dates of a caller may be of a subclass, and so may be what is between them.
                microseconds = timedelta.__floordiv__(duration, _MICROSECOND)
                self._durations[job.resource_type].append(microseconds)

    def _add_failure(self, member: str, status: str, job: RestoreJob) -> None:
        failures = self._failures[member]
        failure = RestoreFailures(
            jobs=0,
            member=member,
            status=status,
            resource_type=job.resource_type,
            message=getattr(job, f"{member}_message") or None,
            latest=job.creation_date,
            latest_job_id=job.restore_job_id,
        )
        reason = status, job.resource_type, _NAME.sub("…", failure.message or "")
        known = failures.get(reason, failure)
        failures[reason] = replace(max(known, failure, key=_age), jobs=known.jobs + 1)
        if len(failures) == 2 * _MAX_REASONS:
            self._drop_rare_reasons(member)

    def _drop_rare_reasons(self, member: str) -> None:
        # Equally frequent reasons are sorted too, so that the order of the jobs does not matter.
        failures = self._failures[member].items()
        reasons = sorted(failures, key=lambda one: (-one[1].jobs, repr(one[0])))
        self._failures[member] = dict(reasons[:_MAX_REASONS])
        self._facts["other_failures"][member] += sum(one.jobs for _, one in reasons[_MAX_REASONS:])

    def summary(self) -> dict[str, Any]:
        """Return the attributes of a summary of the jobs."""
        statuses, types = self._counts["status"], self._counts["resource_type"]
        unknown = statuses.keys() - {*enums.RestoreJobStatus, None}
        ended = sum(statuses[status] for status in TERMINAL)
        durations = [*chain.from_iterable(self._durations.values())]
        for member in _MAY_FAIL:
            self._drop_rare_reasons(member)
        return {
            **self._facts,
            **{f"by_{member}": _named(counts) for member, counts in self._counts.items()},
            "by_resource_type": _named(dict(types.most_common())),
            "jobs": statuses.total(),
            "success_rate": statuses["COMPLETED"] / ended if ended else None,
            "duration": _measured(durations) if durations else None,
            "durations": _named({name: _measured(one) for name, one in self._durations.items()}),
            "failures": tuple(chain.from_iterable(one.values() for one in self._failures.values())),
            "without_duration": statuses["COMPLETED"] - len(durations),
            "without_status": statuses[None],
            "with_unknown_status": sum(statuses[status] for status in unknown),
            "without_resource_type": types[None],
        }


def checked_jobs(jobs: Iterable[object]) -> Iterator[RestoreJob]:
    """Yield the jobs. Anything that is not a job raises `InvalidRequestError`."""
    if not isinstance(jobs, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
        raise InvalidRequestError(f"{clipped_repr(jobs)} is refused: pass a list of jobs")
    for job in jobs:
        if not isinstance(job, RestoreJob):
            message = f"{clipped_repr(job)} is not a RestoreJob: make one with RestoreJob.from_dict"
            raise InvalidRequestError(message)
        yield job


def read_all(
    jobs: Iterable[RestoreJob], make: Callable[[Iterator[Iterable[RestoreJob]]], _Made]
) -> _Made:
    """Return what a function makes of all jobs. It gets them page by page.

    If it fails, nobody has the jobs that it has read: the iterator of a listing moves back then.
    """
    checked = checked_jobs(jobs)
    batches = iter(lambda: tuple(islice(checked, _BATCH)), ())
    pages: Iterator[Iterable[RestoreJob]] = getattr(jobs, "_job_pages", lambda: batches)()
    return _make_whole(jobs, lambda: _make_whole(pages, lambda: make(pages)))


def _make_whole(jobs: object, make: Callable[[], _Made]) -> _Made:
    made: Callable[[Callable[[], _Made]], _Made] = getattr(jobs, "_make_whole", call)
    return made(make)


def _age(failure: RestoreFailures) -> tuple[datetime, str, str]:
    return failure.latest or _UNDATED, failure.latest_job_id or "", failure.message or ""


def _named(values: Mapping[str | None, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in values.items() if name is not None}


def _measured(microseconds: Iterable[int]) -> RestoreDurations:
    ordered = sorted(microseconds)
    count = len(ordered)
    return RestoreDurations(
        jobs=count,
        median=(ordered[(count - 1) // 2] + ordered[count // 2]) * _MICROSECOND / 2,
        p95=ordered[(95 * count - 1) // 100] * _MICROSECOND,
        longest=ordered[-1] * _MICROSECOND,
    )

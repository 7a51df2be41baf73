"""What a listing says all together: counts, times, sizes, and what failed."""

from __future__ import annotations

import json
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final, Self

from restorejobs_client._enums import (
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client._html import (
    Cell,
    duration_cell,
    moment_cell,
    number_cell,
    size_cell,
    status_cell,
    table,
    text_cell,
)
from restorejobs_client._models import RestoreJob
from restorejobs_client._text import (
    counted,
    duration_text,
    moment_text,
    percentage_text,
    printable,
)

_NONE: Final = timedelta(0)
_MICROSECOND: Final = timedelta(microseconds=1)
_REASONS: Final = 1_000  # of each kind that are kept apart; messages may hold ids
_SHOWN_REASONS: Final = 8  # of each kind of failure
_MEMBERS: Final = ("status", "validation_status", "deletion_status")  # that can fail
_FAILED_RESTORE: Final = frozenset({RestoreJobStatus.FAILED})
_FAILED_VALIDATION: Final = frozenset(
    {RestoreValidationStatus.FAILED, RestoreValidationStatus.TIMED_OUT}
)
_FAILED_DELETION: Final = frozenset({RestoreDeletionStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDurations:
    """How long jobs took that are COMPLETED and have both dates, from creation to completion.

    Attributes:
        jobs: how many there are.
        median: the middle duration; of an even number, the mean of the two in the middle.
        p95: the shortest of their durations that 95 % of them do not exceed (nearest rank).
        longest: the longest.
    """

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreJobSummary:
    """What jobs say all together. Nothing is guessed: what a job does not say is counted as such.

    Durations and sizes are those of COMPLETED jobs, because a job that fails fast has restored
    nothing. Known statuses are always there, with 0 where no job has them.

    Attributes:
        jobs: how many there are.
        by_status: jobs by status; with the values that AWS adds later.
        by_resource_type: jobs by resource type, the most frequent first.
        by_validation_status: jobs by the state of their validation, of those that have one.
        by_deletion_status: jobs by the state of their deletion, of those that have one.
        success_rate: the share of COMPLETED jobs, from 0 to 1, among those that ended
            (COMPLETED, ABORTED, FAILED); `None` where none ended.
        duration: how long all COMPLETED jobs took; `None` where none has both dates.
        durations: the same by resource type, of the types that have any.
        bytes_restored: the sizes of all COMPLETED jobs, in bytes.
        oldest: the first creation date.
        newest: the last creation date.
        failures: what failed and why: restores, then validations, then deletions, each with the
            most frequent reason first, and 1,000 reasons of each at the most.
        other_failures: by member, the jobs that failed for rarer reasons than those. Where there
            are any, a number in `failures` may be too low by what is in here.
        parents: parent (composite) jobs. They and their children are all counted.
        without_status: jobs without a status.
        with_unknown_status: jobs in a status that this release does not name. It cannot say
            whether they ended, so the success rate leaves them out.
        without_resource_type: jobs without a resource type.
        without_creation_date: jobs without a creation date.
        without_duration: COMPLETED jobs that are in no duration: a date is missing, or they ended
            before they began.
        without_size: COMPLETED jobs that are not in `bytes_restored`: the size is missing or
            negative.
    """

    jobs: int
    by_status: Mapping[str, int]
    by_resource_type: Mapping[str, int]
    by_validation_status: Mapping[str, int]
    by_deletion_status: Mapping[str, int]
    success_rate: float | None
    duration: RestoreDurations | None
    durations: Mapping[str, RestoreDurations]
    bytes_restored: int
    oldest: datetime | None
    newest: datetime | None
    failures: tuple[RestoreFailures, ...]
    other_failures: Mapping[str, int]
    parents: int
    without_status: int
    with_unknown_status: int
    without_resource_type: int
    without_creation_date: int
    without_duration: int
    without_size: int

    @classmethod
    def from_jobs(cls, jobs: Iterable[RestoreJob]) -> Self:
        """Summarize `jobs`: a listing, what `parallel` or `gather` return, or any, in one pass.

        Nothing of a job is kept but eight bytes for its duration, which are sorted at the end.

        Raises:
            RestoreJobsError: as iterating over the jobs does; there is no summary of a part.
        """
        count = _Count()
        for job in jobs:
            count.add(job)
        return cls(**count.summary())

    def to_dict(self) -> dict[str, Any]:
        """Return all members by their names as dicts, tuples, datetimes and timedeltas."""
        return asdict(self)

    def to_json(self) -> str:
        """Return `to_dict()` as one line of JSON: dates in ISO 8601, durations in seconds."""
        return json.dumps(self.to_dict(), default=_in_json, ensure_ascii=False)

    def __str__(self) -> str:
        """Return the summary as text of several lines."""
        return "\n".join(_lines(self))

    def __repr__(self) -> str:
        """Return the summary as one line."""
        facts = [f"{name}: {shown}" for name, (shown, _) in _facts(self).items()]
        return f"RestoreJobSummary({'; '.join([counted(self.jobs, 'restore job'), *facts])})"

    def _repr_html_(self) -> str:
        """Return the summary as tables for a notebook, exact values on hover."""
        return _html(self)


def _in_json(value: datetime | timedelta) -> str | float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat().replace("+00:00", "Z")


class _Count:
    """What is counted while the jobs pass by."""

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

    def add(self, job: RestoreJob) -> None:
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


# As what they failed, of which resource type, and why.
_Reason = tuple[str, str | None, str | None]


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


def _most_frequent(failures: Mapping[_Reason, _Failed]) -> list[tuple[_Reason, _Failed]]:
    """Return the reasons, the most frequent first; the same order whatever that of the jobs."""
    return sorted(
        failures.items(), key=lambda item: (-item[1].jobs, *(text or "" for text in item[0]))
    )


def _named(counter: Mapping[str | None, int]) -> dict[str, int]:
    return {str(name): count for name, count in counter.items() if name is not None}


def _durations(microseconds: array[int]) -> RestoreDurations:
    ordered = sorted(microseconds)
    count = len(ordered)
    two_in_the_middle = ordered[(count - 1) // 2] + ordered[count // 2]
    return RestoreDurations(
        jobs=count,
        median=two_in_the_middle * _MICROSECOND / 2,
        p95=ordered[math.ceil(0.95 * count) - 1] * _MICROSECOND,
        longest=ordered[-1] * _MICROSECOND,
    )


def _lines(summary: RestoreJobSummary) -> Iterator[str]:
    yield counted(summary.jobs, "restore job")
    for name, (shown, _) in _facts(summary).items():
        yield f"  {name}: {shown}"
    for title, counts in _counts(summary).items():
        there = ", ".join(f"{count:,} {name}" for name, count in counts)
        yield printable(f"  {title.lower()}: {there}")
    if summary.by_resource_type:
        width = max(13, *map(len, summary.by_resource_type))
        names = "".join(f"{name:>13}" for name in ("median", "95 % within", "longest"))
        yield f"\n  {'resource type':<{width}} {'jobs':>9} {'measured':>9}{names}"
        for name, count in summary.by_resource_type.items():
            row = f"  {name:<{width}} {count:>9,}"
            if (took := summary.durations.get(name)) is not None:
                spans = "".join(
                    f"{duration_text(one):>13}" for one in (took.median, took.p95, took.longest)
                )
                row += f" {took.jobs:>9,}{spans}"
            yield printable(row)
    for what, failures, others in _kinds_of_failure(summary):
        yield f"\n  {what} that failed, and why"
        for failure in failures:
            of_type = failure.resource_type or "unknown type"
            why = failure.message or "no reason given"
            latest = "" if failure.latest is None else f" (latest {moment_text(failure.latest)})"
            yield printable(f"  {failure.jobs:>7,} {failure.status} {of_type}: {why}{latest}")
        if others:
            yield f"  {others:>7,} for other reasons"


def _html(summary: RestoreJobSummary) -> str:
    """Return a summary as a few small tables."""
    facts = [(Cell(name), Cell(*texts)) for name, texts in _facts(summary).items()]
    tables = [table(counted(summary.jobs, "restore job"), ("", ""), facts)]
    counts = [
        table(
            title, ("", "jobs"), [(status_cell(name), number_cell(count)) for name, count in there]
        )
        for title, there in _counts(summary).items()
    ]
    side_by_side = "display:flex;flex-wrap:wrap;gap:2em;align-items:flex-start"
    tables.append(f'<div style="{side_by_side}">{"".join(counts)}</div>')
    types = [
        (text_cell(name), number_cell(count), *_duration_cells(summary, name))
        for name, count in summary.by_resource_type.items()
    ]
    if types:
        names = ("resource type", "jobs", "measured", "median", "95 % within", "longest")
        tables.append(table("Time to restore", names, types))
    for what, reasons, others in _kinds_of_failure(summary):
        rows = [
            (
                number_cell(failure.jobs),
                status_cell(failure.status),
                text_cell(failure.resource_type),
                text_cell(failure.message),
                moment_cell(failure.latest),
                text_cell(failure.latest_job_id),
            )
            for failure in reasons
        ]
        if others:
            rest = Cell("for other reasons")
            rows.append((number_cell(others), Cell(), Cell(), rest, Cell(), Cell()))
        names = ("jobs", "", "resource type", "why", "latest (UTC)", "latest job id")
        tables.append(table(f"{what} that failed, and why", names, rows))
    return "".join(tables)


def _duration_cells(summary: RestoreJobSummary, resource_type: str) -> tuple[Cell, ...]:
    durations = summary.durations.get(resource_type)
    if durations is None:
        return (Cell(),) * 4
    return (number_cell(durations.jobs), *map(duration_cell, _three(durations)))


def _three(durations: RestoreDurations) -> tuple[timedelta, timedelta, timedelta]:
    return durations.median, durations.p95, durations.longest


def _facts(summary: RestoreJobSummary) -> dict[str, tuple[str, str]]:
    """Return what a summary says of all jobs together, as one reads it and exactly."""
    facts: dict[str, tuple[str, str]] = {}
    if summary.oldest is not None and summary.newest is not None:
        facts["created (UTC)"] = (
            f"{moment_text(summary.oldest)} to {moment_text(summary.newest)}",
            f"{summary.oldest.isoformat()} to {summary.newest.isoformat()}",
        )
    if summary.success_rate is not None:
        facts["succeeded"] = (
            f"{percentage_text(summary.success_rate)} of those that ended",
            f"{summary.success_rate}",
        )
    facts["restored"] = size_cell(summary.bytes_restored)[:2]
    if summary.duration is not None:
        median, p95, longest = map(duration_text, _three(summary.duration))
        facts["time to restore"] = (
            f"{median} median, {p95} for 95 %, {longest} longest",
            f"{summary.duration.jobs:,} completed jobs with both dates",
        )
    if summary.parents:
        facts["parents"] = (
            f"{counted(summary.parents, 'restore job')}, counted beside their children",
            "",
        )
    unknown = [
        f"{count:,} {what}"
        for count, what in (
            (summary.without_status, "without status"),
            (summary.with_unknown_status, "with a status that is new to this release"),
            (summary.without_resource_type, "without resource type"),
            (summary.without_creation_date, "without creation date"),
            (summary.without_duration, "completed without a duration"),
            (summary.without_size, "completed without size"),
        )
        if count
    ]
    if unknown:
        facts["not known"] = ("; ".join(unknown), "")
    return facts


def _counts(summary: RestoreJobSummary) -> dict[str, list[tuple[str, int]]]:
    """Return the statuses that jobs have, by what they are of."""
    counts = {
        "Status": summary.by_status,
        "Validation": summary.by_validation_status,
        "Deletion": summary.by_deletion_status,
    }
    there = {title: [pair for pair in of.items() if pair[1]] for title, of in counts.items()}
    return {title: pairs for title, pairs in there.items() if pairs}


def _kinds_of_failure(
    summary: RestoreJobSummary,
) -> Iterator[tuple[str, list[RestoreFailures], int]]:
    """Yield each kind of failure: the most frequent ones, and how many jobs failed otherwise."""
    for what, member in (
        ("Restores", "status"),
        ("Validations", "validation_status"),
        ("Deletions", "deletion_status"),
    ):
        failures = [failure for failure in summary.failures if failure.member == member]
        others = sum(failure.jobs for failure in failures[_SHOWN_REASONS:])
        if failures:
            yield what, failures[:_SHOWN_REASONS], others + summary.other_failures[member]

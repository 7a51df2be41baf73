"""What restore jobs say together, and how that looks as text and in a notebook."""

# No `from __future__ import annotations`: frameworks read these annotations.

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Self, TypeVar

from restorejobs_client._convert import json_value
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
from restorejobs_client._tally import RestoreDurations, RestoreFailures, Tally
from restorejobs_client._text import (
    counted,
    duration_text,
    moment_text,
    percentage_text,
    printable,
)

_SHOWN_REASONS: Final = 8  # of each kind of failure
_Key = TypeVar("_Key", bound=Hashable)


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
        """Summarize `jobs`, such as a listing or what `parallel` or `gather` return, in one pass.

        Nothing of a job is kept but eight bytes for its duration, which are sorted at the end.

        Raises:
            RestoreJobsError: as iterating over the jobs does; there is no summary of a part.
            InvalidRequestError: something in `jobs` is not a RestoreJob.
        """
        tally = Tally()
        for job in jobs:
            tally.add(job)
        return cls(**tally.summary())

    @classmethod
    def grouped(
        cls, jobs: Iterable[RestoreJob], key: Callable[[RestoreJob], _Key]
    ) -> dict[_Key, Self]:
        """Summarize `jobs` for each value of `key(job)`, in one pass.

        Args:
            jobs: as for `from_jobs`.
            key: says what a job belongs to, such as `lambda job: job.region`, its account, its
                plan, or the month of its creation.

        Returns:
            A summary for each value, in the order of their first jobs.

        Raises:
            RestoreJobsError: as iterating over the jobs does; there is no summary of a part.
            InvalidRequestError: something in `jobs` is not a RestoreJob.

        Examples:
            >>> jobs = [RestoreJob(resource_type="EBS"), RestoreJob(resource_type="EC2")]
            >>> by_type = RestoreJobSummary.grouped(jobs, lambda job: job.resource_type)
            >>> [(name, summary.jobs) for name, summary in by_type.items()]
            [('EBS', 1), ('EC2', 1)]
        """
        tallies: dict[_Key, Tally] = {}
        for job in jobs:
            Tally.check(job)
            tallies.setdefault(key(job), Tally()).add(job)
        return {name: cls(**tally.summary()) for name, tally in tallies.items()}

    def to_dict(self, *, mode: Literal["python", "json"] = "python") -> dict[str, Any]:
        """Return all members by their names.

        Args:
            mode: `"python"` gives dicts, tuples, datetimes and timedeltas. `"json"` gives what
                `json.dumps` takes: dates as text in ISO 8601 with `Z`, durations in seconds.
        """
        members = asdict(self)
        return members if mode == "python" else json_value(members)

    def to_json(self) -> str:
        """Return `to_dict(mode="json")` as one line of JSON."""
        return json.dumps(self.to_dict(mode="json"))

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

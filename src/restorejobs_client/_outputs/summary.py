"""Summaries of restore jobs, and how they are shown as text and in a notebook."""

# No `from __future__ import annotations`: frameworks read these annotations.

import json
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict, astuple, dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final, Literal, Self, TypeVar

from restorejobs_client._core.errors import MalformedResponseError
from restorejobs_client._core.table import Cell, Table, size_cell, status_cell
from restorejobs_client._core.text import counted, percentage_text
from restorejobs_client._models.convert import json_text
from restorejobs_client._models.jobs import RestoreJob
from restorejobs_client._outputs.tally import RestoreDurations, RestoreFailures, Tally, read_all

_SHOWN_REASONS: Final = 8  # for each kind of failure
_MEASURED: Final = ("measured", "median", "95 % within", "longest")
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreJobSummary:
    """Counts, times, sizes and failures of restore jobs.

    Parents (composite jobs) and their children are all counted as jobs. To count only the parents
    and jobs without one, pass `job for job in jobs if job.parent_job_id is None`.

    Nothing is guessed: jobs that lack a member are counted in the `without_…` attributes.
    Durations and sizes are those of COMPLETED jobs, because a job that failed has restored
    nothing. The statuses that this release knows are always in the counts, even with 0 jobs.

    Attributes:
        jobs: the number of jobs.
        by_status: jobs by status, including statuses that AWS adds later.
        by_resource_type: jobs by resource type, the most frequent first.
        by_validation_status: jobs by the status of their validation, if they have one.
        by_deletion_status: jobs by the status of their deletion, if they have one.
        completed_with_issues: COMPLETED jobs that have a status message. AWS's console calls backup
            jobs of this kind "Completed with issues". They count as COMPLETED everywhere else.
        success_rate: the share of COMPLETED jobs, from 0 to 1, among the jobs that have ended
            (COMPLETED, ABORTED, FAILED); `None` if none has ended.
        duration: how long the COMPLETED jobs took; `None` if none has both dates.
        durations: the same by resource type, for the types with such jobs.
        bytes_restored: the total size of the COMPLETED jobs, in bytes.
        oldest: the earliest creation date; `None` if no job has one.
        newest: the latest creation date; `None` if no job has one.
        failures: the failures of restores, then of validations, then of deletions. Each part has
            the most frequent reasons first, and at most 1,000 of them.
        other_failures: how many jobs failed for reasons that are not in `failures`, by member.
            Each count of that member in `failures` may be too low by up to this number.
        parents: the number of parent (composite) jobs.
        without_status: jobs without a status.
        with_unknown_status: jobs in a status that this release does not know. The success rate
            leaves them out, because they may or may not have ended.
        without_resource_type: jobs without a resource type.
        without_creation_date: jobs without a creation date.
        without_duration: COMPLETED jobs that are not in `duration`: a date is missing, or the job
            ended before it was created.
        without_size: COMPLETED jobs that are not in `bytes_restored`: the size is missing or
            negative.
    """

    jobs: int = 0
    by_status: Mapping[str, int]
    by_resource_type: Mapping[str, int]
    by_validation_status: Mapping[str, int]
    by_deletion_status: Mapping[str, int]
    completed_with_issues: int = 0
    success_rate: float | None
    duration: RestoreDurations | None
    durations: Mapping[str, RestoreDurations]
    bytes_restored: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    failures: tuple[RestoreFailures, ...]
    other_failures: Mapping[str, int]
    parents: int = 0
    without_status: int
    with_unknown_status: int
    without_resource_type: int
    without_creation_date: int = 0
    without_duration: int = 0
    without_size: int = 0

    @classmethod
    def from_jobs(cls, jobs: Iterable[RestoreJob]) -> Self:
        """Summarize `jobs`, such as a listing or the stream of `parallel` or `gather`, in one pass.

        Only the duration of each job is kept in memory, as eight bytes.

        Raises:
            RestoreJobsError: iterating over the jobs raised it. No partial summary is returned, so
                its `checkpoint` is where the summary began, as for `to_arrow`.
            InvalidRequestError: something in `jobs` is not a `RestoreJob`.
            MalformedResponseError: a value of a job does not fit its member, such as a naive date.
        """
        empty = cls(**Tally().summary())
        return cls.grouped(jobs, lambda _: None).get(None, empty)

    @classmethod
    def grouped(
        cls, jobs: Iterable[RestoreJob], key: Callable[[RestoreJob], _Key]
    ) -> dict[_Key, Self]:
        """Summarize `jobs` for each value of `key(job)`, in one pass.

        Args:
            jobs: as in `from_jobs`.
            key: returns the group of a job, such as `lambda job: job.region`, its account, its
                plan, or the month of its creation.

        Returns:
            A summary for each value, in the order of their first jobs.

        Raises:
            RestoreJobsError: iterating over the jobs raised it. No partial summary is returned, so
                its `checkpoint` is where the summary began, as for `to_arrow`.
            InvalidRequestError: something in `jobs` is not a `RestoreJob`.
            MalformedResponseError: a value of a job does not fit its member, such as a naive date.

        Examples:
            >>> jobs = [RestoreJob(resource_type="EBS"), RestoreJob(resource_type="EC2")]
            >>> by_type = RestoreJobSummary.grouped(jobs, lambda job: job.resource_type)
            >>> [(name, summary.jobs) for name, summary in by_type.items()]
            [('EBS', 1), ('EC2', 1)]
        """

        def count(pages: Iterable[Iterable[RestoreJob]]) -> dict[_Key, Self]:
            tallies: defaultdict[_Key, Tally] = defaultdict(Tally)
            for job in chain.from_iterable(pages):
                tally = tallies[key(job)]
                try:
                    tally.add(job)
                except (TypeError, ValueError) as error:  # the constructor does not check types
                    raise MalformedResponseError(f"{job!r} cannot be counted: {error}") from None
            return {group: cls(**tally.summary()) for group, tally in tallies.items()}

        return read_all(jobs, count)

    def to_dict(self, *, mode: Literal["python", "json"] = "python") -> dict[str, Any]:
        """Return all attributes by their names.

        Args:
            mode: `"python"` returns dicts, tuples, datetimes and timedeltas. `"json"` returns
                the same as `json.loads(summary.to_json())`.
        """
        return asdict(self) if mode == "python" else json.loads(self.to_json())

    def to_json(self) -> str:
        """Return all attributes by their names, as one line of JSON.

        Dates are text in ISO 8601 with `Z`, and durations are in seconds.
        """
        return json_text(self.to_dict())

    def __str__(self) -> str:
        """Return the summary as tables of text."""
        return "\n\n".join(table.text() for table in _tables(self))

    def __repr__(self) -> str:
        """Return the most important facts as one line."""
        facts = [" ".join(line.split()) for line in _facts(self).text().splitlines()]
        return f"RestoreJobSummary({'; '.join(facts)})"

    def _repr_html_(self) -> str:
        """Return the summary as tables for a notebook, with exact values on hover."""
        return "".join(table.html() for table in _tables(self))


def _tables(summary: RestoreJobSummary) -> list[Table]:
    tables = (
        _facts(summary),
        Table("Statuses", _status_rows(summary)),
        Table("Time to restore", _duration_rows(summary)),
        Table("Failures", _failure_rows(summary)),
    )
    return [table for table in tables if table.columns]


def _facts(summary: RestoreJobSummary) -> Table:
    rate = summary.success_rate
    ended = f"{percentage_text(rate or 0)} of those that ended"
    with_issues = f"{counted(summary.completed_with_issues, 'completed job')} with a status message"
    parents = f"{counted(summary.parents, 'job')}; they and their children are all counted"
    unknown = {
        "without status": summary.without_status,
        "with a status that is new to this release": summary.with_unknown_status,
        "without resource type": summary.without_resource_type,
        "without creation date": summary.without_creation_date,
        "completed without a duration": summary.without_duration,
        "completed without size": summary.without_size,
    }
    facts = {
        "oldest": summary.oldest,
        "newest": summary.newest,
        "succeeded": None if rate is None else Cell(ended, f"{rate}"),
        "with issues": with_issues if summary.completed_with_issues else None,
        "restored": size_cell(summary.bytes_restored),
        "parents": parents if summary.parents else None,
        "not known": "; ".join(f"{count:,} {what}" for what, count in unknown.items() if count),
    }
    return Table.of_facts(counted(summary.jobs, "restore job"), facts)


def _status_rows(summary: RestoreJobSummary) -> Iterator[dict[str, object]]:
    columns = {
        "restores": summary.by_status,
        "validations": summary.by_validation_status,
        "deletions": summary.by_deletion_status,
    }
    for status in dict.fromkeys(chain(*columns.values())):
        counts = {name: counts[status] for name, counts in columns.items() if counts.get(status)}
        if counts:
            yield {"status": status_cell(status), **counts}


def _duration_rows(summary: RestoreJobSummary) -> Iterator[dict[str, object]]:
    durations = {"all": summary.duration, **summary.durations}
    jobs = {"all": summary.jobs, **summary.by_resource_type} if summary.jobs else {}
    for name, count in jobs.items():
        took = durations.get(name)
        measured = zip(_MEASURED, astuple(took), strict=True) if took else ()
        yield {"resource type": name, "jobs": count, **dict(measured)}


def _failure_rows(summary: RestoreJobSummary) -> Iterator[Mapping[str, object]]:
    for member, others in summary.other_failures.items():
        failures = [failure for failure in summary.failures if failure.member == member]
        for failure in failures[:_SHOWN_REASONS]:
            row = {name.replace("_", " "): fact for name, fact in asdict(failure).items()}
            reason = row.pop("message") or "no reason given"
            yield row | {"status": status_cell(failure.status), "reason": reason}
        jobs = others + sum(failure.jobs for failure in failures[_SHOWN_REASONS:])
        if jobs:
            yield {"jobs": jobs, "member": member, "reason": "other reasons"}

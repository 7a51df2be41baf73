"""`RestoreJobSummary`: counts, missing values, failures, inputs and outputs."""

from __future__ import annotations

import itertools
import json
import pickle
import random
import statistics
import time
import tracemalloc
from collections import Counter
from dataclasses import FrozenInstanceError, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.memory_service import START, Service

from restorejobs_client import (
    MalformedResponseError,
    RestoreDeletionStatus,
    RestoreDurations,
    RestoreFailures,
    RestoreJob,
    RestoreJobStatus,
    RestoreJobSummary,
    RestoreValidationStatus,
    TransportError,
    gather,
)
from restorejobs_client.testing import sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = sample_jobs(3_000, seed=5)
SUMMARY = RestoreJobSummary.from_jobs(JOBS)


def words_of(summary: RestoreJobSummary) -> str:
    """Return the text of a summary with single spaces."""
    return " ".join(str(summary).split())


def completed(minutes: float, **members: Any) -> RestoreJob:
    """Return a completed job that took this many minutes."""
    given: dict[str, Any] = {
        "resource_type": "EBS",
        "status": RestoreJobStatus.COMPLETED,
        "creation_date": START,
        "completion_date": START + timedelta(minutes=minutes),
        "backup_size_in_bytes": 10,
    }
    return RestoreJob(**(given | members))


def test_jobs_are_counted_by_status_and_type() -> None:
    """A summary counts jobs by status, validation, deletion and resource type."""
    assert SUMMARY.jobs == len(JOBS)
    for counts, member in (
        (SUMMARY.by_status, "status"),
        (SUMMARY.by_validation_status, "validation_status"),
        (SUMMARY.by_deletion_status, "deletion_status"),
        (SUMMARY.by_resource_type, "resource_type"),
    ):
        expected = Counter(getattr(job, member) for job in JOBS)
        del expected[None]
        assert counts == expected
        assert {type(name) for name in counts} == {str}
    frequencies = list(SUMMARY.by_resource_type.values())
    assert frequencies == sorted(frequencies, reverse=True)


def test_success_rate_covers_ended_jobs() -> None:
    """Only ended jobs are in the success rate; all jobs are in the oldest and newest date."""
    ended = sum(SUMMARY.by_status[status] for status in ("COMPLETED", "ABORTED", "FAILED"))
    assert SUMMARY.success_rate == SUMMARY.by_status["COMPLETED"] / ended
    dates = [job.creation_date for job in JOBS if job.creation_date]
    assert (SUMMARY.oldest, SUMMARY.newest) == (min(dates), max(dates))


def test_known_statuses_are_always_counted() -> None:
    """Known statuses are counted even if no job has them, unknown ones only if a job does."""
    summary = RestoreJobSummary.from_jobs([RestoreJob(status=RestoreJobStatus("PAUSED"))])
    assert summary.by_status == dict.fromkeys(RestoreJobStatus, 0) | {"PAUSED": 1}
    assert set(summary.by_validation_status) == set(RestoreValidationStatus)
    assert set(summary.by_deletion_status) == set(RestoreDeletionStatus)
    assert summary.success_rate is None


def test_durations_and_bytes_cover_completed_jobs() -> None:
    """Only completed jobs are in the durations and in the restored bytes."""
    done = [job for job in JOBS if job.status == "COMPLETED"]
    assert SUMMARY.bytes_restored == sum(job.backup_size_in_bytes or 0 for job in done)
    durations = sorted(job.duration for job in done if job.resource_type == "EBS" and job.duration)
    ebs = SUMMARY.durations["EBS"]
    assert (ebs.jobs, ebs.longest) == (len(durations), durations[-1])
    median = statistics.median(duration.total_seconds() for duration in durations)
    assert ebs.median.total_seconds() == pytest.approx(median, abs=1e-6)
    assert ebs.p95 in durations
    assert sum(duration < ebs.p95 for duration in durations) < 0.95 * len(durations)
    assert sum(duration <= ebs.p95 for duration in durations) >= 0.95 * len(durations)
    assert SUMMARY.duration is not None
    assert SUMMARY.duration.jobs == sum(job.duration is not None for job in done)


@pytest.mark.parametrize(
    ("minutes", "median", "p95"),
    [([7], 7, 7), ([4, 1], 2.5, 4), ([3, 1, 2], 2, 3), (range(1, 101), 50.5, 95)],
)
def test_median_and_p95_are_exact(minutes: Any, median: float, p95: float) -> None:
    """The median is the middle value, or the mean of the middle two; p95 is the nearest rank."""
    summary = RestoreJobSummary.from_jobs(map(completed, minutes))
    assert summary.durations == {
        "EBS": RestoreDurations(
            jobs=len(minutes),
            median=timedelta(minutes=median),
            p95=timedelta(minutes=p95),
            longest=timedelta(minutes=max(minutes)),
        )
    }
    assert summary.duration == summary.durations["EBS"]


def test_missing_values_are_counted() -> None:
    """Missing values are counted and shown, and never guessed."""
    summary = RestoreJobSummary.from_jobs(
        [
            RestoreJob(),
            completed(1),
            completed(2, completion_date=None),
            completed(3, creation_date=None),
            completed(4, backup_size_in_bytes=None),
            completed(5, backup_size_in_bytes=0),
            completed(-1, backup_size_in_bytes=-1),
            completed(6, resource_type=None),
            completed(600, status=RestoreJobStatus.FAILED),
        ]
    )
    assert summary.without_status == 1
    assert summary.without_resource_type == 2
    assert summary.without_creation_date == 2
    assert summary.without_duration == 3
    assert summary.without_size == 2
    assert summary.bytes_restored == 40
    assert summary.duration is not None
    assert summary.duration.jobs == 4
    assert summary.duration.longest == timedelta(minutes=6)
    assert summary.durations["EBS"].jobs == 3
    assert summary.success_rate == 7 / 8
    for text in (str(summary), summary._repr_html_()):
        assert (
            "1 without status; 2 without resource type; 2 without creation date; "
            "3 completed without a duration; 2 completed without size"
        ) in text


def test_unknown_statuses_are_counted() -> None:
    """Jobs in an unknown status are not in the success rate, and the text says so."""
    unknown = RestoreJob(status=RestoreJobStatus("EXPIRED"))
    summary = RestoreJobSummary.from_jobs([completed(1), *[unknown] * 99])
    assert (summary.success_rate, summary.with_unknown_status) == (1, 99)
    assert "99 with a status that is new to this release" in str(summary)


def test_parents_are_counted() -> None:
    """Parents and their children are both counted, and the text says so."""
    summary = RestoreJobSummary.from_jobs([completed(1, is_parent=True), completed(1)])
    assert (summary.jobs, summary.parents, summary.bytes_restored) == (2, 1, 20)
    assert "1 job; they and their children are all counted" in str(summary)


def test_completed_jobs_with_a_message_are_counted() -> None:
    """COMPLETED jobs that have a status message have issues; the text says how many there are."""
    issue = completed(1, status_message="Some tags were not restored.")
    pending = replace(issue, status=RestoreJobStatus.PENDING)
    summary = RestoreJobSummary.from_jobs(
        [issue, completed(1), completed(1, status_message=""), pending, failed("No disk left.")]
    )
    assert (summary.completed_with_issues, summary.by_status["COMPLETED"]) == (1, 3)
    assert "with issues 1 completed job with a status message" in words_of(summary)
    without = RestoreJobSummary.from_jobs([completed(1)])
    assert without.completed_with_issues == 0
    assert "with issues" not in str(without)


def test_summary_of_no_jobs_is_empty() -> None:
    """A summary of no jobs has no rate, no durations and no dates."""
    summary = RestoreJobSummary.from_jobs([])
    assert summary.jobs == summary.bytes_restored == 0
    assert (summary.success_rate, summary.duration, summary.oldest, summary.newest) == (None,) * 4
    assert (summary.durations, summary.failures) == ({}, ())
    assert str(summary) == "0 restore jobs\n  restored  0 B"
    assert "0 restore jobs" in summary._repr_html_()


def test_text_has_every_resource_type() -> None:
    """The text has a line for each resource type, even for a type without durations."""
    jobs = [completed(1), completed(2, status=RestoreJobStatus.FAILED, resource_type="S3")]
    lines = [line.split() for line in str(RestoreJobSummary.from_jobs(jobs)).splitlines()]
    assert ["EBS", "1", "1", "1", "min", "1", "min", "1", "min"] in lines
    assert ["S3", "1"] in lines


# Failures


def failed(message: str, **members: Any) -> RestoreJob:
    return RestoreJob(status=RestoreJobStatus.FAILED, status_message=message, **members)


def in_letters(number: int) -> str:
    """Return a word that is not taken for a name or an id."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


@pytest.mark.parametrize(
    "messages",
    [
        [f"Volume vol-0{number:016x} is gone." for number in (1, 2, 2**60)],
        [
            "Table orders-restored-q already exists.",
            "Table awsbackup-restore-test-x already exists.",
        ],
        ['Bucket "orders" is not empty.', 'Bucket "billing" is not empty.'],
        ["Table 'orders'", "Table 'billing'"],
        [
            "Access denied to arn:aws:kms:eu-west-1:111122223333:key/1a (Request ID: 5-a9.c0)",
            "Access denied to arn:aws:kms:us-east-1:444455556666:key/2b (Request ID: 7-b3.d1)",
        ],
        [
            "No answer since 2026-01-31T02:00:00Z, job 1A2B3",
            "No answer since 2026-02-01, job AB12C",
        ],
    ],
)
def test_messages_that_differ_in_names_are_one_reason(messages: list[str]) -> None:
    """Failures are grouped without names and ids, and keep the latest job's message verbatim."""
    jobs = [
        failed(text, creation_date=START + timedelta(days=n)) for n, text in enumerate(messages)
    ]
    for ordered in (jobs, jobs[::-1]):
        (failure,) = RestoreJobSummary.from_jobs(ordered).failures
        assert (failure.jobs, failure.message) == (len(jobs), messages[-1])


def test_messages_of_different_reasons_stay_apart() -> None:
    """Words, short codes, actions and services make a difference; so do types and statuses."""
    messages = [
        "Access denied to kms:Decrypt.",
        "Access denied to kms:CreateGrant.",
        "S3 answered with 403.",
        "S3 answered with 503.",
        "RDS answered with 403.",
        "Cross-account restores are off.",
        "Cross-region restores are off.",
        "The customer's key is gone.",
        "The customer's role is gone.",
    ]
    jobs = [failed(text) for text in messages]
    jobs += [failed(messages[0], resource_type="EBS"), completed(1, deletion_status="FAILED")]
    summary = RestoreJobSummary.from_jobs(jobs)
    assert [failure.jobs for failure in summary.failures] == [1] * len(jobs)
    assert {failure.message for failure in summary.failures} == {*messages, None}


@pytest.mark.parametrize("piece", ["a.", "a", "5", "-", "a-", "'", "'a\"", "1 ", "a-b-", " ", "`"])
def test_long_messages_take_linear_time(piece: str) -> None:
    """A message of half a million characters is grouped at once."""
    started = time.perf_counter()
    RestoreJobSummary.from_jobs([failed(piece * (500_000 // len(piece)))])
    assert time.perf_counter() - started < 1


def test_failures_have_their_reason_and_latest_job() -> None:
    """Failures are grouped by what failed and why, each with its latest job."""

    def rds(number: int, hours: float | None, **members: Any) -> RestoreJob:
        created = None if hours is None else START + timedelta(hours=hours)
        return RestoreJob(
            restore_job_id=f"job-{number}", creation_date=created, resource_type="RDS", **members
        )

    restore = {"status": RestoreJobStatus.FAILED, "status_message": "Table already exists."}
    late = {"validation_status": RestoreValidationStatus.TIMED_OUT}
    summary = RestoreJobSummary.from_jobs(
        [
            rds(1, 1, **late),
            rds(2, 5, **late),
            rds(3, None, **late),
            rds(4, None, **restore),
            rds(5, 2, **restore, deletion_status=RestoreDeletionStatus.FAILED),
            rds(6, 1, status=RestoreJobStatus.ABORTED),
        ]
    )
    assert summary.failures[0] == RestoreFailures(
        jobs=2,
        member="status",
        status="FAILED",
        resource_type="RDS",
        message="Table already exists.",
        latest=START + timedelta(hours=2),
        latest_job_id="job-5",
    )
    assert [
        (failure.jobs, failure.member, failure.status, failure.message, failure.latest_job_id)
        for failure in summary.failures[1:]
    ] == [
        (3, "validation_status", "TIMED_OUT", None, "job-2"),
        (1, "deletion_status", "FAILED", None, "job-5"),
    ]
    words = words_of(summary)
    assert "2 status FAILED RDS 2026-01-01 02:00:00 UTC job-5 Table already exists." in words
    assert "3 validation_status TIMED_OUT RDS 2026-01-01 05:00:00 UTC job-2 no reason" in words


def test_every_failure_is_counted() -> None:
    """The counts of the failures add up, in the summary and in its text."""
    restores = [failure for failure in SUMMARY.failures if failure.member == "status"]
    assert sum(failure.jobs for failure in restores) == SUMMARY.by_status["FAILED"]
    rows = [line.split() for line in str(SUMMARY).split("\nFailures\n")[1].splitlines()]
    counts = [int(row[0].replace(",", "")) for row in rows if row[1] == "status"]
    assert sum(counts) == SUMMARY.by_status["FAILED"]
    assert len(counts) == 9


def test_frequent_failures_are_kept() -> None:
    """Many rare reasons hide neither a frequent reason nor another kind of failure."""
    rare = [failed(f"Volume {in_letters(number)} is gone.") for number in range(5_000)]
    frequent = failed("No disk left.")
    invalid = completed(
        1,
        validation_status=RestoreValidationStatus.FAILED,
        validation_status_message="Row counts differ.",
    )
    summary = RestoreJobSummary.from_jobs([*rare, *[frequent] * 50, *rare, *[invalid] * 20])
    assert (summary.failures[0].message, summary.failures[0].jobs) == ("No disk left.", 50)
    kinds = Counter(failure.member for failure in summary.failures)
    assert kinds == {"status": 1_000, "validation_status": 1}
    restores = sum(reason.jobs for reason in summary.failures if reason.member == "status")
    assert restores + summary.other_failures["status"] == 10_050
    assert "20 validation_status FAILED EBS 2026-01-01 00:00:00 UTC Row" in words_of(summary)


def test_order_of_jobs_makes_no_difference() -> None:
    """The same jobs in another order give an equal summary."""
    jobs = [completed(1), *(failed(f"Volume vol-{number} is gone.") for number in range(10))]
    assert RestoreJobSummary.from_jobs(jobs) == RestoreJobSummary.from_jobs(reversed(jobs))


def test_memory_is_constant() -> None:
    """A summary keeps no jobs, and only a limited number of reasons."""
    rng = random.Random(3)  # noqa: S311  # not cryptographic
    jobs = (
        failed(f"Volume {in_letters(number)} is gone.")
        if number % 2
        else completed(rng.random() * 600)
        for number in range(20_000)
    )
    tracemalloc.start()
    summary = RestoreJobSummary.from_jobs(jobs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(summary.failures) == 1_000
    assert summary.other_failures["status"] == 9_000
    assert "9,992 status other reasons" in words_of(summary)
    assert peak < 2_000_000


# Inputs and outputs


def test_grouped_makes_a_summary_for_each_key() -> None:
    """`grouped` gives the summaries of `from_jobs`, in the order of the first job of each key."""
    groups = RestoreJobSummary.grouped(iter(JOBS), lambda job: job.resource_type)
    assert list(groups) == list(dict.fromkeys(job.resource_type for job in JOBS))
    for kind, summary in groups.items():
        jobs = [job for job in JOBS if job.resource_type == kind]
        assert summary == RestoreJobSummary.from_jobs(jobs)


def test_listings_and_streams_are_summarized() -> None:
    """Listings, iterators and streams give the summary of their jobs."""

    listing = Service(JOBS).listing(max_results=500)
    for jobs in (listing, iter(listing), listing.parallel(4), gather(listing)):
        assert RestoreJobSummary.from_jobs(jobs) == SUMMARY


@pytest.mark.parametrize(
    "members",
    [
        {"creation_date": datetime(2026, 1, 1)},  # noqa: DTZ001  # intentional
        {"creation_date": "2026-01-01"},
        {"backup_size_in_bytes": "12"},
        {"status": "FAILED", "status_message": 5},
        {"status": []},
    ],
)
def test_value_of_the_wrong_type_is_refused(members: dict[str, Any]) -> None:
    """The constructor of a job does not check types, so a summary says which job is wrong."""
    job = completed(5)
    wrong = replace(job, **members)
    with pytest.raises(MalformedResponseError, match=r"^RestoreJob\(.* cannot be counted: "):
        RestoreJobSummary.from_jobs([job, wrong])


def test_naive_dates_alone_are_refused() -> None:
    """Dates without a time zone are refused even if no other date shows that they are wrong."""
    naive = RestoreJob(creation_date=datetime(2026, 1, 1))  # noqa: DTZ001  # intentional
    with pytest.raises(MalformedResponseError, match="cannot be counted"):
        RestoreJobSummary.from_jobs([naive, naive])


@pytest.mark.parametrize("is_iterator", [False, True], ids=["listing", "iterator"])
@pytest.mark.parametrize("way", ["from_jobs", "grouped", "head"])
def test_failed_summary_begins_again(*, is_iterator: bool, way: str) -> None:
    """Nobody has the jobs of a summary that failed, so its checkpoint is where it began."""
    service = Service(JOBS[:50], order="given")
    numbers = itertools.count(1)

    def fail(_: object) -> None:
        if next(numbers) == 3:
            raise TransportError("reset")

    service.before_answer = fail
    jobs: Any = service.listing(max_results=10)
    ways: dict[str, Callable[[], Any]] = {
        "from_jobs": lambda: RestoreJobSummary.from_jobs(jobs),
        "grouped": lambda: RestoreJobSummary.grouped(jobs, lambda job: job.region),
        "head": lambda: service.listing(max_results=10).head(50),
    }
    expected = JOBS[:50]
    if is_iterator and way != "head":
        jobs = iter(jobs)
        assert next(jobs) == expected.pop(0)
    with pytest.raises(TransportError) as caught:
        ways[way]()
    assert list(service.listing(resume_from=caught.value.checkpoint)) == expected
    if is_iterator:
        assert list(jobs) == expected


def test_error_while_listing_ends_the_summary() -> None:
    """A listing that fails raises its error instead of giving a partial summary."""
    service = Service(JOBS)

    def fail(parameters: dict[str, Any]) -> None:
        if "NextToken" in parameters:
            message = "damaged"
            raise MalformedResponseError(message)

    service.before_answer = fail
    with pytest.raises(MalformedResponseError):
        RestoreJobSummary.from_jobs(service.listing(max_results=100))


@pytest.mark.parametrize("value", [SUMMARY, SUMMARY.duration, SUMMARY.failures[0]])
def test_summaries_are_immutable_values(value: Any) -> None:
    """Summaries, durations and failures are frozen, and they pickle."""
    with pytest.raises(FrozenInstanceError):
        value.jobs = 1
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301  # our own


def test_durations_and_failures_are_hashable() -> None:
    """Equal durations and equal failures have equal hashes."""
    assert hash(SUMMARY.failures) == hash(RestoreJobSummary.from_jobs(JOBS).failures)
    assert hash(SUMMARY.duration) == hash(RestoreJobSummary.from_jobs(JOBS).duration)


def test_repr_is_one_line() -> None:
    """The repr has the number of jobs and the facts that the text begins with."""
    assert "\n" not in repr(SUMMARY)
    assert repr(SUMMARY).startswith("RestoreJobSummary(3,000 restore jobs; oldest 2026-")


def test_to_dict_and_to_json_have_every_member() -> None:
    """`to_dict` keeps Python values; JSON has dates in ISO 8601 and durations in seconds."""
    members = SUMMARY.to_dict()
    assert list(members) == [field.name for field in fields(SUMMARY)]
    assert members["by_status"] == SUMMARY.by_status
    assert members["durations"]["EBS"]["median"] == SUMMARY.durations["EBS"].median
    assert members["failures"][0]["jobs"] == SUMMARY.failures[0].jobs
    read = json.loads(SUMMARY.to_json())
    assert list(read) == list(members)
    assert datetime.fromisoformat(read["oldest"]) == SUMMARY.oldest
    assert read["durations"]["EBS"]["p95"] == SUMMARY.durations["EBS"].p95.total_seconds()

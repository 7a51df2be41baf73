"""Watching: which jobs are followed, what is yielded, what is requested, and how a watch ends."""

from __future__ import annotations

import asyncio
import itertools
import math
import operator
import signal
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.generating import examples
from support.memory_service import Service, job, listing_of
from support.terminal import Terminal
from typing_extensions import override

from restorejobs_client import (
    AccessDeniedException,
    InvalidRequestError,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobsError,
    RestoreJobStatus,
    RestoreJobWatch,
    TransportError,
    WatchTimeoutError,
)
from restorejobs_client._core.interrupts import Bell, _in_child
from restorejobs_client.testing import FakeBackup, _InstantClock, fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from restorejobs_client._core.clock import Clock

    Iterate = Callable[[RestoreJobWatch], list[RestoreJob]]

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly"
STATES: dict[str, dict[str, Any]] = {
    "pending": {"status": RestoreJobStatus.PENDING},
    "running": {"status": RestoreJobStatus.RUNNING},
    "half done": {"status": RestoreJobStatus.RUNNING, "percent_done": "50.00%"},
    "failed": {"status": RestoreJobStatus.FAILED, "status_message": "No such subnet"},
    "completed": {"status": RestoreJobStatus.COMPLETED},
}


def a_job(name: str, state: str = "running", *, minutes: float = 0, **members: Any) -> RestoreJob:
    """Return a job that was created this many minutes after noon."""
    members = {"creation_date": NOON + timedelta(minutes=minutes), **STATES[state], **members}
    return RestoreJob(restore_job_id=name, **members)


def seen(watch: Iterable[RestoreJob]) -> list[str]:
    """Return the id and the state of each job that a watch yields."""
    return [f"{listed.restore_job_id} {state_of(listed)}" for listed in watch]


def state_of(listed: RestoreJob) -> str:
    return "half done" if listed.percent_done else str(listed.status).lower()


class SkippedTime(_InstantClock):
    """Counts only skipped seconds, so that a slow machine changes no result."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0

    @override
    def now(self) -> float:
        return self._seconds

    @override
    def sleep(self, seconds: float) -> float:
        self._seconds += seconds
        return super().sleep(seconds)


@pytest.fixture(autouse=True)
def _no_endless_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test whose watch should have ended, instead of waiting forever."""
    sleep, sleeps = _InstantClock.sleep, Counter[_InstantClock]()

    def count(clock: _InstantClock, seconds: float) -> float:
        sleeps[clock] += 1
        assert sleeps[clock] < 1_000, "the watch does not end"
        return sleep(clock, seconds)

    monkeypatch.setattr(_InstantClock, "sleep", count)


def listing(backup: FakeBackup, **parameters: Any) -> RestoreJobs:
    return backup.client().list_restore_jobs(**parameters)


def timed_listing(backup: FakeBackup, clock: Clock) -> RestoreJobs:
    client = backup.client()
    client._new_clock = lambda: clock  # noqa: SLF001  # as the fake does
    return client.list_restore_jobs()


async def collected(watch: RestoreJobWatch) -> list[RestoreJob]:
    return [job async for job in watch]


@pytest.fixture(params=["for", "async for"])
def iterate(request: pytest.FixtureRequest) -> Iterate:
    """Iterate over a watch in one of the two ways."""
    return list if request.param == "for" else lambda watch: asyncio.run(collected(watch))


# What is yielded


def test_yields_every_listed_job_with_all_its_members(backup: FakeBackup) -> None:
    """The first round yields every job of the listing, unchanged."""
    jobs = [job for job in sample_jobs(250) if job.is_terminal]
    backup.seed(jobs)
    assert list(listing(backup, max_results=100).watch()) == jobs


@pytest.mark.parametrize(
    "change",
    [
        {"status": RestoreJobStatus.PENDING},
        {"percent_done": "12.00%"},
        {"status_message": "A little later"},
        {"created_by": RestoreJobCreator(restore_testing_plan_arn=PLAN)},
        {"validation_status": "VALIDATING"},
    ],
    ids=str,
)
def test_yields_a_job_again_when_any_member_changes(
    backup: FakeBackup, change: dict[str, Any]
) -> None:
    """A job is yielded again when any of its members has changed."""
    first, last = a_job("a"), a_job("a", "completed")
    changed = replace(first, **change)
    backup.seed([first])
    backup.seed_next([changed])
    backup.seed_next([last])
    assert list(listing(backup).watch()) == [first, changed, last]


def test_yields_an_unchanged_job_only_once(backup: FakeBackup, iterate: Iterate) -> None:
    """Rounds in which nothing has changed yield nothing."""
    backup.seed([a_job("a"), a_job("b", "completed", minutes=-1)])
    for step in ([], [], [], [a_job("a", "completed")]):
        backup.seed_next(step)
    assert seen(iterate(listing(backup).watch())) == ["a running", "b completed", "a completed"]
    assert len(backup.requests) == 5


def test_creating_a_watch_sends_nothing(backup: FakeBackup) -> None:
    """No request is sent before the first call of `next`."""
    listing(backup).watch().close()
    assert backup.requests == []


# When it ends


def test_ends_when_all_jobs_have_ended(backup: FakeBackup) -> None:
    """The watch ends after the round that shows the end of the last job."""
    backup.seed([a_job("a"), a_job("b", minutes=-1)])
    backup.seed_next([a_job("a", "failed")])
    backup.seed_next([a_job("b", "completed", minutes=-1)])
    watch = listing(backup).watch()
    assert seen(watch)[2:] == ["a failed", "b completed"]
    assert next(watch, None) is None
    assert len(backup.requests) == 3


def test_empty_listing_without_ids_ends_after_one_request(backup: FakeBackup) -> None:
    """If the first round lists no job, there is nothing to follow."""
    backup.seed([a_job("a", "completed")])
    assert list(listing(backup, by_status="RUNNING").watch()) == []
    assert len(backup.requests) == 1


def test_until_replaces_the_default_condition(backup: FakeBackup) -> None:
    """A job is followed until the function `until` returns true for it."""
    backup.seed([a_job("a", "completed")])
    backup.seed_next([a_job("a", "completed", validation_status="VALIDATING")])
    backup.seed_next([a_job("a", "completed", validation_status="FAILED")])
    watch = listing(backup).watch(
        until=lambda job: job.validation_status not in {None, "VALIDATING"}
    )
    assert [job.validation_status for job in watch] == [None, "VALIDATING", "FAILED"]


def test_until_is_called_in_each_round_for_an_unchanged_job(backup: FakeBackup) -> None:
    """`until` may depend on more than the job, such as the time."""
    backup.seed([a_job("a")])
    calls = itertools.count(1)
    assert len(list(listing(backup).watch(until=lambda _: next(calls) == 4))) == 1
    assert len(backup.requests) == 4


def test_until_that_raises_skips_no_job(backup: FakeBackup) -> None:
    """`until` is called for yielded jobs; what it raises comes out until it answers."""
    backup.seed([a_job(name, "completed") for name in "abc"])
    broken = [True]

    def until(job: RestoreJob) -> bool:
        if job.restore_job_id == "b" and broken:
            raise ZeroDivisionError
        return job.is_terminal

    watch = listing(backup).watch(until=until)
    assert [next(watch).restore_job_id for _ in range(3)] == ["a", "b", "c"]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            next(watch)
    broken.clear()
    assert list(watch) == []


@pytest.mark.parametrize("status", [None, RestoreJobStatus("PAUSED")])
def test_unknown_or_missing_status_has_not_ended(
    backup: FakeBackup, status: RestoreJobStatus | None
) -> None:
    """A job without a status, or with one that AWS may add later, is followed."""
    backup.seed([a_job("a", status=status)])
    backup.seed_next([a_job("a", "completed")])
    assert [job.status for job in listing(backup).watch()] == [status, "COMPLETED"]


def test_job_that_runs_again_is_followed_again(backup: FakeBackup) -> None:
    """A job that had ended and then changes back to RUNNING keeps the watch open."""
    backup.seed([a_job("a"), a_job("b")])
    backup.seed_next([a_job("b", "failed")])
    backup.seed_next([a_job("b", "running"), a_job("a", "completed")])
    backup.seed_next([a_job("b", "completed")])
    states = [state for state in seen(listing(backup).watch()) if state.startswith("b")]
    assert states == ["b running", "b failed", "b running", "b completed"]


# Which jobs are followed


@pytest.mark.parametrize(
    ("filters", "matching", "other"),
    [
        ({"by_status": "RUNNING"}, {}, STATES["pending"]),
        ({"by_resource_type": "EBS"}, {"resource_type": "EBS"}, {"resource_type": "EFS"}),
        ({"by_parent_job_id": "p"}, {"parent_job_id": "p"}, {"parent_job_id": "q"}),
        (
            {"by_restore_testing_plan_arn": PLAN},
            {"created_by": RestoreJobCreator(restore_testing_plan_arn=PLAN)},
            {},
        ),
        ({"by_created_before": NOON + HOUR}, {}, {"creation_date": NOON + 2 * HOUR}),
    ],
    ids=["status", "type", "parent", "plan", "created"],
)
def test_new_jobs_are_followed_if_they_match(
    backup: FakeBackup, filters: dict[str, Any], matching: dict[str, Any], other: dict[str, Any]
) -> None:
    """Jobs that do not match are neither yielded nor waited for, whenever they appear."""
    ended = matching | STATES["completed"]
    backup.seed([a_job("a", **matching), a_job("no", **other)])
    backup.seed_next([a_job("new", **matching), a_job("never", **other)])
    backup.seed_next([a_job("a", **ended), a_job("new", **ended)])
    watch = listing(backup, **filters).watch(timeout=3_600)
    assert sorted(seen(watch)) == [
        f"{name} {state}" for name in ("a", "new") for state in ("completed", "running")
    ]


def test_new_jobs_are_followed_if_their_completion_date_matches(backup: FakeBackup) -> None:
    """The lower bound of the completion date is inclusive, the upper bound exclusive."""
    bounds = {"by_complete_after": NOON + HOUR, "by_complete_before": NOON + 2 * HOUR}
    backup.seed([a_job("a", "completed", completion_date=NOON + HOUR)])
    hours = {"early": 0.9, "first": 1.0, "last": 1.9, "late": 2.0}
    backup.seed_next(
        [a_job(name, "completed", completion_date=NOON + at * HOUR) for name, at in hours.items()]
        + [a_job("running"), a_job("a", "completed", completion_date=NOON + 3 * HOUR)]
    )
    calls = itertools.count()
    watch = listing(backup, **bounds).watch(until=lambda _: next(calls) > 0)
    assert [job.restore_job_id for job in watch] == ["a", "a", "first", "last"]


def test_job_is_followed_when_it_stops_matching(backup: FakeBackup) -> None:
    """`by_status="RUNNING"` follows the jobs that are running now until they end."""
    backup.seed([a_job("a"), a_job("b"), a_job("old", "completed")])
    backup.seed_next([a_job("a", "failed"), a_job("b", "pending")])
    backup.seed_next([a_job("b", "completed")])
    assert seen(listing(backup, by_status="RUNNING").watch()) == [
        "a running",
        "b running",
        "a failed",
        "b pending",
        "b completed",
    ]


def test_ids_select_the_jobs(backup: FakeBackup) -> None:
    """With ids, other jobs of the listing are neither yielded nor waited for."""
    backup.seed([a_job("a"), a_job("b", "completed"), a_job("other", minutes=-1)])
    backup.seed_next([a_job("new", minutes=1)])
    backup.seed_next([a_job("a", "completed")])
    assert seen(listing(backup).watch(["a", "b"])) == ["a running", "b completed", "a completed"]


def test_unlisted_ids_are_waited_for(backup: FakeBackup) -> None:
    """While an id is missing, the watch does not end, and no bound excludes its job."""
    backup.seed_next([a_job("a")])
    backup.seed_next([a_job("old", "completed", minutes=-600)])
    backup.seed_next([a_job("a", "completed")])
    assert seen(listing(backup).watch(["a", "old"])) == [
        "a running",
        "old completed",
        "a completed",
    ]


def test_ids_match_in_upper_and_lower_case(backup: FakeBackup) -> None:
    """An id that is given in several spellings is one job, yielded with the service's spelling."""
    backup.seed([a_job("1a2B")])
    backup.seed_next([a_job("1a2B", "completed")])
    watch = listing(backup).watch(["1A2B", "1a2b", "1A2B"])
    assert seen(watch) == ["1a2B running", "1a2B completed"]


@pytest.mark.parametrize("ids", [None, ["a"]])
def test_listed_ids_that_differ_only_in_case_are_two_jobs(
    backup: FakeBackup, ids: list[str]
) -> None:
    """Two listed jobs are never treated as one, with and without ids."""
    backup.seed([a_job("A"), a_job("a", "completed")])
    backup.seed_next([])
    backup.seed_next([a_job("A", "completed")])
    assert seen(listing(backup).watch(ids, timeout=3_600)) == [
        "A running",
        "a completed",
        "A completed",
    ]


@pytest.mark.parametrize("ids", [None, ["a"]])
def test_same_id_in_two_accounts_is_two_jobs(backup: FakeBackup, ids: list[str]) -> None:
    """The account distinguishes jobs with the same id, with and without ids to watch."""
    accounts = ["111111111111", "222222222222"]
    running, ended = (
        [a_job("a", state, account_id=account) for account in accounts]
        for state in ("running", "completed")
    )
    for account, first, last in zip(accounts, running, ended, strict=True):
        backup.seed([first], account_id=account)
        backup.seed_next([last], account_id=account)
    watch = listing(backup, by_account_id="*").watch(ids)
    assert list(watch) == [*running, *ended]


def test_account_that_is_listed_later_makes_no_second_job(backup: FakeBackup) -> None:
    """A job that has no account at first is the same job when it has one."""
    backup.seed([a_job("a", "pending")])
    backup.seed_next([a_job("a", "running", account_id="123456789012")])
    backup.seed_next([a_job("a", "completed", account_id="123456789012")])
    watch = listing(backup).watch(timeout=3_600)
    assert seen(watch) == ["a pending", "a running", "a completed"]


def test_account_that_is_not_listed_in_between_ends_no_watch_late(backup: FakeBackup) -> None:
    """A watch ends although one round has listed its job without an account."""
    backup.seed([a_job("a", "running", account_id="123456789012")])
    backup.seed_next([a_job("a", "running")])
    backup.seed_next([a_job("a", "completed", account_id="123456789012")])
    watch = listing(backup).watch(timeout=3_600)
    assert seen(watch) == ["a running", "a running", "a completed"]


def test_late_account_stays_apart_from_another_one(backup: FakeBackup) -> None:
    """If a job gets its account late, the same id in another account is another job."""
    accounts = ["111111111111", "222222222222"]
    backup.seed([a_job("a", "pending")])
    backup.seed_next([a_job("a", "running", account_id=accounts[0])])
    backup.seed_next([a_job("a", "running", account_id=accounts[1])], account_id=accounts[1])
    watch = listing(backup, by_account_id="*").watch(timeout=3_600)
    found = [next(watch) for _ in range(3)]
    assert [job.account_id for job in found] == [None, *accounts]
    with pytest.raises(WatchTimeoutError) as caught:  # nothing changes
        next(watch)
    assert caught.value.pending == ("a", "a")


def test_jobs_without_an_id_are_distinguished_by_their_dates(backup: FakeBackup) -> None:
    """A job without an id is recognized by its creation date and recovery point."""

    def nameless(minutes: int, state: str) -> RestoreJob:
        return replace(a_job("", state, minutes=minutes), restore_job_id=None)

    backup.seed([nameless(1, "running"), nameless(0, "completed")])
    watch = listing(backup).watch(timeout=3_600)
    assert [state_of(next(watch)), state_of(next(watch))] == ["running", "completed"]
    backup.clear()
    backup.seed([nameless(1, "completed"), nameless(0, "completed")])
    assert list(watch) == [nameless(1, "completed")]


def test_job_without_a_creation_date_is_followed(backup: FakeBackup) -> None:
    """While such a job is followed, the rounds have no bound that could exclude it."""
    backup.seed([a_job("a", creation_date=None), a_job("b")])
    backup.seed_next([a_job("b", "completed")])
    backup.seed_next([a_job("a", "completed", creation_date=None)])
    watch = listing(backup).watch(timeout=3_600)
    assert seen(watch)[2:] == ["b completed", "a completed"]
    assert not any("createdAfter" in request for request in backup.requests)


def test_shifting_pages_repeat_and_lose_no_job() -> None:
    """A job listed on two pages is yielded once; one that a round missed is yielded later."""
    service = Service([job(number, number) for number in range(6)])
    new_jobs = [job(number, number) for number in (6, 7, 8)]

    def shift(parameters: dict[str, Any]) -> None:
        if parameters.get("NextToken") == "2" and new_jobs:
            service.jobs.insert(0, new_jobs.pop(0))  # the rest moves down: one job is listed twice
        if parameters.get("NextToken") == "4" and len(new_jobs) == 1:
            service.jobs.append(service.jobs.pop(1))  # the rest moves up: one job is missed

    service.before_answer = shift
    watch = service.listing(max_results=2).watch(
        interval=0.001, timeout=10, until=lambda _: len(service.asked) > 30
    )
    assert sorted(str(job.restore_job_id) for job in watch) == [f"job-{n}" for n in range(9)]


# What is requested


def test_rounds_start_before_the_oldest_followed_job(backup: FakeBackup) -> None:
    """Later rounds start ten minutes, and the second that windows add, before that job."""
    backup.seed(
        [a_job("new", minutes=60), a_job("middle"), a_job("old", minutes=-60)]
        + [a_job(f"ended-{number}", "completed", minutes=-90 - number) for number in range(20)]
    )
    backup.seed_next([a_job("old", "completed", minutes=-60)])
    backup.seed_next([a_job("middle", "completed")])
    backup.seed_next([a_job("new", "completed", minutes=60)])
    list(listing(backup, max_results=5).watch())
    assert [request.get("createdAfter") for request in backup.requests] == [
        *[None] * 5,
        "2026-01-15T10:49:59Z",
        "2026-01-15T11:49:59Z",
        "2026-01-15T12:49:59Z",
    ]


def test_rounds_with_ids_end_after_the_newest_followed_job(backup: FakeBackup) -> None:
    """With ids no new job is waited for, so later rounds end ten minutes after the newest one."""
    backup.seed([a_job("a"), a_job("b", minutes=30), a_job("x", minutes=90)])
    backup.seed_next([a_job("b", "completed", minutes=30)])
    backup.seed_next([a_job("a", "completed")])
    list(listing(backup).watch(["a", "b"]))
    assert [
        (request.get("createdAfter"), request.get("createdBefore")) for request in backup.requests
    ] == [
        (None, None),
        ("2026-01-15T11:49:59Z", "2026-01-15T12:40:01Z"),
        ("2026-01-15T11:49:59Z", "2026-01-15T12:10:01Z"),
    ]


def test_rounds_stay_within_the_bounds_of_the_listing(backup: FakeBackup) -> None:
    """A bound of the listing that is narrower than what a round needs is kept."""
    minute = timedelta(minutes=1)
    backup.seed([a_job("a"), a_job("before", minutes=-2), a_job("after", minutes=2)])
    backup.seed_next([a_job("a", "completed")])
    watch = listing(backup, by_created_after=NOON - minute, by_created_before=NOON + minute)
    assert seen(watch.watch(["a"])) == ["a running", "a completed"]
    first, second = backup.requests
    assert first == second


def test_late_job_does_not_repeat_ended_jobs(backup: FakeBackup) -> None:
    """A new job that is older than all running jobs does not repeat an ended job."""
    backup.seed([a_job("oldest", minutes=-60), a_job("ended", "completed", minutes=-15)])
    backup.seed([a_job("running")])
    backup.seed_next([a_job("oldest", "completed", minutes=-60)])
    backup.seed_next([a_job("late", minutes=-8)])
    backup.seed_next([])
    backup.seed_next([a_job("running", "completed"), a_job("late", "completed", minutes=-8)])
    assert seen(listing(backup).watch()).count("ended completed") == 1


def test_service_that_ignores_the_bounds_repeats_no_job() -> None:
    """A job outside the bounds of a round is not yielded again, even if the service lists it."""
    service = Service([job(0, 0), job(1, -3_600)])

    def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
        return service.fetch({**parameters, "ByCreatedAfter": None})

    watch = listing_of(fetch).watch(
        interval=0.001,
        timeout=10,
        until=lambda job: job.restore_job_id == "job-1" or len(service.asked) > 3,
    )
    assert [job.restore_job_id for job in watch] == ["job-0", "job-1"]


@pytest.mark.parametrize("date", [datetime.min, datetime.max], ids=["first", "last"])  # noqa: DTZ901  # in UTC below
def test_job_at_the_limit_of_the_calendar_is_followed(date: datetime) -> None:
    """A job that was created at the first or last possible moment is followed like any other."""
    extreme = RestoreJob(restore_job_id="a", creation_date=date.replace(tzinfo=UTC))
    service = Service([extreme])
    watch = service.listing().watch(
        ["a"], interval=0.001, timeout=10, until=lambda _: len(service.asked) == 3
    )
    assert list(watch) == [extreme]


# Intervals and time-outs


def test_interval_varies_by_a_tenth_around_its_mean(backup: FakeBackup) -> None:
    """Each round begins up to 10 % earlier or later, and the mean is the interval."""
    clock = SkippedTime()
    backup.seed([a_job("a")])
    for number in range(150):
        backup.seed_next([a_job("a", percent_done=f"{number}.00%")])
    backup.seed_next([a_job("a", "completed")])
    times = [clock.now() for _ in timed_listing(backup, clock).watch(interval=20)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(gaps) == 151
    assert 18 <= min(gaps) < 18.5
    assert 21.5 < max(gaps) <= 22
    assert statistics.mean(gaps) == pytest.approx(20, abs=0.6)


def test_default_interval_is_30_seconds(backup: FakeBackup) -> None:
    """Without `interval`, two rounds are about 30 seconds apart."""
    clock = SkippedTime()
    backup.seed([a_job("a")])
    backup.seed_next([a_job("a", "completed")])
    list(timed_listing(backup, clock).watch())
    assert 27 <= clock.now() <= 33


def test_waits_between_rounds() -> None:
    """Without the clock of `FakeBackup`, intervals and time-outs take real time."""
    service = Service([job(0)])
    started = time.monotonic()
    with pytest.raises(WatchTimeoutError):
        list(service.listing().watch(interval=0.1, timeout=0.35))
    assert 0.35 <= time.monotonic() - started < 5
    assert 2 <= len(service.asked) <= 5


def test_timeout_error_names_the_pending_jobs(backup: FakeBackup) -> None:
    """`pending` has the ids of running jobs and, as they were given, of jobs never listed."""
    backup.seed([a_job("a"), a_job("b", "completed"), a_job("other")])
    watch = listing(backup).watch(["b", "A", "Never"], timeout=100)
    assert seen([next(watch), next(watch)]) == ["a running", "b completed"]
    for _ in range(2):
        with pytest.raises(WatchTimeoutError, match="100 seconds: a, Never") as caught:
            next(watch)
        assert caught.value.pending == ("a", "Never")
    assert 4 <= len(backup.requests) <= 5


def test_timeout_counts_from_the_first_request(backup: FakeBackup) -> None:
    """The time-out is raised this long after the first request, also between two rounds."""
    clock = SkippedTime()
    backup.seed([a_job("a")])
    watch = timed_listing(backup, clock).watch(interval=60, timeout=100)
    clock.sleep(1_000)  # before the first request
    with pytest.raises(WatchTimeoutError):
        list(watch)
    assert clock.now() == pytest.approx(1_100, abs=10)


def test_timeout_of_zero_completes_the_first_round(backup: FakeBackup) -> None:
    """With `timeout=0` there is exactly one round, and it yields all of its jobs."""
    backup.seed([a_job(str(number), "completed") for number in range(5)])
    assert len(list(listing(backup, max_results=2).watch(timeout=0))) == 5
    backup.seed([a_job("a", minutes=-1)])
    with pytest.raises(WatchTimeoutError) as caught:
        list(listing(backup, max_results=2).watch(timeout=0))
    assert caught.value.pending == ("a",)


def test_timeout_does_not_wait_for_an_answer_of_a_later_round() -> None:
    """If AWS does not answer after the first round, the time-out comes all the same, on time."""
    service, is_over = Service([job(0)]), threading.Event()

    def wait(_: object) -> None:
        if len(service.asked) > 1:
            is_over.wait(20)

    service.before_answer = wait
    watch = service.listing().watch(interval=0.05, timeout=0.4)
    assert next(watch) == job(0)
    with within_five_seconds():
        for _ in range(2):
            with pytest.raises(WatchTimeoutError) as caught:
                next(watch)
            assert caught.value.pending == (job(0).restore_job_id,)
            assert isinstance(caught.value.__cause__, TransportError)
            assert caught.value.checkpoint is None
    is_over.set()


def test_timeout_ends_a_later_round_that_has_more_and_more_pages() -> None:
    """A listing that never ends does not keep the time-out of a watch away."""
    service = Service([job(0)])
    pages = [RestoreJobPage(restore_jobs=(job(0),))]
    numbers = itertools.count()

    def fetch(_: object) -> RestoreJobPage:
        time.sleep(0.001)
        return pages.pop() if pages else RestoreJobPage(next_token=str(next(numbers)))

    watch = listing_of(fetch).watch(interval=0.05, timeout=0.4)
    assert next(watch) == service.jobs[0]
    with within_five_seconds(), pytest.raises(WatchTimeoutError):
        next(watch)


def test_timeout_is_raised_while_requests_fail(backup: FakeBackup) -> None:
    """A caller who tries again after each error still gets the time-out."""
    clock = SkippedTime()
    watch = timed_listing(backup, clock).watch(["a"], timeout=35)
    backup.fail_next("access_denied", times=10)
    for _ in range(4):
        with pytest.raises(AccessDeniedException):
            next(watch)
        clock.sleep(9)
    with pytest.raises(WatchTimeoutError) as caught:
        next(watch)
    assert caught.value.pending == ("a",)
    assert isinstance(caught.value.__cause__, AccessDeniedException)


def test_failed_requests_do_not_follow_each_other_at_once() -> None:
    """A loop that asks again after each error sends one request in a second, or an interval."""
    service = Service([job(0)])

    def fail(_: object) -> None:
        message = "no answer"
        raise TransportError(message)

    service.before_answer = fail
    watch = service.listing().watch(interval=0.1, timeout=0.45)
    errors: list[RestoreJobsError] = []
    while not errors or isinstance(errors[-1], TransportError):
        with pytest.raises(RestoreJobsError) as caught:
            next(watch)
        errors.append(caught.value)
    assert str(errors[-1]) == "AWS had not listed the jobs after 0.45 seconds"
    assert 2 <= len(service.asked) <= 6
    assert isinstance(errors[-1].__cause__, TransportError)


def test_timeout_without_an_error_has_no_cause(backup: FakeBackup) -> None:
    """If AWS has answered the latest request, no error is the cause of the time-out."""
    watch = listing(backup).watch(["a"], timeout=100)
    backup.fail_next("access_denied")
    with pytest.raises(AccessDeniedException):
        next(watch)
    with pytest.raises(WatchTimeoutError) as caught:
        next(watch)
    assert caught.value.__cause__ is None


def test_watches_of_a_fake_have_separate_clocks(backup: FakeBackup) -> None:
    """With a client of the fake, one watch does not use up the time of another."""
    client = backup.client()
    backup.seed([a_job("a")])
    first, second = (client.list_restore_jobs().watch(timeout=100) for _ in range(2))
    assert next(first) == next(second)
    with pytest.raises(WatchTimeoutError):
        next(first)
    backup.seed([a_job("a", "completed")])
    assert seen(second) == ["a completed"]


# What is refused

NOT_SECONDS = [float("nan"), float("inf"), "5", 10**400]


async def is_done(job: RestoreJob) -> bool:
    """Is always true for a watch, because it returns a coroutine."""
    return job.is_terminal


class IsDone:
    """An object that is called as such a function."""

    async def __call__(self, job: RestoreJob) -> bool:
        return job.is_terminal


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        *(
            ("interval", value, "more than 0 seconds")
            for value in [0, -1, True, None, timedelta(1), *NOT_SECONDS]
        ),
        *(("timeout", value, "0 or more seconds") for value in [-1, -0.1, False, *NOT_SECONDS]),
        *(("until", value, "a function of a job") for value in [None, "COMPLETED"]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_wrong_option_is_refused(backup: FakeBackup, name: str, value: Any, allowed: str) -> None:
    """A wrong interval, timeout or `until` raises an error that says what is allowed."""
    with pytest.raises(InvalidRequestError, match=f"^{name}=.* is refused: it must be {allowed}"):
        listing(backup).watch(**{name: value})


@pytest.mark.parametrize(
    "until",
    [is_done, partial(is_done), IsDone()],
    ids=["def", "partial", "object"],
)
def test_until_that_returns_a_coroutine_is_refused(backup: FakeBackup, until: Any) -> None:
    """A coroutine is true, so the watch would end at once."""
    backup.seed([a_job("a")])
    watch = listing(backup).watch(until=until)
    assert next(watch).restore_job_id == "a"
    for _ in range(2):
        with pytest.raises(InvalidRequestError, match="without async"):
            next(watch)


@pytest.mark.parametrize("wrong", ["", "  ", None, 7, ["a", "b"], b"a"])
def test_id_that_is_not_text_is_refused(backup: FakeBackup, wrong: Any) -> None:
    """An id that is empty or not text raises an error that says how to pass ids."""
    with pytest.raises(InvalidRequestError, match="is not a restore job id: ids are text"):
        listing(backup).watch(["a", wrong])


@pytest.mark.parametrize("name", ["limit", "next_token", "resume_from"])
def test_listing_for_a_single_run_is_refused(backup: FakeBackup, name: str) -> None:
    """A listing with `limit`, `next_token` or `resume_from` cannot be watched."""
    value = {"limit": 5, "next_token": "x", "resume_from": iter(listing(backup)).checkpoint}[name]
    with pytest.raises(InvalidRequestError, match=f"{name} cannot be watched"):
        listing(backup, **{name: value}).watch()


def test_very_long_times_are_accepted() -> None:
    """The longest time that a thread can wait is accepted, and longer ones are refused."""
    longest = threading.TIMEOUT_MAX
    for name in ("interval", "timeout"):
        options: dict[str, Any] = {name: longest * 1.1}
        with pytest.raises(InvalidRequestError, match=f"at most {longest:.0f}"):
            Service().listing().watch(**options)
    watch = Service([job(0)]).listing().watch(interval=longest, timeout=longest)
    next(watch)
    threading.Timer(0.1, watch.close).start()
    assert list(watch) == []


# Errors


def test_next_after_an_error_requests_the_same_page_again(backup: FakeBackup) -> None:
    """An error in any page of any round is raised, and no job is lost or repeated after it."""
    backup.seed([a_job(name, minutes=-place) for place, name in enumerate("abcd")])
    backup.seed_next(
        [a_job(name, "completed", minutes=-place) for place, name in enumerate("abcd")]
    )
    watch = listing(backup, max_results=2).watch()
    jobs: list[RestoreJob] = []
    for failures in (1, 2, 1):  # in the first round, between its pages, and in the second round
        backup.fail_next("access_denied", times=failures)
        for _ in range(failures):
            with pytest.raises(AccessDeniedException):
                next(watch)
        jobs += [next(watch), next(watch)]
    jobs += watch
    assert seen(jobs) == [
        f"{name} {state}" for state in ("running", "completed") for name in "abcd"
    ]
    assert len(backup.requests) == 4 + 4


def test_watch_requests_a_damaged_page_again(backup: FakeBackup) -> None:
    """A watch retries what a listing retries."""
    backup.seed([a_job("a", "completed")])
    backup.fail_next("damage")
    assert seen(listing(backup).watch()) == ["a completed"]


# Ending it early


@pytest.fixture
def hanging_service() -> Iterator[Service]:
    """A service that does not answer until the test has ended."""
    service, test_has_ended = Service([job(0)]), threading.Event()

    def wait(_: object) -> None:
        test_has_ended.wait(20)

    service.before_answer = wait
    yield service
    test_has_ended.set()


@pytest.fixture(params=["between rounds", "during a request"])
def service(request: pytest.FixtureRequest, hanging_service: Service) -> Service:
    """A service that keeps a watch waiting: its job never ends, or it does not answer."""
    return hanging_service if request.param == "during a request" else Service([job(0)])


@contextmanager
def within_five_seconds() -> Generator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 5


@contextmanager
def signal_soon(number: signal.Signals, handler: Callable[[int, Any], object]) -> Generator[None]:
    """Send a signal to this process in a moment."""
    before = signal.signal(number, handler)
    thread = threading.main_thread().ident
    timer = threading.Timer(0.1, signal.pthread_kill, [thread, number])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        signal.signal(number, before)


def test_ctrl_c_ends_a_watch_at_once(service: Service, iterate: Iterate) -> None:
    """Ctrl-C raises KeyboardInterrupt, without waiting for the next round or an answer."""
    with (
        service.listing().watch() as watch,
        within_five_seconds(),
        signal_soon(signal.SIGINT, signal.default_int_handler),
        pytest.raises(KeyboardInterrupt),
    ):
        iterate(watch)


def test_close_from_another_thread_ends_a_watch_at_once(service: Service, iterate: Iterate) -> None:
    """`close` ends the loop, without waiting for the next round or an answer."""
    watch = service.listing().watch()
    threading.Timer(0.1, watch.close).start()
    with within_five_seconds():
        iterate(watch)
    assert iterate(watch) == []
    assert len(service.asked) == 1


def test_signal_handler_may_close_a_watch(service: Service, iterate: Iterate) -> None:
    """A program can close its watch when it receives SIGTERM, and then end as usual."""
    watch = service.listing().watch()
    with within_five_seconds(), signal_soon(signal.SIGTERM, lambda *_: watch.close()):
        iterate(watch)


def test_watch_that_is_woken_without_an_answer_raises(hanging_service: Service) -> None:
    """What wakes the child of a fork is no answer: the watch raises, and can be asked again."""
    watch = hanging_service.listing().watch()

    def wake() -> None:
        for reference, work in _in_child.copy().items():
            if work is Bell.ring and (one := reference()) is not None:
                work(one)

    threading.Timer(0.1, wake).start()
    with within_five_seconds(), pytest.raises(TransportError, match="was forked"):
        next(watch)


def test_handler_may_outlast_the_pause_of_a_watch() -> None:
    """A signal handler that runs for longer than the pause does not make a watch wait for ever."""
    jobs = Service([job(0)])
    watch = jobs.listing().watch(interval=0.2, until=lambda _: len(jobs.asked) > 2)
    with within_five_seconds(), signal_soon(signal.SIGUSR1, lambda *_: time.sleep(0.4)):
        assert list(watch) == [job(0)]


def test_close_may_interrupt_the_watch_anywhere(hanging_service: Service) -> None:
    """`close` is safe even while the bar is being drawn, and abandons the current request."""

    class ClosingTerminal(Terminal):
        @override
        def write(self, text: str) -> int:
            if self.getvalue() == "":
                watch.close()
            return super().write(text)

    watch = hanging_service.listing(progress=True).watch()
    with within_five_seconds(), redirect_stderr(ClosingTerminal()):
        assert list(watch) == []


def test_leaving_the_with_block_closes_a_watch(backup: FakeBackup) -> None:
    """After its `with` block, a watch yields nothing and sends nothing."""
    backup.seed([a_job("a"), a_job("b")])
    with listing(backup).watch() as watch:
        next(watch)
    assert list(watch) == []
    watch.close()
    assert len(backup.requests) == 1


def test_leaving_the_async_with_block_closes_a_watch(backup: FakeBackup) -> None:
    """After its `async with` block, a watch yields nothing and sends nothing."""
    backup.seed([a_job("a"), a_job("b")])

    async def main() -> list[RestoreJob]:
        async with listing(backup).watch() as watch:
            await anext(watch)
        return await collected(watch)

    assert asyncio.run(main()) == []
    assert len(backup.requests) == 1


def test_signal_handler_cannot_read_the_watch_that_it_interrupts(backup: FakeBackup) -> None:
    """A handler that runs inside `until` gets our error, and the loop gets each change once."""
    backup.seed([a_job(name, "completed") for name in "abc"])
    refused: list[InvalidRequestError] = []

    def read(*_: object) -> None:
        with pytest.raises(InvalidRequestError, match="a signal handler has interrupted") as error:
            next(watch)
        refused.append(error.value)

    def until(_: RestoreJob) -> bool:
        signal.raise_signal(signal.SIGUSR1)
        return True

    watch = listing(backup).watch(until=until)
    before = signal.signal(signal.SIGUSR1, read)
    try:
        assert seen(watch) == ["a completed", "b completed", "c completed"]
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(refused) == 3


def test_close_just_before_a_pause_ends_the_loop(backup: FakeBackup, iterate: Iterate) -> None:
    """If the watch is closed when its pause is about to begin, it does not wait."""

    class ClosingClock(SkippedTime):
        @override
        def sleep(self, seconds: float) -> float:
            watch.close()
            return seconds

    backup.seed([a_job("a")])
    watch = timed_listing(backup, ClosingClock()).watch()
    with within_five_seconds():
        assert seen(iterate(watch)) == ["a running"]


def test_close_after_the_event_loop_has_ended_is_allowed(backup: FakeBackup) -> None:
    """A watch can be closed after the event loop that iterated over it has ended."""
    backup.seed([a_job("a")])

    async def first() -> RestoreJob:
        return await anext(watch)

    with listing(backup).watch() as watch:
        assert asyncio.run(first()) == a_job("a")
    assert list(watch) == []


# Async


def test_async_for_does_not_block_the_event_loop() -> None:
    """While watches wait and request pages, other tasks run."""

    async def main() -> float:
        longest, last = 0.0, time.monotonic()
        slow = Service([job(0)], delay=0.8).listing().watch(timeout=0.8, interval=0.1)
        waiting = Service([job(0)]).listing().watch(timeout=0.8, interval=0.8)
        both = asyncio.gather(collected(slow), collected(waiting), return_exceptions=True)
        while not both.done():
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert all(isinstance(result, WatchTimeoutError) for result in await both)
        return longest

    assert asyncio.run(main()) < 0.5


@pytest.mark.parametrize("delay", [0, 0.3], ids=["between rounds", "during a request"])
def test_cancelled_anext_ends_at_once_and_loses_no_job(delay: float) -> None:
    """Cancelling `anext` ends the wait, and the next `anext` yields the missing job."""
    service = Service([job(0)])

    async def main() -> None:
        watch = service.listing().watch(interval=0.3)
        assert await anext(watch) == job(0)
        service.delay = delay
        service.jobs = [replace(job(0), status=RestoreJobStatus.COMPLETED)]
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(watch), 0.05)
            assert time.monotonic() - started < 0.25
        assert await collected(watch) == service.jobs

    asyncio.run(main())


def test_async_for_after_an_error_requests_the_page_again(backup: FakeBackup) -> None:
    """After an error, the same asynchronous iterator continues; it does not end silently."""
    backup.seed([a_job("a", "completed")])

    async def main() -> list[RestoreJob]:
        iterator = aiter(listing(backup).watch())
        backup.fail_next("access_denied")
        with pytest.raises(AccessDeniedException):
            await anext(iterator)
        return [job async for job in iterator]

    assert seen(asyncio.run(main())) == ["a completed"]


def test_tasks_may_share_a_watch(backup: FakeBackup) -> None:
    """Each job is yielded to one of the tasks that share a watch."""
    backup.seed([a_job(str(number), "completed") for number in range(40)])

    async def main() -> list[RestoreJob]:
        watch = listing(backup, max_results=7).watch()
        parts = await asyncio.gather(*(collected(watch) for _ in range(4)))
        return [job for part in parts for job in part]

    assert sorted(seen(asyncio.run(main()))) == sorted(f"{n} completed" for n in range(40))
    assert len(backup.requests) == 6


def test_second_loop_continues_where_the_first_stopped(backup: FakeBackup) -> None:
    """A watch is one iterator, also when `next`, `anext` and `for` take turns."""
    backup.seed([a_job("a"), a_job("b")])
    backup.seed_next([a_job("a", "completed"), a_job("b", "completed")])
    watch = listing(backup).watch()
    first = next(watch)

    async def second() -> RestoreJob:
        return await anext(watch)

    assert seen([first, asyncio.run(second()), *watch]) == [
        f"{name} {state}" for state in ("running", "completed") for name in "ab"
    ]


# Together with other parts of the package


def test_window_of_a_split_listing_follows_its_own_jobs(backup: FakeBackup) -> None:
    """Each window yields only the jobs that were created in it, even if they appear later."""
    minutes = {"a": 0, "b": 20, "c": 40, "d": 60, "f": 100, "late": 105}
    backup.seed([a_job(name, minutes=minutes[name]) for name in "abcdf"])
    whole = listing(backup, by_created_after=NOON, by_created_before=NOON + 2 * HOUR)
    watches = [window.watch(timeout=3_600) for window in whole.split(3)]
    for watch, names in zip(watches, ("ba", "dc", "f"), strict=True):
        assert seen(itertools.islice(watch, len(names))) == [f"{name} running" for name in names]
    backup.seed([a_job("late", minutes=minutes["late"])])
    assert seen([next(watches[2])]) == ["late running"]
    backup.seed([a_job(name, "completed", minutes=at) for name, at in minutes.items()])
    assert sorted(itertools.chain.from_iterable(map(seen, watches))) == [
        f"{name} completed" for name in sorted(minutes)
    ]


def test_watches_run_in_parallel_threads(backup: FakeBackup) -> None:
    """Watches of several regions, each in its own thread, do not mix up their jobs."""
    regions = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
    ids = {region: [f"{region}-{number:02}" for number in range(30)] for region in regions}
    for region in regions:
        backup.seed([a_job(name) for name in ids[region]], region_name=region)

    def pending(region: str) -> list[str]:
        jobs = backup.client(region_name=region).list_restore_jobs(max_results=7)
        with pytest.raises(WatchTimeoutError) as caught:
            list(jobs.watch(timeout=100))
        return sorted(caught.value.pending)

    with ThreadPoolExecutor(len(regions)) as threads:
        assert dict(zip(regions, threads.map(pending, regions), strict=True)) == ids


def test_progress_bar_counts_followed_ended_and_failed_jobs(backup: FakeBackup) -> None:
    """The bar counts followed, ended and failed jobs; an error ends its line."""
    backup.seed([a_job("a"), a_job("b", "completed"), a_job("c", "failed")])
    backup.seed_next([a_job("a", "completed"), a_job("c"), a_job("d", "failed")])
    backup.seed_next([a_job("c", "completed")])
    watch = listing(backup, progress=True).watch()
    with redirect_stderr(Terminal()) as terminal:
        for _ in range(2):
            assert len([next(watch) for _ in range(3)]) == 3
            backup.fail_next("access_denied")
            with pytest.raises(AccessDeniedException):
                next(watch)
        list(watch)
    first, second, last, after = terminal.lines
    assert (first[:13], first[-18:]) == ("3 jobs [00:00", "2 ended, 1 failed]")
    assert (second[:13], second[-18:]) == ("4 jobs [00:00", "3 ended, 1 failed]")
    assert (last[:13], last[-18:]) == ("4 jobs [00:00", "4 ended, 1 failed]")
    assert after == ""


@pytest.mark.parametrize("ending", ["close", "time-out"])
def test_progress_bar_ends_with_the_watch(
    backup: FakeBackup, iterate: Iterate, ending: str
) -> None:
    """After `close` or a time-out, the next output starts on a new line."""
    backup.seed([a_job("a")])

    def until(_: RestoreJob) -> bool:
        if ending == "close" and len(backup.requests) == 2:
            watch.close()
        return False

    watch = listing(backup, progress=True).watch(timeout=100, until=until)
    with redirect_stderr(Terminal()) as terminal:
        with suppress(WatchTimeoutError):
            iterate(watch)
        watch.close()
    line, after = terminal.lines
    assert line.startswith("1 jobs")
    assert after == ""


# Generated cases

NAMES = "abcdef"
# Some jobs are within ten minutes of each other, and some are not.
MINUTES = dict(zip(NAMES, [0, 4, 9, 13, 40, 90], strict=True))
STEPS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(STATES)), max_size=4)


class Model:
    """A simple watch: it knows the state of each followed job, and yields those that change."""

    def __init__(self, ids: set[str], status: str | None) -> None:
        self.yielded: list[str] = []
        self._ids = ids
        self._status = status
        self._states: dict[str, str] = {}  # of the followed jobs, as they were yielded
        self._earliest, self._latest = -math.inf, math.inf  # creation, in minutes after noon

    def run_round(self, states: dict[str, str]) -> bool:
        """List these states, newest job first, and return whether another round follows."""
        for name in sorted(states, key=MINUTES.__getitem__, reverse=True):
            state = states[name]
            is_listed = self._earliest <= MINUTES[name] <= self._latest
            is_followed = name in self._states or self._matches(name, state)
            if is_listed and is_followed and self._states.get(name) != state:
                self.yielded.append(f"{name} {state}")
                self._states[name] = state
        if not self._ids <= self._states.keys():  # an id has not been listed yet
            return True
        followed = self._states.items()
        running = [
            MINUTES[name] for name, state in followed if state not in {"failed", "completed"}
        ]
        if running:
            self._earliest = max(self._earliest, min(running) - 10)
            self._latest = max(running) + 10 if self._ids else math.inf
        return bool(running)

    def _matches(self, name: str, state: str) -> bool:
        if self._ids:
            return name in self._ids
        return self._status in {None, STATES[state]["status"]}


@pytest.fixture(scope="module")
def shared_backup() -> Iterator[FakeBackup]:
    with fake_backup() as backup:
        yield backup


@examples(4)
@given(
    steps=st.lists(STEPS, min_size=1, max_size=6),
    ids=st.sets(st.sampled_from(NAMES), max_size=3),
    status=st.sampled_from([None, RestoreJobStatus.RUNNING]),
    max_results=st.integers(1, 4),
    faults=st.sets(st.integers(0, 20), max_size=4),
)
def test_any_sequence_of_changes_is_yielded(  # noqa: PLR0913  # generated
    shared_backup: FakeBackup,
    *,
    steps: list[dict[str, str]],
    ids: set[str],
    status: RestoreJobStatus | None,
    max_results: int,
    faults: set[int],
) -> None:
    """A watch yields what a simple model predicts, however jobs change and requests fail."""
    if ids:
        status = None  # an id that never matches the filter would be waited for forever
    steps = [*steps, dict.fromkeys(NAMES, "completed")]
    rounds: list[dict[str, str]] = list(itertools.accumulate(steps, operator.or_))
    shared_backup.clear()
    for number, step in enumerate(steps):
        jobs = [a_job(name, state, minutes=MINUTES[name]) for name, state in step.items()]
        (shared_backup.seed_next if number else shared_backup.seed)(jobs)
    filters = {"by_status": status} if status else {}
    watch = listing(shared_backup, max_results=max_results, **filters).watch(sorted(ids) or None)
    found: list[RestoreJob] = []
    for turn in itertools.count():  # pragma: no branch
        if turn in faults:
            shared_backup.fail_next("access_denied")
        try:
            found.append(next(watch))
        except AccessDeniedException:
            continue
        except StopIteration:
            break

    model = Model(ids, status)
    assert not all(map(model.run_round, rounds))  # up to the round in which the last job ends
    assert seen(found) == model.yielded

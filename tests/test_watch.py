"""Watching: which jobs are followed, what is yielded, what is asked for, and how it ends."""

from __future__ import annotations

import asyncio
import itertools
import operator
import signal
import statistics
import subprocess
import sys
import textwrap
import threading
import time
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from generating import examples
from hypothesis import given
from hypothesis import strategies as st
from interrupting import interrupted
from memory_service import Service, job, listing_of
from test_progress import last_line, on_a_terminal
from testing_support import boto3_client
from typing_extensions import override

from restorejobs_client import (
    AccessDeniedException,
    InvalidRequestError,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobStatus,
    RestoreJobWatch,
    TransportError,
    WatchTimeoutError,
    _watch,
)
from restorejobs_client._threads import start_call
from restorejobs_client.testing import FakeBackup, FaultName, fake_backup, sample_jobs
from restorejobs_client.testing._clock import InstantClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from queue import SimpleQueue

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly"
STATES: dict[str, dict[str, Any]] = {
    "pending": {"status": RestoreJobStatus.PENDING},
    "running": {"status": RestoreJobStatus.RUNNING},
    "half done": {"status": RestoreJobStatus.RUNNING, "percent_done": "50.00%"},
    "failed": {"status": RestoreJobStatus.FAILED, "status_message": "No such subnet"},
    "completed": {"status": RestoreJobStatus.COMPLETED},
}


def a_job(name: str, state: str = "running", *, minutes: float = 0, **members: Any) -> RestoreJob:
    """Return a job that was created so many minutes after noon."""
    members = {"creation_date": NOON + timedelta(minutes=minutes), **STATES[state], **members}
    return RestoreJob(restore_job_id=name, **members)


def seen(watch: Iterable[RestoreJob]) -> list[tuple[str | None, str]]:
    """Return the id and the state of each job that comes."""
    return [(one.restore_job_id, state_of(one)) for one in watch]


def state_of(one: RestoreJob) -> str:
    return "half done" if one.percent_done else str(one.status).lower()


@pytest.fixture(autouse=True)
def _no_watch_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that should have ended fails its test, instead of going on for ever."""
    wait, waits = InstantClock.wait, itertools.count()

    def count(clock: InstantClock, seconds: float, closed: SimpleQueue[None]) -> None:
        assert next(waits) < 1_000, "the watch does not end"
        wait(clock, seconds, closed)

    monkeypatch.setattr(InstantClock, "wait", count)


@pytest.fixture
def backup() -> Iterator[FakeBackup]:
    with fake_backup() as backup:
        yield backup


def listing(backup: FakeBackup, **parameters: Any) -> RestoreJobs:
    return backup.client().list_restore_jobs(**parameters)


def waiting_listing(backup: FakeBackup, **parameters: Any) -> RestoreJobs:
    """List with a client that does wait between the rounds, as with AWS."""
    client = RestoreJobsClient(client=boto3_client(backup))
    return client.list_restore_jobs(**parameters)


class Stopwatch(InstantClock):
    """A clock that a test can read."""

    @override
    def of_one_watch(self) -> Stopwatch:
        return self


def timed_listing(backup: FakeBackup) -> tuple[Stopwatch, RestoreJobs]:
    client, clock = backup.client(), Stopwatch()
    client._clock = clock  # noqa: SLF001  # as the fake does
    return clock, client.list_restore_jobs()


# What is yielded


def test_every_job_is_yielded_as_it_is(backup: FakeBackup) -> None:
    """The first round yields every job of the listing with all its members."""
    jobs = [one for one in sample_jobs(250) if one.is_terminal]
    backup.seed(jobs)
    assert list(listing(backup, max_results=100).watch()) == jobs


@pytest.mark.parametrize(
    "change",
    [
        {"status": RestoreJobStatus.PENDING},
        {"percent_done": "12.00%"},
        {"status_message": "A little later"},
        {"expected_completion_time_minutes": 5},
        {"created_by": RestoreJobCreator(restore_testing_plan_arn=PLAN)},
        {"validation_status": "VALIDATING"},
    ],
    ids=str,
)
def test_a_job_comes_again_when_any_member_has_changed(
    backup: FakeBackup, change: dict[str, Any]
) -> None:
    """A change of one member, whichever it is, yields the job again."""
    first, last = a_job("a"), a_job("a", "completed")
    changed = RestoreJob(**{**first.to_dict(), "created_by": None, **change})
    backup.seed([first])
    for step in ([], [changed], [], [last]):
        backup.seed_next(step)
    assert list(listing(backup).watch()) == [first, changed, last]


def test_a_job_without_a_change_comes_once(backup: FakeBackup) -> None:
    """Rounds that change nothing yield nothing."""
    backup.seed([a_job("a"), a_job("b", "completed", minutes=-1)])
    for step in ([], [], [], [a_job("a", "completed")]):
        backup.seed_next(step)
    assert seen(listing(backup).watch()) == [
        ("a", "running"),
        ("b", "completed"),
        ("a", "completed"),
    ]
    assert len(backup.requests) == 5


def test_nothing_is_sent_before_the_first_job_is_asked_for(backup: FakeBackup) -> None:
    """Making a watch sends nothing."""
    listing(backup).watch().close()
    assert backup.requests == []


# How it ends


def test_it_ends_when_all_jobs_have_ended(backup: FakeBackup) -> None:
    """The watch ends with the round in which the last job has ended."""
    backup.seed([a_job("a"), a_job("b", minutes=-1)])
    backup.seed_next([a_job("a", "failed")])
    backup.seed_next([a_job("b", "completed", minutes=-1)])
    watch = listing(backup).watch()
    assert seen(watch)[2:] == [("a", "failed"), ("b", "completed")]
    assert len(backup.requests) == 3
    assert next(watch, None) is None
    assert len(backup.requests) == 3


def test_until_says_when_a_job_needs_no_more_following(backup: FakeBackup) -> None:
    """A function of a job replaces the default, that the job has ended."""
    backup.seed([a_job("a", "completed")])
    backup.seed_next([a_job("a", "completed", validation_status="VALIDATING")])
    backup.seed_next([a_job("a", "completed", validation_status="FAILED")])
    watch = listing(backup).watch(
        until=lambda one: one.validation_status not in {None, "VALIDATING"}
    )
    assert [one.validation_status for one in watch] == [None, "VALIDATING", "FAILED"]


def test_until_is_asked_again_about_a_job_that_has_not_changed(backup: FakeBackup) -> None:
    """A function that looks at more than the job ends the watch too."""
    backup.seed([a_job("a")])
    asked = itertools.count(1)
    assert len(list(listing(backup).watch(until=lambda _: next(asked) == 4))) == 1
    assert len(backup.requests) == 4


def test_until_that_raises_loses_no_job(backup: FakeBackup) -> None:
    """The error of `until` comes through, and the next step asks it about the same job again."""
    backup.seed([a_job(name, "completed") for name in "abc"])
    broken = [True]

    def until(one: RestoreJob) -> bool:
        if one.restore_job_id == "b" and broken:
            raise ZeroDivisionError
        return one.is_terminal

    watch = listing(backup).watch(until=until)
    assert next(watch).restore_job_id == "a"
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            next(watch)
    broken.clear()
    assert seen(watch) == [("b", "completed"), ("c", "completed")]


def test_without_ids_an_empty_listing_ends_at_once(backup: FakeBackup) -> None:
    """Where there is nothing to follow, one request is enough."""
    backup.seed([a_job("a", "completed")])
    assert list(listing(backup, by_status="RUNNING").watch()) == []
    assert len(backup.requests) == 1


def test_a_status_that_aws_added_later_has_not_ended(backup: FakeBackup) -> None:
    """An unknown status, and none at all, are followed."""
    for status in ("PAUSED", None):
        backup.seed([a_job("a", status=status and RestoreJobStatus(status))])
        backup.seed_next([])
        backup.seed_next([a_job("a", "completed")])
        watch = listing(backup).watch()
        assert [one.status for one in watch] == [status, "COMPLETED"]


def test_a_job_that_comes_back_to_life_is_followed_again(backup: FakeBackup) -> None:
    """A job that had ended and runs again keeps the watch going."""
    backup.seed([a_job("a"), a_job("b")])
    backup.seed_next([a_job("b", "failed")])
    backup.seed_next([a_job("b", "running"), a_job("a", "completed")])
    backup.seed_next([a_job("b", "completed")])
    assert [one for one in seen(listing(backup).watch()) if one[0] == "b"] == [
        ("b", "running"),
        ("b", "failed"),
        ("b", "running"),
        ("b", "completed"),
    ]


# Which jobs are followed


def test_jobs_that_appear_meanwhile_are_followed_too(backup: FakeBackup) -> None:
    """A job that was not there at first is followed to its end."""
    backup.seed([a_job("a")])
    backup.seed_next([a_job("a", "completed"), a_job("new", minutes=5)])
    backup.seed_next([a_job("new", "completed", minutes=5)])
    assert seen(listing(backup).watch()) == [
        ("a", "running"),
        ("new", "running"),
        ("a", "completed"),
        ("new", "completed"),
    ]


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
        ({"by_created_before": NOON + timedelta(minutes=7)}, {}, {"creation_date": NOON.max}),
    ],
    ids=["status", "type", "parent", "plan", "created"],
)
def test_filters_choose_the_jobs(
    backup: FakeBackup, filters: dict[str, Any], matching: dict[str, Any], other: dict[str, Any]
) -> None:
    """Of the jobs that appear, those that do not match are neither yielded nor waited for."""
    if "creation_date" in other:
        other = {"creation_date": NOON + timedelta(days=1)}
    backup.seed([a_job("a", **matching), a_job("no", **other)])
    backup.seed_next([a_job("b", minutes=5, **matching), a_job("never", **{"minutes": 5, **other})])
    backup.seed_next([a_job("a", **{**matching, **STATES["completed"]})])
    backup.seed_next([a_job("b", minutes=5, **{**matching, **STATES["completed"]})])
    watch = listing(backup, **filters).watch(timeout=3_600)
    assert {name for name, _ in seen(watch)} == {"a", "b"}


def test_a_chosen_job_is_followed_when_it_no_longer_matches(backup: FakeBackup) -> None:
    """`by_status="RUNNING"` follows what runs now to its end, whatever that is."""
    backup.seed([a_job("a"), a_job("b"), a_job("old", "completed")])
    backup.seed_next([a_job("a", "failed"), a_job("b", "pending")])
    backup.seed_next([a_job("b", "completed")])
    assert seen(listing(backup, by_status="RUNNING").watch()) == [
        ("a", "running"),
        ("b", "running"),
        ("a", "failed"),
        ("b", "pending"),
        ("b", "completed"),
    ]


def test_filters_of_the_completion_choose_the_jobs_too(backup: FakeBackup) -> None:
    """A job that appears is chosen by its completion date, as the service would choose it."""
    hour = timedelta(hours=1)
    bounds = {"by_complete_after": NOON + hour, "by_complete_before": NOON + 2 * hour}
    backup.seed([a_job("a", "completed", completion_date=NOON + hour)])
    appearing = {"early": 0.9, "first": 1.0, "last": 1.9, "late": 2.0}
    backup.seed_next(
        [
            a_job(name, "completed", completion_date=NOON + at * hour)
            for name, at in appearing.items()
        ]
        + [a_job("running"), a_job("a", "completed", completion_date=NOON + 3 * hour)]
    )
    asked = itertools.count()
    watch = listing(backup, **bounds).watch(until=lambda _: next(asked) > 0)
    assert [name for name, _ in seen(watch)] == ["a", "a", "first", "last"]


def test_with_ids_exactly_those_are_followed(backup: FakeBackup) -> None:
    """Other jobs of the listing are neither yielded nor waited for."""
    backup.seed([a_job("a"), a_job("b", "completed"), a_job("other", minutes=-1)])
    backup.seed_next([a_job("new", minutes=1)])
    backup.seed_next([a_job("a", "completed")])
    assert seen(listing(backup).watch("a", "b")) == [
        ("a", "running"),
        ("b", "completed"),
        ("a", "completed"),
    ]


def test_an_id_that_is_not_listed_yet_is_waited_for(backup: FakeBackup) -> None:
    """A job that AWS lists late is followed, also when nothing else is listed."""
    backup.seed_next([])
    backup.seed_next([a_job("a", minutes=-600)])
    backup.seed_next([a_job("a", "completed", minutes=-600)])
    assert seen(listing(backup).watch("a")) == [("a", "running"), ("a", "completed")]


def test_while_an_id_is_missing_rounds_have_no_bound(backup: FakeBackup) -> None:
    """An id that is waited for is found, however old its job is and whatever else runs."""
    backup.seed([a_job("a")])
    backup.seed_next([a_job("b", "completed", minutes=-600)])
    backup.seed_next([a_job("a", "completed")])
    assert seen(listing(backup).watch("a", "b")) == [
        ("a", "running"),
        ("b", "completed"),
        ("a", "completed"),
    ]


def test_an_id_is_known_in_upper_and_lower_case(backup: FakeBackup) -> None:
    """One id that is given in several spellings is one job, with the spelling of the service."""
    backup.seed([a_job("1a2B")])
    backup.seed_next([a_job("1a2B", "completed")])
    watch = listing(backup).watch("1A2B", "1a2b", "1A2B")
    assert seen(watch) == [("1a2B", "running"), ("1a2B", "completed")]


def test_ids_that_differ_in_their_case_alone_are_two_jobs(backup: FakeBackup) -> None:
    """Two listed jobs are never taken for one."""
    for ids in ([], ["a"]):
        backup.seed([a_job("A"), a_job("a", "completed")])
        backup.seed_next([])
        backup.seed_next([a_job("A", "completed")])
        assert seen(listing(backup).watch(*ids, timeout=3_600)) == [
            ("A", "running"),
            ("a", "completed"),
            ("A", "completed"),
        ]


def test_the_same_id_in_two_accounts_is_two_jobs(backup: FakeBackup) -> None:
    """Jobs of an organization are told apart by their account, with and without ids."""
    one, two = a_job("a", account_id="111111111111"), a_job("a", account_id="222222222222")
    for ids in ([], ["a"]):
        backup.clear()
        backup.seed([one], account_id="111111111111")
        backup.seed([two], account_id="222222222222")
        ended = replace(one, status=RestoreJobStatus.COMPLETED)
        failed = replace(two, status=RestoreJobStatus.FAILED)
        backup.seed_next([ended], account_id="111111111111")
        backup.seed_next([failed], account_id="222222222222")
        watch = listing(backup, by_account_id="*").watch(*ids)
        assert list(watch) == [one, two, ended, failed]


def test_an_account_that_comes_later_makes_no_second_job(backup: FakeBackup) -> None:
    """A job whose account is missing at first is the same job when it has one."""
    backup.seed([a_job("a", "pending")])
    backup.seed_next([a_job("a", "running", account_id="123456789012")])
    backup.seed_next([a_job("a", "completed", account_id="123456789012")])
    watch = listing(backup).watch(timeout=3_600)
    assert [state for _, state in seen(watch)] == ["pending", "running", "completed"]


def test_jobs_without_an_id_are_told_apart_by_their_dates() -> None:
    """A job without an id is followed as its creation date and recovery point."""

    def nameless(minutes: int, state: str) -> RestoreJob:
        return replace(a_job("a", state, minutes=minutes), restore_job_id=None)

    service = Service([nameless(1, "running"), nameless(0, "completed")])
    watch = instantly(service).watch(timeout=3_600)
    assert [state_of(next(watch)), state_of(next(watch))] == ["running", "completed"]
    service.jobs = [nameless(1, "completed"), nameless(0, "completed")]
    assert list(watch) == [nameless(1, "completed")]


def test_a_job_without_a_date_is_followed(backup: FakeBackup) -> None:
    """While a job without a creation date is followed, rounds have no bound that hides it."""
    backup.seed([a_job("a", creation_date=None), a_job("b")])
    backup.seed_next([a_job("b", "completed")])
    backup.seed_next([a_job("a", "completed", creation_date=None)])
    watch = listing(backup).watch(timeout=3_600)
    assert seen(watch)[2:] == [("b", "completed"), ("a", "completed")]
    assert not any("createdAfter" in request for request in backup.requests)


def instantly(service: Service, **parameters: Any) -> RestoreJobs:
    """List a service in memory with a clock that does not wait."""
    listing = service.listing(**parameters)
    listing._clock = InstantClock()  # noqa: SLF001  # as the fake does
    return listing


def test_pages_that_shift_neither_repeat_nor_lose_a_job() -> None:
    """A job that comes twice in one round is yielded once, and one that a round missed comes."""
    service = Service([job(number, number) for number in range(6)])
    newcomers = [job(number, number) for number in (6, 7, 8)]

    def shift(parameters: dict[str, Any]) -> None:
        if parameters.get("NextToken") == "2" and newcomers:
            service.jobs.insert(0, newcomers.pop(0))
        if parameters.get("NextToken") == "4" and len(newcomers) == 1:
            service.jobs.append(service.jobs.pop(1))  # the rest moves up, one job past the place

    service.before_answer = shift
    watch = instantly(service, max_results=2).watch(
        until=lambda _: len(service.asked) > 30, timeout=3_600
    )
    assert sorted(str(one.restore_job_id) for one in watch) == [f"job-{n}" for n in range(9)]


# What a round asks for


def test_a_round_asks_from_the_oldest_job_that_is_still_followed_on(backup: FakeBackup) -> None:
    """Later rounds begin ten minutes before that job, because AWS may list a job late."""
    backup.seed(
        [a_job("new", minutes=60), a_job("middle"), a_job("old", minutes=-60)]
        + [a_job(f"ended-{number}", "completed", minutes=-90 - number) for number in range(20)]
    )
    backup.seed_next([a_job("old", "completed", minutes=-60)])
    backup.seed_next([a_job("middle", "completed")])
    backup.seed_next([a_job("new", "completed", minutes=60)])
    list(listing(backup, max_results=5).watch())
    rounds = [request.get("createdAfter") for request in backup.requests]
    assert rounds == [None] * 5 + [
        "2026-01-15T10:50:00Z",
        "2026-01-15T11:50:00Z",
        "2026-01-15T12:50:00Z",
    ]


def test_with_ids_a_round_asks_up_to_the_newest_job_that_is_followed(backup: FakeBackup) -> None:
    """With ids nothing new is waited for, so later rounds end ten minutes after the newest one."""
    backup.seed([a_job("a"), a_job("b", minutes=30), a_job("x", minutes=90)])
    backup.seed_next([a_job("b", "completed", minutes=30)])
    backup.seed_next([a_job("a", "completed")])
    list(listing(backup).watch("a", "b"))
    assert [
        (request.get("createdAfter"), request.get("createdBefore")) for request in backup.requests
    ] == [
        (None, None),
        ("2026-01-15T11:50:00Z", "2026-01-15T12:40:00Z"),
        ("2026-01-15T11:50:00Z", "2026-01-15T12:10:00Z"),
    ]


def test_rounds_stay_within_the_bounds_of_the_listing(backup: FakeBackup) -> None:
    """A bound of the listing that is narrower than what a round needs is kept."""
    bounds = {
        "by_created_after": NOON - timedelta(minutes=1),
        "by_created_before": NOON + timedelta(minutes=1),
    }
    backup.seed([a_job("a"), a_job("before", minutes=-2), a_job("after", minutes=2)])
    backup.seed_next([a_job("a", "completed")])
    assert seen(listing(backup, **bounds).watch("a")) == [("a", "running"), ("a", "completed")]
    first, second = backup.requests
    assert first == second


def test_a_job_that_appears_does_not_bring_back_ended_ones(backup: FakeBackup) -> None:
    """A new job that is older than all that run makes no ended job look new."""
    backup.seed([a_job("oldest", minutes=-60), a_job("ended", "completed", minutes=-15)])
    backup.seed([a_job("running")])
    backup.seed_next([a_job("oldest", "completed", minutes=-60)])
    backup.seed_next([a_job("late", minutes=-8)])
    backup.seed_next([])
    backup.seed_next([a_job("running", "completed"), a_job("late", "completed", minutes=-8)])
    assert seen(listing(backup).watch()).count(("ended", "completed")) == 1


def test_a_service_that_rounds_the_bounds_repeats_no_job() -> None:
    """A job that is listed although the round did not ask for it is not yielded again."""
    service = Service([job(0, 0), job(1, -3_600)])
    asked = itertools.count()

    def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
        return service.fetch({**parameters, "ByCreatedAfter": None})

    jobs = listing_of(fetch)
    jobs._clock = InstantClock()  # noqa: SLF001  # as the fake does
    watch = jobs.watch(
        until=lambda one: one.restore_job_id == "job-1" or next(asked) == 3, timeout=3_600
    )
    assert [one.restore_job_id for one in watch] == ["job-0", "job-1"]


def test_dates_at_the_ends_of_the_calendar_are_no_trouble() -> None:
    """A job at the first and the last moment of the calendar is followed like any other."""
    for date in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        one = RestoreJob(restore_job_id="a", creation_date=date)
        fetched = itertools.count(1)

        def fetch(_: object, one: RestoreJob = one) -> RestoreJobPage:
            return RestoreJobPage(restore_jobs=(one,))

        jobs = listing_of(fetch)
        jobs._clock = InstantClock()  # noqa: SLF001  # as the fake does

        def until(_: RestoreJob, fetched: Iterator[int] = fetched) -> bool:
            return next(fetched) == 3

        assert list(jobs.watch("a", until=until)) == [one]


def test_rounds_are_cheap(backup: FakeBackup) -> None:
    """Of 5,000 jobs with one that runs at the end, a later round lists one page."""
    ended = [a_job(f"ended-{number}", "completed", minutes=-11 - number) for number in range(4_999)]
    backup.seed([a_job("a"), *ended])
    backup.seed_next([a_job("a", "half done")])
    backup.seed_next([a_job("a", "completed")])
    jobs = list(listing(backup).watch())
    assert len(jobs) == 5_002
    assert len(backup.requests) == 5 + 2


# Rhythm and time


def test_rounds_spread_a_little_and_their_mean_stays_the_interval(backup: FakeBackup) -> None:
    """Rounds begin up to a tenth earlier or later than the interval, and not on average."""
    clock, jobs = timed_listing(backup)
    backup.seed([a_job("a")])
    for number in range(300):
        backup.seed_next([a_job("a", percent_done=f"{number}.00%")])
    backup.seed_next([a_job("a", "completed")])
    moments = [clock.now() for _ in jobs.watch(interval=20)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert len(gaps) == 301
    assert min(gaps) == pytest.approx(18.25, abs=0.25)
    assert max(gaps) == pytest.approx(21.75, abs=0.25)
    assert statistics.mean(gaps) == pytest.approx(20, abs=0.5)


def test_rounds_are_half_a_minute_apart_by_default(backup: FakeBackup) -> None:
    """The default of `interval` is 30 seconds."""
    clock, jobs = timed_listing(backup)
    backup.seed([a_job("a")])
    backup.seed_next([a_job("a", "completed")])
    list(jobs.watch())
    assert 27 <= clock.now() <= 33


def test_it_waits_between_the_rounds(backup: FakeBackup) -> None:
    """With AWS, an interval takes its time, and time-outs come on time."""
    backup.seed([a_job("a")])
    backup.seed_next([a_job("a", "half done")])
    started = time.monotonic()
    with pytest.raises(WatchTimeoutError):
        list(waiting_listing(backup).watch(interval=0.2, timeout=0.7))
    assert 0.7 <= time.monotonic() - started < 5
    assert 2 <= len(backup.requests) <= 5


def test_a_timeout_names_the_jobs_that_have_not_ended(backup: FakeBackup) -> None:
    """`pending` has the ids that still run and those that never appeared, as they were given."""
    backup.seed([a_job("a"), a_job("b", "completed"), a_job("other")])
    watch = listing(backup).watch("b", "A", "Never", timeout=100)
    jobs = [next(watch), next(watch)]
    for _ in range(2):
        with pytest.raises(WatchTimeoutError, match="100 seconds: a, Never") as caught:
            next(watch)
        assert caught.value.pending == ("a", "Never")
        assert isinstance(caught.value, TimeoutError)
    assert seen(jobs) == [("a", "running"), ("b", "completed")]
    assert 4 <= len(backup.requests) <= 5


def test_the_time_counts_from_the_first_request(backup: FakeBackup) -> None:
    """A time-out comes exactly so many seconds after the first request, not after an interval."""
    clock, jobs = timed_listing(backup)
    backup.seed([a_job("a")])
    watch = jobs.watch(interval=60, timeout=100)
    clock.wait(1_000, watch._closed)  # noqa: SLF001  # the time before the first request
    with pytest.raises(WatchTimeoutError):
        list(watch)
    assert clock.now() == pytest.approx(1_100)


def test_a_timeout_of_zero_is_one_look(backup: FakeBackup) -> None:
    """With no time at all, the first round is complete."""
    backup.seed([a_job(str(number), "completed") for number in range(5)])
    assert len(list(listing(backup, max_results=2).watch(timeout=0))) == 5
    backup.seed([a_job("a", minutes=-1)])
    with pytest.raises(WatchTimeoutError) as caught:
        list(listing(backup, max_results=2).watch(timeout=0))
    assert caught.value.pending == ("a",)


def test_watches_of_one_client_have_a_time_each(backup: FakeBackup) -> None:
    """With the fake, one watch does not use up the time of another."""
    client = backup.client()
    backup.seed([a_job("a")])
    first, second = (client.list_restore_jobs().watch(timeout=100) for _ in range(2))
    assert next(first) == next(second)
    with pytest.raises(WatchTimeoutError):
        next(first)
    backup.seed([a_job("a", "completed")])
    assert seen(second) == [("a", "completed")]


# What is refused


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (options, f"^{name}=.* is refused: it must be {allowed}")
        for name, allowed, values in (
            (
                "interval",
                "a number of seconds above 0",
                [0, -1, float("nan"), float("inf"), True, "5", None, 10**400, timedelta(1)],
            ),
            (
                "timeout",
                "0 or more seconds, or None",
                [-1, -0.1, float("nan"), float("inf"), False, "5", 10**400],
            ),
            ("until", "a function of a job", [None, "COMPLETED", True]),
        )
        for value in values
        for options in [{name: value}]
    ],
    ids=str,
)
def test_what_cannot_be_right_is_refused(
    backup: FakeBackup, wrong: dict[str, Any], message: str
) -> None:
    """A wrong interval, timeout or function is an InvalidRequestError before anything is sent."""
    with pytest.raises(InvalidRequestError, match=message):
        listing(backup).watch(**wrong)
    assert backup.requests == []


@pytest.mark.parametrize("wrong", ["", "  ", None, 7, ["a", "b"], b"a"])
def test_an_id_that_is_no_text_is_refused(backup: FakeBackup, wrong: Any) -> None:
    """A list of ids, a number or nothing in place of an id says how to pass ids."""
    with pytest.raises(InvalidRequestError, match="is not a restore job id: pass ids as text"):
        listing(backup).watch("a", wrong)


@pytest.mark.parametrize("name", ["limit", "next_token", "resume_from"])
def test_a_listing_that_is_for_one_run_is_refused(backup: FakeBackup, name: str) -> None:
    """`limit`, `next_token` and `resume_from` have no meaning for rounds."""
    value = {"limit": 5, "next_token": "x", "resume_from": iter(listing(backup)).checkpoint}[name]
    with pytest.raises(InvalidRequestError, match=f"{name} cannot be watched: it is for one run"):
        listing(backup, **{name: value}).watch()


def test_long_times_are_no_trouble(backup: FakeBackup) -> None:
    """An interval of more than a lifetime is waited for, until the watch is closed."""
    backup.seed([a_job("a")])
    watch = waiting_listing(backup).watch(interval=1e300, timeout=sys.float_info.max / 4)
    next(watch)
    threading.Timer(0.2, watch.close).start()
    assert list(watch) == []


# Errors


def test_a_round_that_fails_raises_and_goes_on(backup: FakeBackup) -> None:
    """The error comes through, and the next step asks for the same page again."""
    backup.seed([a_job(name, minutes=-place) for place, name in enumerate("abcd")])
    backup.seed_next(
        [a_job(name, "completed", minutes=-place) for place, name in enumerate("abcd")]
    )
    watch = listing(backup, max_results=2).watch()
    backup.fail_next("access_denied")
    with pytest.raises(AccessDeniedException):
        next(watch)
    jobs = [next(watch), next(watch)]
    backup.fail_next("access_denied", times=2)
    for _ in range(2):
        with pytest.raises(AccessDeniedException):
            next(watch)
    jobs += [next(watch), next(watch)]
    backup.fail_next("access_denied")
    with pytest.raises(AccessDeniedException):
        next(watch)
    jobs += watch
    assert seen(jobs) == [(name, state) for state in ("running", "completed") for name in "abcd"]
    assert len(backup.requests) == 4 + 4


def test_throttling_and_damage_are_asked_again(backup: FakeBackup) -> None:
    """What a listing survives, a watch survives."""
    backup.seed([a_job("a")])
    backup.seed_next([a_job("a", "completed")])
    faults: list[FaultName] = ["throttle", "damage", "cut", "reset"]
    for fault in faults:
        backup.fail_next(fault)
    assert seen(listing(backup).watch()) == [("a", "running"), ("a", "completed")]


def test_the_time_ends_also_while_rounds_fail() -> None:
    """A service that fails for ever does not hide the time-out from one who tries again."""
    service = Service([])
    moment = [0.0]

    def fail(_: dict[str, Any]) -> None:
        moment[0] += 10
        message = "pulled"
        raise TransportError(message)

    class Passing(Stopwatch):
        @override
        def now(self) -> float:
            return moment[0]

    jobs = service.listing()
    jobs._clock = Passing()  # noqa: SLF001  # as the fake does
    service.before_answer = fail
    watch = jobs.watch("a", timeout=35)
    for _ in range(4):
        with pytest.raises(TransportError):
            next(watch)
    with pytest.raises(WatchTimeoutError) as caught:
        next(watch)
    assert caught.value.pending == ("a",)


# Ending it early


def elapsed(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def test_control_c_ends_it_at_once_while_it_waits() -> None:
    """Ctrl-C between two rounds raises KeyboardInterrupt at once."""
    interrupted("""
        import sys
        sys.path.insert(0, "tests")
        from memory_service import Service, job
        for _ in Service([job(0)]).listing().watch():
            print("ready", flush=True)
    """)


def test_control_c_ends_it_at_once_in_a_request() -> None:
    """Ctrl-C during a request raises KeyboardInterrupt at once."""
    interrupted("""
        import sys
        sys.path.insert(0, "tests")
        from memory_service import Service, job
        print("ready", flush=True)
        next(Service([job(0)], delay=30).listing().watch())
    """)


@pytest.mark.parametrize("delay", [0, 30])
def test_control_c_ends_an_event_loop_at_once(delay: int) -> None:
    """Ctrl-C ends `async for` at once, between two rounds and during a request."""
    interrupted(f"""
        import asyncio, sys
        sys.path.insert(0, "tests")
        from memory_service import Service, job

        async def main():
            asyncio.get_running_loop().call_later(0.1, lambda: print("ready", flush=True))
            async for _ in Service([job(0)], delay={delay}).listing().watch():
                pass

        asyncio.run(main())
    """)


def test_closing_from_another_thread_ends_it_at_once_while_it_waits(backup: FakeBackup) -> None:
    """A loop in one thread ends when another closes the watch, and sends nothing more."""
    backup.seed([a_job("a")])
    watch = waiting_listing(backup).watch(timeout=20)
    next(watch)
    threading.Timer(0.2, watch.close).start()
    assert elapsed(lambda: list(watch)) < 5
    assert next(watch, None) is None
    assert len(backup.requests) == 1


def test_closing_from_another_thread_ends_it_at_once_in_a_request() -> None:
    """Closing does not wait for an answer that nobody wants any more."""
    watch = Service([job(0)], delay=8).listing().watch(timeout=20)
    threading.Timer(0.2, watch.close).start()
    assert elapsed(lambda: list(watch)) < 4


def test_a_signal_may_close_it() -> None:
    """A program that closes its watch when it is told to end, ends in order and at once."""
    script = """
        import signal, sys
        sys.path.insert(0, "tests")
        from memory_service import Service, job
        watch = Service([job(0)]).listing().watch()
        signal.signal(signal.SIGTERM, lambda *_: watch.close())
        for _ in watch:
            print("ready", flush=True)
        print("in order")
    """
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=10)[0] == "in order\n"


def test_leaving_its_block_closes_it(backup: FakeBackup) -> None:
    """After its `with` block, a watch yields nothing and sends nothing, also what had come."""
    backup.seed([a_job("a"), a_job("b")])
    with listing(backup).watch() as watch:
        next(watch)
    assert list(watch) == []
    watch.close()
    assert len(backup.requests) == 1


@pytest.mark.parametrize("delay", [0, 8])
def test_closing_ends_async_for_at_once(delay: int) -> None:
    """Closing ends `async for` from another thread, between two rounds and during a request."""
    watch = Service([job(0)], delay=delay).listing().watch(timeout=20)
    threading.Timer(0.3, watch.close).start()
    assert elapsed(lambda: asyncio.run(collected(watch))) < 4
    assert asyncio.run(collected(watch)) == []


def test_closing_after_the_event_loop_has_ended_is_no_error(backup: FakeBackup) -> None:
    """A watch may be closed when the loop that iterated over it is gone."""
    backup.seed([a_job("a")])

    async def first() -> RestoreJob:
        return await anext(watch)

    with waiting_listing(backup).watch() as watch:
        assert asyncio.run(first()) == a_job("a")
    assert list(watch) == []


# Async


async def collected(watch: RestoreJobWatch) -> list[RestoreJob]:
    return [one async for one in watch]


def test_async_for_yields_the_same(backup: FakeBackup) -> None:
    """`async for` follows jobs as `for` does, and raises the same errors."""
    backup.seed([a_job("a"), a_job("b", "completed", minutes=-1)])
    backup.seed_next([a_job("a", "half done")])
    backup.seed_next([a_job("a", "failed")])
    assert seen(asyncio.run(collected(listing(backup).watch()))) == [
        ("a", "running"),
        ("b", "completed"),
        ("a", "half done"),
        ("a", "failed"),
    ]
    with pytest.raises(WatchTimeoutError):
        asyncio.run(collected(listing(backup).watch("never", timeout=60)))


def test_async_for_blocks_nothing(backup: FakeBackup) -> None:
    """While watches wait and ask, other tasks go on."""
    backup.seed([a_job("a")])

    async def main() -> float:
        longest, last = 0.0, time.monotonic()
        slow = Service([job(0)], delay=0.3).listing().watch(timeout=1, interval=0.1)
        waiting = waiting_listing(backup).watch(timeout=1, interval=0.3)
        both = asyncio.gather(collected(slow), collected(waiting), return_exceptions=True)
        while not both.done():
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert all(isinstance(one, WatchTimeoutError) for one in await both)
        return longest

    assert asyncio.run(main()) < 0.2


@pytest.mark.parametrize("delay", [0, 0.4])
def test_cancelling_ends_the_wait_and_the_watch_goes_on(delay: float) -> None:
    """A step that is cancelled ends at once, and the next one yields what was not yielded."""
    service = Service([job(0)])

    async def main() -> None:
        watch = service.listing().watch(interval=0.5)
        assert await anext(watch) == job(0)
        service.delay = delay
        service.jobs = [replace(job(0), status=RestoreJobStatus.COMPLETED)]
        for _ in range(3):
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(watch), 0.1)
            assert time.monotonic() - started < 0.35
        assert await collected(watch) == service.jobs

    asyncio.run(main())


def test_an_error_in_async_for_is_not_the_end(backup: FakeBackup) -> None:
    """After an error, the same asynchronous iterator asks again: it never ends in silence."""
    backup.seed([a_job("a", "completed")])

    async def main() -> list[RestoreJob]:
        iterator = aiter(listing(backup).watch())
        backup.fail_next("access_denied")
        with pytest.raises(AccessDeniedException):
            await anext(iterator)
        return [one async for one in iterator]

    assert seen(asyncio.run(main())) == [("a", "completed")]


def test_tasks_may_share_a_watch(backup: FakeBackup) -> None:
    """Each job comes to one of the tasks that share a watch."""
    backup.seed([a_job(str(number), "completed") for number in range(40)])

    async def main() -> list[RestoreJob]:
        watch = listing(backup, max_results=7).watch()
        parts = await asyncio.gather(*(collected(watch) for _ in range(4)))
        return [one for part in parts for one in part]

    assert sorted(seen(asyncio.run(main()))) == sorted((str(n), "completed") for n in range(40))
    assert len(backup.requests) == 6


def test_two_loops_over_one_watch_share_it(backup: FakeBackup) -> None:
    """A watch is an iterator: a second loop goes on where the first one stopped."""
    backup.seed([a_job("a"), a_job("b")])
    backup.seed_next([a_job("a", "completed"), a_job("b", "completed")])
    watch = listing(backup).watch()
    first = next(watch)

    async def one() -> RestoreJob:
        return await anext(watch)

    assert seen([first, asyncio.run(one()), *watch]) == [
        (name, state) for state in ("running", "completed") for name in "ab"
    ]
    assert seen(listing(backup).watch()) == [("a", "completed"), ("b", "completed")]


def test_a_request_runs_in_the_context_of_its_caller() -> None:
    """Context variables, which tracing uses, reach the threads of the requests."""
    name = ContextVar("name", default="nobody")
    service = Service([replace(job(0), status=RestoreJobStatus.COMPLETED)])
    found: list[str] = []
    service.before_answer = lambda _: found.append(name.get())
    name.set("caller")
    list(service.listing().watch())
    asyncio.run(collected(service.listing().watch()))
    assert found == ["caller", "caller"]


# With the rest of the package


def test_it_follows_a_window_of_a_split_listing(backup: FakeBackup) -> None:
    """Each window follows its own jobs, also when jobs appear and change."""
    at = {"a": 0, "b": 20, "c": 40, "d": 60, "e": 105, "f": 100}
    backup.seed([a_job(name, minutes=minutes) for name, minutes in at.items() if name != "e"])
    whole = listing(
        backup,
        by_created_after=NOON,
        by_created_before=NOON + timedelta(minutes=120),
    )
    watches = [window.watch(timeout=3_600) for window in whole.split(3)]
    for watch, names in zip(watches, ("ba", "dc", "f"), strict=True):
        assert seen(itertools.islice(watch, len(names))) == [(name, "running") for name in names]
    backup.seed([a_job("e", minutes=at["e"])])
    assert seen([next(watches[2])]) == [("e", "running")]
    backup.seed([a_job(name, "completed", minutes=minutes) for name, minutes in at.items()])
    assert sorted(itertools.chain.from_iterable(map(seen, watches))) == [
        (name, "completed") for name in "abcdef"
    ]


def test_several_regions_are_watched_side_by_side_in_threads() -> None:
    """A watch in each thread follows the jobs of its region, without a mix-up."""
    regions = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
    with fake_backup() as backup:
        found: dict[str, set[tuple[str | None, str]]] = {}
        for region in regions:
            backup.seed([a_job(f"{region}-{n}") for n in range(30)], region_name=region)

        def follow(region: str) -> None:
            client = backup.client(region_name=region)
            found[region] = set(seen(client.list_restore_jobs(max_results=7).watch()))

        threads = [threading.Thread(target=follow, args=[region]) for region in regions]
        for thread in threads:
            thread.start()
        for region in regions:
            ended = [a_job(f"{region}-{n}", "completed") for n in range(30)]
            backup.seed(ended, region_name=region)
        for thread in threads:
            thread.join(timeout=20)
    for region in regions:
        names = {f"{region}-{n}" for n in range(30)}
        assert {name for name, _ in found[region]} == names
        assert {(name, "completed") for name in names} <= found[region]


SHOW = """
import time
from dataclasses import replace
from restorejobs_client import RestoreJobStatus, TransportError
def with_status(name, numbers):
    return [replace(job(number), status=RestoreJobStatus(name)) for number in numbers]
service.jobs = with_status("RUNNING", range(5)) + with_status("FAILED", range(5, 7))
watch = service.listing(progress=True).watch(interval=0.3)
"""


def test_progress_shows_what_is_followed_has_ended_and_has_failed() -> None:
    """The bar shows the jobs that are followed, those that ended and failed, and the time."""
    shown = on_a_terminal(
        SHOW
        + """
for number, _ in enumerate(watch):
    if number == 6:
        service.jobs = with_status("COMPLETED", range(5)) + with_status("RUNNING", [5])
        service.jobs += with_status("FAILED", [6, 7])
    if number == 13:
        service.jobs = with_status("COMPLETED", range(6)) + with_status("FAILED", [6, 7])
"""
    )
    assert "7 jobs [00:0" in shown
    assert "2 ended, 2 failed" in shown
    assert last_line(shown).startswith("8 jobs [00:0")
    assert last_line(shown).endswith("8 ended, 2 failed]")


@pytest.mark.parametrize(
    ("ending", "line"),
    [
        ("service.before_answer = fail\nwith suppress(TransportError): next(watch)", "7 jobs"),
        ("watch.close()", "7 jobs"),
        ("with suppress(TimeoutError): list(late)", "7 jobs"),
        ("signal.raise_signal(signal.SIGALRM)", "7 jobs"),
    ],
    ids=["error", "close", "timeout", "signal"],
)
def test_the_bar_ends_with_the_watch(ending: str, line: str) -> None:
    """What is printed after an error, a time-out or closing stands on a line of its own."""
    shown = on_a_terminal(
        SHOW
        + f"""
import signal
from contextlib import suppress
def fail(_):
    raise TransportError("pulled")
signal.signal(signal.SIGALRM, lambda *_: watch.close())
late = service.listing(progress=True).watch(interval=0.3, timeout=0.1)
if "late" not in {ending!r}:
    [next(watch) for _ in range(7)]
{ending}
print("What comes after.", file=sys.stderr)
"""
    )
    before, _, after = shown.partition("What comes after.")
    assert before.endswith("\r\n")
    assert last_line(before).startswith(line)
    assert after == "\r\n"


def test_without_tqdm_progress_names_the_extra_and_nothing_is_sent() -> None:
    """A bar that cannot be shown is an ImportError before the first request."""
    code = """
        import sys
        sys.path.insert(0, "tests")
        sys.modules["tqdm"] = None
        from memory_service import Service, job
        service = Service([job(0)])
        try:
            next(service.listing(progress=True).watch())
        except ImportError as error:
            print(error, len(service.asked))
    """
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("progress needs tqdm: pip install")
    assert done.stdout.endswith(" 0\n")


# Generated


NAMES = "abcdef"
# Some are within ten minutes of each other, and some are not.
MINUTES = dict(zip(NAMES, [0, 4, 9, 13, 40, 90], strict=True))
STEPS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(STATES)), max_size=4)


def expected(
    worlds: list[dict[str, str]], ids: set[str], status: str | None
) -> list[tuple[str | None, str]]:
    """Return what a watch must yield, when each round sees one of the worlds."""
    result: list[tuple[str | None, str]] = []
    last: dict[str, str] = {}
    oldest, newest = -1e9, 1e9
    for number, world in enumerate(worlds):
        for name in sorted(world, key=lambda one: -MINUTES[one]):
            matches = (
                name in ids if ids else status is None or STATES[world[name]]["status"] == status
            )
            is_listed = oldest <= MINUTES[name] <= newest and (number > 0 or matches or bool(ids))
            if is_listed and (name in last or matches) and last.get(name) != world[name]:
                result.append((name, world[name]))
                last[name] = world[name]
        running = [name for name in last if last[name] not in {"failed", "completed"}]
        missing = ids - set(last)
        if not running and not missing:
            return result
        if not missing:
            oldest = max(oldest, min(MINUTES[name] for name in running) - 10)
            if ids:
                newest = max(MINUTES[name] for name in running) + 10
    raise AssertionError


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
def test_whatever_jobs_do_their_changes_are_yielded(  # noqa: PLR0913  # a case
    shared_backup: FakeBackup,
    *,
    steps: list[dict[str, str]],
    ids: set[str],
    status: RestoreJobStatus | None,
    max_results: int,
    faults: set[int],
) -> None:
    """For any script of jobs that appear, change and end, a simple model says what comes."""
    if ids:
        status = None  # ids with a filter that an id may never match wait for ever
    steps = [*steps, dict.fromkeys(NAMES, "completed")]
    worlds: list[dict[str, str]] = list(itertools.accumulate(steps, operator.or_))
    shared_backup.clear()
    for number, step in enumerate(steps):
        jobs = [a_job(name, state, minutes=MINUTES[name]) for name, state in step.items()]
        (shared_backup.seed_next if number else shared_backup.seed)(jobs)
    filters = {"by_status": status} if status else {}
    watch = listing(shared_backup, max_results=max_results, **filters).watch(*sorted(ids))
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
    assert seen(found) == expected(worlds, ids, status)


def test_closing_just_before_a_wait_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch that is closed between two of its own lines does not wait for its request."""
    service = Service([job(0)], delay=5)
    watch = service.listing().watch(timeout=20)

    def close_and_start(call: Any) -> Any:
        watch.close()
        return start_call(call)

    monkeypatch.setattr(_watch, "start_call", close_and_start)
    started = time.monotonic()
    assert list(watch) == []
    assert time.monotonic() - started < 4

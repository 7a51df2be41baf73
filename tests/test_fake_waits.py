"""Clients of `FakeBackup` skip their waits, and the clock of a watch counts the skipped time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from support.fakes import COMPLETED, JOBS, ONE_TRY, OTHER_REGION, PENDING, RUNNING

from restorejobs_client import RestoreJob, RestoreJobsError, WatchTimeoutError
from restorejobs_client.testing import FakeBackup, FaultName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MODES = ["standard", "legacy", "adaptive"]


@pytest.fixture(autouse=True)
def _real_waits(retry_waits: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let botocore sleep, and fail a test that takes two seconds or more."""
    assert retry_waits == []
    monkeypatch.setattr("botocore.endpoint.time", time)
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 10  # on a busy machine


def outcome(jobs: Iterable[RestoreJob]) -> tuple[int, int]:
    """Return the number of errors and of jobs until a watch has ended."""
    errors = yielded = 0
    started = time.monotonic()
    while True:
        assert time.monotonic() - started < 5, "the watch does not end"
        try:
            for _ in jobs:
                yielded += 1
        except WatchTimeoutError:
            raise
        except RestoreJobsError:
            errors += 1
        else:
            return errors, yielded


# Retries


@pytest.mark.parametrize("mode", MODES)
def test_retries_do_not_wait(served: FakeBackup, mode: Any) -> None:
    """A client retries 30 times at once, in each of botocore's modes."""
    served.fail_next("throttle", times=30)
    client = served.client(config=Config(retries={"mode": mode, "total_max_attempts": 31}))
    assert list(client.list_restore_jobs()) == JOBS
    assert len(served.requests) == 31


@pytest.mark.parametrize("fault", ["damage", "short", "reset", "too_many_requests", "unavailable"])
def test_every_kind_of_retry_does_not_wait(served: FakeBackup, fault: FaultName) -> None:
    """Damaged pages, broken connections and errors of the service are retried at once."""
    served.fail_next(fault, times=7)
    assert list(served.client().list_restore_jobs()) == JOBS
    assert len(served.requests) == 8


def test_throttled_parallel_does_not_wait(served: FakeBackup) -> None:
    """A parallel listing that is throttled all the time fails within seconds."""
    served.fail_next("throttle", times=10**6)
    with pytest.raises(ExceptionGroup):
        list(served.client().list_restore_jobs().parallel(8))


def test_attempts_are_those_of_the_client(
    served: FakeBackup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Skipped waits change no count, and neither do retries that the environment configures."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "50")
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    served.fail_next("throttle", times=10**6)
    standard, four_more = (
        Config(retries={"mode": "standard"}),
        Config(retries={"max_attempts": 4}),
    )
    for config, attempts in ((None, 8), (ONE_TRY, 1), (standard, 3), (four_more, 5)):
        served.requests.clear()
        with pytest.raises(RestoreJobsError):
            served.client(config=config).list_restore_jobs().first()
        assert len(served.requests) == attempts


# The clock of a watch


@pytest.mark.parametrize("config", [None, ONE_TRY])
@pytest.mark.parametrize(
    "fault", ["access_denied", "unavailable", "damage", "reset", "too_many_requests"]
)
def test_timeout_comes_although_every_round_fails(
    served: FakeBackup, fault: FaultName, config: Config | None
) -> None:
    """Rounds that fail count too, so that a caller who continues after each error is not stuck."""
    served.fail_next(fault, times=10**6)
    with pytest.raises(WatchTimeoutError):
        outcome(served.client(config=config).list_restore_jobs().watch(timeout=3_600))
    assert len(served.requests) > 10


def test_retries_count_for_the_timeout(served: FakeBackup) -> None:
    """A watch counts the seconds for which its retries would have waited."""
    served.fail_next("throttle", times=50, after=1)
    config = Config(retries={"mode": "standard", "total_max_attempts": 51})
    watch = served.client(config=config).list_restore_jobs(max_results=200).watch(timeout=300)
    with pytest.raises(WatchTimeoutError):  # 50 random waits of 0 to 20 seconds
        list(watch)
    assert len(served.requests) == 52  # there is no second round


def test_few_errors_take_little_time(backup: FakeBackup) -> None:
    """A watch with a short timeout survives a few errors."""
    backup.seed([RUNNING])
    backup.seed_next([COMPLETED])
    backup.fail_next("access_denied", times=3)
    watch = backup.client().list_restore_jobs().watch(interval=1, timeout=5)
    assert outcome(watch) == (3, 2)


def test_errors_of_another_region_take_no_time(backup: FakeBackup) -> None:
    """The clock of a client counts only what the requests of its region and account skip."""
    backup.seed([RUNNING])
    watch = backup.client().list_restore_jobs().watch(interval=1, timeout=50)
    assert next(watch) == RUNNING
    backup.fail_next("access_denied", times=10**6, region_name=OTHER_REGION)
    with pytest.raises(WatchTimeoutError):
        outcome(backup.client(region_name=OTHER_REGION).list_restore_jobs().watch(timeout=1_000))
    backup.seed([COMPLETED])
    assert list(watch) == [COMPLETED]


def test_real_time_counts_for_the_timeout(backup: FakeBackup) -> None:
    """The time that the caller itself takes counts too."""
    backup.seed([PENDING])
    watch = backup.client().list_restore_jobs().watch(interval=0.01, timeout=0.3)
    assert next(watch) == PENDING
    backup.seed([COMPLETED])
    time.sleep(0.4)
    with pytest.raises(WatchTimeoutError):
        list(watch)

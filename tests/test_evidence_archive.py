"""The example that keeps evidence of restores in DuckDB."""

from __future__ import annotations

import csv
import os
import re
import resource
import stat
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import duckdb
import pytest
from support.identities import identities
from support.raw_server import wire_job

from restorejobs_client import (
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobStatus,
    RestoreValidationStatus,
    __version__,
)
from restorejobs_client.testing import FakeBackup, fake_backup, sample_jobs

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import evidence_archive as evidence  # noqa: E402  # in examples/

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.raw_server import PageServer

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
LATE, UNTIL = evidence.LATE, evidence.LATE + evidence.CLOCKS
NIGHT = datetime(2026, 3, 3, 6, tzinfo=UTC)
SINCE = datetime(2026, 2, 10, tzinfo=UTC)
EAST, WEST = ("production", "us-east-1"), ("staging", "eu-west-1")
NUMBERS = {"production": "111111111111", "staging": "222222222222"}
PRODUCTION, STAGING = NUMBERS.values()
PLAN = RestoreJobCreator(restore_testing_plan_arn="arn:aws:backup:a:1:restore-testing-plan:nightly")

Place = tuple[str, str]


def job(
    name: str | None,
    created: datetime,
    status: str = "COMPLETED",
    account: str = "production",
    **members: Any,
) -> RestoreJob:
    return RestoreJob(
        restore_job_id=name,
        creation_date=created,
        status=RestoreJobStatus(status),
        account_id=NUMBERS[account],
        **members,
    )


def sample(count: int, place: Place, until: datetime, seed: int = 0) -> list[RestoreJob]:
    return sample_jobs(
        count,
        seed=seed,
        created_after=until - 20 * DAY,
        created_before=until - 2 * HOUR,
        region_name=place[1],
        account_id=NUMBERS[place[0]],
    )


@dataclass
class Nightly:
    """An archive, and the places that its nightly runs list."""

    archive: duckdb.DuckDBPyConnection
    east: FakeBackup
    west: FakeBackup

    def source(self, place: Place, time: datetime) -> evidence.Source:
        """Return the client of a place, whose service has this time."""
        backup = self.east if place == EAST else self.west
        return evidence.Source(backup.client(), NUMBERS[place[0]], backup.endpoint_url, time=time)

    def run(self, day: int, *places: Place, since: datetime = SINCE) -> None:
        """Run for these places, or for `EAST` alone, this many days after `NIGHT`."""
        now = NIGHT + day * DAY
        makers = {place: partial(self.source, place, now) for place in places or (EAST,)}
        evidence.run(self.archive, makers, now, since)

    def run_with(self, make: Callable[[], evidence.Source], now: datetime = NIGHT) -> None:
        """Run for `EAST` with the source that `make` returns."""
        evidence.run(self.archive, {EAST: make}, now, SINCE)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.archive.execute(query).fetchall()

    @property
    def statuses(self) -> dict[str, str]:
        return dict(self.rows("select restore_job_id, status from jobs"))

    @property
    def gaps(self) -> list[tuple[str, datetime, datetime]]:
        return self.rows("select account, gap_from, gap_to from gaps order by all")

    def report(
        self, path: Path, capsys: pytest.CaptureFixture[str]
    ) -> tuple[bool, str, list[dict[str, str]]]:
        """Return whether there are gaps, what is printed, and the rows of the CSV file."""
        capsys.readouterr()
        has_gaps = evidence.print_status(self.archive)
        evidence.print_report(self.archive, path / "evidence.csv")
        assert stat.S_IMODE((path / "evidence.csv").stat().st_mode) == 0o600
        with (path / "evidence.csv").open() as file:
            return has_gaps, capsys.readouterr().out, list(csv.DictReader(file))


@pytest.fixture
def nightly() -> Iterator[Nightly]:
    with (
        duckdb.connect() as archive,
        fake_backup(region_name=EAST[1], account_id=NUMBERS[EAST[0]]) as east,
        fake_backup(region_name=WEST[1], account_id=NUMBERS[WEST[0]]) as west,
    ):
        archive.execute(evidence.SCHEMA)
        yield Nightly(archive, east, west)


def command(*arguments: str) -> int:
    mask = os.umask(0o022)  # the usual one, with which anybody can read new files
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["evidence_archive.py", *arguments])
            return evidence.main()
    finally:
        os.umask(mask)


# What a run lists and saves


def test_run_lists_only_what_can_have_changed(nightly: Nightly) -> None:
    """A run starts at the end of the covered period, or at the oldest job that may change."""
    successful = RestoreValidationStatus.SUCCESSFUL
    tested: dict[str, Any] = {"created_by": PLAN, "validation_status": successful}
    old, new = NIGHT - 3 * DAY, NIGHT + 4 * DAY
    steps = [
        [job("a", NIGHT - 9 * DAY), job("b", old, "RUNNING")],
        [job("b", old, validation_status=RestoreValidationStatus.VALIDATING)],
        [job("b", old, deletion_status=RestoreDeletionStatus.DELETING)],
        [job("b", old, **tested)],
        [job("b", old, deletion_status=RestoreDeletionStatus.SUCCESSFUL, **tested)],
        [job("c", new, "PAUSED")],  # a status that AWS may add
        [job("c", new, "FAILED")],
        [],
    ]
    for day, jobs in enumerate(steps):
        nightly.east.seed(jobs)
        nightly.run(day)
    fourth, sixth = NIGHT + 4 * DAY - LATE, NIGHT + 6 * DAY - LATE
    assert [
        datetime.fromisoformat(request["createdAfter"]) + SECOND
        for request in nightly.east.requests
    ] == [SINCE, old, old, old, old, fourth, new, sixth]
    assert nightly.statuses == {"a": "COMPLETED", "b": "COMPLETED", "c": "FAILED"}


def test_job_that_is_listed_late_is_found(nightly: Nightly) -> None:
    """A job that AWS lists up to an hour after its creation is saved by the next run."""
    nightly.run(0)
    nightly.east.seed([job("a", NIGHT - HOUR), job("b", NIGHT - SECOND)])
    nightly.run(1)
    assert set(nightly.statuses) == {"a", "b"}


def test_job_that_a_listing_has_twice_is_kept_as_it_came_last(
    nightly: Nightly, server: PageServer, client: RestoreJobsClient
) -> None:
    """If the pages move while AWS lists, the later state of a job counts, as one change."""
    created = {"CreationDate": (NIGHT - DAY).timestamp()}
    jobs = [wire_job(number) | created for number in range(12)]
    later = {"Status": "FAILED", "AccountId": PRODUCTION}  # a pending job may not have it
    server.jobs = [*({**job, "Status": "PENDING"} for job in jobs), *(job | later for job in jobs)]
    nightly.run_with(lambda: evidence.Source(client, PRODUCTION, time=NIGHT))
    assert set(nightly.statuses.values()) == {"FAILED"}
    assert nightly.rows("select jobs, new, changed from listings") == [(12, 12, 0)]


def test_failed_listing_saves_nothing(nightly: Nightly) -> None:
    """A listing that fails saves no job and leaves a gap; other listings are saved."""
    nightly.east.seed(sample(1_500, EAST, NIGHT))
    nightly.west.seed(sample(300, WEST, NIGHT))
    nightly.east.fail_next("stuck_token")
    nightly.run(0, EAST, WEST)
    assert nightly.rows("select account, count(*) from jobs group by all") == [(STAGING, 300)]
    assert nightly.gaps == [(PRODUCTION, SINCE, NIGHT - UNTIL)]
    nightly.run(1, EAST, WEST)
    assert nightly.rows("select count(*) from jobs") == [(1_800,)]
    assert nightly.gaps == []


def test_failed_save_is_rolled_back(nightly: Nightly, monkeypatch: pytest.MonkeyPatch) -> None:
    """If saving fails, even after jobs were written, the archive keeps none of them."""
    save = evidence.save

    def save_and_fail(*arguments: Any) -> None:
        save(*arguments)
        raise RestoreJobsError("too late")

    nightly.east.seed([job("a", NIGHT - DAY)])
    with monkeypatch.context() as patch:
        patch.setattr(evidence, "save", save_and_fail)
        nightly.run(0)
    nightly.east.seed([job(None, NIGHT - DAY)])
    nightly.run(0)
    assert nightly.statuses == {}
    assert nightly.gaps == [(PRODUCTION, SINCE, NIGHT - UNTIL)]
    errors = [error.partition(":")[0] for (error,) in nightly.rows("select error from listings")]
    assert errors == ["RestoreJobsError", "ConstraintException"]


def test_each_listing_is_recorded(nightly: Nightly) -> None:
    """The archive has the bounds, the counts and the error of each listing."""
    nightly.east.seed([job("a", NIGHT - DAY, "RUNNING"), job("b", NIGHT - DAY)])
    nightly.run(0, EAST, WEST)
    nightly.east.seed([job("a", NIGHT - DAY), job("c", NIGHT + HOUR)])
    nightly.west.fail_next("access_denied")
    nightly.run(1, EAST, WEST)
    first, second = NIGHT - LATE, NIGHT + DAY - LATE
    columns = "run, profile, account, region, asked_after, covered_from, covered_to"
    assert nightly.rows(f"select {columns}, jobs, new, changed from listings order by all") == [  # noqa: S608  # no input
        (1, "production", PRODUCTION, "us-east-1", SINCE - SECOND, SINCE, first, 2, 2, 0),
        (1, "staging", STAGING, "eu-west-1", SINCE - SECOND, SINCE, first, 0, 0, 0),
        (2, "production", PRODUCTION, "us-east-1", NIGHT - DAY - SECOND, first, second, 3, 1, 1),
        (2, "staging", STAGING, "eu-west-1", *[None] * 6),
    ]
    ((error,),) = nightly.rows("select error from listings where error is not null")
    assert error.startswith("AccessDeniedException: ")


def test_each_listing_says_where_it_comes_from(nightly: Nightly) -> None:
    """The archive has the client, the versions, and the ids and times of the answers."""
    before = datetime.now(UTC).replace(microsecond=0)
    nightly.east.seed(sample(1_500, EAST, before))
    nightly.run_with(lambda: nightly.source(EAST, NIGHT)._replace(time=None), now=datetime.now(UTC))
    ((endpoint, is_aws, times, ids, versions),) = nightly.rows(
        "select endpoint, is_aws, answered_at, request_ids, versions from listings"
    )
    assert (endpoint, is_aws) == (nightly.east.endpoint_url, False)
    assert before <= times[0] <= times[1] <= datetime.now(UTC)
    assert len(set(ids)) == len(nightly.east.requests) == 2
    assert versions.startswith(f"restorejobs-client {__version__}, boto3 ")


def test_same_night_twice_changes_nothing(nightly: Nightly) -> None:
    """A second run for the same night does not change the jobs, the gaps or the report."""
    nightly.east.seed(sample(300, EAST, NIGHT))
    states: list[object] = []
    for _ in range(2):
        nightly.run(0)
        tables = ("jobs order by all", "gaps", "places", "report")
        states.append([nightly.rows(f"from {table}") for table in tables])
    assert states[0] == states[1]
    assert nightly.rows("select new, changed from listings") == [(300, 0), (0, 0)]


def test_archive_keeps_jobs_that_aws_no_longer_lists(nightly: Nightly) -> None:
    """A job stays in the archive as it was last listed, even if it had not ended."""
    nightly.east.seed([job("a", NIGHT - DAY, "RUNNING"), job("b", NIGHT - DAY)])
    nightly.run(0)
    nightly.east.clear()
    nightly.run(90)
    assert nightly.statuses == {"a": "RUNNING", "b": "COMPLETED"}


# Gaps


def test_denied_region_is_a_gap_until_it_is_listed(
    nightly: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each report names the gap, on the page and in the CSV file, until a run has filled it."""
    nightly.west.seed([job("first", NIGHT - DAY, account="staging")])
    nightly.run(0, EAST, WEST)
    assert nightly.report(tmp_path, capsys)[0] is False
    for day in (1, 2):
        nightly.west.fail_next("access_denied")
        nightly.run(day, EAST, WEST)
        end = NIGHT + day * DAY - UNTIL
        assert nightly.gaps == [(STAGING, NIGHT - LATE, end)]
        has_gaps, page, rows = nightly.report(tmp_path, capsys)
        assert has_gaps
        period = f"2026-03-03 05:00 to {end:%F %H:%M}"
        assert f"NOT COVERED: {STAGING} eu-west-1 {period}: AccessDeniedException" in page
        march = [row for row in rows if row["month"] == "2026-03"]
        assert [row["coverage"] for row in march] == ["partly covered"] * 2
        assert [period in row["not_covered"] for row in march] == [False, True]
    nightly.west.seed([job("hidden", NIGHT + HOUR, account="staging")])
    nightly.run(3, EAST, WEST)
    has_gaps, page, rows = nightly.report(tmp_path, capsys)
    assert (has_gaps, "NOT COVERED:" in page, nightly.gaps) == (False, False, [])
    assert [row["restores"] for row in rows if row["region"] == "eu-west-1"] == ["0", "2"]


def test_gap_does_not_look_like_no_restores(
    nightly: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A month without restores shows 0 where it is covered, and "not covered" where it is not."""
    start = datetime(2026, 1, 31, tzinfo=UTC)
    nightly.run(-31, EAST, WEST, since=start)
    nightly.run(-11, EAST)
    nightly.run(-1, EAST)
    has_gaps, page, rows = nightly.report(tmp_path, capsys)
    assert has_gaps
    names = ("region", "restores", "coverage", "not_covered")
    assert [[row[name] for name in names] for row in rows if row["month"] == "2026-02"] == [
        ["us-east-1", "0", "covered", ""],
        ["eu-west-1", "not covered", "not covered", "2026-02-01 00:00 to 2026-03-01 00:00"],
    ]
    january = [row["not_covered"] for row in rows if row["month"] == "2026-01"]
    assert january[0] == "2026-01-01 00:00 to 2026-01-31 00:00"  # before the start
    assert january[1] == f"{january[0]}; 2026-01-31 05:00 to 2026-02-01 00:00"
    periods = {(row["period_from"], row["period_to"]) for row in rows}
    assert periods == {("2026-01-31 00:00", "2026-03-02 04:55")}
    gap = f"NOT COVERED: {STAGING} eu-west-1 2026-01-31 05:00 to 2026-03-02 04:55: no run"
    assert gap in page
    assert page.count("2026-03-02 04:55 │") == 2


def test_report_without_a_run_does_not_succeed(nightly: Nightly, tmp_path: Path) -> None:
    """A report before the first run shows gaps, and a report without an archive exits with 2."""
    assert evidence.print_status(nightly.archive) is True
    with pytest.raises(SystemExit, match="2"):
        command("--report", "--database", str(tmp_path / "none.duckdb"))


def test_run_covers_at_most_30_days(nightly: Nightly) -> None:
    """Earlier dates remain a gap, because AWS may no longer list their jobs."""
    gap = (PRODUCTION, NIGHT - 40 * DAY, NIGHT - 30 * DAY)
    nightly.run(0, since=NIGHT - 40 * DAY)
    assert nightly.gaps == [gap]
    nightly.run(1, since=NIGHT)
    assert nightly.gaps == [gap]
    after = datetime.fromisoformat(nightly.east.requests[-1]["createdAfter"])
    assert after == NIGHT - LATE - SECOND


# Whose jobs, and when


def test_profile_of_another_account_is_a_gap_of_the_expected_one(nightly: Nightly) -> None:
    """Jobs are kept under the account that was listed, and the other account has a gap."""
    nightly.east.seed([job("a", NIGHT - DAY)])
    nightly.run(0)
    nightly.east.seed([job("b", NIGHT + HOUR)])
    nightly.west.seed([job("c", NIGHT + HOUR, account="staging")])
    other = nightly.source(WEST, NIGHT + DAY)
    nightly.run_with(lambda: other, now=NIGHT + DAY)
    assert nightly.gaps == [(PRODUCTION, NIGHT - LATE, NIGHT + DAY - UNTIL)]
    assert nightly.rows("select account, restore_job_id from jobs order by all") == [
        (PRODUCTION, "a"),
        (STAGING, "c"),
    ]
    nightly.run(2)
    assert nightly.rows("select restore_job_id from jobs where account = '111111111111'") == [
        ("a",),
        ("b",),
    ]
    assert nightly.gaps == [(STAGING, NIGHT + DAY - LATE, NIGHT + 2 * DAY - UNTIL)]


def test_quiet_account_that_nobody_names_is_a_gap(nightly: Nightly) -> None:
    """A client alone is of the account of its jobs. Without jobs, the listing covers nothing."""
    make = lambda: nightly.source(EAST, NIGHT)._replace(account=None)  # noqa: E731
    nightly.run_with(make)
    assert nightly.gaps == [("production", SINCE, NIGHT - UNTIL)]
    nightly.east.seed([job("a", NIGHT - DAY)])
    nightly.run_with(make)
    assert nightly.gaps == []
    assert nightly.rows("select account from places") == [(PRODUCTION,)]


def test_jobs_of_another_account_are_refused(nightly: Nightly) -> None:
    """A listing with jobs of an account that the caller does not have saves nothing."""
    nightly.east.seed([job("a", NIGHT - DAY), job("b", NIGHT - DAY, account="staging")])
    nightly.run(0)
    assert nightly.statuses == {}
    ((error,),) = nightly.rows("select error from listings")
    assert error.startswith(f"RestoreJobsError: it lists {PRODUCTION} and {STAGING}")


@pytest.mark.parametrize("ahead", [3 * DAY, 6 * timedelta(minutes=1), -3 * DAY])
def test_wrong_clock_covers_nothing(nightly: Nightly, ahead: timedelta) -> None:
    """A run whose clock differs from that of AWS is a gap, which the next run fills."""
    nightly.run(0)
    nightly.east.seed([job("a", NIGHT + DAY - HOUR)])
    second = NIGHT + DAY
    nightly.run_with(lambda: nightly.source(EAST, second), now=second + ahead)
    ((error,),) = nightly.rows("select error from listings where run = 2")
    assert error == f"it is {second + ahead:%F %T} here, and {second:%F %T} at AWS"
    assert evidence.print_status(nightly.archive) is True
    nightly.east.seed([job("b", second + HOUR)])
    nightly.run(2)
    assert nightly.gaps == []
    assert set(nightly.statuses) == {"a", "b"}


def test_answer_without_a_time_covers_nothing(
    nightly: Nightly, server: PageServer, client: RestoreJobsClient
) -> None:
    """If AWS does not say when it answered, the jobs are kept, and the listing is a gap."""
    server.jobs = [wire_job(0) | {"CreationDate": (NIGHT - DAY).timestamp()}]
    nightly.run_with(lambda: evidence.Source(client, PRODUCTION))
    assert nightly.statuses == {"job-000000": "COMPLETED"}
    assert nightly.gaps == [(PRODUCTION, SINCE, NIGHT - UNTIL)]
    ((error,),) = nightly.rows("select error from listings")
    assert error.endswith("and an unknown time at AWS")


def test_covered_time_is_that_of_aws(nightly: Nightly) -> None:
    """If the clocks differ a little, what is covered ends an hour before AWS's time."""
    minutes = timedelta(minutes=4)
    for ahead in (minutes, -minutes):
        nightly.run_with(lambda: nightly.source(EAST, NIGHT), now=NIGHT + ahead)
        assert nightly.gaps == []
    (first,), (second,) = nightly.rows("select covered_to from listings order by run")
    assert first == NIGHT - LATE
    here = NIGHT - minutes
    assert here - LATE <= second < here - LATE + 10 * SECOND  # not later than the clock here


# The report and the command


def test_report_has_the_figures_of_the_jobs(
    nightly: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The figures for each month, place, type and plan are those of its jobs."""
    groups: dict[tuple[str, ...], list[RestoreJob]] = defaultdict(list)
    for place, backup in ((EAST, nightly.east), (WEST, nightly.west)):
        jobs = sample(2_500, place, NIGHT, seed=len(groups))
        backup.seed(jobs)
        for job in jobs:
            assert job.creation_date
            plan = job.created_by and job.created_by.restore_testing_plan_arn
            month = f"{job.creation_date:%Y-%m}"
            account, region = NUMBERS[place[0]], place[1]
            groups[month, account, region, job.resource_type or "", plan or ""].append(job)
    nightly.run(0, EAST, WEST)
    _, _, rows = nightly.report(tmp_path, capsys)
    keys = ("month", "account", "region", "resource_type", "plan")
    found = {tuple(row[key] for key in keys): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == groups.keys()
    for key, jobs in groups.items():
        row = found[key]
        completed = [job for job in jobs if job.status == "COMPLETED"]
        ended = [job for job in jobs if job.is_terminal]
        seconds = sorted(job.duration.total_seconds() for job in completed if job.duration)
        validated = sum(job.validation_status == "SUCCESSFUL" for job in jobs)
        figures = [len(jobs), len(ended), validated]
        assert [int(row[name]) for name in ("restores", "ended", "tests_validated")] == figures
        rate = len(completed) / len(ended) if ended else None
        median = statistics.median(seconds) if seconds else None
        p95 = seconds[-(-95 * len(seconds) // 100) - 1] if seconds else None
        names = ("success_rate", "median_seconds", "p95_seconds")
        for name, value in zip(names, (rate, median, p95), strict=True):
            assert (float(row[name]) if row[name] else None) == pytest.approx(value), (key, name)


def test_simulation_is_repeatable(tmp_path: Path) -> None:
    """Six simulated nights leave a gap and fill it; a second simulation changes nothing."""
    arguments = ["--database", str(tmp_path / "kept.duckdb"), "--csv"]
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "examples/evidence_archive.py", *arguments, str(tmp_path / "first.csv")],
        cwd=ROOT,
        env={"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = done.stdout
    assert page.count(f"NOT COVERED: {STAGING} eu-central-1 2026-02-28 02:00 to 2026-03-01") == 1
    assert page.count("4 places listed") == 5
    assert page.count("3 places listed") == 1
    assert command(*arguments, str(tmp_path / "second.csv")) == 0
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


def test_csv_has_no_formula_and_no_forged_line(
    nightly: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text of AWS begins no formula, no line and no terminal command, in the CSV or on the page."""
    texts = ["=1+1", "+1", "-1", "@a", "\tb", "\r=1", " =1", "\u200b=1", "\uff1d1", "'=1", '"=1']
    texts += ["x\nNOT COVERED: me", "\x1b[2J", "a\u202eb\u2028c", "EBS", "S3 über"]
    nightly.east.seed(
        job(str(number), NIGHT - DAY, resource_type=text, created_by=PLAN)
        for number, text in enumerate(texts)
    )
    error = RestoreJobsError("no\nNOT COVERED: everything\x1b[31m")
    nightly.run(0)
    nightly.run_with(lambda: evidence.Source(error, PRODUCTION), now=NIGHT + DAY)
    _, page, rows = nightly.report(tmp_path, capsys)
    cells = {row["resource_type"] for row in rows}
    assert {"'=1+1", "'+1", "'-1", "'@a", "'\uff1d1", "''=1", "EBS", "S3 über"} <= cells
    assert {"'\\u000d=1", "x\\u000aNOT COVERED: me", "a\\u202eb\\u2028c"} <= cells
    assert all(cell[:1].isalnum() or cell[:1] in {"", "'"} for row in rows for cell in row.values())
    assert (tmp_path / "evidence.csv").read_text().isprintable() is False  # its line ends
    lines = [*page.splitlines(), *(tmp_path / "evidence.csv").read_text().split("\n")]
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith("NOT COVERED") for line in lines) == 1


def test_report_names_endpoints_that_are_not_of_aws(
    nightly: Nightly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page and the CSV file show the origin of jobs if it was not AWS."""
    nightly.run_with(
        lambda: nightly.source(EAST, NIGHT)._replace(endpoint="https://a", is_aws=True)
    )
    _, page, rows = nightly.report(tmp_path, capsys)
    assert {row["not_aws"] for row in rows} == {""}
    assert "https://a" not in page
    nightly.run(1)
    _, page, rows = nightly.report(tmp_path, capsys)
    assert {row["not_aws"] for row in rows} == {nightly.east.endpoint_url}
    assert nightly.east.endpoint_url in page


def test_live_client_knows_whether_its_endpoint_is_that_of_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint of a profile is not AWS's, and without one it is. No password is kept."""
    config = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with identities() as url:
        text = profile("p", PRODUCTION, "http://me:secret@localhost:1/x", url)
        for text_of_profile, endpoint, is_aws in (
            (text, "localhost:1/x", False),
            (re.sub(r"backup =\n.*\n", "", text), "https://backup.eu-west-1.amazonaws.com", True),
        ):
            config.write_text(text_of_profile)
            source = evidence.live(boto3.Session, "p", "eu-west-1")
            assert (source.account, source.endpoint, source.is_aws) == (
                PRODUCTION,
                endpoint,
                is_aws,
            )


def profile(name: str, account: str, backup_url: str, identities_url: str) -> str:
    """Return a profile, whose caller has an account, for the configuration file."""
    return (
        f"[profile {name}]\nservices = {name}\naws_access_key_id = {account}\n"
        f"aws_secret_access_key = testing\n[services {name}]\n"
        f"backup =\n  endpoint_url = {backup_url}\nsts =\n  endpoint_url = {identities_url}\n"
    )


def test_live_run_lists_each_profile_in_each_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A profile without credentials and an unknown profile leave a gap in each region."""
    config = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    with fake_backup(account_id=PRODUCTION) as backup, identities() as url:
        known = profile("production", PRODUCTION, backup.endpoint_url, url)
        config.write_text(f"[profile nobody]\n{known}")
        for count, region in ((10, "us-east-1"), (11, "eu-west-1")):
            backup.seed(sample(count, ("production", region), now), region_name=region)
        profiles, regions = ["production", "nobody", "unknown"], ["us-east-1", "eu-west-1"]
        live = ["--live", *profiles, "--regions", *regions]
        assert command(*live, "--start", f"{now - 25 * DAY:%F}", "--report") == 1
        page = capsys.readouterr().out
        assert "2 places listed; 21 jobs, 21 new, 0 changed" in page
        assert page.count("NOT COVERED: nobody") == page.count("NOT COVERED: unknown") == 2
        assert page.count("ProfileNotFound") == 2
        assert backup.endpoint_url in page
        # Later, the profile `nobody` gets credentials, and the gap of its name goes.
        config.write_text(known + profile("nobody", PRODUCTION, backup.endpoint_url, url))
        assert command("--live", *profiles[:2], "--regions", *regions) == 1
        page = capsys.readouterr().out
        assert page.count("NOT COVERED: unknown") == page.count("NOT COVERED") == 2
        other = ["--database", "other.duckdb"]
        assert command("--live", "production", "--regions", "us-east-1", *other) == 0
    assert command("--report") == 1
    assert (tmp_path / "evidence.csv").read_text().startswith("month,account,")


def test_live_run_asks_whose_profile_it_is(
    nightly: Nightly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a profile has another, quiet account tonight, the account of last night has a gap."""
    config = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with identities() as url:
        for day, account in enumerate([PRODUCTION, STAGING]):
            config.write_text(profile("production", account, nightly.east.endpoint_url, url))
            now = NIGHT + day * DAY
            source = evidence.live(boto3.Session, *EAST)._replace(time=now)
            nightly.run_with(partial(evidence.Source, *source), now=now)
    assert nightly.gaps == [(PRODUCTION, NIGHT - LATE, NIGHT + DAY - UNTIL)]
    assert nightly.rows("select account from listings order by run") == [(PRODUCTION,), (STAGING,)]


def test_endpoint_that_answers_nothing_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that answers `{}` does not look like an account without restores."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with identities() as url:
        (tmp_path / "config").write_text(profile("p", PRODUCTION, url, url))
        arguments = ["--live", "p", "--regions", "us-east-1"]
        assert command(*arguments, "--database", str(tmp_path / "e.duckdb")) == 1
    page = capsys.readouterr().out
    assert "0 places listed; 0 jobs, 0 new, 0 changed" in page
    assert f"NOT COVERED: {PRODUCTION} us-east-1" in page


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    """The archive and its report have no permissions for others, even if they had some before."""
    duckdb.connect(tmp_path / "kept.duckdb").close()
    (tmp_path / "kept.csv").write_text("old")
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    assert command("--database", str(tmp_path / "kept.duckdb")) == 0
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


# What can go wrong on the machine


def program(*arguments: str, before: Callable[[], object] | None = None) -> tuple[int, str]:
    """Run the example in a process; return its exit code and its errors."""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "examples/evidence_archive.py", *arguments],
        cwd=ROOT,
        preexec_fn=before,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def test_full_disk_leaves_an_archive_that_the_next_run_completes(tmp_path: Path) -> None:
    """When no more can be written, a run fails, and the next one lists what is missing."""
    database, report = tmp_path / "kept.duckdb", tmp_path / "kept.csv"
    for size in (50_000, 200_000):
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))
        code, errors = program("--database", str(database), before=limit)
        assert code == 1
        assert "Could not write file" in errors
    assert program("--database", str(database), "--csv", str(report)) == (0, "")
    assert command("--database", str(tmp_path / "new.duckdb")) == 0
    assert report.read_text() == (tmp_path / "new.csv").read_text()


def test_second_run_at_the_same_time_changes_nothing(tmp_path: Path) -> None:
    """DuckDB refuses a second process, which ends with an error."""
    database = tmp_path / "kept.duckdb"
    with duckdb.connect(database) as archive:
        archive.execute(evidence.SCHEMA)
        code, errors = program("--database", str(database))
        assert code == 1
        assert "lock" in errors
        assert archive.execute("from runs").fetchall() == []

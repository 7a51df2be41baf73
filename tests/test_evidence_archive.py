"""The example that keeps evidence of restores in DuckDB."""

from __future__ import annotations

import csv
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from restorejobs_client import (
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client.testing import FakeBackup, fake_backup, sample_jobs

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import evidence_archive as evidence  # noqa: E402  # in examples/

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
NIGHT = datetime(2026, 3, 3, 6, tzinfo=UTC)
SINCE = datetime(2026, 2, 10, tzinfo=UTC)
EAST, WEST = ("production", "us-east-1"), ("staging", "eu-west-1")
NUMBERS = {"production": "111111111111", "staging": "222222222222"}
PLAN = RestoreJobCreator(restore_testing_plan_arn="arn:aws:backup:a:1:restore-testing-plan:nightly")


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


def sample(count: int, place: evidence.Place, until: datetime, seed: int = 0) -> list[RestoreJob]:
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
    """An archive, and the two places that its nightly runs list."""

    archive: duckdb.DuckDBPyConnection
    east: FakeBackup
    west: FakeBackup
    clients: dict[evidence.Place, Callable[[], RestoreJobsClient]]

    def run(self, day: int, *places: evidence.Place, since: datetime = SINCE) -> None:
        """Run for these places, or for `EAST` alone, this many days after `NIGHT`."""
        clients = {place: self.clients[place] for place in places or (EAST,)}
        evidence.run(self.archive, clients, NIGHT + day * DAY, since)

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
        yield Nightly(archive, east, west, {EAST: cache(east.client), WEST: cache(west.client)})


def command(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["evidence_archive.py", *arguments])
        return evidence.main()


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
    fourth, sixth = NIGHT + 4 * DAY - HOUR, NIGHT + 6 * DAY - HOUR
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


def test_failed_listing_saves_nothing(nightly: Nightly) -> None:
    """A listing that fails saves no job and leaves a gap; other listings are saved."""
    nightly.east.seed(sample(1_500, EAST, NIGHT))
    nightly.west.seed(sample(300, WEST, NIGHT))
    nightly.east.fail_next("stuck_token")
    nightly.run(0, EAST, WEST)
    assert nightly.rows("select account, count(*) from jobs group by all") == [("staging", 300)]
    assert nightly.gaps == [("production", SINCE, NIGHT - HOUR)]
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
    assert nightly.gaps == [("production", SINCE, NIGHT - HOUR)]
    errors = [error.partition(":")[0] for (error,) in nightly.rows("select error from listings")]
    assert errors == ["RestoreJobsError", "ConstraintException"]


def test_each_listing_is_recorded(nightly: Nightly) -> None:
    """The archive has the bounds, the counts and the error of each listing."""
    nightly.east.seed([job("a", NIGHT - DAY, "RUNNING"), job("b", NIGHT - DAY)])
    nightly.run(0, EAST, WEST)
    nightly.east.seed([job("a", NIGHT - DAY), job("c", NIGHT + HOUR)])
    nightly.west.fail_next("access_denied")
    nightly.run(1, EAST, WEST)
    first, second = NIGHT - HOUR, NIGHT + DAY - HOUR
    assert nightly.rows("select * exclude (error) from listings order by all") == [
        (1, *EAST, SINCE - SECOND, SINCE, first, 2, 2, 0),
        (1, *WEST, SINCE - SECOND, SINCE, first, 0, 0, 0),
        (2, *EAST, NIGHT - DAY - SECOND, first, second, 3, 1, 1),
        (2, *WEST, first - SECOND, first, second, 0, 0, 0),
    ]
    ((error,),) = nightly.rows("select error from listings where error is not null")
    assert error.startswith("AccessDeniedException: ")


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
        end = NIGHT + day * DAY - HOUR
        assert nightly.gaps == [("staging", NIGHT - HOUR, end)]
        has_gaps, page, rows = nightly.report(tmp_path, capsys)
        assert has_gaps
        period = f"2026-03-03 05:00 to {end:%F %H:%M}"
        assert f"NOT COVERED: staging eu-west-1 {period}: AccessDeniedException" in page
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
    assert periods == {("2026-01-31 00:00", "2026-03-02 05:00")}
    assert "NOT COVERED: staging eu-west-1 2026-01-31 05:00 to 2026-03-02 05:00: no run" in page
    assert page.count("2026-03-02 05:00 │") == 2


def test_report_without_a_run_does_not_succeed(nightly: Nightly, tmp_path: Path) -> None:
    """A report before the first run shows gaps, and a report without an archive exits with 2."""
    assert evidence.print_status(nightly.archive) is True
    with pytest.raises(SystemExit, match="2"):
        command("--report", "--database", str(tmp_path / "none.duckdb"))


def test_run_covers_at_most_30_days(nightly: Nightly) -> None:
    """Earlier dates remain a gap, because AWS may no longer list their jobs."""
    gap = ("production", NIGHT - 40 * DAY, NIGHT - 30 * DAY)
    nightly.run(0, since=NIGHT - 40 * DAY)
    assert nightly.gaps == [gap]
    nightly.run(1, since=NIGHT)
    assert nightly.gaps == [gap]
    after = datetime.fromisoformat(nightly.east.requests[-1]["createdAfter"])
    assert after == NIGHT - HOUR - SECOND


def test_profile_that_lists_another_account_is_a_gap(nightly: Nightly) -> None:
    """A listing of an unexpected account saves nothing and leaves a gap."""
    nightly.east.seed([job("a", NIGHT - DAY)])
    nightly.west.seed([job("b", NIGHT + HOUR, account="staging")])
    east, west = nightly.clients[EAST], nightly.clients[WEST]
    nightly.run(0)
    nightly.clients[EAST] = west
    nightly.run(1)
    nightly.clients |= {EAST: east, WEST: east}
    nightly.run(2, EAST, WEST)
    assert nightly.statuses == {"a": "COMPLETED"}
    assert nightly.gaps == [("staging", SINCE, NIGHT + 2 * DAY - HOUR)]
    errors = nightly.rows("select error from listings order by run, account")
    assert [error and error.partition(": ")[2] for (error,) in errors] == [
        None,
        "it lists account 222222222222, but production is 111111111111",
        None,
        "it lists account 111111111111, but production is 111111111111",
    ]


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
            groups[month, *place, job.resource_type or "", plan or ""].append(job)
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
        assert row["account_id"] == NUMBERS[key[1]]
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
    assert page.count("NOT COVERED: staging eu-central-1 2026-02-28 02:00 to 2026-03-01") == 1
    assert page.count("4 places listed") == 5
    assert page.count("3 places listed") == 1
    assert command(*arguments, str(tmp_path / "second.csv")) == 0
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


def test_live_run_lists_each_profile_in_each_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A profile without credentials and an unknown profile leave a gap in each region."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    with fake_backup(account_id=NUMBERS["production"]) as backup:
        (tmp_path / "config").write_text(
            f"[profile nobody]\n[profile production]\nendpoint_url = {backup.endpoint_url}\n"
            "aws_access_key_id = testing\naws_secret_access_key = testing\n"
        )
        for count, region in ((10, "us-east-1"), (11, "eu-west-1")):
            backup.seed(sample(count, ("production", region), now), region_name=region)
        profiles, regions = ["production", "nobody", "unknown"], ["us-east-1", "eu-west-1"]
        live = ["--live", *profiles, "--regions", *regions]
        assert command(*live, "--start", f"{now - 25 * DAY:%F}", "--report") == 1
        page = capsys.readouterr().out
        assert "2 places listed; 21 jobs, 21 new, 0 changed" in page
        assert page.count("NOT COVERED: nobody") == page.count("NOT COVERED: unknown") == 2
        other = ["--database", "other.duckdb"]
        assert command("--live", "production", "--regions", "us-east-1", *other) == 0
    assert command("--report") == 1
    assert (tmp_path / "evidence.csv").read_text().startswith("month,account,")

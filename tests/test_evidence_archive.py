"""The archive of evidence, with DuckDB, over real sockets, and in processes that are killed."""

from __future__ import annotations

import csv
import json
import os
import random
import select
import signal
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from restorejobs_client import (
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobsError,
    RestoreJobStatus,
    RestoreValidationStatus,
)
from restorejobs_client.testing import FakeBackup, fake_backup, sample_jobs

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import evidence_archive as evidence  # noqa: E402  # it is found now

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from duckdb import DuckDBPyConnection as Archive

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
NIGHT = datetime(2026, 3, 3, 6, tzinfo=UTC)
SINCE = datetime(2026, 2, 10, tzinfo=UTC)
EAST, WEST = ("production", "us-east-1"), ("staging", "eu-west-1")
NUMBERS = {"production": "1" * 12, "staging": "2" * 12}
PLAN = RestoreJobCreator(restore_testing_plan_arn="arn:aws:backup:a:1:restore-testing-plan:nightly")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with duckdb.connect(tmp_path / "evidence.duckdb") as archive:
        archive.execute(evidence.SCHEMA)
        yield archive


@pytest.fixture
def east() -> Iterator[FakeBackup]:
    with fake_backup(account_id=NUMBERS["production"]) as backup:
        yield backup


@pytest.fixture
def west() -> Iterator[FakeBackup]:
    with fake_backup(region_name=WEST[1], account_id=NUMBERS["staging"]) as backup:
        yield backup


def job(
    name: str, created: datetime, status: str = "COMPLETED", account: str = "1" * 12, **more: Any
) -> RestoreJob:
    status_ = RestoreJobStatus(status)
    return RestoreJob(
        restore_job_id=name, creation_date=created, status=status_, account_id=account, **more
    )


def sample(count: int, account: str, region: str, until: datetime, seed: int) -> list[RestoreJob]:
    return sample_jobs(
        count,
        seed=seed,
        created_after=until - 20 * DAY,
        created_before=until - 2 * HOUR,
        region_name=region,
        account_id=NUMBERS[account],
    )


def listed(archive: Archive) -> dict[str, str]:
    return dict(archive.execute("select restore_job_id, status from jobs").fetchall())


def gaps(archive: Archive) -> list[tuple[str, datetime, datetime]]:
    return archive.execute("select account, gap_from, gap_to from gaps order by all").fetchall()


def told(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, list[dict[str, str]]]:
    """Return the exit code, the page and the CSV of --report."""
    path = tmp_path / "evidence.csv"
    copy = tmp_path / "copy.duckdb"
    copy.unlink(missing_ok=True)
    archive.execute("checkpoint")
    copy.write_bytes((tmp_path / "evidence.duckdb").read_bytes())
    capsys.readouterr()
    code = command("--report", "--database", str(copy), "--csv", str(path))
    with path.open() as file:
        return code, capsys.readouterr().out, list(csv.DictReader(file))


def command(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["evidence_archive.py", *arguments])
        return evidence.main()


def test_several_simulated_nights_take_seconds_and_are_always_the_same(tmp_path: Path) -> None:
    """Without arguments, it runs six nights with one gap that is filled, and reports."""
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "examples/evidence_archive.py", "--csv", str(tmp_path / "one")],
        cwd=ROOT,
        env={"PYTHONPATH": os.environ.get("PYTHONPATH", ""), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert time.monotonic() - began < 10
    assert (done.returncode, done.stderr) == (0, "")
    again = ["--database", str(tmp_path / "kept.duckdb"), "--csv", str(tmp_path / "two")]
    assert command(*again) == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert command(*again) == 0  # the same six nights once more change nothing
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    page = done.stdout
    assert page.count("NOT COVERED: staging eu-central-1 2026-02-28 02:00 to 2026-03-01") == 1
    assert page.count("4 places listed") == 5
    assert page.count("3 places listed") == 1


def test_a_run_lists_only_what_can_have_changed(archive: Archive, east: FakeBackup) -> None:
    """It asks from the end of what is covered, or from the oldest job that was still going on."""
    successful = RestoreValidationStatus.SUCCESSFUL
    tested: dict[str, Any] = {"created_by": PLAN, "validation_status": successful}
    places = {EAST: east.client}
    moments: list[datetime] = []
    steps = [
        [job("old", NIGHT - 9 * DAY), job("open", NIGHT - 3 * DAY, "RUNNING")],
        [job("open", NIGHT - 3 * DAY, validation_status=RestoreValidationStatus.VALIDATING)],
        [job("open", NIGHT - 3 * DAY, deletion_status=RestoreDeletionStatus.DELETING)],
        [job("open", NIGHT - 3 * DAY, **tested)],
        [job("open", NIGHT - 3 * DAY, deletion_status=RestoreDeletionStatus.SUCCESSFUL, **tested)],
        [job("new", NIGHT + 4 * DAY, "PAUSED")],  # a status that AWS may add
        [job("new", NIGHT + 4 * DAY, "FAILED")],
        [],
    ]
    for number, jobs in enumerate(steps):
        east.seed(jobs)
        evidence.run(archive, places, NIGHT + number * DAY, SINCE)
        moments.append(datetime.fromisoformat(east.requests[-1]["createdAfter"]))
    oldest = NIGHT - 3 * DAY - SECOND
    new = NIGHT + 4 * DAY - SECOND
    covered = [NIGHT + number * DAY - HOUR - SECOND for number in (4, 6)]
    expected = [SINCE - SECOND, oldest, oldest, oldest, oldest, covered[0], new, covered[1]]
    assert moments == expected
    assert listed(archive) == {"old": "COMPLETED", "open": "COMPLETED", "new": "FAILED"}


def test_a_job_that_is_listed_late_is_not_missed(archive: Archive, east: FakeBackup) -> None:
    """A job that AWS lists up to an hour after its creation comes with the next run."""
    evidence.run(archive, {EAST: east.client}, NIGHT, SINCE)
    east.seed([job("late", NIGHT - HOUR), job("later", NIGHT - SECOND)])
    evidence.run(archive, {EAST: east.client}, NIGHT + DAY, SINCE)
    assert set(listed(archive)) == {"late", "later"}


def test_each_listing_is_one_transaction(
    archive: Archive, east: FakeBackup, west: FakeBackup
) -> None:
    """A listing that fails half way commits nothing and stays a gap; the others are committed."""
    east.seed(sample(1_500, *EAST, NIGHT, 1))
    west.seed(sample(300, *WEST, NIGHT, 2))
    east.fail_next("stuck_token")
    places = {EAST: east.client, WEST: west.client}
    evidence.run(archive, places, NIGHT, SINCE)
    assert archive.execute("select account, count(*) from jobs group by all").fetchall() == [
        ("staging", 300)
    ]
    assert gaps(archive) == [("production", SINCE, NIGHT - HOUR)]
    evidence.run(archive, places, NIGHT + DAY, SINCE)
    assert archive.execute("select count(*) from jobs").fetchall() == [(1_800,)]
    assert gaps(archive) == []


def test_a_listing_that_cannot_be_kept_is_undone(
    archive: Archive, east: FakeBackup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a listing fails after its jobs were written, or has a job without an id, none stays."""
    east.seed([job("a", NIGHT - DAY)])

    def written_then_failed(*arguments: Any) -> None:
        save(*arguments)
        raise RestoreJobsError("too late")

    save = evidence.save
    with monkeypatch.context() as patch:
        patch.setattr(evidence, "save", written_then_failed)
        evidence.run(archive, {EAST: east.client}, NIGHT, SINCE)
    assert listed(archive) == {}
    east.seed([replace(job("b", NIGHT - DAY), restore_job_id=None)])
    evidence.run(archive, {EAST: east.client}, NIGHT, SINCE)
    assert listed(archive) == {}
    assert gaps(archive) == [("production", SINCE, NIGHT - HOUR)]
    errors = archive.execute("select error from listings order by run").fetchall()
    assert [error.partition(":")[0] for (error,) in errors] == [
        "RestoreJobsError",
        "ConstraintException",
    ]


def test_each_run_is_recorded(archive: Archive, east: FakeBackup, west: FakeBackup) -> None:
    """The bounds of each listing, its counts and its failure are in the archive."""
    places = {EAST: east.client, WEST: west.client}
    east.seed([job("a", NIGHT - DAY, "RUNNING"), job("b", NIGHT - DAY)])
    evidence.run(archive, places, NIGHT, SINCE)
    east.seed([job("a", NIGHT - DAY), job("c", NIGHT + HOUR)])
    west.fail_next("access_denied")
    evidence.run(archive, places, NIGHT + DAY, SINCE)
    first, second = NIGHT - HOUR, NIGHT + DAY - HOUR
    rows = archive.execute("select * exclude (error) from listings order by all").fetchall()
    assert rows == [
        (1, *EAST, SINCE - SECOND, SINCE, first, 2, 2, 0),
        (1, *WEST, SINCE - SECOND, SINCE, first, 0, 0, 0),
        (2, *EAST, NIGHT - DAY - SECOND, first, second, 3, 1, 1),
        (2, *WEST, first - SECOND, first, second, 0, 0, 0),
    ]
    errors = archive.execute("select error from listings where error is not null").fetchall()
    assert len(errors) == 1
    assert errors[0][0].startswith("AccessDeniedException: ")


def test_the_same_night_twice_changes_nothing(archive: Archive, east: FakeBackup) -> None:
    """A second run of a night leaves jobs, gaps and the report as they are."""
    east.seed(sample(300, *EAST, NIGHT, 3))
    states: list[object] = []
    for _ in range(2):
        evidence.run(archive, {EAST: east.client}, NIGHT, SINCE)
        tables = ("from jobs order by all", "from gaps", "from places", evidence.REPORT)
        states.append([archive.execute(table).fetchall() for table in tables])
    assert states[0] == states[1]
    assert archive.execute("select new, changed from listings").fetchall() == [(300, 0), (0, 0)]


def test_a_denied_region_is_a_gap_until_it_is_filled(
    archive: Archive,
    east: FakeBackup,
    west: FakeBackup,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The gap is in the table, on the page and in the CSV of every run, and the exit code is 1."""
    places = {EAST: east.client, WEST: west.client}
    west.seed([job("first", NIGHT - DAY, account=NUMBERS["staging"])])
    evidence.run(archive, places, NIGHT, SINCE)
    assert told(archive, tmp_path, capsys)[0] == 0
    for number in (1, 2):
        west.fail_next("access_denied")
        evidence.run(archive, places, NIGHT + number * DAY, SINCE)
        end = NIGHT + number * DAY - HOUR
        assert gaps(archive) == [("staging", NIGHT - HOUR, end)]
        code, page, rows = told(archive, tmp_path, capsys)
        assert code == 1
        stretch = f"2026-03-03 05:00 to {end:%F %H:%M}"
        assert f"NOT COVERED: staging eu-west-1 {stretch}: AccessDeniedException" in page
        of_march = [row for row in rows if row["month"] == "2026-03"]
        assert [row["coverage"] for row in of_march] == ["partly covered"] * 2
        assert [stretch in row["not_covered"] for row in of_march] == [False, True]
    west.seed([job("hidden", NIGHT + HOUR, account=NUMBERS["staging"])])
    evidence.run(archive, places, NIGHT + 3 * DAY, SINCE)
    code, page, rows = told(archive, tmp_path, capsys)
    assert (code, "NOT COVERED:" in page, gaps(archive)) == (0, False, [])
    assert [row["restores"] for row in rows if row["region"] == "eu-west-1"] == ["0", "2"]


def test_a_gap_is_never_mistaken_for_no_restores(
    archive: Archive,
    east: FakeBackup,
    west: FakeBackup,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A month without restores reads 0 where it is covered, and "not covered" where it is not."""
    places = {EAST: east.client, WEST: west.client}
    start = datetime(2026, 1, 31, tzinfo=UTC)
    evidence.run(archive, places, datetime(2026, 1, 31, 6, tzinfo=UTC), start)
    evidence.run(archive, {EAST: east.client}, datetime(2026, 2, 20, tzinfo=UTC), start)
    evidence.run(archive, {EAST: east.client}, datetime(2026, 3, 2, tzinfo=UTC), start)
    code, page, rows = told(archive, tmp_path, capsys)
    assert code == 1
    february = {row["region"]: row for row in rows if row["month"] == "2026-02"}
    found = {region: (row["restores"], row["coverage"]) for region, row in february.items()}
    assert found == {"us-east-1": ("0", "covered"), "eu-west-1": ("not covered", "not covered")}
    assert february["us-east-1"]["not_covered"] == ""
    assert february["eu-west-1"]["not_covered"] == "2026-02-01 00:00 to 2026-03-01 00:00"
    january = [row["not_covered"] for row in rows if row["month"] == "2026-01"]
    assert january[0] == "2026-01-01 00:00 to 2026-01-31 00:00"  # before the start
    assert january[1] == f"{january[0]}; 2026-01-31 05:00 to 2026-02-01 00:00"
    assert {(row["period_from"], row["period_to"]) for row in rows} == {
        ("2026-01-31 00:00", "2026-03-01 23:00")
    }
    assert "NOT COVERED: staging eu-west-1 2026-01-31 05:00 to 2026-03-01 23:00: no run" in page
    assert page.count("2026-03-01 23:00 │") == 2


def test_an_archive_without_a_run_is_no_evidence(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code of a report is not 0 before the first run, or without an archive."""
    assert told(archive, tmp_path, capsys)[0] == 1
    with pytest.raises(SystemExit, match="2"):
        command("--report", "--database", str(tmp_path / "none.duckdb"))


def test_a_run_covers_no_more_than_aws_lists(archive: Archive, east: FakeBackup) -> None:
    """What is older than 30 days stays a gap, because AWS may have forgotten its jobs."""
    evidence.run(archive, {EAST: east.client}, NIGHT, NIGHT - 40 * DAY)
    assert gaps(archive) == [("production", NIGHT - 40 * DAY, NIGHT - 30 * DAY)]
    evidence.run(archive, {EAST: east.client}, NIGHT + DAY, NIGHT)
    assert gaps(archive) == [("production", NIGHT - 40 * DAY, NIGHT - 30 * DAY)]
    assert datetime.fromisoformat(east.requests[-1]["createdAfter"]) == NIGHT - HOUR - SECOND


def test_the_archive_keeps_what_aws_forgets(archive: Archive, east: FakeBackup) -> None:
    """A job stays in the archive when AWS no longer lists it, also if it had not ended."""
    east.seed([job("a", NIGHT - DAY, "RUNNING"), job("b", NIGHT - DAY)])
    evidence.run(archive, {EAST: east.client}, NIGHT, SINCE)
    east.clear()
    evidence.run(archive, {EAST: east.client}, NIGHT + 90 * DAY, SINCE)
    assert listed(archive) == {"a": "RUNNING", "b": "COMPLETED"}


def test_a_profile_that_turns_to_another_account_is_a_gap(
    archive: Archive, east: FakeBackup, west: FakeBackup
) -> None:
    """The jobs of one account never stand for those of another."""
    east.seed([job("a", NIGHT - DAY)])
    west.seed([job("b", NIGHT + HOUR, account=NUMBERS["staging"])])
    evidence.run(archive, {EAST: east.client}, NIGHT, SINCE)
    evidence.run(archive, {EAST: west.client}, NIGHT + DAY, SINCE)
    evidence.run(archive, {EAST: east.client, WEST: east.client}, NIGHT + 2 * DAY, SINCE)
    assert listed(archive) == {"a": "COMPLETED"}
    assert gaps(archive) == [("staging", SINCE, NIGHT + 2 * DAY - HOUR)]
    errors = archive.execute("select error from listings order by run, account").fetchall()
    assert [error and error.partition(": ")[2] for (error,) in errors] == [
        None,
        "it lists account 222222222222, but production is 111111111111",
        None,
        "it lists account 111111111111, but production is 111111111111",
    ]


def test_the_figures_are_those_of_the_jobs(
    archive: Archive,
    east: FakeBackup,
    west: FakeBackup,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The report equals a plain computation over all jobs, by month, place, type and plan."""
    groups: dict[tuple[str, ...], list[RestoreJob]] = defaultdict(list)
    for number, (place, backup) in enumerate({EAST: east, WEST: west}.items()):
        jobs = sample(2_500, *place, NIGHT, number)
        backup.seed(jobs)
        for one in jobs:
            assert one.creation_date
            plan = one.created_by and one.created_by.restore_testing_plan_arn
            month = f"{one.creation_date:%Y-%m}"
            groups[month, *place, one.resource_type or "", plan or ""].append(one)
    evidence.run(archive, {EAST: east.client, WEST: west.client}, NIGHT, SINCE)
    _, _, rows = told(archive, tmp_path, capsys)
    keys = ("month", "account", "region", "resource_type", "plan")
    found = {tuple(row[key] for key in keys): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == groups.keys()
    for key, of_group in groups.items():
        row = found[key]
        completed = [one for one in of_group if one.status == "COMPLETED"]
        ended = [one for one in of_group if one.is_terminal]
        took = sorted(one.duration.total_seconds() for one in completed if one.duration)
        validated = sum(one.validation_status == "SUCCESSFUL" for one in of_group)
        figures = [len(of_group), len(ended), validated]
        assert [int(row[name]) for name in ("restores", "ended", "tests_validated")] == figures
        assert row["account_id"] == NUMBERS[key[1]]
        rate = len(completed) / len(ended) if ended else None
        median = statistics.median(took) if took else None
        p95 = took[-(-95 * len(took) // 100) - 1] if took else None
        names = ("success_rate", "median_seconds", "p95_seconds")
        for name, value in zip(names, (rate, median, p95), strict=True):
            assert (float(row[name]) if row[name] else None) == pytest.approx(value), (key, name)


@contextmanager
def aws(folder: Path) -> Generator[dict[str, FakeBackup], None, None]:
    """Serve an AWS Backup for each account, and write the profiles that find it."""
    with ExitStack() as stack:
        backups: dict[str, FakeBackup] = {}
        profiles = ["[profile nobody]\nregion = us-east-1\n"]
        for name, number in NUMBERS.items():
            backups[name] = stack.enter_context(fake_backup(account_id=number))
            profiles.append(
                f"[profile {name}]\nendpoint_url = {backups[name].endpoint_url}\n"
                "aws_access_key_id = testing\naws_secret_access_key = testing\n"
            )
        (folder / "config").write_text("".join(profiles))
        yield backups


def test_profiles_and_regions_are_listed_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--live lists each profile in each region; one that does not work is a gap."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    now = datetime.now(UTC)
    with aws(tmp_path) as backups:
        regions = ["us-east-1", "eu-west-1"]
        for number, region in enumerate(regions):
            jobs = sample(10 + number, "production", region, now, number)
            backups["production"].seed(jobs, region_name=region)
        live = ["--live", "production", "staging", "nobody", "unknown", "--regions", *regions]
        assert command(*live, "--start", f"{now - 25 * DAY:%F}", "--report") == 1
        page = capsys.readouterr().out
        assert "4 places listed; 21 jobs, 21 new, 0 changed" in page
        assert page.count("NOT COVERED: nobody") == page.count("NOT COVERED: unknown") == 2
        assert command(*live[:3], "--regions", *regions) == 1  # the others are not asked for
        assert "NOT COVERED: nobody" in capsys.readouterr().out
        assert command(*live[:3], "--regions", *regions, "--database", "other.duckdb") == 0
    assert (tmp_path / "evidence.csv").read_text().startswith("month,account,")


Truth = dict[tuple[str, str], dict[str, RestoreJob]]
MEMBERS = ("status", "completion_date", "percent_done", "validation_status", "deletion_status")


def fork_on_request() -> None:
    """Run the command for each line of arguments, each time in a process of its own."""
    pa.array([0])  # imports pandas once, for all of them
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            sys.argv = ["evidence_archive.py", *json.loads(line)]
            with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # no path
                sys.stdout = nowhere
                os._exit(evidence.main())
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def move_on(truth: Truth, backups: dict[str, FakeBackup], chance: random.Random) -> None:
    """End some of the jobs that run, and create others."""
    now = datetime.now(UTC)
    for (account, region), jobs in truth.items():
        running = [job for job in jobs.values() if job.status == "RUNNING"]
        moved = [
            replace(job, status=RestoreJobStatus.COMPLETED, completion_date=now, percent_done="9%")
            for job in chance.sample(running, min(8, len(running)))
        ]
        moved += [
            job(f"{account} {region} {len(jobs)} {one}", now, "RUNNING", NUMBERS[account])
            for one in range(3)
        ]
        backups[account].seed(moved, region_name=region)
        jobs.update({str(job.restore_job_id): job for job in moved})


def check(path: Path, truth: Truth) -> list[tuple[str, str]]:
    """Assert that the archive claims no more than it has; return the places that are complete."""
    with duckdb.connect(path) as archive:
        archive.execute(evidence.SCHEMA)
        query = "select account, region, restore_job_id from jobs"
        rows = archive.execute(query).fetchall()
        there = set(rows)
        assert len(rows) == len(there)
        assert all(name in truth[account, region] for account, region, name in there)
        listings = archive.execute("from listings").fetchall()
        last = archive.execute("select max(run), max(until) from runs").fetchall()[0]
        for run, account, region, _, start, end, *_ in listings:
            for name, job in truth[account, region].items() if run == last[0] else ():
                assert job.creation_date
                if start <= job.creation_date < end:
                    assert (account, region, name) in there
        complete = {(row[1], row[2]) for row in listings if row[0] == last[0]}
        known = set(archive.execute("select account, region from places").fetchall())
        gaps = archive.execute("select account, region, gap_to from gaps").fetchall()
        assert {(account, region, last[1]) for account, region in known - complete} == set(gaps)
        return sorted(complete)


class Forks:
    """Starts the command in processes that have imported all they need."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # our own
            [sys.executable, __file__],
            env={**os.environ, "AWS_CONFIG_FILE": str(folder / "config")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *arguments: str) -> int:
        """Return the id of the process that has started."""
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(arguments)}\n")
        self._process.stdin.flush()
        return self.answer()

    def has_ended(self, seconds: float) -> bool:
        assert self._process.stdout
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def answer(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


def much_history(
    backups: dict[str, FakeBackup], regions: list[str], chance: random.Random
) -> Truth:
    """Give each account and region two pages of jobs, a third of them running."""
    truth: Truth = {}
    now = datetime.now(UTC)
    for account, backup in backups.items():
        for region in regions:
            jobs = sample(1_050, account, region, now, len(truth))
            for place in chance.sample(range(1_050), 350):
                jobs[place] = replace(jobs[place], status=RestoreJobStatus.RUNNING)
            backup.seed(jobs, region_name=region)
            truth[account, region] = {str(job.restore_job_id): job for job in jobs}
    return truth


def test_killed_at_any_moment_it_has_every_job_once_and_in_its_latest_state(
    tmp_path: Path,
) -> None:
    """After 30 kills at random moments, no job is lost or twice, and no gap is forgotten."""
    seed = random.randrange(1_000_000)  # noqa: S311  # nothing secret
    chance = random.Random(seed)  # noqa: S311  # nothing secret
    path = tmp_path / "evidence.duckdb"
    regions = ["us-east-1", "eu-west-1"]
    command = ["--live", *NUMBERS, "--regions", *regions, "--database"]
    start = ["--start", f"{datetime.now(UTC) - 25 * DAY:%F}"]
    with aws(tmp_path) as backups, closing(Forks(tmp_path)) as forks:
        truth = much_history(backups, regions, chance)

        def seconds_to_first_request(database: Path) -> tuple[int, float]:
            began = time.monotonic()
            before = sum(len(backup.requests) for backup in backups.values())
            child = forks.start(*command, str(database), *start)
            while sum(len(backup.requests) for backup in backups.values()) == before:
                assert not forks.has_ended(0.001)
            return child, time.monotonic() - began

        _, first = seconds_to_first_request(tmp_path / "rehearsal.duckdb")
        began = time.monotonic()
        assert forks.answer() == 0
        rest = (time.monotonic() - began) * 0.7  # later runs have less to write
        killed: list[int] = []
        while len(killed) < 30:
            move_on(truth, backups, chance)
            if chance.random() < 0.7:  # mostly when there is something to lose
                child, _ = seconds_to_first_request(path)
                delay = chance.uniform(0, rest)
            else:
                child = forks.start(*command, str(path), *start)
                delay = chance.uniform(0, first + rest)
            if not forks.has_ended(delay):
                os.kill(child, signal.SIGKILL)
            code = forks.answer()
            assert code in {0, -signal.SIGKILL}
            complete = check(path, truth)
            killed += [len(complete)] if code else []
        print(f"seed {seed}, listings committed before each kill: {killed}")  # noqa: T201
        move_on(truth, backups, chance)
        forks.start(*command, str(path), *start)
        assert forks.answer() == 0
    assert check(path, truth) == sorted(truth)
    with duckdb.connect(path) as archive:
        archive.execute("set timezone = 'UTC'")
        rows = archive.execute(
            f"select account, region, restore_job_id, {', '.join(MEMBERS)} from jobs"  # noqa: S608  # ours
        ).fetchall()
    expected = {
        (*place, name): tuple(getattr(job, member) for member in MEMBERS)
        for place, jobs in truth.items()
        for name, job in jobs.items()
    }
    assert len(rows) == len(expected)
    assert {row[:3]: row[3:] for row in rows} == expected


if __name__ == "__main__":
    fork_on_request()

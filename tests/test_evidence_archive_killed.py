"""The evidence archive stays correct when its process is killed."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from restorejobs_client import RestoreJob, RestoreJobStatus
from restorejobs_client.testing import fake_backup, sample_jobs

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

import evidence_archive as evidence  # in examples/

if TYPE_CHECKING:
    from restorejobs_client.testing import FakeBackup

PROGRAM = Path(__file__).parent / "support" / "archive_runs.py"
ACCOUNTS = ["111111111111", "222222222222"]
PLACES = list(product(ACCOUNTS, ["us-east-1", "eu-west-1"]))
MEMBERS = ("status", "completion_date", "percent_done", "validation_status", "deletion_status")
Place = tuple[str, str]
Listed = dict[Place, dict[str, RestoreJob]]
"""The jobs that AWS lists in each place, by their ids."""


def seed_samples(backups: dict[str, FakeBackup], now: datetime) -> Listed:
    """Give each place 300 jobs, of which at least a third are running."""
    listed: Listed = {}
    for account, region in PLACES:
        jobs = sample_jobs(
            300,
            seed=len(listed),
            created_after=now - timedelta(days=20),
            created_before=now - timedelta(hours=2),
            region_name=region,
            account_id=account,
        )
        jobs[::3] = [replace(job, status=RestoreJobStatus.RUNNING) for job in jobs[::3]]
        backups[account].seed(jobs, region_name=region)
        listed[account, region] = {str(job.restore_job_id): job for job in jobs}
    return listed


def advance_jobs(
    listed: Listed, backups: dict[str, FakeBackup], now: datetime, rng: random.Random
) -> None:
    """In each place, complete some of the running jobs, and add jobs that the next run covers."""
    for (account, region), jobs in listed.items():
        running = [job for job in jobs.values() if job.status == "RUNNING"]
        changed = [
            replace(job, status=RestoreJobStatus.COMPLETED, completion_date=now)
            for job in rng.sample(running, min(8, len(running)))
        ]
        new = RestoreJob(
            creation_date=now - evidence.LATE,
            status=RestoreJobStatus.RUNNING,
            account_id=account,
        )
        changed += [
            replace(new, restore_job_id=f"{account} {region} {len(jobs)} {number}")
            for number in range(3)
        ]
        backups[account].seed(changed, region_name=region)
        jobs.update({str(job.restore_job_id): job for job in changed})


def run(process: subprocess.Popen[str], now: datetime, *, kill_after: float | None = None) -> int:
    """Return the exit code of a run that is killed after that many seconds, unless it has ended."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{now}\n")
    process.stdin.flush()
    child = int(process.stdout.readline())
    if not select.select([process.stdout], [], [], kill_after)[0]:
        with suppress(ProcessLookupError):  # it has ended just now
            os.kill(child, signal.SIGKILL)
    return int(process.stdout.readline())


def check(database: Path, listed: Listed) -> list[Place]:
    """Assert that the archive has the jobs it claims; return the places the last run completed."""
    with duckdb.connect(database) as archive:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return archive.execute(query).fetchall()

        saved = rows("select account, region, restore_job_id from jobs")
        assert len(saved) == len(set(saved))
        assert all(job_id in listed[account, region] for account, region, job_id in saved)
        of_last_run = "where run = (select max(run) from runs)"
        bounds = "account, region, covered_from, covered_to"
        last_run = rows(f"select {bounds} from listings {of_last_run} and error is null")  # noqa: S608  # no input
        for account, region, covered_from, covered_to in last_run:
            for job_id, job in listed[account, region].items():
                assert job.creation_date
                if covered_from <= job.creation_date < covered_to:
                    assert (account, region, job_id) in saved
        complete = {(account, region) for account, region, *_ in last_run}
        assert set(rows(f"select account, region from jobs {of_last_run}")) <= complete  # noqa: S608  # no input
        missing = set(rows("select account, region from places")) - complete
        ((until,),) = rows("select max(until) from runs")
        gaps = rows("select account, region, gap_to from gaps")
        assert set(gaps) == {(*place, until) for place in missing}
        return sorted(complete)


def test_archive_is_correct_after_kills_at_any_time(tmp_path: Path) -> None:
    """No job is lost, outdated or saved twice, and each place that was not reached is a gap."""
    seed = random.randrange(1_000_000)  # noqa: S311  # not cryptographic
    rng = random.Random(seed)  # noqa: S311  # not cryptographic
    database = tmp_path / "evidence.duckdb"
    complete_places: list[int] = []
    with ExitStack() as stack:
        backups = {
            account: stack.enter_context(fake_backup(account_id=account)) for account in ACCOUNTS
        }
        now = datetime.now(UTC)
        listed = seed_samples(backups, now)
        places = [" ".join((*place, backups[place[0]].endpoint_url)) for place in PLACES]
        process = stack.enter_context(
            subprocess.Popen(  # noqa: S603  # our own
                [sys.executable, PROGRAM, database, *places],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        kill_after: float | None = None  # the first run creates the tables
        while len(complete_places) < 12:
            began = time.monotonic()
            code = run(process, now, kill_after=kill_after)
            assert code in {0, -signal.SIGKILL}
            if code == 0:
                seconds = time.monotonic() - began
            kill_after = seconds * rng.uniform(0.3, 1.1)
            complete = check(database, listed)
            if code != 0:
                complete_places.append(len(complete))
            advance_jobs(listed, backups, now, rng)
            now += timedelta(hours=6)
        print(f"seed {seed}, complete places at each kill: {complete_places}")  # noqa: T201
        assert run(process, now) == 0
        assert process.stdin
        process.stdin.close()
    assert check(database, listed) == sorted(listed)
    with duckdb.connect(database) as archive:
        archive.execute("set timezone = 'UTC'")
        columns = ", ".join(("account", "region", "restore_job_id", *MEMBERS))
        saved = archive.execute(f"select {columns} from jobs").fetchall()  # noqa: S608  # no input
    expected = {
        (*place, job_id, *(getattr(job, member) for member in MEMBERS))
        for place, jobs in listed.items()
        for job_id, job in jobs.items()
    }
    assert len(saved) == len(expected)
    assert set(saved) == expected

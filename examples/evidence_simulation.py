"""Six nights of the evidence archive with sample jobs: `python examples/evidence_archive.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from duckdb import DuckDBPyConnection
from evidence_archive import Source, print_status, run

from restorejobs_client import RestoreJob, RestoreJobStatus
from restorejobs_client.testing import fake_backup, sample_jobs

SINCE, LAST_NIGHT = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 3, 3, tzinfo=UTC)
ACCOUNTS = {"production": "111111111111", "staging": "222222222222"}
JOBS = {
    ("production", "eu-central-1"): 150,
    ("production", "us-east-1"): 40,
    ("staging", "eu-central-1"): 150,
    ("staging", "us-east-1"): 0,
}


def simulate(archive: DuckDBPyConnection) -> None:
    """Run six nights. On the fourth night, access to one place is denied."""
    samples = {place: samples_of(place, seed) for seed, place in enumerate(JOBS)}
    with fake_backup() as backup:
        for number in range(6):
            night = LAST_NIGHT - timedelta(days=5 - number)
            sources: dict[tuple[str, str], Callable[[], Source]] = {}
            for (profile, region), jobs in samples.items():
                account = ACCOUNTS[profile]
                listed = [as_listed(job, night) for job, created in jobs if created < night]
                backup.seed(listed, region_name=region, account_id=account)
                client = backup.client(region_name=region, account_id=account)
                sources[profile, region] = partial(Source, client, account, "a fake", time=night)
            if number == 3:  # noqa: PLR2004
                backup.fail_next(
                    "access_denied", region_name="eu-central-1", account_id=ACCOUNTS["staging"]
                )
            print_status(archive)
            run(archive, sources, night, SINCE)


def samples_of(place: tuple[str, str], seed: int) -> list[tuple[RestoreJob, datetime]]:
    """Return jobs that are final in the end, and when they were created."""
    jobs = sample_jobs(
        JOBS[place],
        seed=seed,
        created_after=SINCE,
        created_before=LAST_NIGHT,
        region_name=place[1],
        account_id=ACCOUNTS[place[0]],
    )
    states = {"VALIDATING", "DELETING"}
    return [
        (job, job.creation_date)
        for job in jobs
        if job.creation_date
        and job.is_terminal
        and states.isdisjoint({job.validation_status, job.deletion_status})
    ]


def as_listed(job: RestoreJob, now: datetime) -> RestoreJob:
    """Return a job as AWS lists it at a time: it is RUNNING until its completion date."""
    if job.completion_date is None or job.completion_date <= now:
        return job
    running = replace(job, status=RestoreJobStatus.RUNNING, completion_date=None)
    return replace(running, validation_status=None, deletion_status=None)

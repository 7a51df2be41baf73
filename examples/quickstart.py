"""List restore jobs, report what failed, stop half way and go on from the checkpoint.

python examples/quickstart.py           an embedded AWS Backup with sample jobs
python examples/quickstart.py --live    AWS, with your own credentials (and --region, or yours)
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

from restorejobs_client import (
    CredentialsError,
    RestoreJob,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobSummary,
)
from restorejobs_client.testing import fake_backup, sample_jobs


def report(client: RestoreJobsClient, since: datetime) -> None:
    jobs = list(client.list_restore_jobs(by_created_after=since))
    print(f"{len(jobs):,} restore jobs since {since:%d %B %Y}\n")
    for status, count in Counter(job.status for job in jobs).most_common():
        print(f"  {status or 'unknown':<10} {count:>6,}")

    print("\nSucceeded, of those that ended\n")
    for resource_type, of_type in RestoreJobSummary.grouped(jobs, resource_type_of).items():
        print(f"  {resource_type:<22} {of_type.success_rate or 0:>7.1%} of {of_type.jobs:,}")

    failed = list(client.list_restore_jobs(by_status="FAILED", by_created_after=since))
    print(f"\nThe newest of {len(failed):,} that failed\n")
    for job in failed[:5]:
        print(f"  {described(job)}")


def resource_type_of(job: RestoreJob) -> str:
    return job.resource_type or "?"


def described(job: RestoreJob) -> str:
    minutes = "?" if job.duration is None else f"{job.duration.total_seconds() / 60:.0f}"
    created = "?" if job.creation_date is None else f"{job.creation_date:%d %b %H:%M}"
    reason = job.status_message or "no reason given"
    return f"{created}  {job.resource_type or '?':<22} after {minutes:>3} min  {reason}"


def stop_and_go_on(client: RestoreJobsClient, since: datetime) -> None:
    """Read half of a listing, keep the checkpoint, and read the rest with nothing else."""
    total = sum(1 for _ in client.list_restore_jobs(by_created_after=since))
    iterator = iter(client.list_restore_jobs(by_created_after=since, max_results=500))
    first_half = list(islice(iterator, total // 2))
    checkpoint = iterator.checkpoint

    rest = list(client.resume(checkpoint))
    ids = {job.restore_job_id for job in (*first_half, *rest)}
    print(f"\nStopped after {len(first_half):,} jobs at {checkpoint[:24]}…")
    print(f"went on with {len(rest):,}: {len(ids):,} different jobs in all")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--live", action="store_true", help="ask AWS instead of the embedded one")
    parser.add_argument("--region", help="the AWS region for --live; default: the configured one")
    arguments = parser.parse_args()
    try:
        since = datetime.now(UTC) - timedelta(days=23)
        if arguments.live:
            client = RestoreJobsClient(region_name=arguments.region)
            report(client, since)
            stop_and_go_on(client, since)
            return 0
        with fake_backup(sample_jobs(3_000)) as backup:
            report(backup.client(), since)
            stop_and_go_on(backup.client(), since)
            print(f"\n{len(backup.requests)} requests, all of them to {backup.endpoint_url}")
    except CredentialsError as error:
        print(f"--live needs AWS credentials: {error}", file=sys.stderr)
        return 1
    except RestoreJobsError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

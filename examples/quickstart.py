"""List restore jobs, report which failed, stop early, and resume from the checkpoint.

python examples/quickstart.py                            sample jobs from a fake AWS Backup
python examples/quickstart.py --live [--region REGION]   AWS, with your own credentials
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
        print(f"  {shown(status or 'unknown'):<10} {count:>6,}")

    print("\nNumber of jobs, and success rate of those that have ended\n")
    by_type = RestoreJobSummary.grouped(jobs, lambda job: job.resource_type or "?")
    for resource_type, summary in by_type.items():
        rate = "?" if summary.success_rate is None else f"{summary.success_rate:.1%}"
        print(f"  {shown(resource_type):<22} {summary.jobs:>6,} {rate:>7}")

    failed = list(client.list_restore_jobs(by_status="FAILED", by_created_after=since))
    print(f"\n{len(failed):,} jobs failed. The first that AWS lists:\n")
    for job in failed[:5]:
        print(f"  {described(job)}")


def described(job: RestoreJob) -> str:
    minutes = "?" if job.duration is None else f"{job.duration.total_seconds() / 60:.0f}"
    created = "?" if job.creation_date is None else f"{job.creation_date:%d %b %H:%M}"
    reason = job.status_message or "no reason given"
    kind = shown(job.resource_type or "?")
    return f"{created}  {kind:<22} after {minutes:>3} min  {shown(reason)}"


def shown(text: str) -> str:
    """Return text of AWS with its control characters escaped, so that no terminal obeys them."""
    return text if text.isprintable() else ascii(str(text))  # a status is not only text


def stop_and_resume(client: RestoreJobsClient, since: datetime) -> None:
    """Read the first 1,000 jobs, and resume from the checkpoint to read the rest."""
    iterator = iter(client.list_restore_jobs(by_created_after=since, max_results=500))
    first = list(islice(iterator, 1_000))
    checkpoint = iterator.checkpoint

    rest = list(client.resume(checkpoint))
    ids = {job.restore_job_id for job in (*first, *rest)}
    print(f"\nStopped after {len(first):,} jobs at the checkpoint {checkpoint[:24]}…")
    print(f"Resumed, and listed the other {len(rest):,}: {len(ids):,} different jobs in all")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--live", action="store_true", help="list AWS instead of sample jobs")
    parser.add_argument("--region", help="the AWS region for --live; default: the configured one")
    arguments = parser.parse_args()
    try:
        since = datetime.now(UTC) - timedelta(days=23)
        if arguments.live:
            client = RestoreJobsClient(region_name=arguments.region)
            report(client, since)
            stop_and_resume(client, since)
            return 0
        with fake_backup(sample_jobs(3_000)) as backup:
            report(backup.client(), since)
            stop_and_resume(backup.client(), since)
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

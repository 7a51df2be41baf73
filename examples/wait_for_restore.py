"""Wait for restore jobs to end, and print each change on one line. It starts no job itself.

python examples/wait_for_restore.py                            an embedded AWS Backup
python examples/wait_for_restore.py --live JOB_ID [JOB_ID …]   AWS, with your own credentials
python examples/wait_for_restore.py --live --plan ARN          all jobs of a restore testing plan

It exits with 0 when all jobs are COMPLETED, 1 when one is not, and 2 when the time is over.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime

from restorejobs_client import (
    RestoreJob,
    RestoreJobCreator,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobStatus,
    WatchTimeoutError,
)
from restorejobs_client.testing import FakeBackup, fake_backup

PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly"


def wait(client: RestoreJobsClient, options: argparse.Namespace) -> int:
    """Print each change; return 0 if all jobs have completed, or else 1."""
    listing = client.list_restore_jobs(by_restore_testing_plan_arn=options.plan)
    latest: dict[str | None, RestoreJob] = {}
    for job in listing.watch(*options.ids, interval=options.interval, timeout=options.timeout):
        print(described(job), flush=True)
        latest[job.restore_job_id] = job
    bad = [job for job in latest.values() if job.status != "COMPLETED"]
    for job in bad:
        reason = job.status_message or "AWS gives no reason"
        print(f"{job.restore_job_id} is {job.status}: {reason}", file=sys.stderr)
    if not latest:
        print("There are no jobs to wait for.", file=sys.stderr)
    return 1 if bad or not latest else 0


def described(job: RestoreJob) -> str:
    done = job.percent_done or ""
    return f"{datetime.now(UTC):%H:%M:%S}  {job.restore_job_id}  {job.status}  {done}".rstrip()


def move_on(backup: FakeBackup) -> None:
    """Give the embedded AWS Backup two jobs: `good` completes step by step, and `bad` fails."""
    status, created = RestoreJobStatus, datetime.now(UTC)
    plan = RestoreJobCreator(restore_testing_plan_arn=PLAN)
    good = RestoreJob(restore_job_id="good", status=status.PENDING, creation_date=created)
    good = replace(good, created_by=plan)
    bad = replace(good, restore_job_id="bad", created_by=None)
    backup.seed([good, bad])
    backup.seed_next([replace(good, status=status.RUNNING, percent_done="0.00%")])
    backup.seed_next([replace(good, status=status.RUNNING, percent_done="55.00%")])
    backup.seed_next([replace(bad, status=status.FAILED, status_message="There is no subnet")])
    backup.seed_next([replace(good, status=status.COMPLETED, percent_done="100.00%")])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("ids", nargs="*", metavar="JOB_ID", help="a restore job; embedded: good")
    parser.add_argument("--plan", metavar="ARN", help="wait for all jobs of this plan")
    parser.add_argument("--interval", type=float, default=30.0, help="seconds between two looks")
    parser.add_argument("--timeout", type=float, help="seconds; default: for ever")
    parser.add_argument("--live", action="store_true", help="ask AWS instead of the embedded one")
    parser.add_argument("--region", help="the AWS region for --live; default: the configured one")
    parser.add_argument("--profile", help="the AWS profile for --live; default: the usual one")
    options = parser.parse_args()
    if not options.ids and not options.plan:
        if options.live:
            parser.error("--live needs job ids, or --plan")
        options.ids = ["good"]
    try:
        if options.live:
            client = RestoreJobsClient(region_name=options.region, profile_name=options.profile)
            return wait(client, options)
        with fake_backup() as backup:
            move_on(backup)
            return wait(backup.client(), options)
    except WatchTimeoutError as error:
        print(f"Still waiting for {', '.join(error.pending)}", file=sys.stderr)
        return 2
    except RestoreJobsError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

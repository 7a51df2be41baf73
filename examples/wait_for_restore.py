"""Wait until restore jobs have ended, and print each change. It does not start any job.

python examples/wait_for_restore.py                            sample jobs
python examples/wait_for_restore.py --live JOB_ID [JOB_ID …]   AWS, with your own credentials
python examples/wait_for_restore.py --live --plan ARN          all jobs of a restore testing plan

It exits with 0 if all jobs are COMPLETED, with 1 if one is not, and with 2 after the time-out.
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
    """Print each change until all jobs have ended; return 0 if all of them are COMPLETED."""
    listing = client.list_restore_jobs(by_restore_testing_plan_arn=options.plan)
    latest: dict[str | None, RestoreJob] = {}
    for job in listing.watch(
        options.ids or None, interval=options.interval, timeout=options.timeout
    ):
        line = f"{datetime.now(UTC):%H:%M:%S}  {job.restore_job_id}  {job.status}"
        print(f"{line}  {job.percent_done or ''}".rstrip(), flush=True)
        latest[job.restore_job_id] = job
    unsuccessful = [job for job in latest.values() if job.status != "COMPLETED"]
    for job in unsuccessful:
        reason = job.status_message or "AWS gives no reason"
        print(f"{job.restore_job_id} is {job.status}: {reason}", file=sys.stderr)
    if not latest:
        print("There are no jobs to wait for.", file=sys.stderr)
    return 1 if unsuccessful or not latest else 0


def seed_two_jobs(backup: FakeBackup) -> None:
    """Add a job `good`, which completes step by step, and a job `bad`, which fails."""
    status = RestoreJobStatus
    good = RestoreJob(
        restore_job_id="good",
        status=status.PENDING,
        creation_date=datetime.now(UTC),
        created_by=RestoreJobCreator(restore_testing_plan_arn=PLAN),
    )
    bad = replace(good, restore_job_id="bad", created_by=None)
    backup.seed([good, bad])
    backup.seed_next([replace(good, status=status.RUNNING, percent_done="0.00%")])
    backup.seed_next([replace(good, status=status.RUNNING, percent_done="55.00%")])
    backup.seed_next([replace(bad, status=status.FAILED, status_message="There is no subnet")])
    backup.seed_next([replace(good, status=status.COMPLETED, percent_done="100.00%")])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("ids", nargs="*", metavar="JOB_ID", help="restore jobs; sample: good, bad")
    parser.add_argument("--plan", metavar="ARN", help="wait for all jobs of this plan")
    parser.add_argument("--interval", type=float, default=30.0, help="seconds between listings")
    parser.add_argument("--timeout", type=float, help="seconds; default: no time-out")
    parser.add_argument("--live", action="store_true", help="list AWS instead of sample jobs")
    parser.add_argument("--region", help="the AWS region for --live; default: the configured one")
    parser.add_argument("--profile", help="the AWS profile for --live; default: the configured one")
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
            seed_two_jobs(backup)
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

"""Wait until restore jobs have ended, and print each change. It does not start any job.

python examples/wait_for_restore.py                            sample jobs
python examples/wait_for_restore.py --live JOB_ID [JOB_ID …]   AWS, with your own credentials
python examples/wait_for_restore.py --live --plan ARN          all jobs of a restore testing plan

A network that fails for a while does not end it. It exits with

0  if all jobs are COMPLETED,
3  if AWS did not list the jobs: after an error such as missing permissions, or if the last
   request before the time-out has failed,
4  if one of the jobs ended otherwise, or there is none, and
5  after the time-out.

1 and 2 are Python's own: for an error such as a full disk, and for wrong arguments.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TextIO

from restorejobs_client import (
    InvalidRequestError,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobStatus,
    ServiceUnavailableException,
    ThrottlingException,
    TransportError,
    WatchTimeoutError,
)
from restorejobs_client.testing import FakeBackup, fake_backup

PASSING = TransportError, ThrottlingException, ServiceUnavailableException
PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly"


def wait(client: RestoreJobsClient, options: argparse.Namespace) -> int:
    """Print each change until all jobs have ended; return the exit code."""
    listing = client.list_restore_jobs(by_restore_testing_plan_arn=options.plan)
    ids: list[str] | None = options.ids or None
    latest: dict[str | None, RestoreJob] = {}
    watch = listing.watch(ids, interval=options.interval, timeout=options.timeout)
    while True:
        try:
            for job in watch:
                line = f"{datetime.now(UTC):%H:%M:%S}  {job.restore_job_id}  {job.status}"
                say(f"{line}  {job.percent_done or ''}".rstrip())
                latest[job.restore_job_id] = job
            break
        except PASSING as error:  # the watch goes on where it is
            say(f"Trying again: {error}", file=sys.stderr)
        except WatchTimeoutError as error:
            say(f"Still waiting for {', '.join(error.pending) or 'AWS'}", file=sys.stderr)
            return 5 if error.__cause__ is None else 3  # the cause is the error of the last request
    unsuccessful = [job for job in latest.values() if job.status != "COMPLETED"]
    for job in unsuccessful:
        reason = job.status_message or "AWS gives no reason"
        say(f"{job.restore_job_id} is {job.status}: {reason}", file=sys.stderr)
    if not latest:
        say("There are no jobs to wait for.", file=sys.stderr)
    return 4 if unsuccessful or not latest else 0


def say(line: str, file: TextIO | None = None) -> None:
    """Print a line with its control characters escaped, which AWS may send in any text."""
    print(line if line.isprintable() else ascii(line), file=file, flush=True)


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
    parser.add_argument(
        "--timeout", type=float, default=4 * 3600.0, help="seconds; default: 4 hours"
    )
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
    except InvalidRequestError as error:
        parser.error(str(error))
    except RestoreJobsError as error:
        say(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

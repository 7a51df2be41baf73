"""List several regions concurrently. A region that is denied is reported last, with exit code 1.

python examples/all_regions.py                              an embedded AWS Backup
python examples/all_regions.py --live eu-west-1 us-east-1   AWS, with your own credentials
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from itertools import groupby

from restorejobs_client import RestoreJob, RestoreJobs, RestoreJobsClient, RestoreJobsError, gather
from restorejobs_client.testing import fake_backup, sample_jobs

REGIONS = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]


def report(listings: dict[str, RestoreJobs]) -> int:
    """Print the failures of all regions, then the regions that are missing; return how many are."""
    jobs: list[RestoreJob] = []
    missing: dict[str, RestoreJobsError] = {}
    try:
        for job in gather(*listings.values()):
            jobs.append(job)  # noqa: PERF402  # what came stays, also when a region fails
    except* RestoreJobsError as group:
        regions = {id(listing): region for region, listing in listings.items()}
        missing = {regions[id(error.listing)]: error for error in errors_in(group)}

    for region, in_region in groupby(jobs, key=lambda job: job.region or "unknown region"):
        of_region = list(in_region)
        failed = sum(job.status == "FAILED" for job in of_region)
        print(f"{region:<14} {len(of_region):>6,} restore jobs, {failed:,} failed")
    for region, error in missing.items():
        print(f"NOT LISTED     {region}: {error}")
    return len(missing)


def errors_in(group: BaseExceptionGroup[RestoreJobsError]) -> list[RestoreJobsError]:
    return [error for error in group.exceptions if isinstance(error, RestoreJobsError)]


def embedded(stack: ExitStack) -> dict[str, RestoreJobs]:
    """Return a listing of each region of an embedded service that denies one of them."""
    listings: dict[str, RestoreJobs] = {}
    for seed, region in enumerate(REGIONS):
        backup = stack.enter_context(
            fake_backup(sample_jobs(800, seed=seed, region_name=region), region_name=region)
        )
        if region == "us-west-2":
            backup.fail_next("access_denied")
        listings[region] = backup.client().list_restore_jobs()
    return listings


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--live", nargs="+", metavar="REGION", help="ask AWS in these regions")
    live: list[str] | None = parser.parse_args().live
    with ExitStack() as stack:
        try:
            if live is None:
                listings = embedded(stack)
            else:
                listings = {
                    region: RestoreJobsClient(region_name=region).list_restore_jobs()
                    for region in live
                }
            return 1 if report(listings) else 0
        except RestoreJobsError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())

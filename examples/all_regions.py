"""List several regions concurrently. Regions that could not be listed are reported last.

python examples/all_regions.py                              sample jobs; one region denies access
python examples/all_regions.py --live eu-west-1 us-east-1   AWS, with your own credentials

It exits with 1 if a region could not be listed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from contextlib import ExitStack

from restorejobs_client import RestoreJobs, RestoreJobsClient, RestoreJobsError, gather
from restorejobs_client.testing import fake_backup, sample_jobs

SAMPLE_REGIONS = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]


def report(listings: dict[str, RestoreJobs]) -> bool:
    """Print the jobs and failures of each region; return whether all regions were listed."""
    jobs, failed = Counter[str](), Counter[str]()
    errors: dict[str, Exception] = {}
    try:
        for job in gather(*listings.values()):
            region = job.region or "unknown region"
            jobs[region] += 1
            failed[region] += job.status == "FAILED"
    except* RestoreJobsError as group:
        for error in group.exceptions:
            for region, listing in listings.items():
                if isinstance(error, RestoreJobsError) and error.listing is listing:
                    errors[region] = error

    for region, count in jobs.items():
        print(f"{region:<14} {count:>6,} restore jobs, {failed[region]:,} failed")
    for region, failure in errors.items():
        print(f"NOT LISTED     {region}: {failure}")
    return not errors


def sample_listings(stack: ExitStack) -> dict[str, RestoreJobs]:
    """Return a listing of a fake AWS Backup for each region; one region denies access."""
    listings: dict[str, RestoreJobs] = {}
    for seed, region in enumerate(SAMPLE_REGIONS):
        jobs = sample_jobs(800, seed=seed, region_name=region)
        backup = stack.enter_context(fake_backup(jobs, region_name=region))
        if region == "us-west-2":
            backup.fail_next("access_denied")
        listings[region] = backup.client().list_restore_jobs()
    return listings


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--live", nargs="+", metavar="REGION", help="list AWS in these regions")
    live: list[str] | None = parser.parse_args().live
    with ExitStack() as stack:
        try:
            if live is None:
                listings = sample_listings(stack)
            else:
                clients = {region: RestoreJobsClient(region_name=region) for region in live}
                listings = {name: client.list_restore_jobs() for name, client in clients.items()}
            return 0 if report(listings) else 1
        except RestoreJobsError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())

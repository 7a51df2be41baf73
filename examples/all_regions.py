"""List several regions concurrently. Regions that could not be listed are reported last.

python examples/all_regions.py                              sample jobs; one region denies access
python examples/all_regions.py --live eu-west-1 us-east-1   AWS, with your own credentials

It exits with 1 if a region could not be listed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from restorejobs_client import (
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsErrorGroup,
    gather,
)
from restorejobs_client.testing import fake_backup, sample_jobs

SAMPLE_REGIONS = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]


def report(listings: list[RestoreJobs]) -> bool:
    """Print the jobs and failures of each region; return whether all regions were listed."""
    jobs, failed = Counter[str](), Counter[str]()
    failures: list[str] = []
    try:
        for job in gather(*listings):
            region = repr(job.region or "unknown region")[1:-1]  # without control characters
            jobs[region] += 1
            failed[region] += job.status == "FAILED"
    except RestoreJobsErrorGroup as group:
        failures = [f"{error.listing.region_name}: {error}" for error in group.exceptions]
    for region, count in jobs.items():
        print(f"{region:<14} {count:>6,} restore jobs, {failed[region]:,} failed")
    for failure in failures:
        print(f"NOT LISTED     {failure}")
    return not failures


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--live", nargs="+", metavar="REGION", help="list AWS in these regions")
    live: list[str] | None = parser.parse_args().live
    if live is not None:
        clients = [RestoreJobsClient(region_name=region) for region in live]
        return 0 if report([client.list_restore_jobs() for client in clients]) else 1
    with fake_backup() as backup:
        for seed, region in enumerate(SAMPLE_REGIONS):
            backup.seed(sample_jobs(800, seed=seed, region_name=region), region_name=region)
        backup.fail_next("access_denied", region_name="us-west-2")
        clients = [backup.client(region_name=region) for region in SAMPLE_REGIONS]
        return 0 if report([client.list_restore_jobs() for client in clients]) else 1


if __name__ == "__main__":
    sys.exit(main())

"""List the accounts and regions of an organization on a Dask cluster, into Parquet files.

python examples/organization_on_dask.py             sample jobs, in two local processes
python examples/organization_on_dask.py DIRECTORY   keep the Parquet files in this directory

It needs the extra `arrow`, DuckDB and Dask: `pip install duckdb 'dask[distributed]'`.

DuckDB then reads the files as one table. A pickled listing contains no credentials: each worker
finds its own. For a real cluster, pass the address of its scheduler to `Client`, and use an account
that AWS lets list the others with `by_account_id`.
"""

# Dask has no types:
# mypy: allow-untyped-calls
# pyright: basic

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from dask.distributed import Client, LocalCluster, as_completed

from restorejobs_client import RestoreJobs, RestoreJobsClient
from restorejobs_client.testing import FakeBackup, fake_backup, sample_jobs

ACCOUNTS = ["111111111111", "222222222222", "333333333333"]
REGIONS = ["eu-central-1", "us-east-1"]


def write(listing: RestoreJobs, partition: Path) -> int:
    """Write a listing to a Parquet file, page by page; return the number of jobs."""
    partition.mkdir(parents=True, exist_ok=True)  # Dask may repeat a task
    part = partition / "restore_jobs.part"
    count = 0
    reader = pa.RecordBatchReader.from_stream(listing)
    with pq.ParquetWriter(part, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
            count += batch.num_rows
    part.rename(part.with_suffix(".parquet"))  # if a page fails, there is no file of this name
    return count


def collect(listings: dict[tuple[str, str], RestoreJobs], dataset: Path) -> None:
    """Run the listings on a cluster of two worker processes."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        futures = {}
        for (account, region), listing in listings.items():
            partition = dataset / f"account={account}" / f"region={region}"
            futures[client.submit(write, listing, partition)] = f"{account} {region}"
        for future, count in as_completed(futures, with_results=True):
            print(f"{futures[future]}: {count:,} restore jobs")


def report(dataset: Path) -> None:
    """Print what DuckDB computes for each region from the files."""
    print("\nby region: jobs, failed, hours of the longest restore")
    for region, *figures in duckdb.execute(
        """
        select region, count(*), count(*) filter (status = 'FAILED'),
               round(max(epoch(completion_date - creation_date)) / 3600, 1)
        from read_parquet($files) group by region order by region
        """,
        {"files": [str(file) for file in dataset.glob("*/*/*.parquet")]},
    ).fetchall():
        print("  ", repr(str(region))[1:-1], *figures)  # without control characters


def sample_listings(backup: FakeBackup) -> dict[tuple[str, str], RestoreJobs]:
    """Return a listing of sample jobs for each account and region."""
    # The workers inherit these; on a real cluster they have their own credentials.
    os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing")
    listings: dict[tuple[str, str], RestoreJobs] = {}
    for region in REGIONS:
        client = RestoreJobsClient(region_name=region, endpoint_url=backup.endpoint_url)
        for account in ACCOUNTS:
            jobs = sample_jobs(1_500, seed=len(listings), region_name=region, account_id=account)
            backup.seed(jobs, region_name=region, account_id=account)
            listings[account, region] = client.list_restore_jobs(by_account_id=account)
    return listings


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        dataset = Path(sys.argv[1] if len(sys.argv) > 1 else temporary, "restore_jobs")
        with fake_backup() as backup:
            collect(sample_listings(backup), dataset)
        report(dataset)


if __name__ == "__main__":
    main()

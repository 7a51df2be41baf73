"""Run examples/evidence_archive.py once for each line of input, in a forked process each time.

A line is the time of the run, here and at AWS. This program prints the id of each process when it
has started, and its exit code when it has ended. The processes start fast, because everything is
imported already.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import boto3
import duckdb
import pyarrow as pa

from restorejobs_client import RestoreJobsClient

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import evidence_archive as evidence  # in examples/


def main(database: str, *places: str) -> None:
    """Take the path of the database, and "account region endpoint_url" for each place."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    sources: dict[tuple[str, str], evidence.Source] = {}
    for account, region, url in (place.split(" ") for place in places):
        client = RestoreJobsClient(session=session, region_name=region, endpoint_url=url)
        sources[account, region] = evidence.Source(client, account)
    pa.array([0])  # imports pandas
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            now = datetime.fromisoformat(line.strip())
            with duckdb.connect(database) as archive:
                archive.execute(evidence.SCHEMA)
                makers = {
                    place: partial(evidence.Source, *source[:2], time=now)
                    for place, source in sources.items()
                }
                evidence.run(archive, makers, now, now - timedelta(days=25))
            os._exit(0)
        print(child, flush=True)  # noqa: T201  # read by the test
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])

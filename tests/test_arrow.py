"""Tables: one schema, exact values, in the hands of the libraries that people use."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from memory_service import START, Service, job

from restorejobs_client import (
    MalformedResponseError,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsError,
    RestoreJobStatus,
    gather,
)
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "created_by_restore_testing_plan_arn" if field.name == "created_by" else field.name
    for field in dataclasses.fields(RestoreJob)
] + ["region", "duration_seconds"]
ODD = [
    RestoreJob(),
    RestoreJob(restore_job_id="é \U0001f600 \0", backup_size_in_bytes=2**63 - 1, is_parent=True),
    RestoreJob(
        creation_date=datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC),
        completion_date=datetime(1, 1, 1, tzinfo=UTC),
        status=RestoreJobStatus("PAUSED"),
        created_by=RestoreJobCreator(restore_testing_plan_arn="plan"),
        expected_completion_time_minutes=-5,
    ),
    RestoreJob(created_by=RestoreJobCreator(), is_parent=False),
]


def listing(jobs: list[RestoreJob], **parameters: Any) -> RestoreJobs:
    return Service(jobs, order="oldest").listing(**{"max_results": 400, **parameters})


def rows(jobs: list[RestoreJob]) -> list[dict[str, Any]]:
    """Return the jobs as the rows that a table shall have."""
    members = []
    for one in jobs:
        row = one.to_dict()
        creator = row["created_by"] or {}
        row["created_by"] = creator.get("restore_testing_plan_arn")
        seconds = None if one.duration is None else one.duration.total_seconds()
        members.append(dict(zip(NAMES, [*row.values(), one.region, seconds], strict=True)))
    return members


def test_a_table_has_every_member_of_every_job() -> None:
    jobs = sample_jobs(1_000) + ODD
    table = listing(jobs).to_arrow()
    assert table.schema.names == NAMES
    assert table.to_pylist() == rows(list(listing(jobs)))


def test_the_schema_is_the_same_for_no_rows() -> None:
    empty, full = listing([]).to_arrow(), listing(sample_jobs(10)).to_arrow()
    assert empty.schema == full.schema
    assert empty.num_rows == 0
    types = {name: str(empty.schema.field(name).type) for name in NAMES}
    assert types["creation_date"] == "timestamp[us, tz=UTC]"
    assert types["status"] == "dictionary<values=string, indices=int32, ordered=0>"
    assert types["backup_size_in_bytes"] == "int64"
    assert types["is_parent"] == "bool"
    assert types["created_by_restore_testing_plan_arn"] == "string"


def test_statuses_are_dictionaries_that_keep_unknown_values() -> None:
    jobs = [*ODD, *sample_jobs(900)]
    table = listing(jobs, max_results=100).to_arrow()
    status: Any = table.column("status")
    assert "PAUSED" in status.to_pylist()
    assert len({chunk.dictionary.to_pylist().__repr__() for chunk in status.chunks}) == 1


def test_a_number_beyond_64_bits_is_refused_not_bent() -> None:
    with pytest.raises(MalformedResponseError, match="backup_size_in_bytes does not fit"):
        listing([RestoreJob(backup_size_in_bytes=2**63)]).to_arrow()


def test_half_characters_are_refused() -> None:
    for odd in (RestoreJob(status_message="\ud800"), RestoreJob(status=RestoreJobStatus("\ud800"))):
        with pytest.raises(MalformedResponseError, match="does not fit into a table"):
            listing([odd]).to_arrow()


def test_pyarrow_takes_a_listing() -> None:
    jobs = sample_jobs(1_000)
    one: Any = pa.table(listing(jobs))
    assert one.to_pylist() == rows(list(listing(jobs)))


def test_polars_takes_a_listing() -> None:
    jobs = sample_jobs(1_000) + ODD
    frame = pl.DataFrame(listing(jobs))
    assert frame.columns == NAMES
    assert frame["restore_job_id"].to_list() == [one.restore_job_id for one in listing(jobs)]
    assert frame["status"].cast(pl.String).to_list() == [one.status for one in listing(jobs)]
    assert frame["creation_date"].to_list() == [one.creation_date for one in listing(jobs)]


def test_pandas_takes_a_listing() -> None:
    jobs = sample_jobs(1_000)
    frame: Any = pd.DataFrame.from_arrow(listing(jobs))  # type: ignore[attr-defined]  # new in pandas 3
    assert list(frame.columns) == NAMES
    assert frame["restore_job_id"].tolist() == [one.restore_job_id for one in listing(jobs)]


def test_to_pandas_keeps_numbers_whole_and_missing_ones_missing() -> None:
    big_one = RestoreJob(restore_job_id="big", backup_size_in_bytes=2**63 - 1, creation_date=START)
    jobs = [*sample_jobs(1_000), big_one]
    frame: Any = listing(jobs).to_pandas()
    assert str(frame["backup_size_in_bytes"].dtype) == "Int64"
    assert str(frame["is_parent"].dtype) == "boolean"
    assert str(frame["creation_date"].dt.tz) == "UTC"
    assert isinstance(frame["status"].dtype, pd.CategoricalDtype)
    big = frame.loc[frame["restore_job_id"] == "big", "backup_size_in_bytes"].iloc[0]
    assert big == 2**63 - 1
    missing = [one.backup_size_in_bytes is None for one in listing(jobs)]
    assert frame["backup_size_in_bytes"].isna().tolist() == missing
    assert list(listing([]).to_pandas().columns) == NAMES


def test_duckdb_takes_a_reader_of_a_listing() -> None:
    jobs = sample_jobs(1_000)
    reader = pa.RecordBatchReader.from_stream(listing(jobs))
    connection = duckdb.connect()
    connection.register("jobs", reader)
    found = connection.execute(
        "select count(*), count(*) filter (status = 'FAILED'), max(creation_date) from jobs"
    ).fetchone()
    assert found is not None
    assert found[:2] == (1_000, sum(one.status == "FAILED" for one in jobs))


def test_what_runs_side_by_side_is_a_table_too() -> None:
    jobs = sample_jobs(900)
    both = gather(listing(jobs), listing(jobs[:100]))
    first = next(both)
    table: Any = pa.table(both)
    assert [first, *table.column("restore_job_id").to_pylist()][1:] == [
        one.restore_job_id for one in [*listing(jobs), *listing(jobs[:100])][1:]
    ]
    side_by_side: Any = listing(jobs).parallel(4)
    frame = side_by_side.to_pandas()
    assert sorted(frame["restore_job_id"]) == sorted(one.restore_job_id or "" for one in jobs)


def test_an_error_is_raised_with_its_checkpoint_and_no_table_is_made() -> None:
    service = Service(sample_jobs(50))

    def fail(asked: dict[str, Any]) -> None:
        if "NextToken" in asked:
            message = "damaged"
            raise MalformedResponseError(message)

    service.before_answer = fail
    broken = service.listing(max_results=20)
    with pytest.raises(RestoreJobsError) as caught:
        broken.to_arrow()
    assert caught.value.checkpoint is not None
    # Through the stream, it is an error of the library that reads.
    with pytest.raises(pa.ArrowInvalid, match="MalformedResponseError: damaged"):
        pa.table(broken)


def test_a_stream_goes_to_parquet_batch_by_batch(tmp_path: Path) -> None:
    service = Service([job(number, number) for number in range(5_000)])
    reader = pa.RecordBatchReader.from_stream(service.listing(max_results=100))
    assert len(service.asked) == 0
    with pq.ParquetWriter(tmp_path / "jobs.parquet", reader.schema) as writer:
        for number, batch in enumerate(reader, start=1):
            writer.write_batch(batch)
            assert len(service.asked) == number
    assert pq.read_table(tmp_path / "jobs.parquet").num_rows == 5_000


def test_over_http_with_limits_and_resuming() -> None:
    with fake_backup(sample_jobs(500)) as backup:
        client: RestoreJobsClient = backup.client()
        iterator = iter(client.list_restore_jobs(max_results=100))
        for _ in range(150):
            next(iterator)
        rest = client.list_restore_jobs(resume_from=iterator.checkpoint)
        assert rest.to_arrow().num_rows == 350
        assert client.list_restore_jobs(limit=7).to_arrow().num_rows == 7
        day = datetime(2025, 6, 10, tzinfo=UTC)
        some = client.list_restore_jobs(by_created_after=day, by_created_before=day + timedelta(1))
        assert some.to_arrow().to_pylist() == rows(list(some))


@pytest.mark.parametrize(
    ("missing", "call", "message"),
    [
        ("pyarrow", "to_arrow()", "needs pyarrow: pip install 'restorejobs-client[arrow]'"),
        (
            "pyarrow",
            "__arrow_c_stream__()",
            "needs pyarrow: pip install 'restorejobs-client[arrow]'",
        ),
        ("pandas", "to_pandas()", "needs pandas: pip install 'restorejobs-client[pandas]'"),
    ],
)
def test_what_is_missing_is_named_with_its_extra(missing: str, call: str, message: str) -> None:
    code = f"""
import sys
sys.modules[{missing!r}] = None
sys.path.insert(0, "tests")
from memory_service import Service
try:
    Service([]).listing().{call}
except ImportError as error:
    print(error)
"""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("\n") == 1
    assert message in done.stdout


STREAM = """
import resource, sys
sys.path.insert(0, "tests")
import pyarrow as pa, pyarrow.parquet as pq
import msgspec
from memory_service import listing_of
from restorejobs_client import RestoreJobPage
from restorejobs_client.testing import sample_jobs

body = msgspec.json.encode(RestoreJobPage(restore_jobs=tuple(sample_jobs(1_000))))
asked = 0

def fetch(parameters):
    global asked
    asked += 1
    token = f"page-{asked}" if asked < 200 else None
    return RestoreJobPage(
        restore_jobs=msgspec.json.decode(body, type=RestoreJobPage).restore_jobs, next_token=token
    )

def grown():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

reader = pa.RecordBatchReader.from_stream(listing_of(fetch))
with pq.ParquetWriter(sys.argv[1], reader.schema) as writer:
    for number, batch in enumerate(reader):
        writer.write_batch(batch)
        if number == 20:
            before = grown()
print(asked, grown() - before)
"""


def test_200_000_jobs_stream_to_parquet_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "jobs.parquet"
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", STREAM, str(path)], capture_output=True, text=True, check=True
    )
    asked, megabytes = done.stdout.split()
    assert int(asked) == 200
    assert pq.read_metadata(path).num_rows == 200_000
    # What could pile up is 160 MB as models and 106 MB as a table.
    assert float(megabytes) < 12

"""Tables: one schema, exact values, and the libraries that read them."""

from __future__ import annotations

import dataclasses
import itertools
import re
import subprocess
import sys
import threading
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.interrupting import at_moment, interrupt, moments_of
from support.memory_service import START, Service, job

from restorejobs_client import (
    InvalidRequestError,
    MalformedResponseError,
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobStatus,
    RestoreValidationStatus,
    TransportError,
    gather,
    to_arrow,
    to_pandas,
)
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from support.workers import Workers

COLUMNS = [
    "created_by_restore_testing_plan_arn" if field.name == "created_by" else field.name
    for field in dataclasses.fields(RestoreJob)
] + ["region", "duration_seconds"]
ODD_JOBS = [
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
DATED_JOBS = sample_jobs(1_000)  # `parallel` may leave out jobs without a date
JOBS = [*DATED_JOBS, *ODD_JOBS]


def listing(jobs: list[RestoreJob], **parameters: Any) -> RestoreJobs:
    return Service(jobs, order="oldest").listing(**{"max_results": 400, **parameters})


def rows(jobs: Iterable[RestoreJob]) -> list[dict[str, Any]]:
    """Return the expected table rows of these jobs."""
    table: list[dict[str, Any]] = []
    for listed in jobs:
        members = listed.to_dict()
        members["created_by"] = (members["created_by"] or {}).get("restore_testing_plan_arn")
        seconds = None if listed.duration is None else listed.duration.total_seconds()
        table.append(dict(zip(COLUMNS, [*members.values(), listed.region, seconds], strict=True)))
    return table


def broken_listing() -> RestoreJobs:
    """Return a listing whose second page is damaged."""

    def fail(parameters: dict[str, Any]) -> None:
        if "NextToken" in parameters:
            message = "damaged"
            raise MalformedResponseError(message)

    service = Service(JOBS)
    service.before_answer = fail
    return service.listing(max_results=20)


# Schema and values


def test_table_has_every_member() -> None:
    """A table has the members of a job, its region and its duration, with exact values."""
    table = listing(JOBS).to_arrow()
    assert table.schema.names == COLUMNS
    assert table.to_pylist() == rows(listing(JOBS))


def test_schema_is_fixed() -> None:
    """The schema is the same with and without rows."""
    empty, full = listing([]).to_arrow(), listing(JOBS).to_arrow()
    assert empty.schema == full.schema
    assert empty.num_rows == 0
    types = {name: str(empty.schema.field(name).type) for name in COLUMNS}
    assert types["creation_date"] == "timestamp[us, tz=UTC]"
    assert types["status"] == "dictionary<values=string, indices=int32, ordered=0>"
    assert types["backup_size_in_bytes"] == "int64"
    assert types["is_parent"] == "bool"
    assert types["created_by_restore_testing_plan_arn"] == "string"


def test_statuses_share_one_dictionary() -> None:
    """All chunks of a status column have AWS's values in AWS's order, then the unknown ones."""
    status: Any = listing(JOBS, max_results=100).to_arrow().column("status")
    assert len(status.chunks) > 1
    for chunk in status.chunks:
        assert chunk.dictionary.to_pylist() == [*RestoreJobStatus, "PAUSED"]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("status", RestoreJobStatus),
        ("validation_status", RestoreValidationStatus),
        ("deletion_status", RestoreDeletionStatus),
    ],
)
@pytest.mark.parametrize("jobs", [[], [RestoreJob()], [RestoreJob(status=RestoreJobStatus.FAILED)]])
def test_categories_are_the_values_of_the_enum(
    column: str, kind: type[RestoreJobStatus], jobs: list[RestoreJob]
) -> None:
    """Every table has all known values in AWS's order, whatever values its jobs have."""
    table: Any = to_arrow(jobs)
    assert table.column(column).chunk(0).dictionary.to_pylist() == list(kind)
    streamed: Any = pa.table(listing(jobs)).column(column)
    assert streamed.chunk(0).dictionary.to_pylist() == list(kind)
    frame: Any = to_pandas(jobs)
    assert list(frame[column].cat.categories) == list(kind)


def test_frames_of_different_listings_fit_together() -> None:
    """Frames concatenate without losing their categories, count zeros, and fit `to_pandas([])`."""
    running: Any = to_pandas([RestoreJob(status=RestoreJobStatus.RUNNING)])
    failed: Any = to_pandas([RestoreJob(status=RestoreJobStatus.FAILED)])
    both: Any = pd.concat([running, failed])
    counts = both["status"].value_counts(sort=False)
    expected = {str(status): int(status in {"RUNNING", "FAILED"}) for status in RestoreJobStatus}
    assert counts.to_dict() == expected
    meta: Any = to_pandas([])
    assert len(meta) == 0
    assert (meta.dtypes == both.dtypes).all()


# Jobs in hand


def test_any_iterable_of_jobs_becomes_the_table_of_a_listing() -> None:
    """A list, a page, a generator, an iterator, a watch and a stream give the listing's table."""
    listed = listing(JOBS[:700])
    table = listed.to_arrow()
    with listed.watch(until=lambda _: True) as watch:
        sources: list[Iterable[RestoreJob]] = [
            listed,
            list(listed),
            listed.head(700),
            (job for job in listed),
            iter(listed),
            watch,
            gather(listed),
        ]
        for source in sources:
            made = to_arrow(source)
            assert made.equals(table), source
            assert made.schema == table.schema
    pd.testing.assert_frame_equal(to_pandas(list(listed)), listed.to_pandas())


def test_rest_of_an_iterator_becomes_a_table() -> None:
    """A table of an iterator or a stream has the jobs that it has not delivered yet."""
    for jobs in (iter(listing(JOBS[:10])), gather(listing(JOBS[:10]))):
        next(jobs)
        assert to_arrow(jobs).num_rows == 9


def test_jobs_in_hand_are_converted_in_bounded_batches() -> None:
    """A generator is read in batches of 1,000 jobs, so that few jobs are in memory at once."""
    tracemalloc.start()
    table = to_arrow(RestoreJob(status_message=f"{number:>10000}") for number in range(6_500))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    column: Any = table.column("status_message")
    assert [len(chunk) for chunk in column.chunks] == [*[1_000] * 6, 500]
    assert [int(text) for text in column.to_pylist()] == list(range(6_500))
    assert peak < 35e6  # all messages are 65 MB


@pytest.mark.parametrize("convert", [to_arrow, to_pandas])
@pytest.mark.parametrize(
    "wrong",
    [[RestoreJob(), {"RestoreJobId": "1"}], [RestoreJobPage()], "jobs", 5, None, RestoreJob()],
)
def test_only_an_iterable_of_jobs_becomes_a_table(
    convert: Callable[[Any], object], wrong: object
) -> None:
    """What is not an iterable of jobs raises our error, which shows it."""
    with pytest.raises(InvalidRequestError, match=r"is not a RestoreJob|is refused: pass"):
        convert(wrong)


def test_errors_of_a_generator_are_raised() -> None:
    """An error of the iterable is raised unchanged; there is no incomplete table."""

    def jobs() -> Iterator[RestoreJob]:
        yield RestoreJob()
        yield from broken_listing()

    with pytest.raises(MalformedResponseError, match="damaged") as caught:
        to_arrow(jobs())
    assert caught.value.checkpoint is not None


@pytest.mark.parametrize(
    ("odd", "member"),
    [
        (RestoreJob(backup_size_in_bytes=2**63), "backup_size_in_bytes"),
        (RestoreJob(status_message="\ud800"), "status_message"),  # a lone surrogate
        (RestoreJob(status=RestoreJobStatus("\ud800")), "status"),
        # The constructor does not check types.
        (RestoreJob(restore_job_id=17), "restore_job_id"),  # type: ignore[arg-type]
        (RestoreJob(status=17), "status"),  # type: ignore[arg-type]
        (RestoreJob(creation_date="2026-01-01"), "creation_date"),  # type: ignore[arg-type]
        (RestoreJob(creation_date=datetime(2026, 1, 1)), "creation_date"),  # noqa: DTZ001  # naive
        (RestoreJob(created_by="plan"), "created_by_\\w+"),  # type: ignore[arg-type]
        (RestoreJob(backup_vault_arn=17), "backup_vault_arn"),  # type: ignore[arg-type]
        (RestoreJob(backup_vault_arn=b"arn:"), "region"),  # type: ignore[arg-type]
    ],
)
def test_values_that_do_not_fit_are_refused(odd: RestoreJob, member: str) -> None:
    """A value that its column cannot hold is an error, and is not changed."""
    with pytest.raises(MalformedResponseError, match=f"{member} does not fit into its column"):
        listing([odd]).to_arrow()


def test_limits_filters_and_checkpoints_apply() -> None:
    """A table has the jobs that iteration yields, also over HTTP."""
    with fake_backup(sample_jobs(500)) as backup:
        client = backup.client()
        iterator = iter(client.list_restore_jobs(max_results=100))
        for _ in range(150):
            next(iterator)
        assert client.resume(iterator.checkpoint).to_arrow().num_rows == 350
        assert client.list_restore_jobs(limit=7).to_arrow().num_rows == 7
        failed = client.list_restore_jobs(by_status="FAILED")
        assert failed.to_arrow().to_pylist() == rows(failed)


def test_error_while_listing_ends_the_table() -> None:
    """`to_arrow` raises with the checkpoint; other libraries raise their own error."""
    with pytest.raises(MalformedResponseError, match="damaged") as caught:
        broken_listing().to_arrow()
    assert caught.value.checkpoint is not None
    with pytest.raises(pa.ArrowInvalid, match="MalformedResponseError: damaged"):
        pa.table(broken_listing())


@pytest.mark.parametrize("is_iterator", [False, True], ids=["listing", "iterator"])
def test_failed_table_moves_nothing(*, is_iterator: bool) -> None:
    """After an error, the checkpoint is where the table began, and asking again gives all jobs."""
    failing = [1]

    def fail(parameters: dict[str, Any]) -> None:
        if "NextToken" in parameters and failing and failing.pop():
            message = "damaged"
            raise MalformedResponseError(message)

    service = Service(JOBS, order="given")
    service.before_answer = fail
    jobs: Any = service.listing(max_results=20)
    expected = rows(JOBS)
    if is_iterator:
        jobs = iter(jobs)
        next(jobs)
        del expected[0]
    with pytest.raises(MalformedResponseError, match="damaged") as caught:
        to_arrow(jobs)
    resumed = service.listing(max_results=20, resume_from=caught.value.checkpoint)
    assert resumed.to_arrow().to_pylist() == expected
    assert to_arrow(jobs).to_pylist() == expected
    if is_iterator:
        assert jobs.has_ended
        assert to_arrow(jobs).num_rows == 0


def test_interrupted_table_moves_no_iterator() -> None:
    """After Ctrl-C in the middle of a table, the iterator still has all jobs."""
    has_interrupted: list[bool] = []

    def interrupt(parameters: dict[str, Any]) -> None:
        if "NextToken" in parameters and not has_interrupted:
            has_interrupted.append(True)
            raise KeyboardInterrupt

    service = Service(JOBS, order="given")
    service.before_answer = interrupt
    iterator = iter(service.listing(max_results=20))
    with pytest.raises(KeyboardInterrupt):
        to_arrow(iterator)
    assert list(iterator) == JOBS


# Other libraries


def test_pyarrow_reads_a_listing() -> None:
    """`pyarrow.table` accepts a listing."""
    assert pa.table(listing(JOBS)).to_pylist() == rows(listing(JOBS))


def test_polars_reads_a_listing() -> None:
    """`polars.DataFrame` accepts a listing."""
    frame = pl.DataFrame(listing(JOBS))
    assert frame.columns == COLUMNS
    for column in ("restore_job_id", "status", "creation_date"):
        assert frame[column].to_list() == [getattr(job, column) for job in listing(JOBS)]


def test_pandas_reads_a_listing() -> None:
    """`pandas.DataFrame.from_arrow` accepts a listing."""
    from_arrow: Any = pd.DataFrame.from_arrow  # type: ignore[attr-defined]  # new in pandas 3
    frame = from_arrow(listing(JOBS[:900]))
    assert list(frame.columns) == COLUMNS
    assert list(frame["restore_job_id"]) == [job.restore_job_id for job in listing(JOBS[:900])]


def test_to_pandas_keeps_numbers_exact() -> None:
    """In a pandas frame, integers are not floats, and missing values stay missing."""
    big = RestoreJob(restore_job_id="big", backup_size_in_bytes=2**63 - 1, creation_date=START)
    jobs = [*sample_jobs(1_000), big]
    frame: Any = listing(jobs).to_pandas()
    sizes = frame["backup_size_in_bytes"]
    assert str(sizes.dtype) == "Int64"
    assert str(frame["is_parent"].dtype) == "boolean"
    assert str(frame["creation_date"].dt.tz) == "UTC"
    assert isinstance(frame["status"].dtype, pd.CategoricalDtype)
    assert sizes[frame["restore_job_id"] == "big"].item() == 2**63 - 1
    assert list(sizes.isna()) == [job.backup_size_in_bytes is None for job in listing(jobs)]
    assert list(listing([]).to_pandas().columns) == COLUMNS


def test_duckdb_reads_a_listing() -> None:
    """DuckDB queries a reader of a listing."""
    connection = duckdb.connect()
    connection.register("jobs", pa.RecordBatchReader.from_stream(listing(JOBS)))
    query = "select count(*), count(*) filter (status = 'FAILED'), max(creation_date) from jobs"
    found = connection.execute(query).fetchone()
    assert found is not None
    assert found[:2] == (len(JOBS), sum(job.status == "FAILED" for job in JOBS))


def test_stream_with_an_open_reader_yields_no_jobs() -> None:
    """Once a reader takes the jobs of a stream, `next` and a second reader are refused."""
    stream = listing(DATED_JOBS).parallel(2)
    pa.RecordBatchReader.from_stream(stream)  # DuckDB asks one for the schema only
    reader = pa.RecordBatchReader.from_stream(stream)
    rows_read = reader.read_next_batch().num_rows
    for read in (stream.__next__, stream.to_arrow):
        with pytest.raises(InvalidRequestError, match="call parallel or gather again"):
            read()
    assert rows_read + sum(batch.num_rows for batch in reader) == len(DATED_JOBS)
    with pytest.raises(InvalidRequestError, match="call parallel or gather again"):
        next(stream)  # nobody knows whether the last batch has arrived


@pytest.mark.parametrize("kind", ["listing", "stream"])
def test_reader_does_not_end_after_an_error(kind: str) -> None:
    """A reader that is asked again after an error does not pretend that the table is whole."""
    jobs: Any = broken_listing() if kind == "listing" else gather(broken_listing())
    reader = pa.RecordBatchReader.from_stream(jobs)
    assert reader.read_next_batch().num_rows == 20
    for _ in range(3):
        with pytest.raises(pa.ArrowInvalid, match=r"damaged|1 listing failed"):
            reader.read_next_batch()


def test_reader_skips_no_page_that_does_not_fit() -> None:
    """A page with a value that has no room in its column raises again, and is not left out."""
    jobs = [RestoreJob(backup_size_in_bytes=2**number) for number in range(61, 65)]
    reader = pa.RecordBatchReader.from_stream(Service(jobs, order="given").listing(max_results=1))
    assert [reader.read_next_batch().num_rows for _ in range(2)] == [1, 1]
    for _ in range(3):
        with pytest.raises(pa.ArrowInvalid, match="does not fit"):
            reader.read_next_batch()


def test_table_of_a_stream_is_whole_or_raises() -> None:
    """Of two threads, one gets all jobs and one our error; closing the stream raises too."""
    service = Service(DATED_JOBS, delay=0.01)
    tables: list[Any] = []

    def read() -> None:
        try:
            tables.append(stream.to_arrow().num_rows)
        except InvalidRequestError as error:
            tables.append("again" in str(error))

    for _ in range(3):
        stream = service.listing(max_results=100).parallel(2)
        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(tables) == [True, len(DATED_JOBS)]
        tables.clear()
        stream = service.listing(max_results=100).parallel(2)
        threading.Timer(0.02, stream.close).start()
        read()
        assert tables.pop() is True


def test_streams_convert_to_tables() -> None:
    """A table of a stream has the jobs that the stream has not yielded yet."""
    stream = gather(listing(JOBS), listing(JOBS[:100]))
    next(stream)
    table: Any = pa.table(stream)
    expected = [job.restore_job_id for job in [*listing(JOBS), *listing(JOBS[:100])]]
    assert table.column("restore_job_id").to_pylist() == expected[1:]
    frame: Any = listing(JOBS[:900]).parallel(4).to_pandas()
    assert set(frame["restore_job_id"]) == {job.restore_job_id for job in JOBS[:900]}


@pytest.mark.parametrize(
    ("missing", "extra", "call"),
    [
        ("pyarrow", "arrow", RestoreJobs.to_arrow),
        ("pyarrow", "arrow", RestoreJobs.__arrow_c_stream__),
        ("pyarrow", "arrow", to_arrow),
        ("pandas", "pandas", RestoreJobs.to_pandas),
        ("pandas", "pandas", to_pandas),
    ],
)
def test_missing_arrow_library_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str, extra: str, call: Callable[[RestoreJobs], object]
) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    advice = f"needs {missing}: pip install {missing}, or this package with its extra {extra!r}"
    with pytest.raises(ImportError, match=re.escape(advice)):
        call(listing([]))
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # the same if both are missing
    with pytest.raises(ImportError, match=re.escape(advice)):
        call(listing([]))


# Memory


def test_reader_requests_one_page_for_each_batch() -> None:
    """A reader of a listing requests a page when its batch is read."""
    service = Service([job(number, number) for number in range(500)])
    reader = pa.RecordBatchReader.from_stream(service.listing(max_results=100))
    assert service.asked == []
    for number, batch in enumerate(reader, start=1):
        assert batch.num_rows == 100
        assert len(service.asked) == number
    assert len(service.asked) == 5


STREAM = """
import resource, sys
sys.path.insert(0, "tests")
import pyarrow as pa, pyarrow.parquet as pq
import msgspec
from support.memory_service import listing_of
from restorejobs_client import RestoreJobPage
from restorejobs_client.testing import sample_jobs

body = msgspec.json.encode(RestoreJobPage(restore_jobs=tuple(sample_jobs(1_000))))
pages = 0

def fetch(parameters):
    global pages
    pages += 1
    token = f"page-{pages}" if pages < 100 else None
    return RestoreJobPage(
        restore_jobs=msgspec.json.decode(body, type=RestoreJobPage).restore_jobs, next_token=token
    )

def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

reader = pa.RecordBatchReader.from_stream(listing_of(fetch))
with pq.ParquetWriter(sys.argv[1], reader.schema) as writer:
    for number, batch in enumerate(reader):
        writer.write_batch(batch)
        if number == 20:
            before = megabytes()
print(megabytes() - before)
"""


def test_stream_to_parquet_uses_constant_memory(tmp_path: Path) -> None:
    """Writing 100,000 jobs to Parquet keeps neither jobs nor batches in memory."""
    path = tmp_path / "jobs.parquet"
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", STREAM, str(path)], capture_output=True, text=True, check=True
    )
    assert pq.read_metadata(path).num_rows == 100_000
    assert float(done.stdout) < 12  # 80,000 jobs are 64 MB as models and 42 MB as a table


# Interrupts

# Python ignores an interrupt in a finalizer, and pytest warns of it.
interrupted = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def table_of(jobs: Any, way: str) -> Any:
    """Return a table that is made in one of the ways, or `None` if something prevents it."""
    ways: dict[str, Callable[[], Any]] = {
        "to_arrow": lambda: to_arrow(jobs),
        "to_pandas": lambda: to_pandas(jobs),
        "reader": lambda: pa.table(jobs),
    }
    try:
        return ways[way]()
    except (KeyboardInterrupt, InvalidRequestError, pa.ArrowException):
        return None


@pytest.fixture
def _imported() -> None:
    """Import all that a first table imports."""
    to_pandas([])


FEW = sorted(JOBS[:4], key=lambda job: str(job.restore_job_id))


def few() -> RestoreJobs:
    """Return a listing of two pages."""
    return Service(FEW, order="given").listing(max_results=2)


@interrupted
@pytest.mark.parametrize("way", ["to_arrow", "reader"])
@pytest.mark.usefixtures("_imported")
def test_stream_never_looks_ended_after_an_interrupted_table(way: str, workers: Workers) -> None:
    """If Ctrl-C in any line prevents a table, `next` raises our error and does not end."""

    def survives(number: int) -> bool:
        stream: Any = gather(few())
        tables: list[Any] = []
        is_moment = at_moment(number * 5, lambda: tables.append(table_of(stream, way)), interrupt)
        if tables[0] is not None:
            assert len(tables[0]) == len(FEW)
        else:
            with suppress(InvalidRequestError):
                assert list(stream) == FEW  # nothing was taken
        return is_moment

    assert moments_of(survives) > 50
    assert workers.all_end()


@interrupted
@pytest.mark.parametrize(("way", "step"), [("to_arrow", 1), ("to_pandas", 41)])
@pytest.mark.usefixtures("_imported")
def test_iterator_stays_where_it_was_after_an_interrupted_table(way: str, step: int) -> None:
    """If Ctrl-C in any line prevents a table, the iterator of the listing has not moved."""

    def survives(number: int) -> bool:
        iterator = iter(few())
        assert next(iterator) == FEW[0]
        tables: list[Any] = []
        table = lambda: tables.append(table_of(iterator, way))  # noqa: E731
        is_moment = at_moment(number * step, table, interrupt)
        assert list(iterator) == (FEW[1:] if tables[0] is None else [])
        return is_moment

    assert moments_of(survives) > 50


@interrupted
@pytest.mark.usefixtures("_imported")
def test_iterator_stays_where_it_was_after_a_failed_table_that_is_interrupted() -> None:
    """If Ctrl-C comes in any line after an error of AWS, the iterator has not moved either."""

    def survives(number: int) -> bool:
        service = Service(FEW, order="given", page_size=1)
        requests = itertools.count(1)

        def fail(_: object) -> None:
            if next(requests) == len(FEW):
                raise TransportError("reset")

        service.before_answer = fail
        iterator = iter(service.listing())
        assert next(iterator) == FEW[0]

        def table() -> None:
            with suppress(TransportError):
                to_arrow(iterator)

        is_moment = True
        with suppress(KeyboardInterrupt):
            is_moment = at_moment(number, table, interrupt)
        service.before_answer = lambda _: None
        assert list(iterator) == FEW[1:]
        return is_moment

    assert moments_of(survives) > 50


def test_reader_of_a_stream_that_others_have_read_raises() -> None:
    """A reader that was made before all jobs went elsewhere does not look like an empty one."""
    takers: list[Callable[[Any], Any]] = [list, to_arrow]
    for take in takers:
        stream = gather(listing(FEW))
        reader = pa.RecordBatchReader.from_stream(stream)
        take(stream)
        with pytest.raises(pa.ArrowInvalid, match="delivered already"):
            reader.read_all()


@pytest.mark.parametrize("way", ["to_arrow", "reader"])
@pytest.mark.usefixtures("_imported")
def test_each_job_of_a_stream_goes_to_its_table_or_to_next(way: str) -> None:
    """A handler that asks for jobs while a table takes them is refused, or the table lacks them."""
    refusals: list[InvalidRequestError] = []

    def survives(number: int) -> bool:
        stream: Any = gather(few())
        taken: list[RestoreJob] = []
        tables: list[Any] = []

        def take() -> None:
            try:
                taken.extend(stream)
            except InvalidRequestError as refusal:
                refusals.append(refusal)

        is_moment = at_moment(number * 3, lambda: tables.append(table_of(stream, way)), take)
        ids = [] if tables[0] is None else tables[0]["restore_job_id"].to_pylist()
        ids += [one.restore_job_id for one in taken]
        assert sorted(ids) == [one.restore_job_id for one in FEW]
        return is_moment

    assert moments_of(survives) > 50
    assert len(refusals) > 50


def test_reader_refuses_to_be_read_by_its_own_request() -> None:
    """A reader that is asked for a batch while it waits for a page refuses, and reads on."""
    service = Service(FEW)
    refusals: list[str] = []

    def read(_: object) -> None:
        with pytest.raises(pa.ArrowInvalid, match="reading already") as caught:
            reader.read_next_batch()
        refusals.append(str(caught.value))

    service.before_answer = read
    reader = pa.RecordBatchReader.from_stream(service.listing(max_results=2))
    assert reader.read_all().num_rows == len(FEW)
    assert len(refusals) == 2


@pytest.mark.usefixtures("_imported")
def test_reader_refuses_to_be_read_while_it_reads() -> None:
    """A handler that reads the reader it has interrupted gets an error, and the table is whole."""
    refusals: list[str] = []

    def survives(number: int) -> bool:
        reader = pa.RecordBatchReader.from_stream(gather(few()))
        rows: list[int] = []

        def read() -> None:
            try:
                rows.extend(batch.num_rows for batch in reader)
            except pa.ArrowException as refusal:
                refusals.append(str(refusal))

        is_moment = at_moment(number * 2, lambda: rows.append(reader.read_all().num_rows), read)
        assert sum(rows) == len(FEW)
        return is_moment

    assert moments_of(survives) > 50
    assert sum("reading already" in refusal for refusal in refusals) > 50

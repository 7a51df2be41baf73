"""Export jobs as Arrow tables and pandas frames. Each page becomes one record batch."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from operator import attrgetter
from typing import Any, Final, cast, get_args

from msgspec.structs import fields

from restorejobs_client._core.dates import EPOCH
from restorejobs_client._core.enums import OpenEnum
from restorejobs_client._core.errors import InvalidRequestError, MalformedResponseError
from restorejobs_client._core.extras import pa, pc, pd
from restorejobs_client._models.jobs import RestoreJob
from restorejobs_client._outputs.tally import read_all


class ArrowExport(Iterable[RestoreJob]):
    """The methods that export jobs to Arrow and pandas."""

    @abstractmethod
    def _job_pages(self) -> Iterator[Iterable[RestoreJob]]:
        """Return the jobs page by page. A stream starts with its next job."""

    def to_arrow(self) -> pa.Table:
        """Return the jobs as an Arrow table, one row for each job.

        The columns have the names of a job's members, followed by `region` and `duration_seconds`.
        A table without rows has the same columns. Text is `string`. Dates are `timestamp[us, UTC]`;
        AWS is accurate to milliseconds. `status`, `validation_status` and `deletion_status` are
        `dictionary<int32, string>`. The dictionary has all values that AWS documents, in AWS's
        order, and then those that this release does not know. Sizes in bytes and
        minutes are `int64`, `is_parent` is `bool`, and `duration_seconds` is `double`. Instead of
        `created_by`, there is the text column `created_by_restore_testing_plan_arn`.

        Raises:
            ImportError: the extra `arrow` is not installed.
            RestoreJobsError: iterating over the jobs raised it.
            MalformedResponseError: a value does not fit into its column, such as a number that
                needs more than 64 bits.
            InvalidRequestError: the stream has ended, so its jobs cannot be listed again.
        """
        return to_arrow(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return the jobs as a pandas DataFrame with the columns of `to_arrow`.

        Statuses are categories, and dates are in UTC. Whole numbers are nullable `Int64`, and
        booleans are nullable `boolean`, so missing values do not turn them into floats.

        Raises:
            ImportError: the extra `pandas` is not installed.
            RestoreJobsError: as for `to_arrow`.
        """
        return to_pandas(self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Stream the jobs to a library that reads Arrow, one batch for each page.

        For example, `pyarrow.table(jobs)` and `polars.DataFrame(jobs)` read all jobs, and
        `pyarrow.RecordBatchReader.from_stream(jobs)` streams them to DuckDB or to a Parquet file in
        constant memory. The columns are those of `to_arrow`.

        If the listing fails, or you press Ctrl-C, the library that reads raises an error of its
        own, with our message in its text. No job is left out silently, but the checkpoint is lost.
        Use `to_arrow` to get our error with its checkpoint.

        Raises:
            ImportError: the extra `arrow` is not installed.
        """
        reader: Any = pa.RecordBatchReader.from_batches(_schema(), _Batches(self._job_pages()))
        return reader.__arrow_c_stream__(requested_schema)


def to_arrow(jobs: Iterable[RestoreJob]) -> pa.Table:
    """Return any jobs as an Arrow table, with the columns of `RestoreJobs.to_arrow`.

    Args:
        jobs: a list, a page, a generator that filters, a watch, or anything else that yields jobs.
            A job that a watch yields twice has two rows. If the table fails, the iterator of a
            listing has not moved.

    Raises:
        InvalidRequestError: something in `jobs` is not a `RestoreJob`.
        ImportError: the extra `arrow` is not installed.
        RestoreJobsError: iterating over the jobs raised it. For a listing and its iterator,
            `checkpoint` is where the table began; a failed table of a stream has none.
        MalformedResponseError: a value does not fit into its column.

    Examples:
        >>> jobs = [RestoreJob(restore_job_id="1A2B", status=RestoreJobStatus.FAILED)]
        >>> to_arrow(jobs).num_rows
        1
    """
    return read_all(jobs, _table)


def to_pandas(jobs: Iterable[RestoreJob]) -> pd.DataFrame:
    """Return any jobs as a pandas DataFrame, with the columns of `RestoreJobs.to_pandas`.

    Frames of different jobs can be concatenated: their categories are the same, unless AWS adds a
    value. `to_pandas([])` is the `meta` that Dask asks for.

    Args:
        jobs: as for `to_arrow`.

    Raises:
        ImportError: the extra `pandas` is not installed.
        RestoreJobsError: as for `to_arrow`.
    """
    integer, boolean = pd.Int64Dtype(), pd.BooleanDtype()  # the extra `pandas` has pyarrow too
    types = {pa.int64(): integer, pa.bool_(): boolean}

    def make(pages: Iterator[Iterable[RestoreJob]]) -> pd.DataFrame:
        table: Any = _table(pages)
        return cast("pd.DataFrame", table.to_pandas(types_mapper=types.get))

    return read_all(jobs, make)


def _table(pages: Iterator[Iterable[RestoreJob]]) -> pa.Table:
    return pa.Table.from_batches(_Batches(pages), schema=_schema()).unify_dictionaries()


_KINDS: Final[dict[str, type]] = {  # the values of each column
    field.name.replace("created_by", "created_by_restore_testing_plan_arn"): get_args(field.type)[0]
    for field in fields(RestoreJob)
} | {"created_by_restore_testing_plan_arn": str, "region": str, "duration_seconds": float}


@cache
def _schema() -> pa.Schema:
    """Return the columns of a job's members, followed by the derived columns."""
    types: dict[type, Any] = {
        str: pa.string(),
        int: pa.int64(),
        bool: pa.bool_(),
        float: pa.float64(),
        type(EPOCH): pa.timestamp("us", tz="UTC"),
        **dict.fromkeys(OpenEnum.__subclasses__(), pa.dictionary(pa.int32(), pa.string())),
    }
    from unittest.mock import patch  # noqa: PLC0415  # it is slow to import

    # This imports pandas, which crashes the interpreter if it meets the dates of a frozen clock.
    with patch.multiple("datetime", datetime=type(EPOCH), date=type(EPOCH).__base__):
        pa.array(())
    return pa.schema({name: types[kind] for name, kind in _KINDS.items()})


class _Batches(Iterator[Any]):
    """A record batch for each page, or one without rows if there are none.

    A generator would end after an error. The variable of a `for` loop would keep a page alive while
    the next one is decoded, and decoding into new memory instead of that of the freed page costs
    10 % of the CPU time.
    """

    def __init__(self, pages: Iterator[Iterable[RestoreJob]]) -> None:
        self._pages = pages
        self._page: list[Iterable[RestoreJob]] = []  # the one whose batch was not returned yet
        self._no_jobs: list[tuple[()]] = [()]  # if there are none, a batch has the categories
        self._busy_pid: int | None = None  # of the process that is reading

    def __next__(self) -> pa.RecordBatch:
        pid = os.getpid()  # no call below, because another thread could come between
        if self._busy_pid == pid:
            raise InvalidRequestError(
                "this reader is reading already, in another thread or in what a signal handler has "
                "interrupted: let that end first"
            )
        self._busy_pid = pid
        try:
            if not self._page:
                self._page.extend(islice(self._pages, 1))  # in C, so no interrupt can lose a page
            for page in self._page or self._no_jobs:
                batch = _batch(page)
                self._page, self._no_jobs = [], []
                return batch
            raise StopIteration
        finally:
            self._busy_pid = None


def _batch(jobs: Iterable[RestoreJob]) -> pa.RecordBatch:
    schema: Any = _schema()
    arrays = {column.name: _array(jobs, column) for column in [*schema][:-1]}
    elapsed: Any = pc.subtract(arrays["completion_date"], arrays["creation_date"])
    seconds = pc.divide(elapsed.cast(pa.int64()).cast(pa.float64(), safe=False), 1e6)
    return pa.record_batch([*arrays.values(), seconds], schema=schema)


def _array(jobs: Iterable[RestoreJob], column: Any) -> Any:  # noqa: ANN401  # pyarrow's types are partly unknown
    make: Any = pa.array  # its overloads do not accept a type that is known only at run time
    get = attrgetter(column.name.removeprefix("created_by_"))
    kind = _KINDS[column.name]
    known = list(kind) if issubclass(kind, OpenEnum) else []  # the first values of a dictionary
    try:
        values: list[Any] = [*known, *map(get, jobs)]
        if pa.types.is_timestamp(column.type):
            # Durations since the epoch, because Arrow takes three times as long to read datetimes.
            durations = [None if moment is None else moment - EPOCH for moment in values]
            return make(durations, pa.duration("us")).view(column.type)
        return make(values, column.type)[len(known) :]
    except (pa.ArrowException, ArithmeticError, AttributeError, TypeError, ValueError) as error:
        message = f"a value of {column.name} does not fit into its column: {error}"
        raise MalformedResponseError(message) from error

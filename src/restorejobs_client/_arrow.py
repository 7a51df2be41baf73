"""Tables: jobs as Arrow record batches with one fixed schema, one batch for each page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, get_args

from msgspec.structs import astuple, fields

from restorejobs_client._enums import OpenEnum
from restorejobs_client._errors import MalformedResponseError
from restorejobs_client._extras import LazyModule
from restorejobs_client._models import RestoreJob, RestoreJobCreator

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    pa = LazyModule("pyarrow", extra="arrow", purpose="a table")
    pc = LazyModule("pyarrow.compute", extra="arrow", purpose="a table")
    pd = LazyModule("pandas", extra="pandas", purpose="to_pandas")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLAN: Final = "created_by_restore_testing_plan_arn"


class ArrowExport(ABC):
    """The methods that make tables of jobs: Arrow's and those of pandas."""

    @abstractmethod
    def _job_pages(self) -> Iterator[Sequence[RestoreJob]]:
        """Return the jobs page by page; a stream starts with its next job."""

    def to_arrow(self) -> pa.Table:
        """Return the jobs as an Arrow table, one row for each job.

        The columns are the members of a job by their names, then `region` and `duration_seconds`.
        They are the same without rows. Text is `string`. Dates are `timestamp[us, UTC]`; AWS is
        accurate to milliseconds. `status`, `validation_status` and `deletion_status` are
        `dictionary<int32, string>`, also for values that AWS adds later. Sizes in bytes and
        minutes are `int64`, `is_parent` is `bool`, and `duration_seconds` is `double`. Instead of
        `created_by`, there is the text column `created_by_restore_testing_plan_arn`.

        Raises:
            ImportError: the extra `arrow` is not installed.
            RestoreJobsError: iterating over the jobs raised it.
            MalformedResponseError: a value does not fit into its column, such as a number that
                needs more than 64 bits.
            InvalidRequestError: the stream has ended, so its jobs cannot be listed again.
        """
        batches = _batches(self._job_pages())
        table = pa.Table.from_batches(batches, schema=_schema())
        return table.unify_dictionaries()

    def to_pandas(self) -> pd.DataFrame:
        """Return the jobs as a pandas frame with the columns of `to_arrow`.

        Statuses are categories, and dates are in UTC. Whole numbers are nullable `Int64` and truth
        values nullable `boolean`, so missing values do not turn them into floats.

        Raises:
            ImportError: the extra `pandas` is not installed.
            RestoreJobsError: as for `to_arrow`.
        """
        types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
        table: Any = self.to_arrow()
        frame: pd.DataFrame = table.to_pandas(types_mapper=types.get)
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Stream the jobs to a library that reads Arrow, one batch for each page.

        For example, `pyarrow.table(jobs)` and `polars.DataFrame(jobs)` read all jobs, and
        `pyarrow.RecordBatchReader.from_stream(jobs)` streams them to DuckDB or to a Parquet file in
        constant memory. The columns are those of `to_arrow`.

        An error while listing, or Ctrl-C, reaches the caller as an error of the library that
        reads, with our message in its text. Nothing is left out silently, but the checkpoint is
        lost; `to_arrow` keeps it.

        Raises:
            ImportError: the extra `arrow` is not installed.
        """
        reader: Any = pa.RecordBatchReader.from_batches(_schema(), _batches(self._job_pages()))
        stream: object = reader.__arrow_c_stream__(requested_schema)
        return stream


@cache
def _schema() -> pa.Schema:
    """Return the members of a job as columns, and then the columns that follow from them."""
    types: dict[object, Any] = {
        str: pa.string(),
        int: pa.int64(),
        bool: pa.bool_(),
        datetime: pa.timestamp("us", tz="UTC"),
        RestoreJobCreator: pa.string(),
        **dict.fromkeys(OpenEnum.__subclasses__(), pa.dictionary(pa.int32(), pa.string())),
    }
    columns: list[tuple[str, Any]] = [
        (_PLAN if field.name == "created_by" else field.name, types[get_args(field.type)[0]])
        for field in fields(RestoreJob)
    ]
    return pa.schema([*columns, ("region", pa.string()), ("duration_seconds", pa.float64())])


def _batches(pages: Iterable[Sequence[RestoreJob]]) -> Iterator[pa.RecordBatch]:
    # Not a loop: its variable would keep a page while the next one is decoded into cold memory,
    # which costs a tenth of all CPU.
    return map(_batch, filter(None, pages))


def _batch(jobs: Sequence[RestoreJob]) -> pa.RecordBatch:
    schema: Any = _schema()
    place_of = schema.get_field_index
    columns: list[Sequence[Any]] = list(zip(*map(astuple, jobs), strict=True))
    columns[place_of(_PLAN)] = [
        creator and creator.restore_testing_plan_arn for creator in columns[place_of(_PLAN)]
    ]
    columns.append([job.region for job in jobs])
    arrays: list[Any] = [_array(*column) for column in zip(columns, schema, strict=False)]
    took: Any = pc.subtract(arrays[place_of("completion_date")], arrays[place_of("creation_date")])
    arrays.append(pc.divide(took.cast(pa.int64()).cast(pa.float64(), safe=False), 1e6))
    batch: pa.RecordBatch = pa.record_batch(arrays, schema=schema)
    return batch


def _array(values: Sequence[Any], column: Any) -> Any:  # noqa: ANN401  # Arrow's
    make: Any = pa.array  # its overloads do not know a type that is a value
    try:
        if pa.types.is_timestamp(column.type):
            # Durations since the epoch: Arrow needs three times as long for datetimes.
            since = [None if moment is None else moment - _EPOCH for moment in values]
            return make(since, pa.duration("us")).view(column.type)
        return make(values, column.type)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
        raise MalformedResponseError(
            f"a value of {column.name} does not fit into a table: {error}"
        ) from error

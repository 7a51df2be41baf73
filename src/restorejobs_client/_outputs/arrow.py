"""Export jobs as Arrow tables and pandas frames. Each page becomes one record batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, get_args

from msgspec.structs import astuple, fields

from restorejobs_client._core.enums import OpenEnum
from restorejobs_client._core.errors import MalformedResponseError
from restorejobs_client._core.extras import pa, pc, pd
from restorejobs_client._models.jobs import RestoreJob, RestoreJobCreator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PLAN_COLUMN: Final = "created_by_restore_testing_plan_arn"


class ArrowExport(ABC):
    """The methods that export jobs to Arrow and pandas."""

    @abstractmethod
    def _job_pages(self) -> Iterator[Iterable[RestoreJob]]:
        """Return the jobs page by page. A stream starts with its next job."""

    def to_arrow(self) -> pa.Table:
        """Return the jobs as an Arrow table, one row for each job.

        The columns have the names of a job's members, followed by `region` and `duration_seconds`.
        A table without rows has the same columns. Text is `string`. Dates are `timestamp[us, UTC]`;
        AWS is accurate to milliseconds. `status`, `validation_status` and `deletion_status` are
        `dictionary<int32, string>`, including values that AWS adds later. Sizes in bytes and
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
        """Return the jobs as a pandas DataFrame with the columns of `to_arrow`.

        Statuses are categories, and dates are in UTC. Whole numbers are nullable `Int64`, and
        booleans are nullable `boolean`, so missing values do not turn them into floats.

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

        If the listing fails, or you press Ctrl-C, the library that reads raises an error of its
        own, with our message in its text. No job is left out silently, but the checkpoint is lost.
        Use `to_arrow` to get our error with its checkpoint.

        Raises:
            ImportError: the extra `arrow` is not installed.
        """
        reader: Any = pa.RecordBatchReader.from_batches(_schema(), _batches(self._job_pages()))
        stream: object = reader.__arrow_c_stream__(requested_schema)
        return stream


@cache
def _schema() -> pa.Schema:
    """Return the columns of a job's members, followed by the derived columns."""
    types: dict[object, Any] = {
        str: pa.string(),
        int: pa.int64(),
        bool: pa.bool_(),
        datetime: pa.timestamp("us", tz="UTC"),
        RestoreJobCreator: pa.string(),
        **dict.fromkeys(OpenEnum.__subclasses__(), pa.dictionary(pa.int32(), pa.string())),
    }
    columns: list[tuple[str, Any]] = [
        (_PLAN_COLUMN if field.name == "created_by" else field.name, types[get_args(field.type)[0]])
        for field in fields(RestoreJob)
    ]
    return pa.schema([*columns, ("region", pa.string()), ("duration_seconds", pa.float64())])


def _batches(pages: Iterable[Iterable[RestoreJob]]) -> Iterator[pa.RecordBatch]:
    # The variable of a `for` loop would keep a page alive while the next one is decoded. Decoding
    # into new memory instead of the memory of the freed page costs 10 % of the CPU time.
    return map(_batch, filter(None, pages))


def _batch(jobs: Iterable[RestoreJob]) -> pa.RecordBatch:
    schema: Any = _schema()
    index_of = schema.get_field_index
    columns: list[Sequence[Any]] = list(zip(*map(astuple, jobs), strict=True))
    columns[index_of(_PLAN_COLUMN)] = [
        creator and creator.restore_testing_plan_arn for creator in columns[index_of(_PLAN_COLUMN)]
    ]
    columns.append([job.region for job in jobs])
    arrays: list[Any] = [_array(*column) for column in zip(columns, schema, strict=False)]
    elapsed: Any = pc.subtract(
        arrays[index_of("completion_date")], arrays[index_of("creation_date")]
    )
    arrays.append(pc.divide(elapsed.cast(pa.int64()).cast(pa.float64(), safe=False), 1e6))
    batch: pa.RecordBatch = pa.record_batch(arrays, schema=schema)
    return batch


def _array(values: Sequence[Any], column: Any) -> Any:  # noqa: ANN401  # pyarrow's types are partly unknown
    make: Any = pa.array  # its overloads do not accept a type that is known only at run time
    try:
        if pa.types.is_timestamp(column.type):
            # Durations since the epoch, because Arrow takes three times as long to read datetimes.
            durations = [None if moment is None else moment - _EPOCH for moment in values]
            return make(durations, pa.duration("us")).view(column.type)
        return make(values, column.type)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
        raise MalformedResponseError(
            f"a value of {column.name} does not fit into its column: {error}"
        ) from error

"""Tables: jobs as Arrow record batches of one fixed schema, built page by page in columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from restorejobs_client._errors import MalformedResponseError
from restorejobs_client._extras import LazyModule
from restorejobs_client._models import RestoreJob

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
# Every member of a job, in its order, then what is derived.
_COLUMNS: Final = {
    "account_id": "text",
    "restore_job_id": "text",
    "recovery_point_arn": "text",
    "source_resource_arn": "text",
    "backup_vault_arn": "text",
    "creation_date": "moment",
    "completion_date": "moment",
    "status": "status",
    "status_message": "text",
    "percent_done": "text",
    "backup_size_in_bytes": "number",
    "iam_role_arn": "text",
    "expected_completion_time_minutes": "number",
    "created_resource_arn": "text",
    "resource_type": "text",
    "recovery_point_creation_date": "moment",
    "is_parent": "flag",
    "parent_job_id": "text",
    _PLAN: "text",
    "validation_status": "status",
    "validation_status_message": "text",
    "deletion_status": "status",
    "deletion_status_message": "text",
    "region": "text",
    "duration_seconds": "seconds",
}


class ArrowExport(ABC):
    """What can be made into a table: the way from pages of jobs to Arrow and pandas."""

    @abstractmethod
    def _job_pages(self) -> Iterator[Sequence[RestoreJob]]:
        """Return the pages, from the first or from where an iterator is."""

    def to_arrow(self) -> pa.Table:
        """Return the jobs as an Arrow table with one row for each; it has all columns if empty.

        The columns are the members by their names, then `region` and `duration_seconds`. Text is
        `string`; dates are `timestamp[us, UTC]` (AWS is accurate to milliseconds); `status`,
        `validation_status` and `deletion_status` are `dictionary<int32, string>` and keep values
        that AWS adds later; sizes in bytes and minutes are `int64`; `is_parent` is `bool`;
        `duration_seconds` is `double`. `created_by` is the flat text column
        `created_by_restore_testing_plan_arn`.

        Raises:
            ImportError: the extra `arrow` is not installed.
            RestoreJobsError: as iterating does.
            MalformedResponseError: a value does not fit into its column, such as a number of more
                than 64 bits.
            InvalidRequestError: the jobs of a stream have been handed out already.
        """
        batches = _batches(self._job_pages())
        table = pa.Table.from_batches(batches, schema=_schema())
        return table.unify_dictionaries()

    def to_pandas(self) -> pd.DataFrame:
        """Return the jobs as a pandas frame with the columns of `to_arrow`.

        Statuses are categories, dates are in UTC, and missing numbers stay missing: nullable
        `Int64` and `boolean` instead of floats.

        Raises:
            ImportError: the extra `pandas` is not installed.
            RestoreJobsError: as iterating does.
        """
        types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
        table: Any = self.to_arrow()
        frame: pd.DataFrame = table.to_pandas(types_mapper=types.get)
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Stream the jobs, one batch for each page, into anything that speaks Arrow.

        For example `pyarrow.table(jobs)`, `polars.DataFrame(jobs)`, and
        `pyarrow.RecordBatchReader.from_stream(jobs)` for DuckDB or for Parquet in constant memory.
        The columns are those of `to_arrow`.

        Raises:
            ImportError: the extra `arrow` is not installed. An error while listing, and Ctrl-C,
                are raised as an error of the library that reads, with ours in its text: nothing is
                left out silently, but the checkpoint is lost. `to_arrow` keeps it.
        """
        reader: Any = pa.RecordBatchReader.from_batches(_schema(), _batches(self._job_pages()))
        stream: object = reader.__arrow_c_stream__(requested_schema)
        return stream


@cache
def _schema() -> pa.Schema:
    types: dict[str, Any] = {
        "text": pa.string(),
        "moment": pa.timestamp("us", tz="UTC"),
        "status": pa.dictionary(pa.int32(), pa.string()),
        "number": pa.int64(),
        "flag": pa.bool_(),
        "seconds": pa.float64(),
    }
    return pa.schema([(name, types[kind]) for name, kind in _COLUMNS.items()])


def _batches(pages: Iterable[Sequence[RestoreJob]]) -> Iterator[pa.RecordBatch]:
    # Not a loop: its variable would keep a page while the next one is decoded, into memory that is
    # not warm (a tenth of all CPU).
    return map(_batch, filter(None, pages))


def _batch(jobs: Sequence[RestoreJob]) -> pa.RecordBatch:
    schema: Any = _schema()
    columns: dict[str, Any] = {}
    for name, kind in _COLUMNS.items():
        if kind == "moment":
            columns[name] = _moments(list(map(attrgetter(name), jobs)), schema.field(name).type)
        elif kind == "seconds":
            ended, began = columns["completion_date"], columns["creation_date"]
            microseconds: Any = pc.subtract(ended.cast(pa.int64()), began.cast(pa.int64()))
            columns[name] = pc.divide(microseconds.cast(pa.float64(), safe=False), 1e6)
        else:
            columns[name] = _column(jobs, name, schema.field(name).type)
    batch: pa.RecordBatch = pa.record_batch(list(columns.values()), schema=schema)
    return batch


def _moments(moments: list[datetime | None], kind: Any) -> Any:  # noqa: ANN401  # Arrow's
    # Counted from the epoch: a third of the time that Arrow takes for datetimes (84 µs of 241 for
    # 1,000 of them).
    since = [None if moment is None else moment - _EPOCH for moment in moments]
    array: Any = pa.array(since, pa.duration("us"))
    return array.cast(pa.int64()).cast(kind)


def _column(jobs: Sequence[RestoreJob], name: str, kind: Any) -> Any:  # noqa: ANN401  # Arrow's
    values: list[Any]
    if name == _PLAN:
        creators = [job.created_by for job in jobs]
        values = [creator and creator.restore_testing_plan_arn for creator in creators]
    else:
        values = list(map(attrgetter(name), jobs))
    make: Any = pa.array  # its overloads do not know a kind that is a value
    try:
        return make(values, kind)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
        message = f"a value of {name} does not fit into a table: {error}"
        raise MalformedResponseError(message) from error

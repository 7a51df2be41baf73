"""Tables: jobs as Arrow record batches of one fixed schema, built page by page in columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from restorejobs_client._errors import MalformedResponseError
from restorejobs_client._extras import needing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd
    import pyarrow as pa

    from restorejobs_client._models import RestoreJob

_PLAN: Final = "created_by_restore_testing_plan_arn"
# Every member of a job, in its order.
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
}


class Tables(ABC):
    """What can be made into a table: the way from its pages of jobs to Arrow and pandas."""

    @abstractmethod
    def _job_pages(self) -> Iterator[Sequence[RestoreJob]]:
        """Return the pages, from the first or from where an iterator is."""

    def to_arrow(self) -> pa.Table:
        """Return the jobs as an Arrow table, one row a job; it has all columns also without rows.

        The columns are the members by their names: text as `string`, dates as `timestamp[us, UTC]`
        (AWS is accurate to milliseconds), `status`, `validation_status` and `deletion_status` as
        `dictionary<int32, string>` with values that AWS adds later kept, sizes in bytes and minutes
        as `int64`, `is_parent` as `bool`. `created_by` is the flat text column
        `created_by_restore_testing_plan_arn`.

        Raises:
            ImportError: the extra `arrow` is not installed.
            RestoreJobsError: as iterating does.
            MalformedResponseError: a number that does not fit into 64 bits.
            InvalidRequestError: of what `parallel` or `gather` returned, a second time.
        """
        pyarrow = _pyarrow()
        batches = _batches(self._job_pages())
        table: pa.Table = pyarrow.Table.from_batches(batches, schema=_schema())
        return table.unify_dictionaries()

    def to_pandas(self) -> pd.DataFrame:
        """Return the jobs as a pandas frame with the columns of `to_arrow`.

        Statuses are categories, dates are in UTC, and numbers that are missing stay missing:
        nullable `Int64` and `boolean` instead of floats.

        Raises:
            ImportError: the extra `pandas` is not installed.
            RestoreJobsError: as iterating does.
        """
        with needing("to_pandas", "pandas"):
            import pandas as pd  # noqa: PLC0415  # an extra
        pyarrow = _pyarrow()
        types = {pyarrow.int64(): pd.Int64Dtype(), pyarrow.bool_(): pd.BooleanDtype()}
        table: Any = self.to_arrow()
        frame: pd.DataFrame = table.to_pandas(types_mapper=types.get)
        return frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Stream the jobs, a batch a page, into anything that speaks Arrow.

        So `pyarrow.table(jobs)`, `polars.DataFrame(jobs)`, `pandas.DataFrame.from_arrow(jobs)`,
        and `pyarrow.RecordBatchReader.from_stream(jobs)` for DuckDB or for Parquet in constant
        memory. The columns are those of `to_arrow`.

        Raises:
            ImportError: the extra `arrow` is not installed. An error while listing, and Ctrl-C,
                are raised as an error of the library that reads, with ours in its text: nothing is
                left out silently, but its checkpoint is lost. `to_arrow` keeps it.
        """
        reader = _pyarrow().RecordBatchReader.from_batches(_schema(), _batches(self._job_pages()))
        stream: object = reader.__arrow_c_stream__(requested_schema)
        return stream


def _pyarrow() -> Any:  # noqa: ANN401  # a module, seen by type checkers only where imported
    with needing("a table", "arrow"):
        import pyarrow as pa  # noqa: PLC0415  # an extra
    return pa


@cache
def _schema() -> pa.Schema:
    pyarrow = _pyarrow()
    types = {
        "text": pyarrow.string(),
        "moment": pyarrow.timestamp("us", tz="UTC"),
        "status": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        "number": pyarrow.int64(),
        "flag": pyarrow.bool_(),
    }
    schema: pa.Schema = pyarrow.schema([(name, types[kind]) for name, kind in _COLUMNS.items()])
    return schema


def _batches(pages: Iterable[Sequence[RestoreJob]]) -> Iterator[pa.RecordBatch]:
    # Not a loop: its variable would keep a page while the next one is decoded, into memory that is
    # not warm (a tenth of all CPU).
    return map(_batch, filter(None, pages))


def _batch(jobs: Sequence[RestoreJob]) -> pa.RecordBatch:
    pyarrow = _pyarrow()
    schema: Any = _schema()
    columns = [_column(pyarrow, jobs, name, schema.field(name).type) for name in _COLUMNS]
    batch: pa.RecordBatch = pyarrow.record_batch(columns, schema=schema)
    return batch


def _column(pyarrow: Any, jobs: Sequence[RestoreJob], name: str, kind: object) -> object:  # noqa: ANN401  # a module
    values: list[Any]
    if name == _PLAN:
        creators = [job.created_by for job in jobs]
        values = [creator and creator.restore_testing_plan_arn for creator in creators]
    else:
        values = list(map(attrgetter(name), jobs))
    try:
        if _COLUMNS[name] == "status":
            return pyarrow.array(values, pyarrow.string()).dictionary_encode()
        return pyarrow.array(values, kind)
    except (pyarrow.ArrowInvalid, OverflowError, UnicodeEncodeError) as error:
        message = f"a value of {name} does not fit into a table: {error}"
        raise MalformedResponseError(message) from error

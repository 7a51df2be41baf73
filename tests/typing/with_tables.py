"""The types that need stubs of pyarrow and pandas. Type checkers check this file; it never runs."""

from __future__ import annotations

from typing import assert_type

import pandas as pd
import polars as pl
import pyarrow as pa

from restorejobs_client import RestoreJob, RestoreJobs, to_arrow, to_pandas


def tables(jobs: RestoreJobs) -> None:
    assert_type(jobs.to_arrow(), pa.Table)
    assert_type(jobs.to_pandas(), pd.DataFrame)
    assert_type(pa.table(jobs), pa.Table)
    assert_type(pa.RecordBatchReader.from_stream(jobs), pa.RecordBatchReader)
    assert_type(pl.DataFrame(jobs), pl.DataFrame)
    assert_type(to_arrow(jobs), pa.Table)
    assert_type(to_arrow(jobs=[RestoreJob()]), pa.Table)
    assert_type(to_pandas(jobs=(job for job in jobs)), pd.DataFrame)
    # pandas-stubs lack pandas.DataFrame.from_arrow, which accepts a listing too.

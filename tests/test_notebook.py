"""The example notebook runs without errors and is stored without outputs."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # from packages that run notebooks
    import nbformat
    from nbclient import NotebookClient

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTEBOOK = Path(__file__).parent.parent / "examples" / "restore_report.ipynb"


@pytest.fixture
def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]  # it has no types


def outputs(notebook: Any) -> Iterator[Any]:
    for cell in notebook.cells:
        yield from cell.get("outputs", [])


def test_notebook_is_stored_without_outputs(notebook: Any) -> None:
    """The file has no outputs and no execution counts, and it uses sample jobs."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
    assert "LIVE = False" in cells[0].source


def test_code_fits_on_paper(notebook: Any) -> None:
    """No line of code is cut on A4."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert max(len(line) for source in cells for line in source.splitlines()) <= 70


@pytest.mark.filterwarnings("default")  # from packages that run notebooks
def test_notebook_runs_without_errors(notebook: Any, tmp_path: Path) -> None:
    """The notebook shows tables, charts and progress bars, and writes a Parquet file."""
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert pq.read_metadata(tmp_path / "restore_jobs.parquet").num_rows == 3_000
    assert not [output for output in outputs(notebook) if output.output_type == "error"]
    data = [output.get("data", {}) for output in outputs(notebook)]
    kinds = [kind for one in data for kind in one]
    html = [one["text/html"] for one in data if "text/html" in one]
    charts = [text for text in html if text.startswith("<img ")]
    assert len(charts) == 2
    assert all('style="width:100%;max-width:' in chart and 'alt="' in chart for chart in charts)
    assert len(html) >= 7
    assert kinds.count("application/vnd.jupyter.widget-view+json") == 4  # progress
    texts = "".join(output.get("text", "") for output in outputs(notebook))
    assert "3,000 restore jobs in restore_jobs.parquet" in texts
    assert "The data of this report are samples" in texts
    assert "jobs/s" not in texts


@pytest.mark.filterwarnings("default")  # from packages that run notebooks
def test_notebook_shows_any_text_of_aws(notebook: Any, tmp_path: Path) -> None:
    """No text can control the page, or be taken for a formula in a chart."""
    hostile = """
    from dataclasses import replace
    from restorejobs_client import RestoreJobCreator, RestoreJobStatus
    evil = "a$b_$c\\x1b[31m\\u202e"
    plan = RestoreJobCreator(restore_testing_plan_arn=f"arn:plan:{evil}")
    status = RestoreJobStatus(evil)
    jobs += [replace(jobs[0], status=status, restore_job_id="other")]
    jobs = [replace(job, resource_type=evil, created_by=plan) for job in jobs]
"""
    (cell,) = (cell for cell in notebook.cells if "sample_jobs(" in cell.source)
    cell.source = cell.source.replace("    client = embedded", f"{hostile}    client = embedded")
    assert hostile in cell.source
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    shown = "".join(str(output.get("data", {}).get("text/html")) for output in outputs(notebook))
    assert r"a$b_$c\x1b[31m\u202e" in shown
    assert not {"\x1b", "\u202e"} & set(shown)


@pytest.mark.filterwarnings("ignore")  # from packages that draw charts
@pytest.mark.parametrize("library", ["matplotlib", "pandas", "pyarrow"])
def test_notebook_names_the_extra_of_a_missing_library(
    notebook: Any, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    """If a library is missing, the notebook says what to install."""
    (imports,) = (cell.source for cell in notebook.cells if "import matplotlib" in cell.source)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError) as caught:
        exec(imports, {})  # noqa: S102  # our own
    assert str(caught.value) == (
        f"this report needs {library}: pip install '/path/to/clone[notebook]'"
    )

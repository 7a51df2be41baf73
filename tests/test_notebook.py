"""The report notebook runs from its first cell to its last, and is kept without outputs."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what runs notebooks
    import nbformat
    from nbclient import NotebookClient

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTEBOOK = Path(__file__).parent.parent / "examples" / "restore_report.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]  # it has no types


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = read()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) == 10
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
    assert "LIVE = False" in cells[0].source


@pytest.mark.filterwarnings("default")  # of what runs notebooks
def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = read()
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert pq.read_metadata(tmp_path / "restore_jobs.parquet").num_rows == 3_000
    kinds = [kind for output in outputs(notebook) for kind in output.get("data", {})]
    assert kinds.count("image/svg+xml") == 2
    assert kinds.count("text/html") >= 5
    assert not [output for output in outputs(notebook) if output.output_type == "error"]
    texts = "".join(output.get("text", "") for output in outputs(notebook))
    assert "3,000 restore jobs in restore_jobs.parquet" in texts
    assert "The data of this report are samples" in texts
    # Four runs with progress, as widgets: nothing of it in the text.
    assert kinds.count("application/vnd.jupyter.widget-view+json") == 4
    assert "jobs/s" not in texts


@pytest.mark.parametrize("library", ["matplotlib", "pandas", "pyarrow"])
def test_what_is_missing_is_named_with_its_extra(library: str) -> None:
    imports = [cell.source for cell in read().cells if "import matplotlib" in cell.source]
    code = f"import sys; sys.modules[{library!r}] = None\n{imports[0]}"
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == (
        f"ImportError: this report needs {library}: pip install 'restorejobs-client[notebook]'"
    )


def outputs(notebook: Any) -> Iterator[Any]:
    for cell in notebook.cells:
        yield from cell.get("outputs", [])

"""The documentation: its code runs, and what it names exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.markdown_code import blocks, run_python_blocks

import restorejobs_client
from restorejobs_client import RestoreJobsError, testing

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "benchmarks" / "README.md"]
SITE = "https://restorejobs-client.readthedocs.io/en/latest/"


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name)
def test_python_code_of_the_docs_runs(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every Python block of a page runs after the blocks before it."""
    monkeypatch.chdir(tmp_path)
    run_python_blocks(page, monkeypatch)


@pytest.mark.parametrize("page", [README, *PAGES], ids=name)
def test_files_named_in_the_docs_exist(page: Path) -> None:
    """Every file of the repository that a page names is there."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:benchmarks|docs|examples|tests)/\w+\.(?:py|ipynb)", text)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_links_of_the_readme_lead_to_pages() -> None:
    """Every link to the documentation site is that of a page in docs."""
    linked = re.findall(rf"{SITE}([\w/-]+)\.html", README.read_text(encoding="utf-8"))
    assert linked
    assert [
        page
        for page in linked
        if not any((DOCS / f"{page}{kind}").exists() for kind in (".md", ".rst"))
    ] == []


def test_reference_has_every_public_name() -> None:
    """The reference documents each public name once."""
    text = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.rst"))
    documented = re.findall(r"^\.\. auto(?:class|exception|function):: (\w+)", text, re.MULTILINE)
    undocumented = {"__version__", "FaultName"}  # FaultName is spelt out in `FakeBackup.fail_next`
    public = {*restorejobs_client.__all__, *testing.__all__} - undocumented
    assert sorted(documented) == sorted(public)


def test_reference_shows_the_tree_of_errors() -> None:
    """Each error stands below its base, with its second base in brackets."""
    text = (DOCS / "reference" / "errors.rst").read_text(encoding="utf-8")
    branches = re.findall(r"^   ([│ ]*)[├└]── (\w+)(?: \((\w+)\))?", text, re.MULTILINE)
    parents = [RestoreJobsError]
    for indent, error, second_base in branches:
        kind = getattr(restorejobs_client, error)
        del parents[len(indent) // 4 + 1 :]
        assert issubclass(kind, parents[-1])
        assert second_base in {"", *(base.__name__ for base in kind.__mro__)}
        parents.append(kind)
    errors = {one for one in restorejobs_client.__all__ if one.endswith(("Error", "Exception"))}
    assert {error for _, error, _ in branches} == errors - {"RestoreJobsError"}


def test_damaged_pages_script_shows_what_boto3_loses() -> None:
    """The script still finds damaged pages that end a listing of boto3 early."""
    done = subprocess.run(
        [sys.executable, "docs/damaged_pages.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert re.search(
        r"^returns 100 of 300 jobs: \d+ kinds\n    html, nothing,", done.stdout, re.MULTILINE
    )

"""The documentation: its code runs, and what it names exists."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.markdown_code import blocks, run_python_blocks

import restorejobs_client
from restorejobs_client import RestoreJobsError, testing
from restorejobs_client._core import errors

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "benchmarks" / "README.md"]
PUBLIC_CLASSES = [
    value
    for module in (restorejobs_client, testing)
    for value in (getattr(module, name) for name in vars(module)["__all__"])
    if inspect.isclass(value)
]


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


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *PAGES], ids=name)
def test_links_lead_to_files(page: Path) -> None:
    """Every link that is not a URL leads to a file of this repository."""
    linked = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    built = {"report.ipynb"}  # building the site copies it from `examples`
    assert [
        path for path in linked if path not in built and not (page.parent / path).is_file()
    ] == []


def test_no_link_claims_a_home_of_the_project() -> None:
    """The project has no page on any host, so nothing points to one that others could claim."""
    pages = [*ROOT.glob("*.md"), *PAGES, *DOCS.rglob("*.rst"), ROOT / "pyproject.toml"]
    texts = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert re.findall(r"https?://[\w./-]*restore-?jobs[\w./-]*", texts) == []


def test_pages_name_the_versions_of_python_that_are_supported() -> None:
    """The metadata, the pages and the CI workflow name the same versions."""
    metadata = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    versions = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', metadata)
    assert f'requires-python = ">={versions[0]}"' in metadata
    for page in ("support", "quality"):
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        assert re.findall(r"(3\.\d+) to (3\.\d+)", text) == [(versions[0], versions[-1])]
    workflow = ROOT / ".github" / "workflows" / "checks.yml"  # not in the sdist
    if workflow.exists():
        (matrix,) = re.findall(r"python: (\[.*\])", workflow.read_text(encoding="utf-8"))
        assert re.findall(r"3\.\d+", matrix) == versions


def test_reference_has_every_public_name() -> None:
    """The reference documents each public name once."""
    text = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.rst"))
    documented = re.findall(r"^\.\. auto(?:class|exception|function):: (\w+)", text, re.MULTILINE)
    undocumented = {"__version__", "FaultName"}  # FaultName is spelt out in `FakeBackup.fail_next`
    public = {*dir(restorejobs_client), *testing.__all__} - undocumented
    assert sorted(documented) == sorted(public)


def members(public: type) -> set[str]:
    """Return the public methods and properties of a class, including those of its bases."""
    return {
        name
        for base in public.__mro__
        if base.__module__.startswith("restorejobs_client")
        for name, value in vars(base).items()
        if inspect.isroutine(value) or isinstance(value, property | classmethod)
        if not name.startswith("_")
    }


@pytest.mark.parametrize("public", PUBLIC_CLASSES, ids=lambda kind: kind.__name__)
def test_reference_has_every_member(public: type) -> None:
    """The entry of a class names each public method and property, or has all of them."""
    text = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.rst"))
    directive = rf"^\.\. auto(?:class|exception):: {public.__name__}\b.*\n"
    (entry,) = re.findall(directive + r"((?:(?: .*)?\n)*)", text, re.MULTILINE)
    missing = [one for one in members(public) if not re.search(rf"\b{one}\b", entry)]
    assert ":members:" in entry or missing == []


def test_module_of_errors_draws_their_tree() -> None:
    """Each error stands below its base, with its second base in brackets."""
    text = errors.__doc__ or ""
    branches = re.findall(
        r"^([│ ]*)[├└]── (\w+)(?: \((?:botocore's )?(\w+)\))?", text, re.MULTILINE
    )
    parents = [RestoreJobsError]
    for indent, error, second_base in branches:
        kind = getattr(restorejobs_client, error)
        del parents[len(indent) // 4 + 1 :]
        assert issubclass(kind, parents[-1])
        assert second_base in {"", *(base.__name__ for base in kind.__mro__)}
        parents.append(kind)
    public = {kind.__name__ for kind in PUBLIC_CLASSES if issubclass(kind, RestoreJobsError)}
    assert {error for _, error, _ in branches} == public - {"RestoreJobsError"}


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

"""The package: imports between modules, public names, and what importing it loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import restorejobs_client

SOURCE = Path(restorejobs_client.__file__).parent
CONTRIBUTING = Path(__file__).parent.parent / "CONTRIBUTING.md"


def modules() -> dict[str, Path]:
    """Return the file of each module by its name within the package, except `__init__` on top."""
    paths = {path.relative_to(SOURCE).with_suffix(""): path for path in SOURCE.rglob("*.py")}
    names = {".".join(name.parts).removesuffix(".__init__"): path for name, path in paths.items()}
    del names["__init__"]
    return names


def imports() -> dict[str, set[str]]:
    """Return the modules that each module imports, including those for type checkers only."""
    graph: dict[str, set[str]] = {}
    paths = modules()
    for module, path in paths.items():
        imported = graph.setdefault(module, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                package, _, inner = (node.module or "").partition(".")
                if package == "restorejobs_client":
                    names = {f"{inner}.{name.name}".strip(".") for name in node.names}
                    imported |= (names & paths.keys()) or {inner}
    return graph


def room(module: str) -> str:
    return module.partition(".")[0]


def test_imports_have_no_circle() -> None:
    """No module imports itself through others, and neither does a folder."""
    rooms: dict[str, set[str]] = {}
    for module, imported in imports().items():
        rooms.setdefault(room(module), set()).update(map(room, imported))
    for graph in (imports(), {one: others - {one} for one, others in rooms.items()}):
        assert set(TopologicalSorter(graph).static_order()) == graph.keys()


def test_imports_point_down() -> None:
    """The tree in CONTRIBUTING has all folders, and each imports only from those below it."""
    tree = CONTRIBUTING.read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    order = [line.split()[0].rstrip("/").removesuffix(".py") for line in tree.splitlines()]
    assert sorted(order) == sorted({room(module) for module in imports()})
    for module, imported in imports().items():
        below = order[order.index(room(module)) :]
        assert {room(one) for one in imported} <= set(below), module


def test_public_names_have_the_public_module() -> None:
    """`__all__` is complete and sorted, and reprs and pickles show the public module."""
    names = {name for name in dir(restorejobs_client) if not name.startswith("_")}
    assert vars(restorejobs_client)["__all__"] == sorted(names | {"__version__"})
    assert {getattr(restorejobs_client, name).__module__ for name in names} == {
        "restorejobs_client"
    }


def test_misspelt_name_suggests_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Python itself suggests the public name that is meant."""
    with pytest.raises(AttributeError) as caught:
        restorejobs_client.RestoreJobClient  # type: ignore[attr-defined]  # noqa: B018  # intentional
    sys.__excepthook__(AttributeError, caught.value, None)
    shown = capsys.readouterr().err
    assert "module 'restorejobs_client' has no attribute 'RestoreJobClient'" in shown
    assert "RestoreJobsClient" in shown.partition("mean")[2]


def test_import_loads_no_slow_library() -> None:
    """Importing the package imports no library that is slow to import."""
    slow = {"pydantic", "boto3", "botocore.session", "moto", "flask", "pandas", "pyarrow", "tqdm"}
    code = "import restorejobs_client.testing, sys; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert slow & set(done.stdout.split()) == set()

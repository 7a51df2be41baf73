"""The house: what is public, which room may import which, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import restorejobs_client

SOURCE = Path(restorejobs_client.__file__).parent
# From the ground up: a room imports only from rooms below it.
ROOMS = [
    "_enums",
    "_errors",
    "_models",
    "_request",
    "_wire",
    "_windows",
    "_cursor",
    "_arrow",
    "_gather",
    "_listing",
    "_client",
    "testing._service",
    "testing._samples",
    "testing._moto",
    "testing._server",
    "testing",
]


def source(room: str) -> Path:
    path = SOURCE.joinpath(*room.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def rooms_imported_by(path: Path) -> set[str]:
    """Return the rooms that the code needs; what is there for type checkers alone may point up."""
    imported: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.ImportFrom):
            package, _, room = (node.module or "").partition(".")
            if package == "restorejobs_client":
                names = {f"{room}.{name.name}".strip(".") for name in node.names}
                imported |= (names & set(ROOMS)) or {room}
    return imported


def test_every_room_is_drawn() -> None:
    assert {source(room) for room in ROOMS} | {SOURCE / "__init__.py"} == set(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_down_only(room: str) -> None:
    below = ROOMS[: ROOMS.index(room)]
    assert rooms_imported_by(source(room)) <= set(below)


def test_the_front_door_names_all_that_is_public() -> None:
    assert restorejobs_client.__all__ == sorted(restorejobs_client.__all__)
    public = {name for name in vars(restorejobs_client) if not name.startswith("_")}
    assert public - {"testing"} == set(restorejobs_client.__all__)
    for name in restorejobs_client.__all__:
        assert getattr(restorejobs_client, name).__doc__


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ["boto3", "botocore.session", "moto", "flask", "pandas", "pyarrow", "tqdm"]
    code = f"""
import sys
import restorejobs_client, restorejobs_client.testing
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

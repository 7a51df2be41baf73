"""The house: what is public, which room may import which, and what importing costs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import restorejobs_client
from restorejobs_client import testing

TYPING = Path(__file__).parent / "typing"
SOURCE = Path(restorejobs_client.__file__).parent
# From the ground up: a room imports only from rooms below it.
ROOMS = [
    "_version",
    "_text",
    "_enums",
    "_errors",
    "_extras",
    "_table",
    "_convert",
    "_models",
    "_parameters",
    "_request",
    "_decode",
    "_botocore_errors",
    "_connections",
    "_session",
    "_wire",
    "_windows",
    "_checkpoint",
    "_cursor",
    "_progress",
    "_threads",
    "_run",
    "_watch",
    "_pool",
    "_balance",
    "_arrow",
    "_stream",
    "_listing",
    "_tally",
    "_report",
    "_client",
    "testing._service",
    "testing._samples",
    "testing._clock",
    "testing._moto",
    "testing._server",
    "testing",
]


def source(room: str) -> Path:
    path = SOURCE.joinpath(*room.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def rooms_imported_by(path: Path) -> set[str]:
    """Return the rooms that the code needs, also what is there for type checkers alone."""
    imported: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
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
    public = {name for name in dir(restorejobs_client) if not name.startswith("_")}
    assert public | {"__version__"} == set(restorejobs_client.__all__)
    for name in public:
        assert getattr(restorejobs_client, name).__doc__
        assert getattr(restorejobs_client, name).__module__ == "restorejobs_client"


def test_a_misspelt_name_says_what_was_meant() -> None:
    program = "import restorejobs_client; restorejobs_client.RestoreJobClient"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    last = done.stderr.splitlines()[-1]
    assert "module 'restorejobs_client' has no attribute 'RestoreJobClient'" in last
    assert "RestoreJobsClient" in last.partition("mean")[2]  # in the words of this Python


@cache
def names_used_in(module: str) -> set[str]:
    """Return the names, members and keywords that the code of a module under `typing` uses."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((TYPING / module).read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                names.add(name)
            case _:
                pass
    return names


def members(kind: type) -> set[str]:
    ours = [base for base in kind.__mro__ if base.__module__.startswith("restorejobs_client")]
    names = {name for base in ours for name in (*vars(base), *inspect.get_annotations(base))}
    return {name for name in names if not name.startswith("_")} - {"model_config"}  # pydantic's


def parameters(function: object) -> set[str]:
    if not inspect.isroutine(function) or not function.__module__.startswith("restorejobs_client"):
        return set()
    return {
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
    } - {"self"}


@pytest.mark.parametrize("name", restorejobs_client.__all__ + testing.__all__)
def test_the_types_of_all_that_is_public_are_checked(name: str) -> None:
    assert name in names_used_in("api.py")
    public = getattr(restorejobs_client, name, None) or getattr(testing, name)
    parts = members(public) if isinstance(public, type) else set[str]()
    for function in (public, *(getattr(public, part, None) for part in parts)):
        parts |= parameters(function)
    assert parts <= names_used_in("api.py") | names_used_in("with_tables.py")


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ["pydantic", "boto3", "botocore.session", "moto", "flask", "pandas", "pyarrow", "tqdm"]
    code = f"""
import sys
import restorejobs_client.testing
import restorejobs_client
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

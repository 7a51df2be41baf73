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
ROOMS = ["_enums", "_errors", "_models", "_request", "_wire", "_listing", "_client", "testing"]


def rooms_imported_by(path: Path) -> set[str]:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "restorejobs_client"
        ):
            _, _, room = (node.module or "").partition(".")
            imported |= {room} if room else {name.name for name in node.names}
    return imported


def test_every_room_is_drawn() -> None:
    assert sorted(ROOMS) == sorted(
        path.stem for path in SOURCE.glob("*.py") if path.stem != "__init__"
    )


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_down_only(room: str) -> None:
    below = ROOMS[: ROOMS.index(room)]
    assert rooms_imported_by(SOURCE / f"{room}.py") <= set(below)


def test_the_front_door_names_all_that_is_public() -> None:
    assert restorejobs_client.__all__ == sorted(restorejobs_client.__all__)
    public = {name for name in vars(restorejobs_client) if not name.startswith("_")}
    assert public - {"testing"} == set(restorejobs_client.__all__)
    for name in restorejobs_client.__all__:
        assert getattr(restorejobs_client, name).__doc__


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ["boto3", "botocore.session", "moto", "flask", "pandas", "pyarrow", "tqdm", "asyncio"]
    code = f"""
import sys
import restorejobs_client, restorejobs_client.testing
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

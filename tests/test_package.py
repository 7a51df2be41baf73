"""The package: imports between modules, public names, and what importing it loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import restorejobs_client

SOURCE = Path(restorejobs_client.__file__).parent
# A module imports only from modules before it.
MODULES = [
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
    "_session",
    "_wire",
    "_windows",
    "_checkpoint",
    "_cursor",
    "_progress",
    "_threads",
    "_iterator",
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
    "testing._moto",
    "testing._server",
    "testing",
]


def source(module: str) -> Path:
    path = SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports(module: str) -> set[str]:
    """Return the modules that a module imports, including those for type checkers only."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(source(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            package, _, submodule = (node.module or "").partition(".")
            if package == "restorejobs_client":
                names = {f"{submodule}.{name.name}".strip(".") for name in node.names}
                imported |= (names & set(MODULES)) or {submodule}
    return imported


def test_every_module_is_listed() -> None:
    """The list of modules is complete."""
    assert {SOURCE / "__init__.py", *map(source, MODULES)} == set(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_only_earlier_modules(module: str) -> None:
    """Each module imports only from modules before it in the list."""
    assert imports(module) <= set(MODULES[: MODULES.index(module)])


def test_public_names_have_the_public_module() -> None:
    """`__all__` is complete and sorted, and reprs and pickles show the public module."""
    names = {name for name in dir(restorejobs_client) if not name.startswith("_")}
    assert restorejobs_client.__all__ == sorted(names | {"__version__"})
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

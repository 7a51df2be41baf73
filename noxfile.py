"""The tasks of the project: `nox --list` shows them, `nox -s NAME` runs one.

`lowest` and `types_without_stubs` make environments of their own; all others use the one that nox
runs in (`pip install -e '.[dev]'`).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint", "types", "types_without_stubs", "quickstart"]
nox.options.error_on_missing_interpreters = True


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """All tests, with the coverage of every branch."""
    python(session, "coverage", "run", "-m", "pytest", *session.posargs)
    python(session, "coverage", "combine", "--quiet")
    python(session, "coverage", "report")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    python(session, "ruff", "check", ".")
    python(session, "ruff", "format", "--check", ".")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """All code under mypy and pyright, what is public under pyrefly and ty too; without gaps."""
    python(session, "mypy")
    python(session, "pyright", "--pythonpath", sys.executable)
    python(session, "pyright", "--pythonpath", sys.executable, "--project", "tests/typing")
    python(session, "pyrefly", "check", "--python-interpreter-path", sys.executable)
    python(session, "ty", "check", "--python", sys.executable)
    # Less than 100 % fails. Here pyright heeds no --pythonpath, only the first Python in PATH.
    session.env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    python(session, "pyright", "--verifytypes", "restorejobs_client", "--ignoreexternal")


@nox.session(venv_backend="venv")
def types_without_stubs(session: nox.Session) -> None:
    """What is public, as a program sees it that has no stubs of boto3, pyarrow and pandas."""
    session.install(".", "mypy", "pyright")
    with session.chdir("tests/typing"):
        session.run("mypy", "--strict", "--config-file=", "api.py", "wrong_uses.py")
        session.run("pyright", "api.py", "wrong_uses.py")


@nox.session(venv_backend="none")
def quickstart(session: nox.Session) -> None:
    """The first example, as a newcomer runs it."""
    session.run(sys.executable, "examples/quickstart.py")


@nox.session(venv_backend="none")
def benchmarks(session: nox.Session) -> None:
    """This package, boto3 and the floor side by side: about two minutes a round."""
    session.run(sys.executable, "benchmarks/run.py", *session.posargs)


@nox.session(venv_backend="venv")
def lowest(session: nox.Session) -> None:
    """All tests on the built wheel, with the lowest versions that pyproject.toml admits."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["testing"]]
    session.install(".[dev]", *(line.replace(">=", "==") for line in wanted))
    place = Path(session.create_tmp(), "without_src")
    shutil.rmtree(place, ignore_errors=True)
    for folder in ("examples", "tests"):
        shutil.copytree(folder, place / folder)
    for file in ("README.md", "pyproject.toml"):
        shutil.copy(file, place)
    with session.chdir(place):
        session.run("python", "-m", "pytest", *session.posargs)


def python(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", *arguments)

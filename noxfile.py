"""The tasks of the project: `nox --list` shows them, `nox -s NAME` runs one.

All but `lowest` use the environment that nox runs in (`pip install -e '.[dev]'`).
"""

from __future__ import annotations

import sys

import nox

nox.options.sessions = ["tests", "lint", "types", "quickstart"]
nox.options.error_on_missing_interpreters = True


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """All tests, with the coverage of every branch."""
    python(session, "coverage", "run", "-m", "pytest", *session.posargs)
    python(session, "coverage", "report")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    python(session, "ruff", "check", ".")
    python(session, "ruff", "format", "--check", ".")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Mypy and pyright, both strict."""
    python(session, "mypy")
    python(session, "pyright", "--pythonpath", sys.executable)


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
    """All tests with the lowest versions that pyproject.toml admits."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["testing"]]
    session.install("-e", ".[dev]", *(line.replace(">=", "==") for line in wanted))
    session.run("python", "-m", "pytest", *session.posargs)


def python(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", *arguments)

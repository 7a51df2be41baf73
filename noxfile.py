"""The tasks of the project: `nox --list` shows them, `nox -s NAME` runs one.

`lowest`, `package` and `types_without_stubs` create their own environments. All other tasks use the
environment that nox runs in (`pip install -e '.[dev]'`).
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint", "types", "types_without_stubs", "quickstart"]
nox.options.error_on_missing_interpreters = True

QUICK_TESTS = [f"tests/test_{name}.py" for name in ("package", "client", "request", "wire")]


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run all tests, with branch coverage."""
    python(session, "coverage", "run", "-m", "pytest", "-n", "auto", *session.posargs)
    python(session, "coverage", "combine", "--quiet")
    python(session, "coverage", "report")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check the code and its format with ruff."""
    python(session, "ruff", "check", ".")
    python(session, "ruff", "format", "--check", ".")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check all types with mypy and pyright, and the public names with pyrefly and ty too."""
    python(session, "mypy")
    python(session, "pyright", "--pythonpath", sys.executable)
    python(session, "pyright", "--pythonpath", sys.executable, "--project", "tests/typing")
    python(session, "pyrefly", "check", "--python-interpreter-path", sys.executable)
    python(session, "ty", "check", "--python", sys.executable)
    # It fails below 100 %. It ignores --pythonpath and uses the first Python in PATH.
    session.env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    python(session, "pyright", "--verifytypes", "restorejobs_client", "--ignoreexternal")


@nox.session(venv_backend="venv")
def types_without_stubs(session: nox.Session) -> None:
    """Check the types of the public names without stubs of boto3, pyarrow and pandas."""
    session.install(".", "mypy", "pyright")
    with session.chdir("tests/typing"):
        session.run("mypy", "--strict", "--config-file=", "api.py", "wrong_uses.py")
        session.run("pyright", "api.py", "wrong_uses.py")
        session.run("pyright", "--verifytypes", "restorejobs_client", "--ignoreexternal")


@nox.session(venv_backend="none")
def quickstart(session: nox.Session) -> None:
    """Run the first example."""
    session.run(sys.executable, "examples/quickstart.py")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the documentation site into build/docs. Warnings are errors."""
    shutil.rmtree("build/docs", ignore_errors=True)
    python(session, "sphinx", "--fail-on-warning", "docs", "build/docs")


@nox.session(venv_backend="none")
def benchmarks(session: nox.Session) -> None:
    """Compare this package with its rivals: two minutes per round."""
    session.run(sys.executable, "benchmarks/run.py", *session.posargs)


@nox.session(venv_backend="venv")
def lowest(session: nox.Session) -> None:
    """Run all tests on the built wheel, with the lowest versions that pyproject.toml allows."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["testing"]]
    wheel, unpacked = build(session)
    session.install(f"{wheel}[dev]", *(line.replace(">=", "==") for line in wanted))
    with session.chdir(unpacked):
        session.run("python", "-m", "pytest", "-n", "auto", *session.posargs)


@nox.session(venv_backend="venv")
def package(session: nox.Session) -> None:
    """Build and check the sdist and the wheel, and run some tests on the wheel without extras."""
    wheel, unpacked = build(session)
    python(session, "twine", "check", "--strict", *map(str, Path("dist").resolve().iterdir()))
    session.install(str(wheel), "hypothesis", "pytest")
    with session.chdir(unpacked):
        session.run("python", "-m", "pytest", *(session.posargs or QUICK_TESTS))


@nox.session(venv_backend="none")
def zizmor(session: nox.Session) -> None:
    """Check the security of the workflows. With GH_TOKEN, also look up the actions."""
    session.run(str(Path(sys.executable).with_name("zizmor")), "--persona=pedantic", ".github")


def build(session: nox.Session) -> tuple[Path, Path]:
    """Return the wheel and the unpacked sdist, without src so that tests use the wheel."""
    shutil.rmtree("dist", ignore_errors=True)
    python(session, "build")
    (wheel,) = Path("dist").resolve().glob("*.whl")
    (sdist,) = Path("dist").glob("*.tar.gz")
    place = Path(session.create_tmp())
    unpacked = place / sdist.name.removesuffix(".tar.gz")
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    shutil.rmtree(unpacked / "src")
    return wheel, unpacked


def python(session: nox.Session, *arguments: str) -> None:
    session.run(sys.executable, "-m", *arguments, external=True)

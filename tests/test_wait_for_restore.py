"""The example that waits for restore jobs: what it prints, and how it exits."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from interrupting import HEED

ROOT = Path(__file__).parent.parent
SCRIPT = "examples/wait_for_restore.py"
PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-W", "error", SCRIPT, *arguments],
        cwd=ROOT,
        env=os.environ | {"HOME": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def changes(output: str) -> list[str]:
    """Return what each line says after the time of day."""
    for line in output.splitlines():
        assert re.match(r"\d\d:\d\d:\d\d  \S", line)
    return [line[10:] for line in output.splitlines()]


@pytest.mark.parametrize("arguments", [(), ("good",), ("GOOD",), ("--plan", PLAN)])
def test_it_prints_each_change_and_exits_with_0_when_all_have_completed(
    arguments: tuple[str, ...],
) -> None:
    """A job that completes is four lines, and the exit code is 0."""
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert changes(done.stdout) == [
        "good  PENDING",
        "good  RUNNING  0.00%",
        "good  RUNNING  55.00%",
        "good  COMPLETED  100.00%",
    ]


def test_it_exits_with_1_and_the_reason_when_a_job_has_failed() -> None:
    """One failed job among others makes the exit code 1, and its reason is printed."""
    done = run("good", "bad")
    assert done.returncode == 1
    assert done.stderr == "bad is FAILED: There is no subnet\n"
    assert "good  COMPLETED  100.00%" in changes(done.stdout)


def test_it_exits_with_2_when_the_time_is_over() -> None:
    """A time-out makes the exit code 2, and names the jobs that are still waited for."""
    done = run("good", "never-listed", "--timeout", "600", "--interval", "60")
    assert done.returncode == 2
    assert done.stderr == "Still waiting for never-listed\n"
    assert changes(done.stdout)[-1] == "good  COMPLETED  100.00%"


def test_a_plan_without_jobs_is_no_success() -> None:
    """A plan that has no jobs, perhaps misspelt, makes the exit code 1."""
    done = run("--plan", f"{PLAN}-misspelt")
    assert done.returncode == 1
    assert done.stderr == "There are no jobs to wait for.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--timout", "5"), "unrecognized arguments: --timout"),
        (("--timeout", "soon"), "invalid float value: 'soon'"),
        (("--live",), "--live needs job ids, or --plan"),
    ],
)
def test_a_misspelt_option_is_explained(arguments: tuple[str, ...], message: str) -> None:
    """What cannot be right is explained with the usage, and nothing is waited for."""
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("usage: ")
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--interval", "0"), "InvalidRequestError: interval=0.0 is refused"),
        (("--live", "a", "--region", "eu-west-1"), "CredentialsError: .*aws configure"),
        (
            ("--live", "a", "--profile", "none"),
            "CredentialsError: The config profile .none. could not be found",
        ),
    ],
)
def test_an_error_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    """An error of the package is one line without a traceback, and the exit code is 1."""
    done = run(*arguments)
    assert done.returncode == 1
    assert re.match(message, done.stderr)
    assert done.stderr.count("\n") == 1


def test_control_c_is_quiet() -> None:
    """Ctrl-C ends it at once with exit code 130, as shells expect, and without a traceback."""
    program = f"{HEED}import runpy, sys\nsys.argv = ['x', 'good', 'never']\n"
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, "-c", f"{program}runpy.run_path({SCRIPT!r}, run_name='__main__')"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("good  PENDING\n")
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == ""

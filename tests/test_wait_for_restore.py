"""The example that waits for restore jobs: what it prints, and its exit codes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from restorejobs_client import RestoreJob, RestoreJobStatus

EXAMPLES = Path(__file__).parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES))

import wait_for_restore  # noqa: E402  # in examples/

if TYPE_CHECKING:
    from collections.abc import Callable

    from restorejobs_client.testing import FakeBackup, FaultName

    Run = Callable[..., tuple[int, str, str]]

PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly"
CHANGES = [
    "good  PENDING",
    "good  RUNNING  0.00%",
    "good  RUNNING  55.00%",
    "good  COMPLETED  100.00%",
]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the example with arguments; return its exit code and what it prints."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wait_for_restore.py", *arguments])
        try:
            code = wait_for_restore.main()
        except SystemExit as error:
            code = int(error.code or 0)
        return code, *capsys.readouterr()

    return run


def changes(output: str) -> list[str]:
    """Return what each line says after the time of day."""
    lines = output.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d  \S", line) for line in lines)
    return [line[10:] for line in lines]


@pytest.mark.parametrize("arguments", [(), ("good",), ("GOOD",), ("--plan", PLAN)])
def test_each_change_is_a_line_and_success_exits_with_0(
    run: Run, arguments: tuple[str, ...]
) -> None:
    """The example prints each change of a job until the job completes."""
    code, output, errors = run(*arguments)
    assert (code, errors) == (0, "")
    assert changes(output) == CHANGES


def test_failed_job_exits_with_4_and_the_reason(run: Run) -> None:
    """If one of several jobs fails, the exit code is 4 and its reason is printed."""
    code, output, errors = run("good", "bad")
    assert (code, errors) == (4, "bad is FAILED: There is no subnet\n")
    assert CHANGES[-1] in changes(output)


def test_timeout_exits_with_5_and_the_pending_ids(run: Run) -> None:
    """After the time-out, the exit code is 5 and the error names the jobs that have not ended."""
    code, output, errors = run("good", "never-listed", "--timeout", "600", "--interval", "60")
    assert (code, errors) == (5, "Still waiting for never-listed\n")
    assert changes(output)[-1] == CHANGES[-1]


def test_network_errors_do_not_end_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It continues after temporary errors, and still prints each change."""
    seed = wait_for_restore.seed_two_jobs

    def seed_with_faults(backup: FakeBackup) -> None:
        seed(backup)
        backup.fail_next("reset", times=20, after=1)  # more than the attempts of a request
        backup.fail_next("unavailable", times=20)

    monkeypatch.setattr(wait_for_restore, "seed_two_jobs", seed_with_faults)
    code, output, errors = run("good")
    assert (code, changes(output)) == (0, CHANGES)
    assert errors.count("Trying again: ") >= 4


@pytest.mark.parametrize(("fault", "code"), [("reset", 3), ("access_denied", 3)])
def test_no_answer_exits_with_3(
    run: Run, monkeypatch: pytest.MonkeyPatch, fault: FaultName, code: int
) -> None:
    """If AWS does not answer until the time-out, or refuses, the code is not that of a restore."""
    monkeypatch.setattr(
        wait_for_restore, "seed_two_jobs", lambda backup: backup.fail_next(fault, times=100_000)
    )
    assert run("good", "--timeout", "3600")[0] == code


@pytest.mark.parametrize("after", [0, 2])
def test_quiet_time_after_an_error_exits_with_5(
    run: Run, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """An error that AWS has answered since does not count at the time-out."""
    running = RestoreJob(restore_job_id="good", status=RestoreJobStatus.RUNNING)

    def seed(backup: FakeBackup) -> None:
        backup.seed([running])
        backup.fail_next("reset", times=8, after=after)

    monkeypatch.setattr(wait_for_restore, "seed_two_jobs", seed)
    code, _, errors = run("good", "never-listed", "--timeout", "3600")
    assert code == 5
    assert errors.count("Trying again") == 1
    assert errors.endswith("Still waiting for good, never-listed\n")


def test_no_answer_about_a_plan_exits_with_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no job is known at the time-out, it says that it waits for AWS."""
    monkeypatch.setattr(
        wait_for_restore, "seed_two_jobs", lambda backup: backup.fail_next("reset", times=100_000)
    )
    code, _, errors = run("--plan", PLAN, "--timeout", "3600")
    assert code == 3
    assert errors.endswith("\nStill waiting for AWS\n")


def test_output_escapes_control_characters(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text of AWS cannot control the terminal or add a line."""
    evil = "\x1b[2J\ngood is COMPLETED\u202e"
    bad = RestoreJob(restore_job_id=evil, status=RestoreJobStatus.FAILED, status_message=evil)
    monkeypatch.setattr(wait_for_restore, "seed_two_jobs", lambda backup: backup.seed([bad]))
    code, output, errors = run(evil)
    assert code == 4
    assert all(line.isprintable() for line in (output + errors).split("\n"))
    assert (output + errors).count("\n") == 2


def test_plan_without_jobs_exits_with_4(run: Run) -> None:
    """A plan without jobs, such as a misspelt plan, is not a success."""
    code, _, errors = run("--plan", f"{PLAN}-misspelt")
    assert (code, errors) == (4, "There are no jobs to wait for.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--timout", "5"), "unrecognized arguments: --timout"),
        (("--timeout", "soon"), "invalid float value: 'soon'"),
        (("--live",), "--live needs job ids, or --plan"),
        (("--interval", "0"), "interval=0.0 is refused"),
        (("--plan", "nightly"), "by_restore_testing_plan_arn='nightly' is refused"),
    ],
)
def test_wrong_option_prints_the_usage(run: Run, arguments: tuple[str, ...], message: str) -> None:
    """A wrong option is explained, and nothing is listed."""
    code, output, errors = run(*arguments)
    assert (code, output) == (2, "")
    assert errors.startswith("usage: ")
    assert message in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--live", "a", "--region", "eu-west-1"), "CredentialsError: .*aws configure"),
        (("--live", "a", "--profile", "none"), "CredentialsError: The config profile .none."),
    ],
)
def test_error_is_printed_in_one_line(run: Run, arguments: tuple[str, ...], message: str) -> None:
    """An error of the package exits with 3, without a traceback."""
    code, _, errors = run(*arguments)
    assert code == 3
    assert re.match(message, errors)
    assert errors.count("\n") == 1


def test_ctrl_c_exits_with_130() -> None:
    """Ctrl-C ends the program at once, with the usual exit code and without a traceback."""
    program = (
        "import runpy, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored in the background
        "sys.argv = ['wait_for_restore.py', 'good', 'never-listed', '--timeout', '9e9']\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, "-W", "error", "-c", program],
        cwd=EXAMPLES,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("good  PENDING\n")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")

"""Progress is shown to those who ask for it and can see it, and to nobody else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SETUP = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from memory_service import Service, job
from restorejobs_client import gather
service = Service([job(number, number) for number in range(2_500)], delay=0.01)
ask = dict(max_results=100, progress=True)
"""
ONE = "assert len(list(service.listing(**ask))) == 2_500"
PARALLEL = "assert len(list(service.listing(**ask).parallel(4))) == 2_500"
GATHER = "list(gather(*[service.listing(max_results=100)] * 3, progress=True))"


def on_a_terminal(code: str) -> str:
    """Return what a program shows on a terminal; its standard output is empty."""
    outside, inside = pty.openpty()
    termios.tcsetwinsize(inside, (24, 120))
    with subprocess.Popen(  # noqa: S603  # our own
        # Not a tidy end, at which tqdm would draw what was left undrawn.
        [sys.executable, "-W", "error", "-c", f"{SETUP}{code}\nimport os; os._exit(0)"],
        stdout=subprocess.PIPE,
        stderr=inside,
    ) as process:
        os.close(inside)
        shown = b""
        try:
            while block := os.read(outside, 65_536):
                shown += block
        except OSError:  # the program has closed its side
            pass
        os.close(outside)
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert process.returncode == 0, shown
    return shown.decode()


def last_line(shown: str) -> str:
    return shown.strip().split("\r")[-1].strip()


def test_a_listing_shows_jobs_pages_and_rate() -> None:
    line = last_line(on_a_terminal(ONE))
    assert line.startswith("2500 jobs [00:0")
    assert "jobs/s" in line
    assert "25 pages" in line


def test_a_listing_with_a_limit_shows_how_far_it_is() -> None:
    shown = on_a_terminal(
        "iterator = iter(service.listing(limit=150, **ask))\nassert len(list(iterator)) == 150"
    )
    assert "100%" in last_line(shown)
    assert "150/150" in last_line(shown)
    assert "2 pages" in last_line(shown)


def test_the_other_ways_to_run_a_listing_show_it_too() -> None:
    in_async_code = """
import asyncio
async def run():
    async for _ in service.listing(**ask):
        pass
asyncio.run(run())
"""
    in_pages = "list(service.listing(**ask).pages())"
    in_parts = "for part in service.listing(**ask).split(1): list(part)"
    for run in (in_pages, "service.listing(**ask).to_arrow()", in_async_code, in_parts):
        assert last_line(on_a_terminal(run)).startswith("2500 jobs")


def test_windows_that_ended_are_counted() -> None:
    line = last_line(on_a_terminal(PARALLEL))
    windows, _, rest = line.partition(" windows [")
    assert int(windows) >= 4
    assert "0 to go" in rest
    assert "2,500 jobs" in rest


def test_listings_that_ended_are_counted() -> None:
    line = last_line(on_a_terminal(GATHER))
    assert "3/3" in line
    assert "7,500 jobs, 75 pages" in line


FAIL = """
from restorejobs_client import TransportError
asked = 0
def fail(_):
    global asked
    asked += 1
    if asked == 4:
        raise TransportError("pulled")
service.before_answer = fail
"""


def test_a_bar_ends_with_an_error_and_goes_on_where_it_stopped() -> None:
    shown = on_a_terminal(
        FAIL
        + """
iterator = iter(service.listing(**ask))
jobs = []
while len(jobs) < 2_500:
    try:
        jobs.extend(iterator)
    except TransportError:
        print("The cable was pulled.", file=sys.stderr)
"""
    )
    before, after = shown.split("The cable was pulled.")
    assert before.endswith("\r\n")
    assert last_line(before).startswith("300 jobs")
    assert last_line(after).startswith("2500 jobs")
    assert "25 pages" in last_line(after)


def test_jobs_of_an_earlier_run_are_not_counted() -> None:
    line = last_line(
        on_a_terminal(
            "iterator = iter(service.listing(max_results=100))\n"
            "[next(iterator) for _ in range(90)]\n"
            "ask['max_results'] = 40\n"
            "rest = service.listing(resume_from=iterator.checkpoint, **ask)\n"
            "assert len(list(rest)) == 2_410"
        )
    )
    assert line.startswith("2410 jobs")


def test_listings_that_failed_are_named() -> None:
    code = f"{FAIL}\nimport contextlib\nwith contextlib.suppress(ExceptionGroup):\n    {GATHER}"
    line = last_line(on_a_terminal(code))
    assert "3/3" in line
    assert "1 failed" in line


@pytest.mark.parametrize("stream", ["None", "object()", "open('/dev/null'); sys.stderr.close()"])
def test_an_odd_standard_error_does_not_stop_a_listing(stream: str) -> None:
    assert on_a_terminal(f"sys.stderr = {stream}\n{ONE}") == ""


def test_tqdms_own_switch_is_honoured() -> None:
    assert on_a_terminal(f"import os; os.environ['TQDM_DISABLE'] = '1'\n{ONE}") == ""


def test_a_script_that_imports_ipykernel_is_no_notebook() -> None:
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", f"import ipykernel.kernelapp\n{SETUP}{ONE}"],
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""


@pytest.mark.parametrize("code", [ONE, PARALLEL, GATHER])
def test_it_is_silent_where_nobody_watches(code: str) -> None:
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-W", "error", "-c", SETUP + code],
        capture_output=True,
        check=True,
    )
    assert done.stdout == done.stderr == b""


def test_it_is_off_by_default_and_then_needs_nothing() -> None:
    code = "import sys; sys.modules['tqdm'] = None\n" + "".join(
        line.replace(", progress=True", "").replace("**ask", "max_results=100") + "\n"
        for line in (ONE, PARALLEL, GATHER)
    )
    assert on_a_terminal(code) == ""


@pytest.mark.parametrize("code", [ONE, PARALLEL, GATHER])
def test_without_tqdm_the_extra_is_named_and_nothing_is_sent(code: str) -> None:
    without = f"""
import sys
sys.modules["tqdm"] = None
{SETUP}
try:
    {code}
except ImportError as error:
    print(error, len(service.asked))
"""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", without],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = "progress needs tqdm: pip install 'restorejobs-client[progress]', or tqdm alone 0\n"
    assert done.stdout == expected

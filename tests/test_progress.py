"""Progress bars: what they show, and that they appear only on request and on a terminal."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import pty
import subprocess
import sys
import termios
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.interrupting import at_moment, interrupt, moments_of
from support.memory_service import Service, job
from support.terminal import Terminal

from restorejobs_client import RestoreJob, RestoreJobs, TransportError, gather

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def service() -> Service:
    return Service([job(number, number) for number in range(2_500)])


def listing(service: Service, *, progress: bool = True, **parameters: Any) -> RestoreJobs:
    return service.listing(**{"max_results": 100, "progress": progress, **parameters})


def listed(service: Service, *, progress: bool = True) -> list[RestoreJob]:
    return list(listing(service, progress=progress))


def listed_in_parallel(service: Service, *, progress: bool = True) -> list[RestoreJob]:
    return list(listing(service, progress=progress).parallel(4))


def gathered(service: Service, *, progress: bool = True) -> list[RestoreJob]:
    return list(gather(*[listing(service, progress=False)] * 3, progress=progress))


def watched(service: Service, *, progress: bool = True) -> list[RestoreJob]:
    watch = listing(service, progress=progress).watch(until=lambda _: True)
    return list(watch)


async def awaited(service: Service) -> list[RestoreJob]:
    return [job async for job in listing(service)]


each_way = pytest.mark.parametrize("run", [listed, listed_in_parallel, gathered, watched])


def last_line(run: Callable[[], object]) -> str:
    """Return the last line that is shown on a terminal."""
    with redirect_stderr(Terminal()) as terminal:
        run()
    line, after = terminal.lines[-2:]
    assert after == ""
    return line


def fail_once(service: Service, at_request: int) -> None:
    numbers = itertools.count(1)

    def fail(_: object) -> None:
        if next(numbers) == at_request:
            message = "the connection was reset"
            raise TransportError(message)

    service.before_answer = fail


# What is shown


def test_listing_shows_jobs_rate_and_pages(service: Service) -> None:
    """The bar of a listing counts its jobs and pages, and shows jobs per second."""
    line = last_line(lambda: listed(service))
    assert line.startswith("2500 jobs [00:0")
    assert "jobs/s" in line
    assert "25 pages" in line


def test_listing_with_a_limit_shows_a_percentage(service: Service) -> None:
    """With `limit`, the bar shows how much of it is done."""
    line = last_line(lambda: list(listing(service, limit=150)))
    assert "100%" in line
    assert "150/150" in line
    assert "2 pages" in line


@pytest.mark.parametrize(
    "run",
    [
        lambda service: list(listing(service).pages()),
        lambda service: listing(service).to_arrow(),
        lambda service: [list(window) for window in listing(service).split(1)],
        lambda service: asyncio.run(awaited(service)),
    ],
    ids=["pages", "to_arrow", "split", "async for"],
)
def test_other_ways_to_run_a_listing_show_the_bar(
    service: Service, run: Callable[[Service], object]
) -> None:
    """Pages, tables, windows and `async for` show the bar of a listing."""
    assert last_line(lambda: run(service)).startswith("2500 jobs")


def test_parallel_shows_ended_windows(service: Service) -> None:
    """The bar of `parallel` counts the windows that have ended, and the jobs in them."""
    windows, _, rest = last_line(lambda: listed_in_parallel(service)).partition(" windows [")
    assert int(windows) >= 4
    assert "0 to go" in rest
    assert "2,500 jobs" in rest


def test_gather_shows_ended_listings(service: Service) -> None:
    """The bar of `gather` counts the listings that have ended, and their jobs and pages."""
    line = last_line(lambda: gathered(service))
    assert "3/3" in line
    assert "7,500 jobs, 75 pages" in line


def test_bar_of_a_stream_counts_each_job_once(service: Service) -> None:
    """A table counts no job again that `next` has taken, and a second loop shows the bar again."""

    def run() -> None:
        stream = gather(listing(service, progress=False), progress=True)
        next(stream)
        stream.to_arrow()

    assert "2,500 jobs, 25 pages" in last_line(run)
    stream = gather(listing(service, progress=False), progress=True)
    with redirect_stderr(Terminal()) as terminal:
        for _ in range(100):
            next(stream)
        with pytest.raises(KeyboardInterrupt):
            at_moment(300, lambda: list(stream), interrupt)
        list(stream)
    first, second, after = terminal.lines
    assert "1 to go" in first
    assert "0 to go" in second
    assert after == ""


def test_gather_shows_failed_listings(service: Service) -> None:
    """A listing that failed has ended, and is counted as failed."""
    fail_once(service, at_request=4)

    def run() -> None:
        with pytest.raises(ExceptionGroup):
            gathered(service)

    line = last_line(run)
    assert "3/3" in line
    assert "1 failed" in line


def test_bar_ends_with_an_error_and_continues_after_it(service: Service) -> None:
    """The next output starts on a new line, and the next bar continues the count."""
    fail_once(service, at_request=4)
    with redirect_stderr(Terminal()) as terminal:
        iterator = iter(listing(service))
        jobs: list[RestoreJob] = []
        with pytest.raises(TransportError):
            jobs.extend(iterator)
        print("The request failed.", file=sys.stderr)  # noqa: T201  # intentional
        jobs.extend(iterator)
    first, printed, second, after = terminal.lines
    assert first.startswith("300 jobs")
    assert printed == "The request failed."
    assert second.startswith("2500 jobs")
    assert "25 pages" in second
    assert after == ""


def test_resumed_listing_counts_only_its_own_jobs(service: Service) -> None:
    """Jobs that an earlier run yielded are not counted again."""
    iterator = iter(listing(service, progress=False))
    for _ in range(90):
        next(iterator)
    rest = listing(service, max_results=40, resume_from=iterator.checkpoint)
    assert last_line(lambda: list(rest)).startswith("2410 jobs")


# Where it is shown


def output_on_a_real_terminal(code: str) -> str:
    """Return what a program shows on a terminal that is 120 columns wide."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 120))
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, "-W", "error", "-c", code],
        stdout=subprocess.PIPE,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        shown = b""
        try:
            while block := os.read(controller, 65_536):
                shown += block
        except OSError:  # the program has closed its side
            pass
        os.close(controller)
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert process.returncode == 0, shown
    return shown.decode()


PROGRAM = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from support.memory_service import Service, job
service = Service([job(number, number) for number in range(250)])
assert len(list(service.listing(progress=True))) == 250
"""


IMPORT_KERNEL = """
import warnings
with warnings.catch_warnings(action="ignore"):
    import ipykernel.kernelapp
"""


@pytest.mark.parametrize("before", ["", IMPORT_KERNEL], ids=["", "ipykernel is imported"])
def test_bar_is_drawn_on_a_real_terminal(before: str) -> None:
    """The bar is drawn on standard error, within the width of the terminal."""
    *lines, after = output_on_a_real_terminal(before + PROGRAM).split("\r")
    assert after == "\n"
    assert lines[-1].startswith("250 jobs [00:0")
    assert all(len(line) <= 120 for line in lines)


def test_tqdm_disable_is_honoured() -> None:
    """The environment variable TQDM_DISABLE turns the bars off, as in all programs with tqdm."""
    switch = "import os; os.environ['TQDM_DISABLE'] = '1'"
    assert output_on_a_real_terminal(f"{switch}\n{PROGRAM}") == ""


@each_way
def test_nothing_is_shown_without_a_terminal(
    service: Service, capfd: pytest.CaptureFixture[str], run: Callable[[Service], list[RestoreJob]]
) -> None:
    """No bar is shown if standard error is not a terminal, such as a log file."""
    assert len(run(service)) in {2_500, 7_500}
    assert capfd.readouterr() == ("", "")


def test_script_that_imports_ipykernel_is_not_a_notebook() -> None:
    """A script that imports ipykernel shows no bar without a terminal."""
    done = subprocess.run(  # noqa: S603  # ours; the import changes tqdm for a whole process
        [sys.executable, "-W", "ignore", "-c", f"import ipykernel.kernelapp\n{PROGRAM}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("kind", ["none", "without isatty", "closed"])
def test_listing_works_without_a_usable_standard_error(service: Service, kind: str) -> None:
    """If standard error is missing or closed, a listing runs without a bar."""
    closed = io.StringIO()
    closed.close()
    streams: dict[str, Any] = {"none": None, "without isatty": object(), "closed": closed}
    with redirect_stderr(streams[kind]):
        assert len(listed(service)) == 2_500


# Without tqdm


@pytest.fixture
def _no_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tqdm.auto", raising=False)
    monkeypatch.setitem(sys.modules, "tqdm", None)


@each_way
@pytest.mark.usefixtures("_no_tqdm")
def test_bar_is_off_by_default(service: Service, run: Callable[..., list[RestoreJob]]) -> None:
    """Without `progress=True`, no bar is shown on a terminal, and tqdm is not needed."""
    with redirect_stderr(Terminal()) as terminal:
        run(service, progress=False)
    assert terminal.getvalue() == ""


@each_way
@pytest.mark.usefixtures("_no_tqdm")
def test_missing_tqdm_raises_before_anything_is_sent(
    service: Service, run: Callable[[Service], list[RestoreJob]]
) -> None:
    """Without tqdm, `progress=True` raises an ImportError that names the extra."""
    with pytest.raises(ImportError) as caught:
        run(service)
    assert str(caught.value) == (
        "progress needs tqdm: pip install tqdm, or this package with its extra 'progress'"
    )
    assert service.asked == []


# Interrupts


# Python ignores an interrupt in a finalizer, and pytest warns of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["listing", "gather"])
def test_interrupted_bar_lets_other_threads_draw_theirs(kind: str) -> None:
    """After Ctrl-C in any line of a bar, another thread lists with a bar of its own."""
    few = listing(Service([job(0), job(1)]), progress=kind == "listing", max_results=1)

    def run() -> list[RestoreJob]:
        return list(few if kind == "listing" else gather(few, progress=True))

    def survives(number: int) -> bool:
        is_moment = True
        with suppress(KeyboardInterrupt):
            is_moment = at_moment(number, run, interrupt)
        assert len(pool.submit(run).result(timeout=20)) == 2
        return is_moment

    with redirect_stderr(Terminal()), ThreadPoolExecutor(1) as pool:
        run()  # imports tqdm
        assert moments_of(survives) > 200


# As above.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_error_of_a_handler_comes_out_of_a_bar() -> None:
    """What a signal handler raises in any line of a bar is not taken for an error of the bar."""
    few = listing(Service([job(0), job(1)]), max_results=1)

    def fail() -> None:
        raise RuntimeError("of a handler")

    def survives(number: int) -> bool:
        try:
            is_moment = at_moment(number, lambda: list(few), fail)
        except RuntimeError as error:
            is_moment = str(error) == "of a handler"
            raised.append(number)
        return is_moment

    raised: list[int] = []
    with redirect_stderr(Terminal()):
        list(few)  # imports tqdm
        moments = moments_of(survives)
    assert len(raised) > moments - 10  # some come in a finalizer


def test_handler_may_close_a_stream_with_a_bar_while_another_is_drawn() -> None:
    """Bars that begin and end in any line of one another fail no listing, and none stays open."""
    few = listing(Service([job(0), job(1)]), max_results=1)

    def survives(number: int) -> bool:
        other = gather(few, progress=True)
        next(other)
        jobs: list[RestoreJob] = []
        is_moment = at_moment(number, lambda: jobs.extend(few), other.close)
        assert len(jobs) == 2
        other.close()
        return is_moment

    with redirect_stderr(Terminal()) as terminal:
        list(few)  # imports tqdm
        assert moments_of(survives) > 200
    assert terminal.lines[-1] == ""


def test_stream_that_is_closed_while_its_bar_begins_leaves_none_open() -> None:
    """If a handler closes a stream in any line, its bar ends too."""
    few = listing(Service([job(0), job(1)]), max_results=1, progress=False)

    def survives(number: int) -> bool:
        with redirect_stderr(Terminal()) as terminal:
            stream = gather(few, progress=True)
            is_moment = at_moment(number, lambda: list(stream), stream.close)
        assert terminal.lines[-1] == ""
        return is_moment

    with redirect_stderr(Terminal()):
        list(listing(Service([]), progress=True))  # imports tqdm
    assert moments_of(survives) > 200

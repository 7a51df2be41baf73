"""Listings side by side on threads: `gather`, and the crew of workers behind `parallel`."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from restorejobs_client._arrow import Tables
from restorejobs_client._errors import InvalidRequestError, ThrottlingException
from restorejobs_client._models import RestoreJob
from restorejobs_client._progress import RunsProgress
from restorejobs_client._windows import MARGIN, equal_cuts

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from restorejobs_client._listing import RestoreJobs
    from restorejobs_client._models import RestoreJobPage
    from restorejobs_client._request import ListRestoreJobsRequest
    from restorejobs_client._windows import Window

Identity = tuple[str | None, str | None]
_account_id = attrgetter("account_id")
_restore_job_id = attrgetter("restore_job_id")
_FIRST_JOB: Final = datetime(2019, 1, 1, tzinfo=UTC)  # AWS Backup began in that month
_PAGES_TO_PROBE: Final = 4  # at the most, before a past without a bound is divided
_PAGES_TO_REPEAT: Final = 16  # at the most, when a run is given up to be divided
_PAGES_A_WORKER: Final = 4  # that wait for the consumer, on the average


def gather(
    *listings: RestoreJobs, max_workers: int = 8, progress: bool = False
) -> Iterator[RestoreJob]:
    """Iterate over several listings that run side by side, one after the other in their order.

    The iterator can also be made into a table, once: `pyarrow.table(gather(...))`.

    Made for one listing per region or account. At most `max_workers` requests are under way at
    the same time, and pages wait in a buffer of a few per worker: a consumer that pauses stops the
    fetching, and one that stops iterating ends the threads.

    Args:
        listings: in the order that their jobs shall come in.
        max_workers: requests under way at the same time.
        progress: show how many of the listings have ended, with the jobs and pages so far, where
            there is a terminal or a notebook.

    Raises:
        InvalidRequestError: `max_workers` is not an int of 1 or more.
        ImportError: the extra `progress` is not installed, and is asked for.
        ExceptionGroup: at the end, when all that could be listed was delivered: the errors of the
            listings that failed, each with a note saying which, and with its checkpoint.
    """
    runs = [
        Run(repr(listing), listing.pages(), place=place) for place, listing in enumerate(listings)
    ]
    crew = Crew(runs, checked_workers(max_workers))
    return Gathered(crew.pages("listings" if progress else None))


def checked_workers(max_workers: object) -> int:
    """Return the number of workers, or refuse it."""
    if type(max_workers) is not int or max_workers < 1:
        message = f"max_workers={max_workers!r} is refused: it must be an int, 1 or more"
        raise InvalidRequestError(message)
    return max_workers


class Gathered(Tables, Iterator[RestoreJob]):
    """The jobs of several runs, as they come. Closing or forgetting it ends the threads.

    A failure stays one: it is raised again and never turns into an end.
    """

    def __init__(self, pages: Generator[tuple[RestoreJob, ...]]) -> None:
        self._pages = pages
        self._jobs: Iterator[RestoreJob] = iter(())
        self._has_ended = False
        self._failure: BaseException | None = None

    @override
    def __next__(self) -> RestoreJob:
        for job in self._jobs:
            return job
        while (page := self._next_page()) is not None:
            self._jobs = iter(page)
            for job in self._jobs:
                return job
        raise StopIteration

    def _next_page(self) -> tuple[RestoreJob, ...] | None:
        if self._failure is not None:
            raise self._failure
        try:
            page = next(self._pages, None)
        except BaseException as error:
            self._failure = error
            raise
        self._has_ended = page is None
        return page

    def close(self) -> None:
        """End the threads; the jobs that did not come yet do not come any more."""
        self._jobs = iter(())
        self._pages.close()

    @override
    def _job_pages(self) -> Iterator[Sequence[RestoreJob]]:
        if self._has_ended:
            message = (
                "these jobs have been handed out: what parallel and gather return can be made "
                "into a table once; call them again"
            )
            raise InvalidRequestError(message)
        return chain([tuple(self._jobs)], iter(self._next_page, None))


class Run:
    """A listing, or a window of one, that a worker goes through page by page.

    Attributes:
        dates: of each page so far, the creation dates of some of its jobs.
        accounts: of each job so far, its account.
        ids: of each job so far, its id.
    """

    def __init__(
        self,
        name: str,
        pages: Iterator[RestoreJobPage],
        *,
        place: int = 0,
        without: frozenset[Identity] = frozenset(),
    ) -> None:
        self.name = name
        self.pages = pages
        self.place = place
        self.dates: list[list[datetime]] = []
        self.accounts: list[str | None] = []
        self.ids: list[str | None] = []
        self.without = without

    def fresh(self, page: RestoreJobPage) -> tuple[RestoreJob, ...]:
        """Return the jobs of the page that no run before this one has delivered."""
        if not self.without:
            return page.restore_jobs
        return tuple(
            job
            for job in page.restore_jobs
            if (job.account_id, job.restore_job_id) not in self.without
        )

    def record(self, page: RestoreJobPage) -> None:
        """Keep what it takes to divide the run; after many pages it is not worth it any more."""
        if len(self.dates) == _PAGES_TO_REPEAT:
            self.accounts.clear()
            self.ids.clear()
            return
        jobs = page.restore_jobs
        some = jobs[:: max(1, len(jobs) // 20)]
        self.dates.append([job.creation_date for job in some if job.creation_date is not None])
        # Two lists, not one of pairs: a thousand objects more a page wake the cycle collector.
        self.accounts.extend(map(_account_id, jobs))
        self.ids.extend(map(_restore_job_id, jobs))

    @property
    def is_divisible(self) -> bool:
        """Whether all that was delivered is still known."""
        return len(self.dates) < _PAGES_TO_REPEAT


class Crew:
    """Workers that take runs, and a consumer that takes their pages, place by place."""

    def __init__(
        self,
        runs: Sequence[Run],
        workers: int,
        divide: Callable[[Run, int], list[Run]] | None = None,
    ) -> None:
        self._changed = threading.Condition()
        self._waiting = deque(runs)
        self._divide = divide
        # Only what is divided has work for more workers than runs.
        self._size = self._working = workers if divide else min(workers, len(runs))
        self._idle = 0
        self._buffers: dict[int, deque[tuple[RestoreJob, ...]]] = {}
        self._runs = len(runs)
        self._unfinished: dict[int, int] = {}  # runs, by their place
        for run in runs:
            self._buffers.setdefault(run.place, deque())
            self._unfinished[run.place] = self._unfinished.get(run.place, 0) + 1
        self._places = deque(self._buffers)  # the first is the one that is consumed
        self._buffered = 0
        self._stopped = False
        self._failures: list[BaseException] = []

    def pages(self, progress: str | None = None) -> Generator[tuple[RestoreJob, ...]]:
        """Start the workers, and yield the pages as they come; then raise what failed.

        `progress` says what the runs are called, if a bar shall count those that have ended.
        """
        bar = None
        if progress is not None:
            bar = RunsProgress(progress, None if self._divide else self._runs)
        # Not a pool of concurrent.futures: leaving it, or the program, would wait for requests.
        for _ in range(self._size):
            threading.Thread(target=self._work, name="restorejobs", daemon=True).start()
        try:
            while (page := self._next_page()) is not None:
                if bar is not None:
                    bar.page(len(page))
                    self._draw(bar)
                yield page
            if bar is not None:
                self._draw(bar)
        finally:
            if bar is not None:
                bar.end()
            with self._changed:
                self._stopped = True
                self._changed.notify_all()
        if self._failures:
            message = f"{len(self._failures)} failed; go on from the checkpoint of each"
            raise BaseExceptionGroup(message, self._failures)  # an ExceptionGroup, nearly always

    def _draw(self, bar: RunsProgress) -> None:
        with self._changed:
            left = sum(self._unfinished.values())
            done, failed = self._runs - left, len(self._failures)
        bar.draw(done, left, failed)

    def _next_page(self) -> tuple[RestoreJob, ...] | None:
        with self._changed:
            while self._places:
                place = self._places[0]
                if self._buffers[place]:
                    self._buffered -= 1
                    self._changed.notify_all()
                    return self._buffers[place].popleft()
                if not self._unfinished[place]:
                    self._places.popleft()
                    self._changed.notify_all()
                else:
                    self._changed.wait()
        return None

    def _work(self) -> None:
        while (run := self._next_run()) is not None:
            try:
                replacements = self._go_through(run)
            except ThrottlingException as error:
                if self._retire(run):
                    return
                self._finish(run, error)
            except BaseException as error:  # noqa: BLE001  # raised to the consumer at the end
                self._finish(run, error)
            else:
                self._finish(run, replacements=replacements)

    def _next_run(self) -> Run | None:
        with self._changed:
            self._idle += 1
            while not self._waiting and any(self._unfinished.values()) and not self._stopped:
                self._changed.wait()
            self._idle -= 1
            return self._waiting.popleft() if self._waiting and not self._stopped else None

    def _go_through(self, run: Run) -> list[Run]:
        """Deliver the pages of the run; return what is to take its place before it has ended."""
        for page in run.pages:
            if not self._deliver(run, run.fresh(page)):
                break
            if self._divide is not None and page.next_token is not None:
                run.record(page)
                with self._changed:
                    idle = 0 if self._waiting else self._idle
                if idle and (replacements := self._divide(run, self._size)):
                    return replacements
        return []

    def _deliver(self, run: Run, jobs: tuple[RestoreJob, ...]) -> bool:
        """Hand the jobs to the consumer, waiting for room; `False` if it has gone."""
        with self._changed:
            buffer = self._buffers[run.place]
            # The place that is consumed always has room for one page, so all goes on.
            while (
                not self._stopped
                and self._buffered >= _PAGES_A_WORKER * self._size
                and (buffer or run.place != self._places[0])
            ):
                self._changed.wait()
            buffer.append(jobs)
            self._buffered += 1
            self._changed.notify_all()
            return not self._stopped

    def _retire(self, run: Run) -> bool:
        """Leave a run that is throttled to the other workers: fewer ask less.

        Not where runs have places of their own: all others may be waiting for room behind it.
        """
        with self._changed:
            if self._divide is None or self._working == 1:
                return False
            self._working -= 1
            self._waiting.append(run)
            self._changed.notify_all()
            return True

    def _finish(
        self, run: Run, error: BaseException | None = None, replacements: Sequence[Run] = ()
    ) -> None:
        if error is not None:
            error.add_note(f"while listing {run.name}")
        with self._changed:
            if error is not None:
                self._failures.append(error)
            self._waiting.extend(replacements)
            if replacements:
                self._runs += len(replacements) - 1  # a run that was cut has not ended
            self._unfinished[run.place] += len(replacements) - 1
            self._changed.notify_all()


class Balance:
    """Divides the windows of one listing while they run, so that no worker is idle for long.

    Jobs cluster (nightly restore tests), so windows of like length are not of like size. When
    workers are idle and a run seems to have much left, the run is given up and its window cut
    into parts that list anew, without what it delivered. How much is left and where is guessed
    from the pages so far; the result is exact whatever the guess and whatever the order.
    """

    def __init__(
        self,
        request: ListRestoreJobsRequest,
        start: Callable[[Window, frozenset[Identity]], Run],
    ) -> None:
        self._request = request
        self._start = start
        self._windows: dict[Run, Window] = {}

    def run(self, window: Window, without: frozenset[Identity] = frozenset()) -> Run:
        """Return a run through the window, without the jobs of these identities."""
        run = self._start(window, without)
        self._windows[run] = window
        return run

    def divide(self, run: Run, workers: int) -> list[Run]:
        """Return the runs that shall take the place of this one; none if it had better go on."""
        if not run.is_divisible:
            return []
        window = self._windows[run]
        try:
            guessed = self._cuts(window, run.dates, parts=2 * workers)
        except OverflowError:  # at the end of the calendar
            return []
        lowers = (window.lower, self._request.by_created_after)
        uppers = (window.upper, self._request.by_created_before)
        cuts = [
            cut
            for cut in sorted(set(guessed))
            if all(lower is None or lower < cut for lower in lowers)
            and all(upper is None or cut < upper for upper in uppers)
        ]
        if not cuts:
            return []
        if not all(run.ids):  # nothing else tells jobs apart
            return []
        del self._windows[run]
        without = run.without.union(zip(run.accounts, run.ids, strict=True))
        return [self.run(part, without) for part in window.cut_at(cuts)]

    def _cuts(self, window: Window, pages: list[list[datetime]], parts: int) -> list[datetime]:
        """Return where to cut a window, of which some pages were seen, into about that many."""
        if len(pages[-1]) < 2:  # noqa: PLR2004  # two make a distance
            return []
        dates = [date for page in pages for date in page]
        lower, upper = window.span(self._request)
        first, last = pages[-1][0], pages[-1][-1]
        if first == last:
            # Page after page of one moment: that keeps a worker, the rest need not wait for it.
            # Twice the margin, or the windows beside it would ask for that moment as well.
            hot = len(pages) > 1 and pages[-2][:1] == [last]
            return [last - 2 * MARGIN, last + 2 * MARGIN] if hot else []
        # Three times and two more did best in simulations of clustered dates.
        much = (3 * len(pages) + 2) * abs(first - last)
        if all(later >= earlier for later, earlier in pairwise(dates)):
            if window.lower is None and self._request.by_created_after is None:
                return (
                    _cuts_into_the_past(last, first - last) if len(pages) <= _PAGES_TO_PROBE else []
                )
            return [*equal_cuts(lower, last, parts), last] if last - lower > much else []
        if all(earlier <= later for earlier, later in pairwise(dates)):
            return [last, *equal_cuts(last, upper, parts)] if upper - last > much else []
        # In no order, the dates are a sample of all that is left.
        return sorted(dates)[:: max(1, len(dates) // parts)]


def _cuts_into_the_past(last: datetime, page: timedelta) -> list[datetime]:
    """Return cuts back to the first restore job there can be, each as far again as all before."""
    cuts = [last]
    distance = max(page, MARGIN)
    while last - distance > _FIRST_JOB:
        cuts.append(last - distance)
        distance *= 2
    return cuts

"""The workers of `parallel`: windows of one listing, divided further while they run.

Jobs cluster (nightly restore tests), so windows of one length are not of one size. When workers are
idle and a run seems to have much left, it is given up, and its window is cut into parts that list
again, without the jobs that it has delivered. How much is left, and where, is guessed from the
pages so far; the result is exact whatever the guess and whatever the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Final

from restorejobs_client._models import RestoreJob, RestoreJobPage
from restorejobs_client._pool import Run, WorkerPool
from restorejobs_client._windows import MARGIN, Window, creation_bounds, equal_cuts

StartWindow = Callable[[Window], tuple[object, Iterator[RestoreJobPage]]]
Identity = tuple[str | None, str | None]
_account_id = attrgetter("account_id")
_restore_job_id = attrgetter("restore_job_id")
_FIRST_JOB: Final = datetime(2019, 1, 1, tzinfo=UTC)  # AWS Backup began in that month
_PAGES_TO_PROBE: Final = 4  # at most, before a past without a bound is divided
_PAGES_TO_REPEAT: Final = 16  # at most, when a run is given up to be divided
_SAMPLES: Final = 20  # dates of a page that are kept


class WindowRun(Run):
    """A run through a window, with what it takes to divide it.

    Attributes:
        window: the part of the listing that it goes through.
        without: the jobs that a run before it has delivered.
        dates: of each page so far, the creation dates of some of its jobs.
        accounts: of each job so far, its account.
        ids: of each job so far, its id.
    """

    def __init__(
        self, start: StartWindow, window: Window, without: frozenset[Identity] = frozenset()
    ) -> None:
        super().__init__(*start(window))
        self.window = window
        self.without = without
        self.dates: list[list[datetime]] = []
        self.accounts: list[str | None] = []
        self.ids: list[str | None] = []

    def keep(self, page: RestoreJobPage) -> tuple[RestoreJob, ...]:
        if not self.without:
            return page.restore_jobs
        return tuple(
            job for job in page if (job.account_id, job.restore_job_id) not in self.without
        )

    def record(self, page: RestoreJobPage) -> None:
        """Keep what it takes to divide the run; after many pages that is not worth it."""
        if len(self.dates) == _PAGES_TO_REPEAT:
            self.accounts.clear()
            self.ids.clear()
            return
        some = page.restore_jobs[:: max(1, len(page) // _SAMPLES)]
        self.dates.append([job.creation_date for job in some if job.creation_date is not None])
        self.accounts.extend(map(_account_id, page.restore_jobs))
        self.ids.extend(map(_restore_job_id, page.restore_jobs))

    @property
    def is_divisible(self) -> bool:
        """Whether all that was delivered is known, by ids that tell jobs apart."""
        return len(self.dates) < _PAGES_TO_REPEAT and all(self.ids)

    def delivered(self) -> frozenset[Identity]:
        """Return the identities of the jobs that must not come again."""
        return self.without.union(zip(self.accounts, self.ids, strict=True))


class BalancedPool(WorkerPool):
    """Workers that divide what is left, so that none of them is idle for long."""

    def __init__(
        self,
        parameters: Mapping[str, object],
        start: StartWindow,
        windows: Sequence[Window],
        workers: int,
    ) -> None:
        super().__init__([WindowRun(start, window) for window in windows], workers)
        self._parameters = parameters
        self._start = start
        self._working = workers

    def _retire(self, run: Run) -> bool:
        """Leave a throttled run to the other workers: fewer of them ask for less."""
        with self._lock:
            if self._working == 1:
                return False
            self._working -= 1
            self._waiting.append(run)
            self._changed.notify_all()
            return True

    def _divide(self, run: Run, page: RestoreJobPage) -> list[Run]:
        assert isinstance(run, WindowRun)  # noqa: S101  # they are all of this kind
        run.record(page)
        with self._lock:
            has_idle_workers = self._idle > 0 and not self._waiting
        if not (has_idle_workers and run.is_divisible):
            return []
        try:
            guessed = self._cuts(run, parts=2 * self._size)
        except OverflowError:  # at the end of the calendar
            return []
        after, before = creation_bounds(self._parameters)
        lowers, uppers = (run.window.lower, after), (run.window.upper, before)
        cuts = [
            cut
            for cut in sorted(set(guessed))
            if all(lower is None or lower < cut for lower in lowers)
            and all(upper is None or cut < upper for upper in uppers)
        ]
        if not cuts:
            return []
        without = run.delivered()
        return [WindowRun(self._start, window, without) for window in run.window.cut_at(cuts)]

    def _cuts(self, run: WindowRun, parts: int) -> list[datetime]:
        """Return where to cut a window, of which some pages were seen, into about that many."""
        pages = run.dates
        if len(pages[-1]) < 2:  # noqa: PLR2004  # two make a distance
            return []
        dates = [date for page in pages for date in page]
        lower, upper = run.window.span(self._parameters)
        first, last = pages[-1][0], pages[-1][-1]
        if first == last:
            # Page after page of one moment keeps one worker busy; the rest need not wait for it.
            # With less than twice the margin, the windows beside it would ask for that moment too.
            is_hot = len(pages) > 1 and pages[-2][:1] == [last]
            return [last - 2 * MARGIN, last + 2 * MARGIN] if is_hot else []
        # Three times and two more did best in simulations of clustered dates.
        much = (3 * len(pages) + 2) * abs(first - last)
        if all(later >= earlier for later, earlier in pairwise(dates)):
            if run.window.lower is None and creation_bounds(self._parameters)[0] is None:
                is_early = len(pages) <= _PAGES_TO_PROBE
                return _cuts_into_the_past(last, first - last) if is_early else []
            return [*equal_cuts(lower, last, parts), last] if last - lower > much else []
        if all(earlier <= later for earlier, later in pairwise(dates)):
            return [last, *equal_cuts(last, upper, parts)] if upper - last > much else []
        # Without an order, the dates are a sample of all that is left.
        return sorted(dates)[:: max(1, len(dates) // parts)]


def _cuts_into_the_past(last: datetime, page: timedelta) -> list[datetime]:
    """Return cuts back to the first restore job there can be, at distances that double."""
    cuts = [last]
    distance = max(page, MARGIN)
    while last - distance > _FIRST_JOB:
        cuts.append(last - distance)
        distance *= 2
    return cuts

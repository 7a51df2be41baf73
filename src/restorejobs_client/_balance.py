"""Windows of a listing that are divided while `parallel` lists them.

Jobs cluster (nightly restore tests), so windows of equal length do not have equally many jobs. When
workers are idle and a run seems to have many jobs left, the run stops. Its window is cut into parts
that are listed again, without the jobs that were already delivered. The pages so far give a guess
where jobs are left. The result is exact, whatever the guess and the order of the jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Final

from restorejobs_client._models import RestoreJob, RestoreJobPage
from restorejobs_client._pool import Run
from restorejobs_client._windows import MARGIN, Window, creation_bounds, equal_cuts

StartWindow = Callable[[Window], tuple[object, Iterator[RestoreJobPage]]]
_FIRST_JOB: Final = datetime(2019, 1, 1, tzinfo=UTC)  # AWS Backup began in that month
_PAGES_TO_PROBE: Final = 4  # a window without a lower bound is divided within this many pages
_PAGES_TO_REPEAT: Final = 16  # after this many pages, a run is not divided any more
_SAMPLES: Final = 20  # dates to keep of each page
_account_id: Final = attrgetter("account_id")
_restore_job_id: Final = attrgetter("restore_job_id")


class WindowRun(Run):
    """A run of a window, which can be divided.

    Args:
        parameters: the parameters of the whole listing.
        start: starts to list a window.
        window: the part of the listing that this run lists.
        without: the jobs that were already delivered.
    """

    may_be_left = True

    def __init__(
        self,
        parameters: Mapping[str, object],
        start: StartWindow,
        window: Window,
        without: frozenset[object] = frozenset(),
    ) -> None:
        super().__init__(*start(window))
        self._parameters = parameters
        self._start = start
        self._window = window
        self._without = without
        self._dates: list[list[datetime]] = []  # creation dates of some jobs, for each page
        # For each job. They are two lists, because tuples would trigger the cycle collector.
        self._accounts: list[str | None] = []
        self._ids: list[str | None] = []

    def keep(self, page: RestoreJobPage) -> tuple[RestoreJob, ...]:
        if len(self._dates) == _PAGES_TO_REPEAT:
            self._accounts.clear()  # the run is not divided any more
            self._ids.clear()
        else:
            some = page.restore_jobs[:: max(1, len(page) // _SAMPLES)]
            self._dates.append([job.creation_date for job in some if job.creation_date is not None])
            self._accounts.extend(map(_account_id, page.restore_jobs))
            self._ids.extend(map(_restore_job_id, page.restore_jobs))
        if not self._without:
            return page.restore_jobs
        return tuple(
            job for job in page if (job.account_id, job.restore_job_id) not in self._without
        )

    def divide(self, parts: int) -> list[Run]:
        # Every job that was delivered must be known by an id.
        if len(self._dates) == _PAGES_TO_REPEAT or not all(self._ids):
            return []
        try:
            guessed = self._cuts(parts)
        except OverflowError:  # at the end of the calendar
            return []
        after, before = creation_bounds(self._parameters)
        lowers, uppers = (self._window.lower, after), (self._window.upper, before)
        cuts = [
            cut
            for cut in sorted(set(guessed))
            if all(lower is None or lower < cut for lower in lowers)
            and all(upper is None or cut < upper for upper in uppers)
        ]
        if not cuts:
            return []
        without = self._without.union(zip(self._accounts, self._ids, strict=True))
        return [
            WindowRun(self._parameters, self._start, window, without)
            for window in self._window.cut_at(cuts)
        ]

    def _cuts(self, parts: int) -> list[datetime]:
        """Return where to cut the window into about `parts` parts, or nothing if little is left."""
        pages = self._dates
        if len(pages[-1]) < 2:  # noqa: PLR2004  # a distance needs two dates
            return []
        dates = [date for page in pages for date in page]
        lower, upper = self._window.span(self._parameters)
        first, last = pages[-1][0], pages[-1][-1]
        if first == last:
            # One worker lists the pages of this moment, and the others list the rest. With less
            # than twice the margin, the neighbouring windows would ask for this moment too.
            is_hot = len(pages) > 1 and pages[-2][:1] == [last]
            return [last - 2 * MARGIN, last + 2 * MARGIN] if is_hot else []
        # These numbers did best in simulations of clustered dates.
        much = (3 * len(pages) + 2) * abs(first - last)
        if all(later >= earlier for later, earlier in pairwise(dates)):
            if self._window.lower is None and creation_bounds(self._parameters)[0] is None:
                is_early = len(pages) <= _PAGES_TO_PROBE
                return _cuts_into_the_past(last, first - last) if is_early else []
            return [*equal_cuts(lower, last, parts), last] if last - lower > much else []
        if all(earlier <= later for earlier, later in pairwise(dates)):
            return [last, *equal_cuts(last, upper, parts)] if upper - last > much else []
        # Without an order, the dates are a sample of the jobs that are left.
        return sorted(dates)[:: max(1, len(dates) // parts)]


def _cuts_into_the_past(last: datetime, page: timedelta) -> list[datetime]:
    """Return cuts at doubling distances, back to the start of AWS Backup."""
    cuts = [last]
    distance = max(page, MARGIN)
    while last - distance > _FIRST_JOB:
        cuts.append(last - distance)
        distance *= 2
    return cuts

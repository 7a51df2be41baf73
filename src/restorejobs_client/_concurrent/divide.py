"""Divide the windows of a listing while `parallel` fetches them.

Jobs cluster (restore tests run at night), so windows of equal length contain different numbers of
jobs. When workers are idle and a task seems to have many jobs left, that task stops. Its window is
cut into parts, which are listed again without the jobs that were already delivered. The dates of
these jobs are used to guess where the remaining jobs are. The result is exact even if the guess is
wrong, and for any order of the jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import ClassVar, Final

from restorejobs_client._concurrent.iterator import RestoreJobPageIterator
from restorejobs_client._concurrent.pool import Task
from restorejobs_client._core.errors import ListingLike
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage
from restorejobs_client._paging.windows import MARGIN, MAX_DATE, MIN_DATE, Window, equal_cuts

StartWindow = Callable[[Window], tuple[ListingLike, RestoreJobPageIterator]]
_FIRST_JOB: Final = datetime(2019, 1, 1, tzinfo=UTC)  # AWS Backup was launched in this month
_PAGES_TO_PROBE: Final = 4  # a window without a lower bound is divided only this early
_MAX_PAGES_TO_REPEAT: Final = 16  # after this many pages, a task is no longer divided
# The parts list again what was listed, so this many times as much must probably be left. With 2,
# some listings need a third more requests; with 8, some take twice as long: benchmarks/dividing.py.
_LEAST_LEFT: Final = 4
_DATES_PER_PAGE: Final = 20  # a sample for the guess
_account_id: Final = attrgetter("account_id")
_restore_job_id: Final = attrgetter("restore_job_id")


class WindowTask(Task):
    """A task that lists a window and can be divided.

    Args:
        parameters: the parameters of the whole listing.
        start: starts to list a window.
        window: the part of the listing that this task lists.
        delivered: the account and the id of each job that was already delivered.
    """

    can_be_requeued: ClassVar = True

    def __init__(
        self,
        parameters: Mapping[str, object],
        start: StartWindow,
        window: Window,
        delivered: frozenset[object] = frozenset(),
    ) -> None:
        super().__init__(*start(window))
        self._parameters = parameters
        self._start = start
        self._window = window
        self._delivered = delivered
        self._dates: list[list[datetime]] = []  # a sample of creation dates of each page
        # For each delivered job. Tuples in one list would trigger the garbage collector.
        self._accounts: list[str | None] = []
        self._ids: list[str | None] = []

    def jobs_to_deliver(self, page: RestoreJobPage) -> tuple[RestoreJob, ...]:
        if len(self._dates) == _MAX_PAGES_TO_REPEAT:
            self._accounts.clear()  # the task is no longer divided
            self._ids.clear()
        else:
            sample = page.restore_jobs[:: max(1, len(page) // _DATES_PER_PAGE)]
            self._dates.append(list(filter(None, (job.creation_date for job in sample))))
            self._accounts.extend(map(_account_id, page.restore_jobs))
            self._ids.extend(map(_restore_job_id, page.restore_jobs))
        if not self._delivered:
            return page.restore_jobs
        return tuple(
            job for job in page if (job.account_id, job.restore_job_id) not in self._delivered
        )

    def divide(self, parts: int) -> list[Task]:
        # A delivered job without an id could not be recognized when it is listed again.
        if len(self._dates) == _MAX_PAGES_TO_REPEAT or not all(self._ids):
            return []
        try:
            guessed = self._cuts(parts)
        except OverflowError:  # a cut would be outside the calendar
            return []
        lower, upper = self._window.bounds(self._parameters)
        lower, upper = lower or MIN_DATE, upper or MAX_DATE
        cuts = [cut for cut in sorted(set(guessed)) if lower < cut < upper]
        if not cuts:
            return []
        delivered = self._delivered.union(zip(self._accounts, self._ids, strict=True))
        return [
            WindowTask(self._parameters, self._start, window, delivered)
            for window in self._window.cut_at(cuts)
        ]

    def _cuts(self, parts: int) -> list[datetime]:
        """Return where to cut the window into about `parts` parts; none if few jobs are left."""
        pages = self._dates
        if len(pages[-1]) < 2:  # noqa: PLR2004  # a time span needs two dates
            return []
        dates = [date for page in pages for date in page]
        lower, upper = self._window.span(self._parameters)
        first, last = pages[-1][0], pages[-1][-1]
        if first == last:
            # One worker lists the jobs of this moment, and the others list the rest. With less than
            # twice the margin, the requests of the neighbouring windows would include this moment.
            fills_pages = len(pages) > 1 and pages[-2][:1] == [last]
            return [last - 2 * MARGIN, last + 2 * MARGIN] if fills_pages else []
        least_left = _LEAST_LEFT * len(pages) * abs(first - last)
        if all(later >= earlier for later, earlier in pairwise(dates)):
            if self._window.bounds(self._parameters)[0] is None:
                is_early = len(pages) <= _PAGES_TO_PROBE
                return _doubling_cuts(last, first - last) if is_early else []
            return [*equal_cuts(lower, last, parts), last] if last - lower > least_left else []
        if all(earlier <= later for earlier, later in pairwise(dates)):
            return [last, *equal_cuts(last, upper, parts)] if upper - last > least_left else []
        # Jobs in no order: those that are left probably have similar dates.
        return sorted(dates)[:: max(1, len(dates) // parts)]


def _doubling_cuts(last: datetime, distance: timedelta) -> list[datetime]:
    """Return cuts before `last` at doubling distances, back to the launch of AWS Backup."""
    cuts = [last]
    distance = max(distance, MARGIN)
    while last - distance > _FIRST_JOB:
        cuts.append(last - distance)
        distance *= 2
    return cuts

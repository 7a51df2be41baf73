"""Follow jobs until they have ended: list them in rounds, and yield what has changed.

`_Follower` decides what to list and which jobs have changed. It sends nothing. `RestoreJobWatch`
runs the rounds and waits between them.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX, RLock
from typing import Final, Self, cast

from restorejobs_client._concurrent.iterator import JobIterator
from restorejobs_client._concurrent.threads import start_call
from restorejobs_client._core.errors import InvalidRequestError, WatchTimeoutError
from restorejobs_client._core.progress import ProgressBar
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage
from restorejobs_client._models.parameters import EARLIEST
from restorejobs_client._paging.cursor import FetchPage, Listing
from restorejobs_client._paging.run import ListingRun
from restorejobs_client._paging.windows import MAX_DATE, Window

Until = Callable[[RestoreJob], bool]
_Key = tuple[str | None, object]  # the account, and the id or what replaces it
# Rounds start up to 10 % earlier or later, so that many watches do not send requests together.
_JITTER: Final = 0.1
_MAX_SECONDS: Final = sys.float_info.max / 2  # so that the sum of two is finite
# AWS lists a job a little after its creation. So each round also lists jobs that were created up to
# this long before the oldest one that is followed.
_LISTING_DELAY: Final = timedelta(minutes=10)
# A job may stop matching these filters. The other filters check members that never change.
_CHANGING_FILTERS: Final = ("by_status", "by_complete_after", "by_complete_before")


def has_ended(job: RestoreJob) -> bool:
    """Return whether the job is COMPLETED, ABORTED or FAILED."""
    return job.is_terminal


class Clock:
    """The clock of a watch. Tests with the fake AWS Backup use one that does not wait."""

    def now(self) -> float:
        """Return seconds since an arbitrary moment."""
        return time.monotonic()

    def wait(self, seconds: float, wake: SimpleQueue[None]) -> None:
        """Wait, but return when something is put into the queue. A long wait may end early."""
        with suppress(Empty):
            wake.get(timeout=min(seconds, TIMEOUT_MAX))


class _Follower:
    """The jobs that a watch follows, as they were last seen."""

    def __init__(self, listing: Listing, ids: Iterable[str], until: Until) -> None:
        self.listing = replace(listing, progress=False)  # of the next round
        self._chosen_by = [listing.parameters.get(name) for name in _CHANGING_FILTERS]
        self._until = until
        self._missing = {one.casefold(): one for one in ids}  # not listed yet
        self._wanted = frozenset(self._missing)
        self._seen: dict[_Key, RestoreJob] = {}
        self._followed: dict[_Key, RestoreJob] = {}  # those for which `until` is not true yet
        self._is_first_round = True
        self.chosen = 0
        self.failed = 0

    @property
    def pending(self) -> tuple[str, ...]:
        """The ids of the jobs that the watch waits for."""
        followed = (job.restore_job_id for job in self._followed.values())
        return (*filter(None, followed), *self._missing.values())

    @property
    def is_waiting(self) -> bool:
        """Whether the watch waits for any job."""
        return bool(self._followed or self._missing)

    @property
    def ended(self) -> int:
        """The number of jobs that the watch no longer waits for."""
        return self.chosen - len(self._followed)

    def notice(self, job: RestoreJob) -> bool:
        """Remember a job unless `until` raises. Return whether it is new or has changed."""
        key = self._key(job)
        before = self._seen.get(key)
        if before is None and not self._is_chosen(job):
            return False
        has_changed = job != before
        if has_changed or key in self._followed:
            if self._until(job):
                self._followed.pop(key, None)
            else:
                self._followed[key] = job
        if has_changed:
            self._seen[key] = job
            self._missing.pop((job.restore_job_id or "").casefold(), None)
            self.chosen += before is None
            had_failed = before is not None and before.status == "FAILED"
            self.failed += (job.status == "FAILED") - had_failed
        return has_changed

    def _key(self, job: RestoreJob) -> _Key:
        """Return what identifies the job in all rounds."""
        identity = job.restore_job_id or (job.creation_date, job.recovery_point_arn)
        for jobs in (self._seen, self._followed):
            if (None, identity) in jobs:  # the account may be known later than the id
                jobs[job.account_id, identity] = jobs.pop((None, identity))
        return job.account_id, identity

    def _is_chosen(self, job: RestoreJob) -> bool:
        if self._wanted:
            return (job.restore_job_id or "").casefold() in self._wanted
        if self._is_first_round:  # the service has applied all filters
            return True
        status, *bounds = self._chosen_by
        after, before = cast("list[datetime | None]", bounds)
        completed = job.completion_date
        return (
            status in {None, job.status}
            and (after is None or (completed is not None and completed >= after))
            and (before is None or (completed is not None and completed < before))
        )

    def end_round(self) -> None:
        """Set the bounds of the next round, and forget the jobs before them."""
        self._is_first_round = False
        parameters = self.listing.parameters.items()
        kept = {name: value for name, value in parameters if name not in _CHANGING_FILTERS}
        self.listing = replace(self.listing, parameters=kept)
        dates = [job.creation_date for job in self._followed.values()]
        known = [date for date in dates if date is not None and date >= EARLIEST + _LISTING_DELAY]
        if not known or len(known) < len(dates) or self._missing:
            return  # a bound could exclude jobs that are followed
        # It never decreases: older jobs have been forgotten, and would look new.
        lower = max(min(known) - _LISTING_DELAY, self.listing.window.lower or EARLIEST)
        upper = self.listing.window.upper
        if self._wanted and MAX_DATE - max(known) > _LISTING_DELAY:  # no new jobs are followed
            upper = max(known) + _LISTING_DELAY
        self.listing = replace(self.listing, window=Window(lower, upper))
        seen = self._seen.items()
        self._seen = {key: job for key, job in seen if (job.creation_date or lower) >= lower}


class RestoreJobWatch(JobIterator):
    """The jobs that `RestoreJobs.watch` follows. It yields each job, and again when it changes.

    Iterate with `for`, or with `async for`, which does not block the event loop. After an error,
    `next()` tries again. Closing the watch (from any thread) or leaving its `with` block ends it at
    once. Ctrl-C and cancelling `async for` end the wait at once, and iterating again continues.
    Apart from `close`, use it from one thread at a time.
    """

    def __init__(  # noqa: PLR0913  # only RestoreJobs.watch calls it
        self,
        fetch: FetchPage,
        listing: Listing,
        restore_job_ids: tuple[str, ...],
        *,
        interval: float,
        timeout: float | None,
        until: Until,
        clock: Clock,
    ) -> None:
        _check_ids(restore_job_ids)
        _check_seconds("interval", interval, may_be_zero=False)
        if timeout is not None:
            _check_seconds("timeout", timeout, may_be_zero=True)
        if not callable(until):
            message = (
                f"until={clipped_repr(until)} is refused: it must be a function that takes a job"
            )
            raise InvalidRequestError(message)
        self._follower = _Follower(listing, restore_job_ids, until)
        self._fetch_page = fetch
        self._interval = interval
        self._timeout = math.inf if timeout is None else timeout
        self._clock = clock
        self._bar = ProgressBar("jobs", wanted=listing.progress)
        self._bar_lock = RLock()  # another thread or a signal handler may call close
        self._run: ListingRun | None = None
        self._page: deque[RestoreJob] = deque()
        self._has_open_request = False  # also after a request that failed
        self._deadline: float | None = None  # the first request sets it
        self._next_round = 0.0
        self._is_closed = False
        self._wake: SimpleQueue[None] = SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the watch. No further request is sent, and iterating ends."""
        self._is_closed = True
        self._wake.put(None)
        self._end_bar()

    def _fetch(self) -> bool:
        """End, wait for the next round, or request a page."""
        try:
            is_between_rounds = self._run is None and self._deadline is not None
            if self._is_closed or (is_between_rounds and not self._follower.is_waiting):
                self._end_bar()
                return False
            now = self._clock.now()
            if self._deadline is None:
                self._deadline = now + self._timeout
            if now >= self._deadline and (is_between_rounds or self._has_open_request):
                raise WatchTimeoutError(self._timeout, self._follower.pending)  # noqa: TRY301  # ends the bar
            if self._run is None and now < self._next_round:
                self._clock.wait(min(self._next_round, self._deadline) - now, self._wake)
            else:
                self._request(now)
        except BaseException:
            self._end_bar()
            raise
        self._jobs = iter(self._next_changed, None)
        return True

    def _request(self, now: float) -> None:
        """Take the jobs of a page, or the end of a round."""
        if self._run is None:
            jitter = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # not a secret
            self._next_round = now + self._interval * jitter
            self._run = ListingRun(self._follower.listing, self._fetch_unless_closed)
        self._draw_bar()
        self._has_open_request = True
        if self._run.has_page():
            self._page.extend(self._run.take_rest())
        else:
            self._follower.end_round()
            self._run = None
        self._has_open_request = False
        self._draw_bar()

    def _fetch_unless_closed(self, parameters: dict[str, object]) -> RestoreJobPage:
        """Fetch a page on a thread, so that closing does not wait for it."""
        self._wake = wake = SimpleQueue[None]()  # an abandoned request keeps the old queue
        answer = start_call(lambda: self._fetch_page(parameters))
        answer.add_done_callback(lambda _: wake.put(None))
        if not self._is_closed:
            wake.get()
        return RestoreJobPage() if self._is_closed else answer.result()

    def _next_changed(self) -> RestoreJob | None:
        """Return the next job of the page that is new or has changed, if there is one."""
        try:
            while self._page and not self._is_closed:
                has_changed = self._follower.notice(self._page[0])  # may raise, by `until`
                job = self._page.popleft()
                if has_changed:
                    return job
        except BaseException:
            self._end_bar()
            raise
        return None

    def _draw_bar(self) -> None:
        with self._bar_lock:
            if not self._is_closed:
                self._bar.begin()
                self._show_counts()

    def _end_bar(self) -> None:
        with self._bar_lock:
            self._show_counts()
            self._bar.end()

    def _show_counts(self) -> None:
        ended, failed = self._follower.ended, self._follower.failed
        self._bar.show(self._follower.chosen, f"{ended:,} ended", f"{failed:,} failed")


def _check_ids(ids: tuple[object, ...]) -> None:
    for one in ids:
        if not isinstance(one, str) or not one.strip():
            message = (
                f"{clipped_repr(one)} is not a restore job id: pass ids as text, as in watch(*ids)"
            )
            raise InvalidRequestError(message)


def _check_seconds(name: str, value: object, *, may_be_zero: bool) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):  # noqa: SIM102  # easier to read
        if 0 < value <= _MAX_SECONDS or (may_be_zero and value == 0):
            return
    allowed = "0 or more seconds, or None" if may_be_zero else "a number of seconds above 0"
    message = f"{name}={clipped_repr(value)} is refused: it must be {allowed}"
    raise InvalidRequestError(message)

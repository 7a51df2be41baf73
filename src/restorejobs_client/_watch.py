"""Following jobs until they have ended: rounds of a listing, and what changed from one to the next.

`_Follower` decides what to list and which jobs have changed; it sends nothing. `RestoreJobWatch`
runs the rounds and waits between them.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Self, cast

from restorejobs_client._cursor import FetchPage, Listing
from restorejobs_client._enums import RestoreJobStatus
from restorejobs_client._errors import InvalidRequestError, WatchTimeoutError
from restorejobs_client._models import RestoreJob
from restorejobs_client._parameters import EARLIEST
from restorejobs_client._progress import ProgressBar
from restorejobs_client._run import ListingRun
from restorejobs_client._windows import creation_bounds

if TYPE_CHECKING:
    import asyncio

Until = Callable[[RestoreJob], bool]
# Rounds begin a little earlier or later, so that many watches do not ask at the same moment.
_SPREAD: Final = 0.1
# AWS lists a job a little after it was created. A round also asks for jobs that were created this
# long before the oldest one that is followed, so that one listed late is not missed.
_MARGIN: Final = timedelta(minutes=10)
# A job that is followed may stop to match these; the other filters are about what never changes.
_CHANGING_FILTERS: Final = ("by_status", "by_complete_before", "by_complete_after")


def has_ended(job: RestoreJob) -> bool:
    """Whether the job is COMPLETED, ABORTED or FAILED."""
    return job.is_terminal


class Clock:
    """Time as a watch sees it. The clock of a fake AWS Backup does not wait."""

    def now(self) -> float:
        """Return the time in seconds; only differences mean something."""
        return time.monotonic()

    def wait(self, seconds: float, closed: SimpleQueue[None]) -> None:
        """Wait, or return as soon as something is put into the queue."""
        with suppress(Empty):
            closed.get(timeout=seconds)

    async def wait_async(self, seconds: float, closed: asyncio.Event) -> None:
        """Do the same in an event loop."""
        from asyncio import wait_for  # noqa: PLC0415  # only for those who use it

        with suppress(TimeoutError):
            await wait_for(closed.wait(), seconds)


class _Follower:
    """The jobs that a watch has chosen, as they were last seen."""

    def __init__(self, listing: Listing, ids: Iterable[str], until: Until) -> None:
        self._listing = replace(listing, progress=False)
        self._until = until
        self._missing = {one.casefold(): one for one in ids}  # not listed yet
        self._has_ids = bool(self._missing)
        self._wanted = frozenset(self._missing)
        self._seen: dict[tuple[str | None, str], RestoreJob] = {}
        self._followed: dict[tuple[str | None, str], RestoreJob] = {}  # until does not hold yet
        self._is_first_round = True
        self.chosen = 0
        self.failed: set[tuple[str | None, str]] = set()

    @property
    def pending(self) -> tuple[str, ...]:
        """The ids of the jobs that are still waited for."""
        followed = (job.restore_job_id for job in self._followed.values())
        return (*filter(None, followed), *self._missing.values())

    @property
    def is_waiting(self) -> bool:
        """Whether any job is still waited for."""
        return bool(self._followed or self._missing)

    @property
    def ended(self) -> int:
        """How many of the chosen jobs are not waited for any more."""
        return self.chosen - len(self._followed)

    def next_listing(self) -> Listing:
        """Return what to list in the next round: no more than what may have changed."""
        if self._is_first_round:
            return self._listing
        parameters = {
            name: value
            for name, value in self._listing.parameters.items()
            if name not in _CHANGING_FILTERS
        }
        dates = [job.creation_date for job in self._followed.values()]
        known = [date for date in dates if date is not None]
        if known and len(known) == len(dates) and not self._missing:
            after, before = creation_bounds(parameters)
            parameters["by_created_after"] = _later(after, _shifted(min(known), -_MARGIN))
            if self._has_ids:  # nothing new is waited for
                latest = _shifted(max(known), _MARGIN)
                parameters["by_created_before"] = min(before or latest, latest)
        return replace(self._listing, parameters=parameters)

    def notice(self, job: RestoreJob) -> bool:
        """Remember a job that was listed; return whether it is new or has changed."""
        key = (job.account_id, (job.restore_job_id or "").casefold())
        before = self._seen.get(key)
        if job == before or (before is None and not self._is_chosen(job)):
            return False
        self._seen[key] = job
        self._missing.pop(key[1], None)
        self.chosen += before is None
        if self._until(job):
            self._followed.pop(key, None)
        else:
            self._followed[key] = job
        if job.status == RestoreJobStatus.FAILED:
            self.failed.add(key)
        return True

    def _is_chosen(self, job: RestoreJob) -> bool:
        if self._has_ids:
            return (job.restore_job_id or "").casefold() in self._wanted
        if self._is_first_round:  # the service has filtered
            return True
        parameters = self._listing.parameters
        status = parameters.get("by_status")
        after = cast("datetime | None", parameters.get("by_complete_after"))
        before = cast("datetime | None", parameters.get("by_complete_before"))
        completed = job.completion_date
        return (
            status in {None, job.status}
            and (after is None or (completed is not None and completed >= after))
            and (before is None or (completed is not None and completed < before))
        )

    def end_round(self) -> None:
        """Forget the jobs that no round will list again."""
        self._is_first_round = False
        after, _ = creation_bounds(self.next_listing().parameters)
        self._seen = {
            key: job
            for key, job in self._seen.items()
            if key in self._followed or after is None or _is_after(job.creation_date, after)
        }


def _is_after(date: datetime | None, bound: datetime) -> bool:
    return date is None or date >= bound


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:  # at the ends of the calendar
        return moment


def _later(one: datetime | None, other: datetime) -> datetime:
    return max(one or EARLIEST, other, EARLIEST)


class RestoreJobWatch(Iterator[RestoreJob]):
    """The jobs that `RestoreJobs.watch` follows: each one as it is, and again when it changes.

    Iterate with `for` or `async for`. After an error, `next()` lists again. Closing it, also from
    another thread, leaving its `with` block, Ctrl-C, or cancelling `async for` ends it at once.
    """

    def __init__(  # noqa: PLR0913  # made by a listing alone
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
            message = f"until={until!r} is refused: it must be a function of a job"
            raise InvalidRequestError(message)
        self._follower = _Follower(listing, restore_job_ids, until)
        self._fetch = fetch
        self._interval = interval
        self._timeout = timeout
        self._clock = clock
        self._bar = ProgressBar("jobs") if listing.progress else None
        self._run: ListingRun | None = None
        self._jobs: Iterator[RestoreJob] = iter(())
        self._started: float | None = None  # when the first request was sent
        self._next_round = 0.0
        self._is_closed = False
        self._closed: SimpleQueue[None] = SimpleQueue()
        self._close_async: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the watch: no further request is sent, and `next()` raises StopIteration."""
        self._is_closed = True
        self._closed.put(None)
        self._close_async()
        if self._bar is not None:
            self._bar.end()

    def __next__(self) -> RestoreJob:
        while not self._is_closed:
            for job in self._jobs:
                if self._follower.notice(job):
                    return job
            if self._run is None:
                if self._is_done():
                    break
                if seconds := self._seconds_to_wait():
                    self._clock.wait(seconds, self._closed)
                    continue
                self._run = self._next_run()
            self._take_page(self._run, has_page=self._run.has_page())
        raise StopIteration

    async def __aiter__(self) -> AsyncIterator[RestoreJob]:
        """Iterate with `async for`: requests run on a thread, and nothing blocks the event loop."""
        from asyncio import Event, get_running_loop  # noqa: PLC0415  # only for those who use it

        loop, closed = get_running_loop(), Event()
        self._close_async = lambda: loop.call_soon_threadsafe(closed.set)
        while not self._is_closed:
            for job in self._jobs:
                if self._follower.notice(job):
                    yield job
            if self._run is None:
                if self._is_done():
                    return
                if seconds := self._seconds_to_wait():
                    await self._clock.wait_async(seconds, closed)
                    continue
                self._run = self._next_run()
            self._take_page(self._run, has_page=await self._run.has_page_async())

    def _is_done(self) -> bool:
        is_done = self._started is not None and not self._follower.is_waiting
        if is_done and self._bar is not None:
            self._bar.end()
        return is_done

    def _seconds_to_wait(self) -> float:
        """Return how long to wait for the next round; 0 when it is due.

        Raises:
            WatchTimeoutError: the time is over.
        """
        now = self._clock.now()
        if self._started is None:
            return 0.0
        wait = max(0.0, self._next_round - now)
        if self._timeout is not None:
            left = self._started + self._timeout - now
            if left <= 0:
                if self._bar is not None:
                    self._bar.end()
                raise WatchTimeoutError(self._timeout, self._follower.pending)
            wait = min(wait, left)
        return wait

    def _next_run(self) -> ListingRun:
        now = self._clock.now()
        if self._started is None:
            self._started = now
        self._next_round = now + self._interval * random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311
        return ListingRun(self._follower.next_listing(), self._fetch)

    def _take_page(self, run: ListingRun, *, has_page: bool) -> None:
        """Take the jobs of a page, or the end of a round."""
        if has_page:
            self._jobs = iter(run.take_page())
        else:
            self._run = None
            self._follower.end_round()
        if self._bar is not None:
            ended, failed = self._follower.ended, len(self._follower.failed)
            self._bar.show(self._follower.chosen, f"{ended:,} ended", f"{failed:,} failed")


def _check_ids(ids: tuple[object, ...]) -> None:
    for one in ids:
        if not isinstance(one, str) or not one.strip():
            message = f"{one!r} is not a restore job id: pass ids as text, as in watch(*ids)"
            raise InvalidRequestError(message)


def _check_seconds(name: str, value: object, *, may_be_zero: bool) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        is_right = math.isfinite(value) and (value > 0 or (may_be_zero and value == 0))
        if is_right:
            return
    allowed = "0 or more seconds, or None" if may_be_zero else "a number of seconds above 0"
    message = f"{name}={value!r} is refused: it must be {allowed}"
    raise InvalidRequestError(message)

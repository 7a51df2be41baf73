"""Follow jobs until they have ended: list them in rounds, and yield what has changed.

`_Follower` decides what to list and which jobs have changed. It sends nothing. `RestoreJobWatch`
runs the rounds and waits between them.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import TIMEOUT_MAX
from typing import Any, Final, cast

from restorejobs_client._concurrent.iterator import ClosableIterator, RestoreJobPageIterator
from restorejobs_client._core.errors import (
    InvalidRequestError,
    RestoreJobsError,
    TransportError,
    WatchTimeoutError,
)
from restorejobs_client._core.interrupts import Bell, Call, in_child
from restorejobs_client._core.progress import ProgressBar
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.jobs import RestoreJob, RestoreJobPage
from restorejobs_client._models.parameters import EARLIEST
from restorejobs_client._paging.run import Query
from restorejobs_client._paging.windows import MAX_DATE, MIN_DATE, Window

Until = Callable[[RestoreJob], bool]
_Key = tuple[str | None, object]  # the account, and the id or what replaces it
# Rounds start up to 10 % earlier or later, so that many watches do not send requests together.
_JITTER: Final = 0.1
_RETRY_DELAY: Final = 1.0  # seconds, for clients that do not wait themselves
# AWS may list a job a little after its creation. So each round also lists jobs that were created
# up to this long before the oldest one that is followed.
_LISTING_DELAY: Final = timedelta(minutes=10)
# A job may stop matching these filters. The other filters check members that never change.
_CHANGING_FILTERS: Final[dict[str, Callable[[RestoreJob, Any], bool]]] = {
    "by_status": lambda job, status: job.status == status,
    "by_complete_after": lambda job, after: (job.completion_date or MIN_DATE) >= after,
    "by_complete_before": lambda job, before: (job.completion_date or MAX_DATE) < before,
}


def has_ended(job: RestoreJob) -> bool:
    """Return whether the job is COMPLETED, ABORTED or FAILED."""
    return job.is_terminal


class _Follower:
    """The jobs that a watch follows, as they were last handed over.

    Attributes:
        query: what the next round lists.
        followed: the jobs for which `until` is not true yet.
        missing: the wanted ids that were not listed yet, by what they are compared with.
        chosen: how many jobs were followed so far.
        failed: how many of them have failed.
    """

    def __init__(self, query: Query, ids: Iterable[str], until: Until) -> None:
        self.query = query
        self.chosen = 0
        self.failed = 0
        self._filters: dict[str, object] = {}  # in the first round, the service applies them
        self._until = until
        self.missing = {one.casefold(): one for one in ids}
        self._wanted = frozenset(self.missing)
        self._seen: dict[_Key, RestoreJob] = {}
        self.followed: dict[_Key, RestoreJob] = {}

    @property
    def pending(self) -> tuple[str, ...]:
        """The ids of the jobs that the watch waits for."""
        followed = (job.restore_job_id for job in self.followed.values())
        return (*filter(None, followed), *self.missing.values())

    def look(self, jobs: Iterable[RestoreJob]) -> tuple[list[RestoreJob], dict[_Key, RestoreJob]]:
        """Return the jobs that have changed, and those to remember after these are handed over."""
        changed: list[RestoreJob] = []
        to_remember: dict[_Key, RestoreJob] = {}
        for job in jobs:
            # What identifies the job in all rounds.
            key = job.account_id, job.restore_job_id or (job.creation_date, job.recovery_point_arn)
            before = to_remember.get(key) or self._last_seen(key)
            if before is None and not self._is_chosen(job):
                continue
            if job != before:
                changed.append(job)
            if job != before or key in self.followed:
                to_remember[key] = job
        return changed, to_remember

    def remember(self, key: _Key, job: RestoreJob) -> None:
        """Remember a job that was handed over. An interrupt may make the watch do it twice."""
        try:
            answer: Any = self._until(job)
        except (StopIteration, StopAsyncIteration) as error:  # as in a generator
            # It would look like the end.
            raise RuntimeError(f"until raised {type(error).__name__}") from error
        if isinstance(answer, Coroutine):  # it is true
            answer.close()
            raise InvalidRequestError("until is refused: it must be a function without async")
        before = self._last_seen(key)
        had_failed = before is not None and before.status == "FAILED"
        self.chosen += before is None
        self.failed += (job.status == "FAILED") - had_failed
        for jobs in (self._seen, self.followed):
            jobs.pop((None, key[1]), None)  # the account may be known later than the id
        self._seen[key] = job
        if answer:
            self.followed.pop(key, None)
        else:
            self.followed[key] = job
        self.missing.pop((job.restore_job_id or "").casefold(), None)

    def _last_seen(self, key: _Key) -> RestoreJob | None:
        return self._seen.get(key) or self._seen.get((None, key[1]))

    def _is_chosen(self, job: RestoreJob) -> bool:
        if self._wanted:
            return (job.restore_job_id or "").casefold() in self._wanted
        return all(_CHANGING_FILTERS[name](job, value) for name, value in self._filters.items())

    def end_round(self) -> None:
        """Set the bounds of the next round, and forget the jobs before them."""
        kept = dict(self.query.parameters)
        self._filters |= {name: kept.pop(name) for name in _CHANGING_FILTERS if name in kept}
        query = replace(self.query, parameters=kept)
        seen = self._seen
        dates = [job.creation_date or MIN_DATE for job in self.followed.values()]
        if dates and not self.missing and min(dates) >= EARLIEST + _LISTING_DELAY:
            # It never decreases: older jobs have been forgotten, and would look new.
            lower = max(min(dates) - _LISTING_DELAY, query.window.lower or EARLIEST)
            upper = query.window.upper
            if self._wanted and MAX_DATE - max(dates) > _LISTING_DELAY:  # no new jobs are followed
                upper = max(dates) + _LISTING_DELAY
            query = replace(query, window=Window(lower, upper))
            seen = {key: job for key, job in seen.items() if (job.creation_date or lower) >= lower}
        self.query, self._seen = query, seen


class RestoreJobWatch(ClosableIterator):
    """The jobs that `RestoreJobs.watch` follows. It yields each job, and again when it changes.

    Iterate with `for`, or with `async for`, which does not block the event loop, and waits on it
    between rounds. After an error, `next()` tries again. Closing the watch (from any thread or
    signal handler) or leaving its `with` or `async with` block ends it at once. Ctrl-C and
    cancelling `async for` end the wait at once, and iterating again continues: no change is lost.
    A signal handler may ask for the next job while the watch waits for the next round. Where it has
    interrupted anything else of the watch, it gets an InvalidRequestError.
    """

    def __init__(  # only RestoreJobs.watch calls it
        self,
        query: Query,
        restore_job_ids: Iterable[str] | None,
        *,
        interval: float,
        timeout: float | None,
        until: Until,
    ) -> None:
        super().__init__()
        ids = () if restore_job_ids is None else _checked_ids(restore_job_ids)
        _check_seconds("interval", interval, may_be_zero=False)
        if timeout is not None:
            _check_seconds("timeout", timeout, may_be_zero=True)
        if not callable(until):
            message = f"until={clipped_repr(until)} is refused: it must be a function of a job"
            raise InvalidRequestError(message)
        self._fetch, progress = query.fetch, query.progress
        query = replace(query, fetch=self._fetch_unless_closed, progress=False)
        self._follower = _Follower(query, ids, until)
        self._interval = interval
        self._timeout = math.inf if timeout is None else timeout
        self._clock = query.new_clock()
        self._bar = ProgressBar("jobs", wanted=progress)
        # Of the round in progress; `None` between rounds.
        self._pages: RestoreJobPageIterator | None = RestoreJobPageIterator(query)
        self._jobs: tuple[RestoreJob, ...] = ()  # of a page, to look at
        self._to_remember: dict[_Key, RestoreJob] = {}  # once its changes are handed over
        self._advancing: int | None = None  # the thread in `_advance`
        self._failure: RestoreJobsError | None = None  # of the latest request
        self._round_began = -math.inf  # before the first one
        self._deadline = math.inf
        self._has_listed = False  # whether the first round is complete
        self._not_before = -math.inf  # when the next request may be sent
        self._is_closed = restore_job_ids is not None and not ids
        self._request = Bell()  # the latest
        in_child(self, RestoreJobWatch._forget_other_threads)

    def close(self) -> None:
        """End the watch. No other page is requested, and iterating ends.

        A request in progress ends on its own thread, and botocore may repeat it until then.
        """
        self._is_closed = True
        self._items = iter(())
        self._closing.ring()
        self._request.ring()
        self._draw_bar(is_last=True)

    def _advance(self) -> float | None:
        if self._advancing == threading.get_ident():
            raise InvalidRequestError(
                "a signal handler has interrupted this watch, so it cannot ask for the next job: "
                "ask after the handler has returned"
            )
        self._advancing = threading.get_ident()
        try:
            return self._step()
        except BaseException:
            self._draw_bar(is_last=True)
            raise
        finally:
            self._advancing = None

    def _forget_other_threads(self) -> None:
        """Forget a thread that the child of a fork does not have. Another one may get its id."""
        if self._advancing != threading.get_ident():
            self._advancing = None

    def _step(self) -> float | None:
        """Hand over changes, or request a page, which may have some."""
        follower, to_remember = self._follower, self._to_remember
        while to_remember and not self._is_closed:
            key, job = next(iter(to_remember.items()))
            follower.remember(key, job)
            del to_remember[key]
        if self._is_closed:
            return None
        if jobs := self._jobs:
            changed, to_remember = follower.look(jobs)
            self._items, self._to_remember, self._jobs = iter(changed), to_remember, ()
            if self._is_closed:  # in the meantime
                self._items = iter(())
            return 0.0
        return self._request_page()

    def _request_page(self) -> float | None:
        """Request a page, unless it is not time yet, or nothing is left to wait for."""
        follower, pages, now = self._follower, self._pages, self._clock.now()
        if self._round_began == -math.inf:
            self._deadline, self._round_began = now + self._timeout, now
        if pages is None and not (follower.followed or follower.missing):
            self._draw_bar(is_last=True)
            return None
        if now >= self._deadline and (self._has_listed or self._failure is not None):
            raise WatchTimeoutError(self._timeout, follower.pending) from self._failure
        self._draw_bar()
        if now < self._not_before:
            return self._clock.sleep(min(self._not_before, self._deadline) - now)
        if pages is None:
            pages = RestoreJobPageIterator(follower.query)
            self._pages, self._round_began = pages, now
        try:
            for page in pages:
                self._jobs = page.restore_jobs
                break
            else:
                follower.end_round()
                jitter = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # not a secret
                self._not_before = self._round_began + self._interval * jitter
                self._pages, self._has_listed = None, True
        except RestoreJobsError as error:
            self._failure, now = error, self._clock.now()
            if self._has_listed and now >= self._deadline:
                raise WatchTimeoutError(self._timeout, follower.pending) from error
            self._not_before = now + min(self._interval, _RETRY_DELAY)
            raise
        self._failure = None
        return 0.0

    def _fetch_unless_closed(self, parameters: dict[str, object]) -> RestoreJobPage:
        """Fetch a page on a thread, so that neither closing nor the timeout waits for it."""
        request = self._request = Call(partial(self._fetch, parameters))
        if not self._is_closed:
            left = self._deadline - self._clock.now()
            request.wait(max(left, 0) if self._has_listed else -1)
        if self._is_closed:
            return RestoreJobPage()
        if not request.has_rung:
            raise TransportError("AWS had not answered when the watch timed out")
        return request.result()

    def _draw_bar(self, *, is_last: bool = False) -> None:
        follower, bar = self._follower, self._bar
        ended = follower.chosen - len(follower.followed)
        if not is_last:
            bar.begin()
        bar.show(follower.chosen, f"{ended:,} ended", f"{follower.failed:,} failed")
        if is_last or self._is_closed:  # in the meantime
            bar.end()


def _checked_ids(ids: object) -> tuple[str, ...]:
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        message = f"restore_job_ids={clipped_repr(ids)} is refused: it must be a list of ids"
        raise InvalidRequestError(message)
    checked = tuple(cast("Iterable[object]", ids))
    for one in checked:
        if not isinstance(one, str) or not one.strip():
            raise InvalidRequestError(f"{clipped_repr(one)} is not a restore job id: ids are text")
    return cast("tuple[str, ...]", checked)


def _check_seconds(name: str, value: object, *, may_be_zero: bool) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    lowest = 0 if may_be_zero else math.ulp(0)
    if not is_number or not lowest <= cast("float", value) <= TIMEOUT_MAX:
        least = "0 or more" if may_be_zero else "more than 0"
        allowed = f"{least} seconds, and at most {TIMEOUT_MAX:.0f}"
        raise InvalidRequestError(f"{name}={clipped_repr(value)} is refused: it must be {allowed}")

"""The fake in memory: a plain `fetch` function instead of AWS.

It is for tests of what the package does with pages: iterating, checkpoints, windows, threads. A
test chooses what AWS does not document, such as the order of the jobs, and can script answers.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from restorejobs_client import (
    RestoreJob,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsError,
)
from restorejobs_client._core.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable

Parameters = dict[str, Any]
Scripted = RestoreJobPage | RestoreJobsError | Callable[[Parameters], RestoreJobPage]
Order = Literal["newest", "oldest", "random", "almost", "given"]
START = datetime(2026, 1, 1, tzinfo=UTC)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def job(number: int, seconds: float = 0.0) -> RestoreJob:
    """Return a job that was created this number of seconds after `START`."""
    return RestoreJob(
        restore_job_id=f"job-{number}", creation_date=START + timedelta(seconds=seconds)
    )


class Service:
    """Jobs, and how they are listed.

    Attributes:
        jobs: in the order in which they are listed.
        page_size: the size of all pages; `None` uses MaxResults.
        delay: seconds that each answer takes.
        after_is_inclusive: whether jobs on the moment of ByCreatedAfter are listed.
        before_is_inclusive: whether jobs on the moment of ByCreatedBefore are listed.
        precision: what ByCreatedAfter and ByCreatedBefore are rounded down to.
        before_answer: called with the parameters before each answer; may wait or raise.
        asked: the parameters of all requests so far.
        most_at_once: how many requests were under way at the same time.
    """

    def __init__(  # choices
        self,
        jobs: Iterable[RestoreJob] = (),
        *,
        order: Order = "newest",
        inclusive: bool = True,
        page_size: int | None = None,
        delay: float = 0.0,
    ) -> None:
        self.jobs = list(jobs)
        if order != "given":
            self.jobs.sort(key=_created, reverse=order != "oldest")
        if order == "random":
            random.Random(1).shuffle(self.jobs)  # noqa: S311  # nothing secret
        if order == "almost" and self.jobs:  # newest first, except one job at the end
            self.jobs.append(self.jobs.pop(len(self.jobs) // 3))
        self.page_size = page_size
        self.delay = delay
        self.after_is_inclusive = self.before_is_inclusive = inclusive
        self.precision = timedelta(microseconds=1)
        self.before_answer: Callable[[Parameters], None] = lambda _: None
        self.asked: list[Parameters] = []
        self.most_at_once = 0
        self._scripted: deque[Scripted] = deque()
        self._at_once = 0
        self._lock = threading.RLock()  # a signal handler may list too

    def answer_next(self, *answers: Scripted) -> None:
        """Answer the next requests with these: a page, an error to raise, or a function."""
        self._scripted.extend(answers)

    def fetch(self, parameters: Parameters) -> RestoreJobPage:
        """Answer one request."""
        with self._lock:
            self.asked.append(parameters)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            scripted = self._scripted.popleft() if self._scripted else self.page
        try:
            time.sleep(self.delay)
            self.before_answer(parameters)
            if isinstance(scripted, RestoreJobsError):
                raise scripted
            return scripted if isinstance(scripted, RestoreJobPage) else scripted(parameters)
        finally:
            with self._lock:
                self._at_once -= 1

    def page(self, parameters: Parameters) -> RestoreJobPage:
        """Return the page for these parameters; its token is the place of the next one."""
        after, before = (
            moment and moment - (moment - _EARLIEST) % self.precision
            for moment in (parameters.get("ByCreatedAfter"), parameters.get("ByCreatedBefore"))
        )
        jobs = [one for one in self.jobs if self._is_between(after, _created(one), before)]
        start = int(parameters.get("NextToken", "0"))
        stop = start + (self.page_size or parameters["MaxResults"])
        return RestoreJobPage(
            restore_jobs=tuple(jobs[start:stop]),
            next_token=str(stop) if stop < len(jobs) else None,
        )

    def _is_between(
        self, after: datetime | None, created: datetime, before: datetime | None
    ) -> bool:
        is_late = after is None or created > after or (self.after_is_inclusive and created == after)
        is_early = (
            before is None or created < before or (self.before_is_inclusive and created == before)
        )
        return is_late and is_early

    def listing(self, **parameters: Any) -> RestoreJobs:
        """List the jobs, with these parameters of `list_restore_jobs`."""
        return listing_of(self.fetch, **parameters)


def client_of(fetch: Any, region_name: Any = None) -> RestoreJobsClient:
    """Return a client that calls a plain function instead of AWS."""

    class Client(RestoreJobsClient):
        def __init__(self) -> None:
            self._settings = {"region_name": region_name}
            self._origin = {"region_name": region_name} if region_name else {}
            self._new_clock = Clock
            self.close = lambda: None  # type: ignore[method-assign]  # there is no connection
            self._fetch = fetch  # type: ignore[method-assign]  # instead of AWS

    return Client()


def listing_of(fetch: Any, **parameters: Any) -> RestoreJobs:
    """Return a listing of the pages that a plain function returns."""
    client = client_of(fetch, parameters.pop("region_name", None))
    return client.list_restore_jobs(parameters.pop("request", None), **parameters)


def _created(one: RestoreJob) -> datetime:
    return one.creation_date or START

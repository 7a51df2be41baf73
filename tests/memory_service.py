"""A ListRestoreJobs in memory: the plain function that a listing asks for its pages.

It takes what AWS leaves open (the order, whether the bounds are inclusive) as a choice.
"""

from __future__ import annotations

import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from restorejobs_client import RestoreJob, RestoreJobPage, RestoreJobs, RestoreJobsClient
from restorejobs_client._watch import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Order = Literal["newest", "oldest", "random", "almost"]
START = datetime(2026, 1, 1, tzinfo=UTC)


def job(number: int, seconds: float = 0.0) -> RestoreJob:
    """Return a job that was created so many seconds after `START`."""
    return RestoreJob(
        restore_job_id=f"job-{number}", creation_date=START + timedelta(seconds=seconds)
    )


class Service:
    def __init__(
        self,
        jobs: Iterable[RestoreJob],
        *,
        order: Order = "newest",
        inclusive: bool = True,
        delay: float = 0.0,
    ) -> None:
        self.jobs = sorted(jobs, key=_created, reverse=order != "oldest")
        if order == "random":
            random.Random(1).shuffle(self.jobs)  # noqa: S311  # nothing secret
        if order == "almost" and self.jobs:  # in order, but for one that comes last
            self.jobs.append(self.jobs.pop(len(self.jobs) // 3))
        self.inclusive = inclusive
        self.delay = delay
        self.asked: list[dict[str, Any]] = []
        self.most_at_once = 0
        self.before_answer: Callable[[dict[str, Any]], None] = lambda _: None
        self._at_once = 0
        self._lock = threading.Lock()

    def fetch(self, parameters: dict[str, Any]) -> RestoreJobPage:
        with self._lock:
            self.asked.append(parameters)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            time.sleep(self.delay)
            self.before_answer(parameters)
            return self._page(parameters)
        finally:
            with self._lock:
                self._at_once -= 1

    def _page(self, parameters: dict[str, Any]) -> RestoreJobPage:
        after, before = parameters.get("ByCreatedAfter"), parameters.get("ByCreatedBefore")
        matching = [one for one in self.jobs if self._matches(_created(one), after, before)]
        start = int(parameters.get("NextToken", "0"))
        stop = start + parameters["MaxResults"]
        return RestoreJobPage(
            restore_jobs=tuple(matching[start:stop]),
            next_token=str(stop) if stop < len(matching) else None,
        )

    def _matches(self, created: datetime, after: datetime | None, before: datetime | None) -> bool:
        if self.inclusive:
            return (after is None or created >= after) and (before is None or created <= before)
        return (after is None or created > after) and (before is None or created < before)

    def listing(self, **parameters: Any) -> RestoreJobs:
        return listing_of(self.fetch, **parameters)


def listing_of(fetch: Any, **parameters: Any) -> RestoreJobs:
    """List what a plain function answers, as a client lists what AWS answers."""

    class Client(RestoreJobsClient):
        def __init__(self) -> None:
            self._region_name = parameters.pop("region_name", None)
            self._profile_name = self._endpoint_url = None
            self._clock = Clock()
            self._fetch = fetch  # type: ignore[method-assign]  # instead of AWS

    client = Client()
    request = parameters.pop("request", None)
    return client.list_restore_jobs(request, **parameters)


def _created(one: RestoreJob) -> datetime:
    return one.creation_date or START

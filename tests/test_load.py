"""A service that throttles to a fixed rate: listings are complete and do not flood it with retries.

Here retries wait, but all of it runs ten times as fast as in life: the waits and the service.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from support.raw_server import SESSION, Answer, PageServer, wire_job

from restorejobs_client import RestoreJobsClient, gather

if TYPE_CHECKING:
    from restorejobs_client import RestoreJobs

SPEED = 10
SIZE = 50  # jobs of a page
REFUSALS = {
    "ThrottlingException": Answer(
        status=400,
        body=b'{"message": "Rate exceeded"}',
        headers={"x-amzn-ErrorType": "ThrottlingException"},
    ),
    "bare 429": Answer(status=429),
}


@pytest.fixture(autouse=True)
def _fast_retry_waits(retry_waits: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore sleep before it retries, for a tenth of the time."""
    assert retry_waits is not None  # this fixture replaces it
    monkeypatch.setattr(
        "botocore.endpoint.time", SimpleNamespace(sleep=lambda wait: time.sleep(wait / SPEED))
    )


class Throttle:
    """Refuses the first requests, and then those above a rate per second, or above ten at once."""

    def __init__(self, refusal: Answer, *, rate: float, at_first: int = 1) -> None:
        self.answered = self.refused = 0
        self._refusal = refusal
        self._rate = rate * SPEED
        self._at_first = at_first
        self._allowed = 0.0
        self._allowed_at = 0.0
        self._lock = threading.Lock()

    def __call__(self, page: Answer) -> Answer:
        with self._lock:
            now = time.monotonic()
            if self.refused >= self._at_first:
                self._allowed += (now - self._allowed_at) * self._rate
                self._allowed = min(10, self._allowed)
            self._allowed_at = now
            if self._allowed < 1:
                self.refused += 1
                return self._refusal
            self._allowed -= 1
            self.answered += 1
            return page


def listing_of(server: PageServer, throttle: Throttle) -> RestoreJobs:
    """List the jobs of a server that this throttle protects, with the default settings."""
    server.fail(None, throttle)
    client = RestoreJobsClient(session=SESSION, endpoint_url=server.endpoint_url)
    return client.list_restore_jobs(
        max_results=SIZE,
        by_created_after=datetime.fromtimestamp(1_700_000_000, UTC),
        by_created_before=datetime.fromtimestamp(1_700_000_001 + len(server.jobs), UTC),
    )


@pytest.mark.parametrize("refusal", REFUSALS)
def test_parallel_completes_under_throttling(refusal: str) -> None:
    """`parallel` yields every job once, with at most four requests for each page."""
    pages = 48
    jobs = [wire_job(number) for number in range(pages * SIZE)]
    throttle = Throttle(REFUSALS[refusal], rate=50)
    with PageServer(jobs) as server:
        found = sorted(str(job.restore_job_id) for job in listing_of(server, throttle).parallel(16))
    assert found == [job["RestoreJobId"] for job in server.jobs]
    assert throttle.refused > 0
    assert throttle.answered <= 2 * pages
    assert throttle.answered + throttle.refused <= 4 * pages


@pytest.mark.parametrize("refusal", REFUSALS)
def test_gather_completes_under_throttling(refusal: str) -> None:
    """`gather` yields every job in order, with at most four requests for each page."""
    listings, pages = 24, 2
    jobs = [wire_job(number) for number in range(pages * SIZE)]
    throttle = Throttle(REFUSALS[refusal], rate=40)
    with PageServer(jobs) as server:
        listing = listing_of(server, throttle)
        found = [job.restore_job_id for job in gather(*[listing] * listings, max_workers=16)]
    assert found == [job["RestoreJobId"] for job in server.jobs] * listings
    assert throttle.refused > 0
    assert throttle.answered == listings * pages
    assert throttle.refused <= 3 * listings * pages


def test_more_than_a_hundred_listings_can_be_throttled() -> None:
    """A client retries for more than a hundred throttled listings; botocore alone would stop."""
    listings = 130
    throttle = Throttle(REFUSALS["ThrottlingException"], rate=100, at_first=listings)
    with PageServer([wire_job(0)]) as server:
        listing = listing_of(server, throttle)
        found = list(gather(*[listing] * listings, max_workers=listings))
    assert len(found) == throttle.answered == listings
    assert listings <= throttle.refused <= 4 * listings

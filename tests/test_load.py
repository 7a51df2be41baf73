"""A service that throttles to a fixed rate: listings come whole, and do not hammer it."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from page_server import Answer, PageServer, wire_job
from typing_extensions import override

from restorejobs_client import RestoreJobsClient, gather

if TYPE_CHECKING:
    from collections.abc import Iterable

    from restorejobs_client import RestoreJob

REFUSALS = {
    "ThrottlingException": Answer(
        status=400,
        body=b'{"message": "Rate exceeded"}',
        headers={"x-amzn-ErrorType": "ThrottlingException"},
    ),
    "bare 429": Answer(status=429),
}
SIZE = 50  # jobs a page
AT_ONCE = 10  # requests that are answered after a pause, however high the rate
SESSION = boto3.Session(
    aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
)


class BusyServer(PageServer):
    """Refuses some requests at first, then all but so many a second (and a few of them at once).

    It knows the bounds of the creation date, which `parallel` divides a listing by.
    """

    def __init__(self, count: int, refusal: Answer, *, rate: float, at_first: int = 1) -> None:
        super().__init__([wire_job(number) for number in range(count)])
        self.refused = 0
        self._refusal = refusal
        self._rate = rate
        self._at_first = at_first
        self._left = 0.0
        self._filled = 0.0
        self._bucket = threading.Lock()

    @override
    def _answer(self, head: str) -> Answer:
        with self._bucket:
            now = time.monotonic()
            if self.refused >= self._at_first:
                self._left = min(AT_ONCE, self._left + (now - self._filled) * self._rate)
            self._filled = now
            if self._left < 1:
                self.refused += 1
                return self._refusal
            self._left -= 1
        return self._page(dict(parse_qsl(urlsplit(head.split(" ", 2)[1]).query)))

    def _page(self, query: dict[str, str]) -> Answer:
        self.requests.append(query)
        after, before = (
            datetime.fromisoformat(query[name]).timestamp() if name in query else None
            for name in ("createdAfter", "createdBefore")
        )
        jobs = [
            job
            for job in self.jobs
            if (after is None or job["CreationDate"] >= after)
            and (before is None or job["CreationDate"] <= before)
        ]
        start, size = int(query.get("nextToken", "0")), int(query["maxResults"])
        token = str(start + size) if start + size < len(jobs) else None
        content = {"RestoreJobs": jobs[start : start + size], "NextToken": token}
        return Answer(body=json.dumps(content).encode())


def client_of(server: PageServer) -> RestoreJobsClient:
    """Return a client with the settings that it has where nothing is configured."""
    return RestoreJobsClient(session=SESSION, endpoint_url=server.endpoint_url)


def timed_ids(jobs: Iterable[RestoreJob]) -> list[str | None]:
    started = time.monotonic()
    found = [job.restore_job_id for job in jobs]
    assert time.monotonic() - started < 60
    return found


@pytest.mark.parametrize("refusal", REFUSALS)
def test_parallel_brings_all_of_a_service_that_throttles(refusal: str) -> None:
    pages = 48
    with BusyServer(pages * SIZE, REFUSALS[refusal], rate=50) as server:
        listing = client_of(server).list_restore_jobs(
            max_results=SIZE,
            by_created_after=datetime.fromtimestamp(1_700_000_000, UTC),
            by_created_before=datetime.fromtimestamp(1_700_000_001 + pages * SIZE, UTC),
        )
        found = timed_ids(listing.parallel(16))
    assert sorted(map(str, found)) == [job["RestoreJobId"] for job in server.jobs]
    assert server.refused > 0
    assert len(server.requests) <= 2 * pages
    assert len(server.requests) + server.refused <= 4 * pages


@pytest.mark.parametrize("refusal", REFUSALS)
def test_gather_brings_all_of_a_service_that_throttles(refusal: str) -> None:
    listings, pages = 24, 2
    with BusyServer(pages * SIZE, REFUSALS[refusal], rate=40) as server:
        client = client_of(server)
        listing = client.list_restore_jobs(max_results=SIZE)
        found = timed_ids(gather(*[listing] * listings, max_workers=16))
    assert found == [job["RestoreJobId"] for job in server.jobs] * listings
    assert server.refused > 0
    assert len(server.requests) == listings * pages
    assert server.refused <= 3 * listings * pages


def test_more_listings_are_throttled_at_once_than_botocore_retries() -> None:
    """botocore has no retries left for a client while a hundred of them are under way."""
    listings = 130
    with BusyServer(1, REFUSALS["ThrottlingException"], rate=100, at_first=listings) as server:
        listing = client_of(server).list_restore_jobs()
        found = timed_ids(gather(*[listing] * listings, max_workers=listings))
    assert len(found) == len(server.requests) == listings
    assert listings <= server.refused <= 4 * listings

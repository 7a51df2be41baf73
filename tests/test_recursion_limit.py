"""Listings that run close to the recursion limit."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.memory_service import Service, job, listing_of

from restorejobs_client import RestoreJobPage, RestoreJobsClient, RestoreJobsError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.raw_server import PageServer


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """Keep objects of other tests from being finalized here, with too few frames."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
def test_low_recursion_limit_raises_only_errors_of_this_package(server: PageServer) -> None:
    """With 20 or more frames left, a listing is complete or raises a RestoreJobsError."""
    listing = RestoreJobsClient(client=server.client(attempts=1)).list_restore_jobs(max_results=150)
    expected, limit = list(listing), sys.getrecursionlimit()
    frame, depth = sys._getframe(), 0  # noqa: SLF001  # there is no other way
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    outcomes: set[str] = set()
    for frames_left in range(20, 180):
        try:
            sys.setrecursionlimit(depth + frames_left)
            try:
                assert list(listing) == expected
                outcomes.add("jobs")
            finally:
                sys.setrecursionlimit(limit)
        except RestoreJobsError:
            outcomes.add("error")
    assert outcomes == {"jobs", "error"}


def test_next_after_a_recursion_error_requests_the_page_again() -> None:
    """A RecursionError is raised as a TransportError, and the iterator continues after it."""
    service = Service([job(0)])

    def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
        if not service.asked:
            service.asked.append(parameters)
            raise RecursionError
        return service.fetch(parameters)

    iterator = iter(listing_of(fetch))
    with pytest.raises(TransportError, match="recursion limit"):
        next(iterator)
    assert list(iterator) == [job(0)]

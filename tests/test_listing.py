"""Listings: iterating over jobs and pages, `first`, `head`, `limit`, and interrupts."""

from __future__ import annotations

import gc
import itertools
import linecache
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.memory_service import Service
from support.raw_server import wire_job

import restorejobs_client
from restorejobs_client import (
    InvalidRequestError,
    PaginationError,
    RestoreJob,
    RestoreJobPage,
    gather,
)
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.raw_server import PageServer

    from restorejobs_client import RestoreJobsClient

JOBS = [RestoreJob.from_dict(wire_job(number)) for number in range(23)]


def service(page_size: int | None = None) -> Service:
    """Return a service of 23 jobs. Without `page_size`, its pages are as large as requested."""
    return Service(JOBS, order="given", page_size=page_size)


def page(*numbers: int, token: str | None = None) -> RestoreJobPage:
    """Return a page with the jobs of these numbers."""
    return RestoreJobPage(restore_jobs=tuple(JOBS[n] for n in numbers), next_token=token)


def scripted(*pages: RestoreJobPage) -> Service:
    """Return a service that answers with these pages, in order."""
    answers = Service()
    answers.answer_next(*pages)
    return answers


def test_nothing_is_sent_until_iterated(server: PageServer, client: RestoreJobsClient) -> None:
    """Only `next` sends a request; creating, showing and asking for a checkpoint do not."""
    listing = client.list_restore_jobs(max_results=100)
    jobs, pages = iter(listing), listing.pages()
    assert repr(listing)
    assert jobs.checkpoint
    assert server.requests == []
    next(jobs)
    assert len(server.requests) == 1
    next(pages)
    assert len(server.requests) == 2


def test_each_iteration_is_a_full_run(client: RestoreJobsClient) -> None:
    """Each iterator over a listing yields all its jobs, and nothing after the last one."""
    listing = client.list_restore_jobs(max_results=70)
    first, second = iter(listing), iter(listing)
    assert len(list(itertools.islice(first, 50))) == 50
    assert len(list(second)) == 300
    assert len(list(first)) == 250
    assert list(first) == []


def test_iteration_continues_after_break(client: RestoreJobsClient) -> None:
    """After a `break`, the same iterator continues with the next job."""
    iterator = iter(client.list_restore_jobs(max_results=100))
    for number, _ in enumerate(iterator, start=1):
        if number == 42:
            break
    assert len(list(iterator)) == 258


def test_pages_are_those_of_the_service(server: PageServer, client: RestoreJobsClient) -> None:
    """`pages` yields the pages of the service, with their tokens."""
    pages = list(client.list_restore_jobs(max_results=140).pages())
    assert [len(page) for page in pages] == [140, 140, 20]
    assert [page.next_token for page in pages] == [server.token(140), server.token(280), None]


def test_listing_ends_only_without_a_token() -> None:
    """A listing continues after an empty page with a token; it ends without a token."""
    pages = page(token="a"), page(0, token="b"), page(token="c"), page(1, token="")
    assert list(scripted(*pages).listing()) == JOBS[:2]


def test_next_token_starts_at_its_page(server: PageServer, client: RestoreJobsClient) -> None:
    """A listing with `next_token` begins with the page of that token."""
    jobs = list(client.list_restore_jobs(next_token=server.token(290)))
    assert [job.restore_job_id for job in jobs] == [f"job-{n:06}" for n in range(290, 300)]


@pytest.mark.parametrize("tokens", ["AA", "ABA", "ABAB", "ABCB", "ABCDEFGHIJA"])
def test_repeated_token_raises_before_a_job_is_repeated(tokens: str) -> None:
    """A page whose token was used before raises `PaginationError` and yields no job."""
    pages = [page(number, token=token) for number, token in enumerate(tokens)]
    iterator = iter(scripted(*pages).listing())
    first_repeat = next(n for n in range(1, len(tokens)) if tokens[n] in tokens[:n])
    assert list(itertools.islice(iterator, first_repeat)) == JOBS[:first_repeat]
    with pytest.raises(PaginationError) as caught:
        next(iterator)
    assert caught.value.checkpoint == iterator.checkpoint


def test_token_of_the_caller_counts_as_used() -> None:
    """A page that answers `next_token` with the same token raises `PaginationError`."""
    iterator = iter(scripted(page(1, token="5")).listing(next_token="5"))
    with pytest.raises(PaginationError):
        next(iterator)


def test_iterator_continues_after_a_repeated_token() -> None:
    """After `PaginationError`, the iterator requests the same page again."""
    pages = page(0, token="a"), page(1, token="a"), page(1, token="b"), page(2)
    iterator = iter(scripted(*pages).listing())
    assert next(iterator) == JOBS[0]
    with pytest.raises(PaginationError):
        next(iterator)
    assert list(iterator) == JOBS[1:3]


def test_repeated_token_over_http_loses_no_job() -> None:
    """The checkpoint of a `PaginationError` continues with the next job."""
    jobs = sample_jobs(30)
    with fake_backup(jobs) as backup:
        listing = backup.client().list_restore_jobs(max_results=10)
        iterator = iter(listing)
        before = [next(iterator) for _ in range(10)]
        backup.fail_next("stuck_token")
        with pytest.raises(PaginationError) as caught:
            next(iterator)
        assert caught.value.checkpoint is not None
        assert before + list(backup.client().resume(caught.value.checkpoint)) == list(listing)


def test_first_requests_one_job(server: PageServer, client: RestoreJobsClient) -> None:
    """`first` requests a page of one job."""
    first = client.list_restore_jobs().first()
    assert first == RestoreJob.from_dict(server.jobs[0])
    assert [request["maxResults"] for request in server.requests] == ["1"]


def test_first_skips_empty_pages() -> None:
    """`first` returns the first job of the listing, or `None` if all its pages are empty."""
    assert scripted(page(token="a"), page(3)).listing().first() == JOBS[3]
    assert scripted(page()).listing().first() is None
    assert service().listing(limit=0).first() is None


def test_head_requests_only_what_it_returns(server: PageServer, client: RestoreJobsClient) -> None:
    """`head` returns ten jobs by default, as one page, and requests no more than that."""
    head = client.list_restore_jobs().head()
    assert list(head) == [RestoreJob.from_dict(job) for job in server.jobs[:10]]
    assert head.next_token is None
    assert [request["maxResults"] for request in server.requests] == ["10"]


def test_head_respects_page_size_and_limit() -> None:
    """`head(n)` returns `n` jobs, or fewer if the listing has fewer."""
    assert list(service().listing(max_results=5).head(12)) == JOBS[:12]
    assert list(service().listing(max_results=5).head(100)) == JOBS
    assert list(service().listing(max_results=5, limit=3).head(4)) == JOBS[:3]
    assert list(service().listing().head(0)) == []


@pytest.mark.parametrize("n", [-1, True, 1.0, "2", None])
def test_wrong_count_for_head_is_refused(n: Any) -> None:
    """`head` takes an int of 0 or more."""
    with pytest.raises(InvalidRequestError, match=f"n={n!r} is refused"):
        service().listing().head(n)


def test_first_and_head_begin_where_the_listing_begins() -> None:
    """`first` and `head` begin after the checkpoint of the listing, or in its window."""
    with fake_backup(sample_jobs(40)) as backup:
        client = backup.client()
        jobs = list(client.list_restore_jobs())
        iterator = iter(client.list_restore_jobs(max_results=10))
        assert len(list(itertools.islice(iterator, 13))) == 13
        rest = client.list_restore_jobs(max_results=10, resume_from=iterator.checkpoint)
        assert rest.first() == jobs[13]
        assert list(rest.head(9)) == jobs[13:22]
        for window in client.list_restore_jobs().split(4):
            assert window.first() == next(iter(window), None)
            assert list(window.head(40)) == list(window)


@pytest.mark.parametrize("limit", [0, 1, 4, 5, 6, 10, 22, 23, 24, 1000])
def test_limit_ends_the_run_and_its_requests(limit: int) -> None:
    """A run yields `limit` jobs, and its last request has the number of jobs that are missing."""
    limited = service()
    assert list(limited.listing(max_results=5, limit=limit)) == JOBS[:limit]
    sizes = [asked["MaxResults"] for asked in limited.asked]
    assert all(size <= 5 for size in sizes)
    if limit <= len(JOBS):
        assert sum(sizes) == limit


def test_limit_cuts_a_page_that_is_too_large() -> None:
    """If the service ignores MaxResults, the last page is cut and has no token."""
    pages = list(service(page_size=10).listing(max_results=5, limit=13).pages())
    assert [job for page in pages for job in page] == JOBS[:13]
    assert [page.next_token for page in pages] == ["10", None]  # "20" would skip seven jobs


@pytest.mark.parametrize("limit", [-1, True, 1.0, "5", 10**30 * -1])
def test_wrong_limit_is_refused(limit: Any) -> None:
    """`limit` takes an int of 0 or more, or None."""
    with pytest.raises(InvalidRequestError, match="limit="):
        service().listing(limit=limit)


def test_repr_shows_region_filters_and_limit(client: RestoreJobsClient, server: PageServer) -> None:
    """The repr of a listing shows its region, filters and limit, and hides checkpoints."""
    checkpoint = iter(client.list_restore_jobs(by_status="FAILED")).checkpoint
    listing = client.list_restore_jobs(by_status="FAILED", limit=5, resume_from=checkpoint)
    assert repr(listing) == (
        f"RestoreJobs(region_name='eu-west-1', endpoint_url='{server.endpoint_url}', "
        "by_status='FAILED', limit=5, resume_from='…')"
    )


class Interrupt(BaseException):
    """An interrupt, such as Ctrl-C."""


class Interrupter:
    """Raises one interrupt, before a certain line of this package, unless signals are held."""

    def __init__(self, line: int) -> None:
        self.lines = 0
        self._line = line
        self._package = str(Path(restorejobs_client.__file__).parent)

    def next(self, iterator: Any) -> Any:
        """Return the next item, and count the lines that ran."""
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            return next(iterator, None)
        finally:
            sys.settrace(before)

    def _trace(self, frame: Any, event: str, _: object) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(self._package):
            return None
        if event == "line":
            self.lines += 1
            # Like any iterator, an interrupted `return` loses its value.
            is_return = "return" in linecache.getline(file, frame.f_lineno)
            is_held = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
            if self.lines == self._line and not is_return and not is_held:
                raise Interrupt
        return self._trace


@pytest.mark.parametrize("by_page", [False, True])
def test_interrupt_at_any_line_loses_no_job(*, by_page: bool) -> None:
    """After an interrupt before any line, the iterator and its checkpoint both continue."""
    gc.collect()  # so that objects of other tests are not finalized here, and interrupted

    def run(interrupted_line: int) -> int:
        interrupter = Interrupter(interrupted_line)
        listing = service().listing(max_results=7)
        iterator: Any = listing.pages() if by_page else iter(listing)
        jobs: list[RestoreJob] = []
        while True:
            try:
                item = interrupter.next(iterator)
            except Interrupt:
                resumed = service().listing(max_results=7, resume_from=iterator.checkpoint)
                assert jobs + list(resumed) == JOBS, interrupted_line
                continue
            if item is None:
                assert jobs == JOBS, interrupted_line
                return interrupter.lines
            jobs.extend(item if by_page else [item])

    for line in range(1, run(0) + 1):
        run(line)


def test_interrupt_at_any_line_loses_no_job_of_a_stream() -> None:
    """After an interrupt before any line of the caller's thread, a stream yields the rest."""
    gc.collect()  # as above

    def run(interrupted_line: int) -> int:
        interrupter = Interrupter(interrupted_line)
        jobs: list[RestoreJob] = []
        answers = Service(JOBS, order="given", delay=0.001)
        parts = [
            answers.listing(max_results=4, limit=12),
            answers.listing(max_results=4, next_token="12"),
        ]
        with gather(*parts, max_workers=1) as stream:
            while True:
                with suppress(Interrupt):
                    job = interrupter.next(stream)
                    if job is None:
                        assert jobs == JOBS, interrupted_line
                        assert answers.most_at_once == 1  # also if it has started twice
                        return interrupter.lines
                    jobs.append(job)

    for line in range(1, run(0) + 1):
        run(line)


class Reader:
    """Sends a signal when a certain function of this package begins; its handler reads too."""

    def __init__(self, call: int, count: int) -> None:
        self.calls = 0
        self.items: list[Any] = []
        self._call = call
        self._count = count
        self._package = str(Path(restorejobs_client.__file__).parent)

    def read(self, iterator: Any) -> None:
        """Read all items, those of the handler included."""

        def handler(*_: object) -> None:
            with suppress(InvalidRequestError):  # of a watch
                self.items.extend(itertools.islice(iterator, self._count))

        before, profiled = signal.signal(signal.SIGUSR1, handler), sys.getprofile()
        sys.setprofile(self._profile)  # coverage needs the trace function
        try:
            for item in iterator:
                self.items.append(item)  # the handler adds some between
        finally:
            sys.setprofile(profiled)
            signal.signal(signal.SIGUSR1, before)

    def _profile(self, frame: Any, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(self._package):
            self.calls += 1
            if self.calls == self._call:
                signal.raise_signal(signal.SIGUSR1)


@pytest.mark.parametrize("kind", ["jobs", "pages", "gather", "watch"])
@pytest.mark.parametrize("count", [2, 9])  # less and more than a page has
def test_signal_handler_may_read_at_any_moment(kind: str, count: int) -> None:
    """A loop, and a handler that interrupts it when any function begins, get each job once."""
    gc.collect()  # as above

    def run(interrupted_call: int) -> int:
        reader, listing = Reader(interrupted_call, count), service().listing(max_results=7)
        first = service().listing(max_results=4, limit=11)
        second = service().listing(max_results=4, next_token="11")
        iterators: dict[str, Callable[[], Any]] = {
            "jobs": listing.__iter__,
            "pages": listing.pages,
            "gather": lambda: gather(first, second),
            "watch": lambda: listing.watch(until=lambda _: True),
        }
        reader.read(iterators[kind]())
        items = reader.items
        jobs = [job for page in items for job in page] if kind == "pages" else items
        assert sorted(jobs, key=JOBS.index) == JOBS, interrupted_call
        return reader.calls

    for call in range(1, run(0) + 1):
        run(call)

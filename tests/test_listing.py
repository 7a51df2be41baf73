"""Iterating, limits, checkpoints: over real HTTP, or with a plain function for the service."""

from __future__ import annotations

import itertools
import json
import linecache
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from memory_service import listing_of
from page_server import Answer, wire_job

import restorejobs_client
from restorejobs_client import (
    InvalidCheckpointError,
    InvalidRequestError,
    ListRestoreJobsRequest,
    PaginationError,
    RestoreJob,
    RestoreJobIterator,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsError,
)
from restorejobs_client._checkpoint import Position
from restorejobs_client._cursor import Cursor, Listing
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from page_server import PageServer

NEW = RestoreJob(restore_job_id="new")
NEWER = RestoreJob(restore_job_id="newer")
JOBS = tuple(RestoreJob.from_dict(wire_job(number)) for number in range(23))


class Pages:
    """A service in memory: the pages of some jobs, of the size asked for or of its own."""

    def __init__(self, jobs: Iterable[RestoreJob] = JOBS, size: int | None = None) -> None:
        self.jobs = tuple(jobs)
        self.size = size
        self.asked: list[dict[str, Any]] = []

    def fetch(self, parameters: dict[str, Any]) -> RestoreJobPage:
        self.asked.append(parameters)
        start = int(parameters.get("NextToken", "0"))
        stop = start + (self.size or parameters["MaxResults"])
        more = stop < len(self.jobs)
        return RestoreJobPage(
            restore_jobs=self.jobs[start:stop], next_token=str(stop) if more else None
        )

    def listing(
        self, *, max_results: int = 5, limit: int | None = None, resume_from: str | None = None
    ) -> RestoreJobs:
        request = ListRestoreJobsRequest(max_results=max_results)
        return listing_of(self.fetch, request=request, limit=limit, resume_from=resume_from)


def scripted(*pages: RestoreJobPage | RestoreJobsError) -> RestoreJobs:
    """List what the pages say, one a request, whatever is asked."""
    answers = iter(pages)

    def fetch(_: object) -> RestoreJobPage:
        answer = next(answers)
        if isinstance(answer, RestoreJobsError):
            raise answer
        return answer

    return listing_of(fetch)


def page(*numbers: int, token: str | None = None) -> RestoreJobPage:
    return RestoreJobPage(restore_jobs=tuple(JOBS[n] for n in numbers), next_token=token)


def take(iterator: RestoreJobIterator, count: int) -> tuple[RestoreJob, ...]:
    return tuple(itertools.islice(iterator, count))


# Iterating


def test_nothing_is_sent_until_it_is_iterated(
    server: PageServer, client: RestoreJobsClient
) -> None:
    listing = client.list_restore_jobs(max_results=100)
    iterator = iter(listing)
    pages = listing.pages()
    assert repr(listing)
    assert iterator.checkpoint
    assert server.requests == []

    next(iterator)
    assert len(server.requests) == 1
    next(pages)
    assert len(server.requests) == 2


def test_each_iteration_is_a_fresh_full_run(client: RestoreJobsClient) -> None:
    listing = client.list_restore_jobs(max_results=70)
    first, second = iter(listing), iter(listing)
    take(first, 50)
    assert len(list(second)) == 300
    assert len(list(first)) == 250
    assert list(first) == []
    assert len(list(listing)) == 300


def test_pages_come_as_aws_divides_them(client: RestoreJobsClient) -> None:
    pages = list(client.list_restore_jobs(max_results=140).pages())
    assert [len(page.restore_jobs) for page in pages] == [140, 140, 20]
    assert [page.next_token for page in pages] == ["token-140", "token-280", None]


def test_only_the_absence_of_a_token_ends_a_listing() -> None:
    listing = scripted(page(token="a"), page(0, token="b"), page(token="c"), page(1, token=""))
    assert tuple(listing) == JOBS[:2]


def test_next_token_begins_there(server: PageServer, client: RestoreJobsClient) -> None:
    jobs = list(client.list_restore_jobs(next_token="token-290"))
    assert [job.restore_job_id for job in jobs] == [f"job-{n:06}" for n in range(290, 300)]
    assert server.requests[0]["nextToken"] == "token-290"


@pytest.mark.parametrize("tokens", ["AA", "ABA", "ABAB", "ABCB", "ABCDEFGHIJA"])
def test_a_token_that_comes_back_raises_before_a_job_is_delivered_twice(tokens: str) -> None:
    pages = [page(number, token=token) for number, token in enumerate(tokens)]
    iterator = iter(scripted(*pages, *pages))
    seen: list[RestoreJob] = []
    with pytest.raises(PaginationError) as caught:
        seen.extend(_each(iterator, seen))
    assert caught.value.checkpoint == iterator.checkpoint
    assert seen == list(JOBS[: _place_of_repeat(tokens)])


def _place_of_repeat(tokens: str) -> int:
    return next(i for i in range(1, len(tokens)) if tokens[i] in tokens[:i])


def _each(iterator: RestoreJobIterator, seen: list[RestoreJob]) -> list[RestoreJob]:
    for job in iterator:
        seen.append(job)  # noqa: PERF402  # kept although the next one may raise
    return []


def test_a_repeated_token_that_passes_is_got_over() -> None:
    iterator = iter(
        scripted(page(0, token="a"), page(1, token="a"), page(1, token="b"), page(2, token=None))
    )
    assert next(iterator) == JOBS[0]
    with pytest.raises(PaginationError):
        next(iterator)
    assert tuple(iterator) == JOBS[1:3]


def test_a_token_that_the_caller_gave_counts_as_used() -> None:
    service = Pages()
    request = ListRestoreJobsRequest(next_token="5", max_results=5)
    listing = listing_of(lambda _: page(1, token="5"), request=request)
    with pytest.raises(PaginationError):
        next(iter(listing))
    assert len(tuple(listing_of(service.fetch, request=request))) == 18


# first, head, limit


def test_first_asks_for_one_job(server: PageServer, client: RestoreJobsClient) -> None:
    first = client.list_restore_jobs().first()
    assert first is not None
    assert first.restore_job_id == "job-000000"
    assert [request["maxResults"] for request in server.requests] == ["1"]
    assert scripted(page(token="a"), page(3)).first() == JOBS[3]
    assert scripted(page()).first() is None
    assert Pages().listing(limit=0).first() is None


def test_head_is_the_beginning_as_one_page(server: PageServer, client: RestoreJobsClient) -> None:
    head = client.list_restore_jobs().head()
    assert [job.restore_job_id for job in head.restore_jobs] == [f"job-{n:06}" for n in range(10)]
    assert head.next_token is None
    assert [request["maxResults"] for request in server.requests] == ["10"]
    assert len(client.list_restore_jobs(max_results=7).head(20).restore_jobs) == 20
    assert Pages().listing().head(100) == RestoreJobPage(restore_jobs=JOBS)
    assert Pages().listing(limit=3).head(4).restore_jobs == JOBS[:3]
    assert Pages().listing().head(0) == RestoreJobPage()


@pytest.mark.parametrize("n", [-1, True, 1.0, "2", None])
def test_a_number_of_jobs_that_cannot_be_is_refused(n: Any) -> None:
    with pytest.raises(InvalidRequestError, match=f"n={n!r} is refused"):
        Pages().listing().head(n)


@pytest.mark.parametrize("limit", [0, 1, 4, 5, 6, 10, 22, 23, 24, 1000])
def test_limit_counts_the_jobs_of_a_run(limit: int) -> None:
    service = Pages()
    assert tuple(service.listing(limit=limit)) == JOBS[:limit]
    # The last request asks for no more than is left.
    sizes = [asked["MaxResults"] for asked in service.asked]
    assert all(size <= 5 for size in sizes)
    if limit <= len(JOBS):
        assert sum(sizes) == limit


def test_first_and_head_are_the_beginning_of_what_is_left(client: RestoreJobsClient) -> None:
    jobs = list(client.list_restore_jobs())
    iterator = iter(client.list_restore_jobs(max_results=100))
    take(iterator, 130)
    rest = client.list_restore_jobs(max_results=100, resume_from=iterator.checkpoint)
    assert rest.first() == jobs[130]
    assert rest.head(90).restore_jobs == tuple(jobs[130:220])
    with fake_backup(sample_jobs(40)) as backup:
        for part in backup.client().list_restore_jobs().split(4):
            assert part.head(40).restore_jobs == tuple(part)
            assert part.first() == next(iter(part), None)


def test_limit_holds_where_the_service_ignores_max_results() -> None:
    service = Pages(size=10)
    assert tuple(service.listing(limit=13)) == JOBS[:13]
    pages = list(service.listing(limit=13).pages())
    assert [len(page.restore_jobs) for page in pages] == [10, 3]
    assert [page.next_token for page in pages] == ["10", None]  # "20" would skip seven jobs


@pytest.mark.parametrize("limit", [-1, True, 1.0, "5", 10**30 * -1])
def test_a_limit_that_cannot_be_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidRequestError, match="limit="):
        Pages().listing(limit=limit)


# Checkpoints


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 22, 23, 24])
@pytest.mark.parametrize("other", [1, 2, 4, 7, 23, 1000])
@pytest.mark.parametrize("ignored", [None, 6], ids=["honoured", "ignored"])
def test_resuming_at_every_place_brings_exactly_the_rest(
    size: int, other: int, ignored: int | None
) -> None:
    iterator = iter(Pages().listing(max_results=size))
    for place in range(len(JOBS) + 1):
        service = Pages(size=ignored)
        resumed = iter(service.listing(max_results=other, resume_from=iterator.checkpoint))
        assert tuple(resumed) == JOBS[place:]
        next(iterator, None)


@pytest.mark.parametrize("place", range(24))
def test_checkpoints_of_a_resumed_run_are_as_exact(place: int) -> None:
    iterator = iter(Pages().listing(max_results=9))
    take(iterator, place)
    for second in range(24 - place):
        resumed = iter(Pages().listing(max_results=4, resume_from=iterator.checkpoint))
        between = take(resumed, second)
        last = Pages().listing(max_results=7, resume_from=resumed.checkpoint)
        assert JOBS[:place] + between + tuple(last) == JOBS


@pytest.mark.parametrize("limit", range(25))
def test_a_limited_run_goes_on_with_the_next(limit: int) -> None:
    for size, ignored in ((4, None), (23, None), (5, 8)):
        iterator = iter(Pages(size=ignored).listing(max_results=size, limit=limit))
        first = tuple(iterator)
        service = Pages(size=ignored)
        again = service.listing(max_results=size, limit=3, resume_from=iterator.checkpoint)
        assert tuple(again) == JOBS[limit : limit + 3]
        assert first == JOBS[:limit]


def test_a_resumed_run_asks_for_no_more_than_its_limit_and_what_it_passes_over() -> None:
    iterator = iter(Pages().listing(max_results=20))
    take(iterator, 7)
    service = Pages()
    resumed = service.listing(max_results=20, limit=3, resume_from=iterator.checkpoint)
    assert tuple(resumed) == JOBS[7:10]
    assert [asked["MaxResults"] for asked in service.asked] == [10]


def test_an_error_between_pages_has_the_place_between_them() -> None:
    for taken in (1, 2):
        bad = RestoreJobsError("went wrong")
        pages = scripted(page(0, 1, token="2"), page(2, 3, token="4"), bad).pages()
        if taken == 1:
            pages = scripted(page(0, 1, token="2"), bad).pages()
        for _ in range(taken):
            next(pages)
        with pytest.raises(RestoreJobsError):
            next(pages)
        rest = Pages().listing(resume_from=bad.checkpoint)
        assert tuple(rest) == JOBS[2 * taken :]


def test_a_run_that_has_ended_has_no_rest_and_asks_for_none() -> None:
    iterator = iter(Pages().listing())
    list(iterator)
    service = Pages()
    resumed = iter(service.listing(resume_from=iterator.checkpoint))
    assert list(resumed) == []
    assert service.asked == []
    assert resumed.checkpoint == iterator.checkpoint


def test_resuming_over_http_under_another_size(
    server: PageServer, client: RestoreJobsClient
) -> None:
    iterator = iter(client.list_restore_jobs(max_results=100))
    before = take(iterator, 150)
    for size in (1000, 33):
        rest = client.list_restore_jobs(max_results=size, resume_from=iterator.checkpoint)
        assert [*before, *rest] == list(client.list_restore_jobs())
    server.ignores_max_results = True
    rest = client.list_restore_jobs(max_results=33, resume_from=iterator.checkpoint)
    assert [*before, *rest] == list(client.list_restore_jobs())


def test_an_error_while_resuming_keeps_the_place() -> None:
    iterator = iter(Pages().listing(max_results=20))
    take(iterator, 15)
    checkpoint = iterator.checkpoint
    service = Pages()
    down = {"down"}

    def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
        if parameters.get("NextToken") == "8" and down:
            message = "down"
            raise RestoreJobsError(message)
        return service.fetch(parameters)

    request = ListRestoreJobsRequest(max_results=4)
    resumed = iter(listing_of(fetch, request=request, resume_from=checkpoint))
    with pytest.raises(RestoreJobsError) as caught:
        next(resumed)
    assert caught.value.checkpoint == checkpoint == resumed.checkpoint
    down.clear()
    assert tuple(resumed) == JOBS[15:]


@pytest.mark.parametrize(
    ("change", "repeats"),
    [
        (lambda jobs: jobs.insert(0, NEW), 0),
        (lambda jobs: jobs.__setitem__(slice(0, 0), [NEW, NEWER]), 0),
        (lambda jobs: jobs.pop(0), 7),
        (lambda jobs: jobs.pop(6), 7),
        (lambda jobs: jobs.pop(7), 0),
        (lambda jobs: jobs.insert(3, NEW), 7),
        (lambda jobs: jobs.insert(7, NEW), 0),
        (lambda jobs: (jobs.pop(2), jobs.insert(1, NEW)), 7),
        (lambda jobs: jobs.reverse(), 7),
        (lambda jobs: jobs.clear(), 0),
        (lambda jobs: jobs.__delitem__(slice(3, None)), 7),
    ],
)
@pytest.mark.parametrize("size", [3, 10, 1000])
def test_where_the_page_has_changed_rather_one_job_twice_than_one_lost(
    change: Callable[[list[RestoreJob]], object], repeats: int, size: int
) -> None:
    iterator = iter(Pages().listing(max_results=10))
    before = take(iterator, 7)
    jobs = list(JOBS)
    change(jobs)

    rest = list(Pages(jobs).listing(max_results=size, resume_from=iterator.checkpoint))

    assert {*before, *rest} >= set(jobs)
    assert len(rest) == len(set(rest))
    assert len({*before} & {*rest}) <= repeats


def test_jobs_without_an_id_have_a_place_too() -> None:
    jobs = tuple(RestoreJob(account_id=str(number)) for number in range(9))
    iterator = iter(Pages(jobs).listing())
    take(iterator, 3)
    assert tuple(Pages(jobs).listing(resume_from=iterator.checkpoint)) == jobs[3:]
    changed = (RestoreJob(account_id="new"), *jobs[1:])
    assert tuple(Pages(changed).listing(resume_from=iterator.checkpoint)) == changed


def test_a_checkpoint_is_one_plain_line(client: RestoreJobsClient) -> None:
    iterator = iter(client.list_restore_jobs(max_results=100))
    for _ in range(3):
        take(iterator, 50)
        assert re.fullmatch(r"[A-Za-z0-9_-]{20,300}", iterator.checkpoint)


def test_checkpoints_belong_to_their_filters(server: PageServer, client: RestoreJobsClient) -> None:
    iterator = iter(client.list_restore_jobs(by_status="FAILED", max_results=10))
    take(iterator, 15)
    server.requests.clear()
    for filters in (
        {},
        {"by_status": "COMPLETED"},
        {"by_status": "FAILED", "by_resource_type": "EBS"},
        {"by_account_id": "*"},
    ):
        with pytest.raises(InvalidCheckpointError, match="other filters"):
            client.list_restore_jobs(**filters, resume_from=iterator.checkpoint)  # type: ignore[arg-type]  # mixed
    assert server.requests == []
    same = client.list_restore_jobs(by_status="FAILED", resume_from=iterator.checkpoint)
    assert len(list(same)) == 285


def test_any_cut_or_alteration_of_a_checkpoint_is_refused() -> None:
    iterator = iter(Pages().listing())
    take(iterator, 7)
    checkpoint = iterator.checkpoint
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    damaged = [checkpoint[:length] for length in range(len(checkpoint))]
    damaged += [checkpoint + letter for letter in f"{alphabet}= \n"]
    for place, letter in itertools.product(range(len(checkpoint)), alphabet):
        if checkpoint[place] != letter:
            damaged.append(checkpoint[:place] + letter + checkpoint[place + 1 :])
    damaged += ["é" + checkpoint, checkpoint.replace("rjc2-", "rjc1-"), " " + checkpoint]
    service = Pages()
    for text in damaged:
        with pytest.raises(InvalidCheckpointError, match="checkpoint"):
            service.listing(resume_from=text)
    for other in (5, b"x", object(), ["a"]):
        with pytest.raises(InvalidCheckpointError, match="checkpoint"):
            service.listing(resume_from=other)  # type: ignore[arg-type]  # the wrong type is the case
    assert service.asked == []


def test_next_token_and_resume_from_exclude_each_other(client: RestoreJobsClient) -> None:
    checkpoint = iter(client.list_restore_jobs()).checkpoint
    with pytest.raises(InvalidRequestError, match="next_token and resume_from"):
        client.list_restore_jobs(next_token="a", resume_from=checkpoint)


def test_a_break_loses_nothing(client: RestoreJobsClient) -> None:
    iterator = iter(client.list_restore_jobs(max_results=100))
    seen = []
    for job in iterator:
        seen.append(job)
        if len(seen) == 42:
            break
    assert len([*seen, *iterator]) == 300


def test_a_page_of_which_nothing_was_handed_out_is_still_ahead() -> None:
    cursor = Cursor(Listing(start=Position(token="page-2")))
    before = cursor.checkpoint
    cursor.accept(RestoreJobPage(restore_jobs=(NEW, NEWER), next_token="page-3"))
    assert cursor.checkpoint == before
    next(cursor.jobs)
    assert cursor.checkpoint != before


def test_repr_says_what_is_asked_for(client: RestoreJobsClient) -> None:
    checkpoint = iter(client.list_restore_jobs(by_status="FAILED")).checkpoint
    listing = client.list_restore_jobs(by_status="FAILED", limit=5, resume_from=checkpoint)
    assert repr(listing) == (
        "RestoreJobs(region_name='eu-west-1', by_status='FAILED', limit=5, resume_from='…')"
    )


def test_a_service_that_repeats_a_page_is_noticed_over_http(
    server: PageServer, client: RestoreJobsClient
) -> None:
    def stuck(answer: Answer) -> Answer:
        content = json.loads(answer.body) | {"NextToken": "token-100"}
        return Answer(body=json.dumps(content).encode())

    server.fail(2, stuck)
    iterator = iter(client.list_restore_jobs(max_results=100))
    take(iterator, 100)
    with pytest.raises(PaginationError) as caught:
        next(iterator)
    server.heal()
    rest = client.list_restore_jobs(max_results=100, resume_from=caught.value.checkpoint)
    assert len(list(rest)) == 200


@pytest.mark.parametrize("way", ["jobs", "pages"])
def test_an_interrupt_at_any_line_loses_nothing(way: str) -> None:  # noqa: C901  # a tracer
    """Ctrl-C may come between any two lines; going on afterwards brings exactly the rest."""
    house = str(Path(restorejobs_client.__file__).parent)

    class Interrupt(BaseException):
        pass

    def run(stop_at: int) -> tuple[list[RestoreJob], int]:
        iterator: Any = (
            iter(Pages().listing()) if way == "jobs" else Pages(size=5).listing().pages()
        )
        jobs: list[RestoreJob] = []
        lines = 0
        done = False

        def trace(frame: Any, event: str, _: object) -> Any:
            nonlocal lines
            if not frame.f_code.co_filename.startswith(house):
                return None
            if event == "line":
                lines += 1
                # Where an iterator is about to return, any iterator loses what it returns.
                if lines == stop_at and "return" not in linecache.getline(
                    frame.f_code.co_filename, frame.f_lineno
                ):
                    raise Interrupt
            return trace

        while not done:
            before = sys.gettrace()
            sys.settrace(trace)
            try:
                item = next(iterator, None)
            except Interrupt:
                continue
            finally:
                sys.settrace(before)
            done = item is None
            if isinstance(item, RestoreJobPage):
                jobs.extend(item.restore_jobs)
            elif item is not None:
                jobs.append(item)
        return jobs, lines

    _, lines = run(0)
    for stop_at in range(1, lines + 1, 1 if way == "pages" else 2):
        jobs, _ = run(stop_at)
        assert tuple(jobs) == JOBS, stop_at


def test_a_checkpoint_belongs_to_its_region() -> None:
    with fake_backup(sample_jobs(30)) as backup:
        here, there = backup.client(), backup.client(region_name="eu-west-1")
        iterator = iter(here.list_restore_jobs())
        list(iterator)
        with pytest.raises(InvalidCheckpointError, match="another region"):
            there.list_restore_jobs(resume_from=iterator.checkpoint)

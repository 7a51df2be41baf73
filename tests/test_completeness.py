"""A listing over a real socket is complete, or it raises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.faults import CHUNKED, DAMAGE, FAULTS, REFUSALS, body, chunk, edited, member
from support.raw_server import Answer, PageServer

from restorejobs_client import (
    MalformedResponseError,
    RestoreJob,
    RestoreJobsClient,
    RestoreJobsError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 100  # three pages
every_page = pytest.mark.parametrize("page", [1, 2, 3])


def all_jobs(server: PageServer) -> list[RestoreJob]:
    """Return the jobs of a complete listing."""
    return [RestoreJob.from_dict(job) for job in server.jobs]


def read(jobs: Iterator[RestoreJob]) -> tuple[list[RestoreJob], RestoreJobsError | None]:
    """Return the jobs before the first error, and the error, if there was one."""
    found: list[RestoreJob] = []
    try:
        for job in jobs:
            found.append(job)  # noqa: PERF402  # kept although the next one may raise
    except RestoreJobsError as error:
        return found, error
    return found, None


@every_page
@pytest.mark.parametrize("fault", DAMAGE)
def test_page_that_is_damaged_once_is_requested_again(
    server: PageServer, client: RestoreJobsClient, fault: str, page: int
) -> None:
    """If a page is damaged once, it is requested again, and the listing is complete."""
    server.fail(page, DAMAGE[fault], times=1)
    assert list(client.list_restore_jobs(max_results=SIZE)) == all_jobs(server)
    assert len(server.requests) == 4


@pytest.mark.parametrize("fault", REFUSALS)
def test_refusal_is_not_requested_again(
    server: PageServer, client: RestoreJobsClient, fault: str
) -> None:
    """An error that would occur again is raised after one request."""
    server.fail(1, REFUSALS[fault])
    with pytest.raises(RestoreJobsError):
        client.list_restore_jobs().first()
    assert len(server.requests) == 1


@every_page
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_that_stays_raises_and_loses_nothing(
    server: PageServer, client: RestoreJobsClient, fault: str, page: int
) -> None:
    """A fault raises until it is gone; then the iterator and its checkpoint yield the rest."""
    server.fail(page, FAULTS[fault])
    iterator = iter(client.list_restore_jobs(max_results=SIZE))

    before, error = read(iterator)
    assert before == all_jobs(server)[: (page - 1) * SIZE]
    assert isinstance(error, RestoreJobsError)
    assert isinstance(error, MalformedResponseError) or error.__cause__ is not None
    assert error.checkpoint == iterator.checkpoint
    again, error = read(iterator)
    assert again == []
    assert error is not None

    server.heal()
    resumed = client.list_restore_jobs(max_results=SIZE, resume_from=error.checkpoint)
    assert before + list(resumed) == all_jobs(server)
    assert before + list(iterator) == all_jobs(server)


def test_pages_continue_after_an_error(server: PageServer, client: RestoreJobsClient) -> None:
    """After an error, an iterator of pages requests the same page again."""
    server.fail(2, REFUSALS["403 JSON"], times=1)
    pages = client.list_restore_jobs(max_results=SIZE).pages()
    first = next(pages)
    with pytest.raises(RestoreJobsError):
        next(pages)
    assert [job for page in (first, *pages) for job in page] == all_jobs(server)


@pytest.mark.parametrize("page", [2, 3])
def test_empty_object_is_not_the_page_of_a_token(
    server: PageServer, client: RestoreJobsClient, page: int
) -> None:
    """`{}` in answer to a token is a damaged page."""
    server.fail(page, body(b"{}"))
    before, error = read(iter(client.list_restore_jobs(max_results=SIZE)))
    assert before == all_jobs(server)[: (page - 1) * SIZE]
    assert isinstance(error, MalformedResponseError)


@pytest.mark.parametrize(
    "content", [b"{}", b'{"RestoreJobs": []}', b'{"RestoreJobs": [], "NextToken": ""}']
)
def test_empty_first_page_is_an_empty_listing(
    server: PageServer, client: RestoreJobsClient, content: bytes
) -> None:
    """A listing without jobs is empty and raises no error."""
    server.fail(1, body(content))
    assert list(client.list_restore_jobs()) == []


def test_page_may_have_only_a_token(server: PageServer, client: RestoreJobsClient) -> None:
    """A page without RestoreJobs is followed by the page of its token."""
    server.fail(1, body(json.dumps({"NextToken": server.token(SIZE)}).encode()))
    assert list(client.list_restore_jobs(max_results=SIZE)) == all_jobs(server)[SIZE:]


@pytest.mark.parametrize(
    "name", ["nextToken", "next_token", "NEXTTOKEN", "NextTokem", "extToken", "NextTokens"]
)
def test_misspelled_token_raises(server: PageServer, client: RestoreJobsClient, name: str) -> None:
    """A page is not the last one if it has a member with a name like NextToken."""
    server.fail(2, edited(lambda content: content.update({name: content.pop("NextToken")})))
    before, error = read(iter(client.list_restore_jobs(max_results=SIZE)))
    assert before == all_jobs(server)[:SIZE]
    assert isinstance(error, MalformedResponseError)
    assert "HTTP 200" in str(error)
    assert f"it has {name!r} instead of NextToken" in str(error)


@pytest.mark.parametrize(
    ("page", "name", "value"),
    [
        (3, "nextToken", None),
        (3, "nextToken", ""),
        (3, "AggregationPeriod", "ONE_DAY"),
        (3, "TotalRestoreJobs", 9),
        (3, "NextTokenExpiration", 1_800_000_000),
        (2, "nextToken", "next to the real one"),
    ],
)
def test_unknown_members_of_a_page_are_ignored(
    server: PageServer, client: RestoreJobsClient, page: int, name: str, value: object
) -> None:
    """Members that AWS may add later are ignored."""
    server.fail(page, member(name, value))
    assert list(client.list_restore_jobs(max_results=SIZE)) == all_jobs(server)


def test_page_without_content_length_is_accepted(
    server: PageServer, client: RestoreJobsClient
) -> None:
    """A page may end when the connection closes, or be sent in chunks."""
    server.fail(2, lambda page: Answer(body=page.body, content_length=-1, ending="close"))
    server.fail(3, lambda page: Answer(raw=CHUNKED + chunk(page.body) + b"0\r\n\r\n"))
    assert list(client.list_restore_jobs(max_results=SIZE)) == all_jobs(server)


def test_length_may_have_many_zeros(server: PageServer, client: RestoreJobsClient) -> None:
    """A Content-Length with more digits than Python converts is compared all the same."""

    def padded(page: Answer) -> Answer:
        length = {"Content-Length": str(len(page.body)).zfill(5000)}
        return Answer(body=page.body, headers=length, content_length=-1, ending="close")

    server.fail(2, padded)
    assert list(client.list_restore_jobs(max_results=SIZE)) == all_jobs(server)


@pytest.mark.parametrize("length", ["-1", "", "unknown"])
def test_length_that_is_no_number_says_nothing(
    server: PageServer, client: RestoreJobsClient, length: str
) -> None:
    """A whole page in chunks is listed, whatever text a proxy has put into Content-Length."""
    head = CHUNKED.replace(b"\r\n\r\n", f"\r\nContent-Length: {length}\r\n\r\n".encode())
    server.fail(2, lambda page: Answer(raw=head + chunk(page.body) + b"0\r\n\r\n"))
    assert list(client.list_restore_jobs(max_results=SIZE)) == all_jobs(server)


@pytest.mark.parametrize("length", ["{0}, {0}", "{0}\r\nContent-Length: {0}", "\r\n {0}", "0{0}"])
def test_repeated_length_is_compared(
    server: PageServer, client: RestoreJobsClient, length: str
) -> None:
    """A page whose Content-Length is repeated or folded is listed, and damage if it was cut."""

    def answer(size: int, body: bytes) -> Answer:
        headers = {"Content-Length": length.format(size)}
        return Answer(body=body, headers=headers, content_length=-1, ending="close")

    server.fail(2, lambda page: answer(len(page.body), page.body))
    assert list(client.list_restore_jobs(max_results=SIZE)) == all_jobs(server)
    server.heal()
    server.fail(2, lambda _: answer(5000, b'{"RestoreJobs": []}'))
    with pytest.raises(RestoreJobsError):  # some versions of botocore find it first
        list(client.list_restore_jobs(max_results=SIZE))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("html", r"HTTP 200 .*33 bytes .*<html><body>Sign in"),
        ("nothing", r"HTTP 200 with an empty body is not a list"),
        ("NextToken empty alone", r"it has no RestoreJobs"),
        ("NextToken null alone", r"it has no RestoreJobs"),
        # Up to botocore 1.43.114, urllib3 raises first, with its own message.
        ("short body that is whole JSON", r"19 of 5000 bytes|Connection was closed"),
    ],
)
def test_error_shows_what_was_received(
    server: PageServer, client: RestoreJobsClient, fault: str, message: str
) -> None:
    """The error of a damaged page shows what was received instead of a page."""
    server.fail(1, DAMAGE[fault])
    with pytest.raises((MalformedResponseError, TransportError), match=message):
        client.list_restore_jobs().first()


def test_no_connection_raises_transport_error() -> None:
    """If a server cannot be reached, the TransportError names it and has a checkpoint."""
    with PageServer([]) as stopped:
        boto3_client = stopped.client()
    with pytest.raises(TransportError, match=r"127\.0\.0\.1") as caught:
        RestoreJobsClient(client=boto3_client).list_restore_jobs().first()
    assert caught.value.checkpoint is not None

"""Checkpoints: a listing continues exactly where it stopped, and other texts are refused."""

from __future__ import annotations

import base64
import copy
import functools
import itertools
import json
import operator
import os
import re
import string
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.generating import examples
from support.memory_service import START, Service, client_of, job

from restorejobs_client import (
    InvalidCheckpointError,
    InvalidParameterValueException,
    InvalidRequestError,
    RestoreJob,
    RestoreJobPage,
    RestoreJobs,
    RestoreJobsClient,
    RestoreJobsError,
    TransportError,
)
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from support.memory_service import Parameters
    from support.raw_server import PageServer

JOBS = [job(number, seconds=-number) for number in range(23)]
NEW, NEWER = job(100), job(101)
JUNE, JULY = datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)


def service(jobs: Iterable[RestoreJob] = JOBS, page_size: int | None = None) -> Service:
    """Return a service of these jobs. Without `page_size`, its pages are as large as requested."""
    return Service(jobs, order="given", page_size=page_size)


def take(jobs: Iterator[RestoreJob], count: int) -> list[RestoreJob]:
    """Return the next jobs."""
    return list(itertools.islice(jobs, count))


# Resuming


@pytest.mark.parametrize("size", [1, 3, 11, 22, 23, 1000])
@pytest.mark.parametrize("other_size", [1, 4, 7, 1000])
@pytest.mark.parametrize("page_size", [None, 6])
def test_resume_from_yields_exactly_the_rest(
    size: int, other_size: int, page_size: int | None
) -> None:
    """A listing resumes at any job, whatever its page size and that of the service."""
    iterator = iter(service().listing(max_results=size))
    for place in range(len(JOBS) + 1):
        rest = service(page_size=page_size).listing(
            max_results=other_size, resume_from=iterator.checkpoint
        )
        assert list(rest) == JOBS[place:]
        next(iterator, None)


@pytest.mark.parametrize("place", range(24))
def test_resumed_run_has_exact_checkpoints(place: int) -> None:
    """A resumed run can be resumed again, at any job."""
    iterator = iter(service().listing(max_results=9))
    take(iterator, place)
    for count in range(24 - place):
        resumed = iter(service().listing(max_results=4, resume_from=iterator.checkpoint))
        between = take(resumed, count)
        last = service().listing(max_results=7, resume_from=resumed.checkpoint)
        assert JOBS[:place] + between + list(last) == JOBS


@pytest.mark.parametrize("limit", range(25))
@pytest.mark.parametrize(("size", "page_size"), [(4, None), (23, None), (5, 8)])
def test_limited_run_resumes_after_its_limit(limit: int, size: int, page_size: int | None) -> None:
    """After a run with `limit`, its checkpoint continues with the next job."""
    iterator = iter(service(page_size=page_size).listing(max_results=size, limit=limit))
    assert list(iterator) == JOBS[:limit]
    rest = service(page_size=page_size).listing(
        max_results=size, limit=3, resume_from=iterator.checkpoint
    )
    assert list(rest) == JOBS[limit : limit + 3]


@pytest.mark.parametrize(("page_size", "sizes"), [(None, [10]), (4, [10, 6, 2])])
def test_resumed_run_requests_no_more_than_it_needs(
    page_size: int | None, sizes: list[int]
) -> None:
    """A resumed run with `limit` requests that many jobs, and those before it in its page."""
    iterator = iter(service().listing(max_results=20))
    take(iterator, 7)
    resumed = service(page_size=page_size)
    rest = resumed.listing(max_results=20, limit=3, resume_from=iterator.checkpoint)
    assert list(rest) == JOBS[7:10]
    assert [asked["MaxResults"] for asked in resumed.asked] == sizes


@pytest.mark.parametrize("page", [1, 2])
def test_error_between_pages_has_their_place(page: int) -> None:
    """The checkpoint of an error of `pages` continues with the page that failed."""
    failing = service()
    failing.answer_next(*[failing.page] * page, TransportError("down"))
    pages = failing.listing(max_results=5).pages()
    for _ in range(page):
        next(pages)
    with pytest.raises(TransportError) as caught:
        next(pages)
    rest = service().listing(resume_from=caught.value.checkpoint)
    assert list(rest) == JOBS[5 * page :]


def test_error_while_resuming_keeps_the_checkpoint() -> None:
    """If a resumed run fails before its first job, its checkpoint stays the same."""
    iterator = iter(service().listing(max_results=20))
    take(iterator, 15)
    failing = service()
    failing.answer_next(failing.page, failing.page, TransportError("down"))
    resumed = iter(failing.listing(max_results=4, resume_from=iterator.checkpoint))
    with pytest.raises(TransportError) as caught:
        next(resumed)
    assert caught.value.checkpoint == resumed.checkpoint == iterator.checkpoint
    assert list(resumed) == JOBS[15:]


@pytest.mark.parametrize(
    ("change", "most_repeated"),
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
def test_changed_page_repeats_jobs_rather_than_losing_any(
    change: Callable[[list[RestoreJob]], object], most_repeated: int, size: int
) -> None:
    """If the page of a checkpoint has changed, no job is lost, and as few as possible repeat."""
    iterator = iter(service().listing(max_results=10))
    before = take(iterator, 7)
    jobs = list(JOBS)
    change(jobs)
    rest = list(service(jobs).listing(max_results=size, resume_from=iterator.checkpoint))
    assert {*before, *rest} >= set(jobs)
    assert len(rest) == len(set(rest))
    assert len({*before} & {*rest}) <= most_repeated


def test_jobs_without_an_id_can_be_resumed() -> None:
    """A job without an id is recognized by its other members."""
    jobs = [RestoreJob(account_id=str(number)) for number in range(9)]
    iterator = iter(service(jobs).listing(max_results=5))
    take(iterator, 3)
    assert list(service(jobs).listing(resume_from=iterator.checkpoint)) == jobs[3:]
    changed = [RestoreJob(account_id="new"), *jobs[1:]]
    assert list(service(changed).listing(resume_from=iterator.checkpoint)) == changed


def test_resume_needs_only_the_checkpoint() -> None:
    """`client.resume` continues a listing with its filters, by job and by page."""
    with fake_backup(sample_jobs(600, created_after=JUNE, created_before=JULY)) as backup:
        client = backup.client()
        listing = client.list_restore_jobs(
            by_status="COMPLETED", by_created_after=JUNE, by_resource_type="EBS", max_results=50
        )
        expected = list(listing)
        for place in (0, 1, 49, 50, 51, len(expected)):
            iterator = iter(listing)
            assert take(iterator, place) + list(client.resume(iterator.checkpoint)) == expected
        pages = listing.pages()
        assert [*next(pages), *client.resume(pages.checkpoint)] == expected


def test_resumed_listing_can_have_a_limit() -> None:
    """`client.resume` takes a limit, and the checkpoints of such runs continue one another."""
    jobs = sample_jobs(100)
    with fake_backup(jobs) as backup:
        client = backup.client()
        iterator = iter(client.list_restore_jobs(limit=7, max_results=10))
        found = list(iterator)
        while not iterator.has_ended:
            iterator = iter(client.resume(iterator.checkpoint, limit=9))
            found += iterator
        assert found == jobs
        with pytest.raises(InvalidRequestError, match="limit=-1"):
            client.resume(iterator.checkpoint, limit=-1)


def test_window_can_be_resumed() -> None:
    """The checkpoint of a window continues that window."""
    with fake_backup(sample_jobs(200, created_after=JUNE, created_before=JULY)) as backup:
        client = backup.client()
        for window in client.list_restore_jobs(by_created_after=JUNE, max_results=20).split(3):
            expected = list(window)
            for place in (0, 7, 20, len(expected)):
                iterator = iter(window)
                before = take(iterator, place)
                assert before + list(client.resume(iterator.checkpoint)) == expected
                rest = client.list_restore_jobs(
                    by_created_after=JUNE, max_results=13, resume_from=iterator.checkpoint
                )
                assert before + list(rest) == expected


def test_checkpoint_is_valid_in_another_process(server: PageServer) -> None:
    """Another process can resume a listing with only its checkpoint."""
    iterator = iter(RestoreJobsClient(client=server.client()).list_restore_jobs(max_results=40))
    first = [one.restore_job_id for one in take(iterator, 55)]
    program = """
import sys
from restorejobs_client import RestoreJobsClient
client = RestoreJobsClient(region_name="eu-west-1", endpoint_url=sys.argv[1])
print(*[job.restore_job_id for job in client.resume(sys.argv[2])])
"""
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", program, server.endpoint_url, iterator.checkpoint],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | credentials,
    )
    assert first + done.stdout.split() == [one["RestoreJobId"] for one in server.jobs]


def test_finished_checkpoint_requests_nothing() -> None:
    """The checkpoint of a finished run yields no jobs and sends no request."""
    with fake_backup(sample_jobs(10)) as backup:
        client = backup.client()
        iterator = iter(client.list_restore_jobs())
        assert len(list(iterator)) == 10
        backup.requests.clear()
        resumed = iter(client.resume(iterator.checkpoint))
        assert list(resumed) == []
        assert backup.requests == []
        assert resumed.checkpoint == iterator.checkpoint


@pytest.mark.parametrize(
    "run",
    [
        list[RestoreJob],
        lambda listing: list(listing.pages()),
        RestoreJobs.first,
        RestoreJobs.head,
        RestoreJobs.to_arrow,
    ],
    ids=["jobs", "pages", "first", "head", "to_arrow"],
)
def test_every_error_has_a_checkpoint(
    server: PageServer, client: RestoreJobsClient, run: Callable[[RestoreJobs], object]
) -> None:
    """However a listing is read, its error has a checkpoint that resumes it."""
    server.fail(1, lambda answer: type(answer)(body=b"<html>"))
    with pytest.raises(RestoreJobsError) as caught:
        run(client.list_restore_jobs())
    server.heal()
    assert caught.value.checkpoint is not None
    assert len(list(client.resume(caught.value.checkpoint))) == 300


# Another listing


def test_checkpoint_is_refused_with_other_filters() -> None:
    """Other filters than those of the checkpoint are refused; the error shows both."""
    with fake_backup(sample_jobs(10)) as backup:
        client = backup.client()
        checkpoint = iter(client.list_restore_jobs(by_created_after=JUNE)).checkpoint
        with pytest.raises(InvalidCheckpointError, match="other filters") as caught:
            client.list_restore_jobs(by_created_after=JULY, resume_from=checkpoint)
        assert "by_created_after='2025-06-01T00:00:00+00:00'" in str(caught.value)
        assert "by_created_after='2025-07-01T00:00:00+00:00'" in str(caught.value)
        assert "client.resume" in str(caught.value)
        for others in ({}, {"by_created_after": JUNE, "by_status": "FAILED"}):
            with pytest.raises(InvalidCheckpointError, match="other filters"):
                client.list_restore_jobs(**others, resume_from=checkpoint)  # type: ignore[arg-type]  # mixed
        assert backup.requests == []


def test_checkpoint_is_refused_in_another_region() -> None:
    """A checkpoint of another region is refused, with the names of both."""
    with fake_backup(sample_jobs(10)) as backup:
        checkpoint = iter(backup.client().list_restore_jobs()).checkpoint
        there = backup.client(region_name="eu-west-1")
        with pytest.raises(InvalidCheckpointError, match=r"us-east-1.*eu-west-1"):
            there.resume(checkpoint)
        with pytest.raises(InvalidCheckpointError, match="another region"):
            there.list_restore_jobs(resume_from=checkpoint)
        assert backup.requests == []


def test_next_token_and_resume_from_are_exclusive(client: RestoreJobsClient) -> None:
    """`next_token` and `resume_from` together are refused."""
    checkpoint = iter(client.list_restore_jobs()).checkpoint
    with pytest.raises(InvalidRequestError, match=r"next_token .* together with resume_from"):
        client.list_restore_jobs(next_token="a", resume_from=checkpoint)


# Any text

VALUES: list[Any] = [
    ...,  # left out
    None,
    True,
    -3,
    0,
    3,
    2**63,
    10**400,
    1.5,
    "",
    "x",
    "\ud800",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "9999-12-31T23:59:59-05:00",
    [],
    ["x"],
    {},
    {"x": "y"},
    {"by_status": "DONE"},
    {"by_status": ["FAILED"]},
    {"by_created_after": "2026-01-01T00:00:00"},
    {"next_token": "x"},
]


# With these parameters, a checkpoint has all fields.
LISTING: dict[str, Any] = {
    "region_name": "eu-west-1",
    "by_status": "FAILED",
    "by_created_after": START - timedelta(seconds=40),
    "by_created_before": START + timedelta(seconds=20),
}


def genuine() -> str:
    """Return a checkpoint in the middle of a page of a window."""
    window = service().listing(max_results=5, **LISTING).split(3)[1]
    iterator = iter(window)
    take(iterator, 7)
    return iterator.checkpoint


def content_of(checkpoint: str) -> dict[str, Any]:
    """Return the fields of a checkpoint."""
    encoded = checkpoint.partition("-")[2]
    decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    content: dict[str, Any] = json.loads(decoded[8:])
    return content


def forged(content: object) -> str:
    """Return a checkpoint with this content and the right checksum."""
    payload = json.dumps(content, separators=(",", ":")).encode()
    return forged_from_bytes(payload)


def forged_from_bytes(payload: bytes) -> str:
    """Return a checkpoint with these bytes and the right checksum."""
    checksum = blake2b(payload, digest_size=8).digest()
    return "rjc2-" + base64.urlsafe_b64encode(checksum + payload).decode().rstrip("=")


Path = tuple[str, ...]


def paths_in(content: dict[str, Any]) -> list[Path]:
    """Return the paths to all fields, and to the fields inside them."""
    inner = {name: paths_in(value) for name, value in content.items() if isinstance(value, dict)}
    return [(name, *path) for name in content for path in [(), *inner.get(name, [])]]


GENUINE = content_of(genuine())
PATHS = paths_in(GENUINE)
POSITION = next(path for path in PATHS if path[-1] == "delivered")[:-1]
FILTERS = next(path for path in PATHS if path[-1] == "by_status")[:-1]


def changed(path: Path, **fields: object) -> str:
    """Return a forged checkpoint with other fields at the end of a path; `...` removes a field."""
    content = copy.deepcopy(GENUINE)
    holder = functools.reduce(operator.getitem, path, content)
    holder.update(fields)
    for name in [name for name, value in fields.items() if value is ...]:
        del holder[name]
    return forged(content)


def is_accepted(checkpoint: Any) -> bool:
    """Return whether a checkpoint is accepted, and check that a refused one sends nothing."""

    def refuse_other_tokens(parameters: Parameters) -> None:
        if not parameters.get("NextToken", "0").isdigit():
            message = "there is no such token"
            raise InvalidParameterValueException(message, response={}, operation_name="x")

    resumed = service()
    resumed.before_answer = refuse_other_tokens
    client = client_of(resumed.fetch, LISTING["region_name"])
    try:
        listing = client.resume(checkpoint)
    except InvalidCheckpointError:
        with pytest.raises(InvalidCheckpointError):
            resumed.listing(**LISTING, resume_from=checkpoint)
        assert resumed.asked == []
        return False
    for iterator in (iter(listing), listing.pages()):
        client.resume(iterator.checkpoint)
        assert iterator.has_ended in {True, False}
    with suppress(InvalidParameterValueException):
        list(listing)
    return True


def test_checkpoint_is_one_short_url_safe_line(client: RestoreJobsClient) -> None:
    """A checkpoint has only characters that need no quotes in URLs, file names and shells."""
    iterator = iter(client.list_restore_jobs(max_results=100))
    for _ in range(3):
        take(iterator, 50)
        assert re.fullmatch(r"[A-Za-z0-9_-]{20,300}", iterator.checkpoint)


def test_spaces_around_a_checkpoint_are_ignored() -> None:
    """A checkpoint from a file may end with a newline."""
    assert is_accepted(f" {genuine()}\n")


def test_damaged_checkpoint_is_refused() -> None:
    """A checkpoint is refused if it was shortened or extended, or if one letter has changed."""
    checkpoint = genuine()
    letters = string.ascii_letters + string.digits + "-_"
    last = len(checkpoint) - 1
    damaged = [checkpoint[:length] for length in range(len(checkpoint))]
    damaged += [checkpoint + letter for letter in f"{letters}="]
    damaged += [
        checkpoint[:place] + letter + checkpoint[place + 1 :]
        for place in range(len(checkpoint))
        for letter in (letters if place == last else "Ab3_")
        if checkpoint[place] != letter
    ]
    damaged += ["é" + checkpoint, checkpoint.replace("rjc2-", "rjc1-")]
    assert not any(map(is_accepted, damaged))


@pytest.mark.parametrize("other", [5, b"x", object(), ["a"]])
def test_checkpoint_of_another_type_is_refused(other: Any) -> None:
    """A checkpoint must be text."""
    assert not is_accepted(other)


def test_genuine_checkpoint_is_accepted() -> None:
    """The checkpoint that the other tests change is accepted without a change."""
    assert is_accepted(genuine())
    assert is_accepted(changed(()))


@pytest.mark.parametrize("path", PATHS, ids=".".join)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_forged_field_is_accepted_or_refused(path: Path, value: object) -> None:
    """A checkpoint with any value in a field is accepted or raises `InvalidCheckpointError`."""
    is_accepted(changed(path[:-1], **{path[-1]: value}))


def test_forged_window_without_a_moment_has_ended() -> None:
    """A position in a window that holds nothing is at its end."""
    content = copy.deepcopy(GENUINE)
    content["window"]["upper"] = content["window"]["lower"]
    content["position"] = {"token": content["position"]["token"]}
    assert is_accepted(forged(content))


@pytest.mark.parametrize(
    "fields",
    [
        {"delivered": None},
        {"delivered": []},
        {"delivered": -3},
        {"delivered": 0},
        {"delivered": 10**400},
        {"ended": True},  # in the middle of a page
        {"delivered": ...},
        {"digest": ...},
        {"digest": "no hash"},
        {"more": 1},
    ],
    ids=repr,
)
def test_forged_position_is_refused(fields: dict[str, object]) -> None:
    """A position that this package never writes is refused."""
    assert not is_accepted(changed(POSITION, **fields))


@pytest.mark.parametrize(
    "filters",
    [
        {"by_status": "DONE"},
        {"by_status": "failed"},
        {"by_created_after": "2026-01-01T00:00:00"},
        {"max_results": "5"},
        {"next_token": "x"},
    ],
    ids=repr,
)
def test_forged_filters_are_refused(filters: dict[str, object]) -> None:
    """Filters are refused if a request would refuse them, or writes them in another form."""
    assert not is_accepted(changed(FILTERS, **filters))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"token":' * 100_000,
        b"\xff\xfe",
        b"NaN",
        b'"' + b"x" * 50_000 + b'"',
        json.dumps(GENUINE | {"more": 1}, separators=(",", ":")).encode(),
        json.dumps(GENUINE, separators=(",", ":"))
        .replace('"token"', '"token":"x","token"')
        .encode(),
        json.dumps(GENUINE).encode(),  # with spaces, as this package never writes it
    ],
    ids=lambda payload: repr(payload[:20]),
)
def test_forged_content_of_another_shape_is_refused(payload: bytes) -> None:
    """Content that this package never writes is refused."""
    assert not is_accepted(forged_from_bytes(payload))


NAMES = st.sampled_from([path[-1] for path in PATHS])


@examples(5)
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(NAMES | st.text(), inner),
    )
)
def test_generated_content_is_accepted_or_refused(content: object) -> None:
    """Any JSON is accepted or raises `InvalidCheckpointError`."""
    is_accepted(forged(GENUINE | content if isinstance(content, dict) else content))


def test_huge_checkpoint_is_refused_with_a_short_message() -> None:
    """A text of ten megabytes is refused, and the error does not show all of it."""
    for huge in ("rjc2-" + "A" * 10**7, "x" * 10**7):
        with pytest.raises(InvalidCheckpointError) as caught:
            service().listing(**LISTING, resume_from=huge)
        assert len(str(caught.value)) < 300


def test_checkpoint_with_a_long_token_is_read() -> None:
    """A token of any length can be resumed, because AWS documents no maximum."""
    token = "t" * 10**6
    asked: list[str | None] = []

    def fetch(parameters: dict[str, Any]) -> RestoreJobPage:
        asked.append(parameters.pop("NextToken", None))
        if len(asked) == 1:
            return RestoreJobPage(restore_jobs=(job(0),), next_token=token)
        return service().page(parameters)

    iterator = iter(client_of(fetch).list_restore_jobs())
    next(iterator)
    assert len(list(client_of(fetch).resume(iterator.checkpoint))) == len(service().jobs)
    assert asked == [None, token]

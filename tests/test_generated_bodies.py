"""Generated bodies: a listing has exactly the jobs in its pages, or it raises.

A test generates a response that replaces one of the three pages of a listing. It checks that a body
raises if it has no list of jobs, or is shorter than its headers say. A complete list of jobs is
accepted, because nothing distinguishes it from the page that the service meant to send. The tests
read it with Python's own `json`.
"""

from __future__ import annotations

import copy
import gzip
import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.faults import CHUNKED, chunk
from support.generating import examples
from support.raw_server import Answer, PageServer

from restorejobs_client import (
    InvalidParameterValueException,
    RestoreJob,
    RestoreJobsClient,
    RestoreJobsError,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from support.raw_server import Fault

SIZE = 4  # of the three pages
JOBS: list[dict[str, Any]] = [
    {
        "AccountId": "123456789012",
        "RestoreJobId": f"job-{number}",
        "Status": "COMPLETED",
        "StatusMessage": 'größer als "zuvor"\\\n 復元',
        "CreationDate": 1_700_000_000.123 + number,
        "PercentDone": "100.00%",
        "BackupSizeInBytes": 2**40 + number,
        "IsParent": False,
        "ParentJobId": None,
        "CreatedBy": {"RestoreTestingPlanArn": "plan"},
    }
    for number in range(3 * SIZE)
]
EXPECTED = [RestoreJob.from_dict(job) for job in JOBS]
DOCUMENTS: list[dict[str, Any]] = [
    {"RestoreJobs": JOBS[start : start + SIZE], "NextToken": token}
    for start, token in (
        (0, PageServer.token(SIZE)),
        (SIZE, PageServer.token(2 * SIZE)),
        (2 * SIZE, None),
    )
]
BODIES = [json.dumps(document, ensure_ascii=False).encode() for document in DOCUMENTS]
CLOSING = {"Connection": "close"}

PAGES = st.sampled_from([0, 1, 2])
# A page, and an index into its body.
SPOTS = PAGES.flatmap(lambda page: st.tuples(st.just(page), st.integers(0, len(BODIES[page]) - 1)))


class Outcome(NamedTuple):
    """The jobs of a listing, and the error that ended it, if there was one."""

    jobs: list[RestoreJob]
    error: RestoreJobsError | None


class Listing:
    """A listing of three pages, with one of them replaced."""

    def __init__(self, server: PageServer) -> None:
        self._server = server
        self.client = RestoreJobsClient(client=server.client(attempts=1))

    def read(self, answers: dict[int, Answer]) -> Outcome:
        """Read the listing, with these answers instead of the pages with these numbers."""
        self._server.heal()
        self._server.fail_next(*(instead(answers.get(page)) for page in range(3)))
        jobs: list[RestoreJob] = []
        try:
            for job in self.client.list_restore_jobs(max_results=SIZE):
                jobs.append(job)  # noqa: PERF402  # kept although the next one may raise
        except RestoreJobsError as error:
            return Outcome(jobs, error)
        return Outcome(jobs, None)

    def check_complete_or_raises(self, page: int, answer: Answer) -> None:
        """Check that no job is lost without an error."""
        outcome = self.read({page: answer})
        assert outcome.error is not None or len(outcome.jobs) == len(JOBS)

    def check_raises(self, page: int, answer: Answer) -> None:
        """Check that the answer raises, and that the checkpoint continues with its page."""
        self.check_resumable(page, self.read({page: answer}))

    def check_resumable(self, page: int, outcome: Outcome) -> None:
        """Check that the listing has the jobs before the page and can be resumed."""
        jobs, error = outcome
        assert jobs == EXPECTED[: page * SIZE]
        assert error is not None
        assert error.checkpoint is not None
        self._server.heal()
        assert jobs + list(self.client.resume(error.checkpoint)) == EXPECTED

    def check_content(self, page: int, answer: Answer, received: bytes | None = None) -> None:
        """Check that the listing has the content of the answer, or raises.

        `received` is the part of the answer that can be read, if that is not its body.
        """
        content = content_of(page, answer.body if received is None else received)
        outcome = self.read({page: answer})
        if outcome.error is None:
            assert content is not None
            place = len(JOBS) if content.token is None else self._server.place(content.token)
            before, after = EXPECTED[: page * SIZE], EXPECTED[place:]
            count = len(before) + content.jobs
            assert outcome.jobs[: page * SIZE] == before
            assert outcome.jobs[count:] == after
            assert len(outcome.jobs) == count + len(after)
        elif isinstance(outcome.error, InvalidParameterValueException):
            assert content is not None
            assert content.token is not None
            assert self._server.place(content.token) is None
        else:
            self.check_resumable(page, outcome)


class Content(NamedTuple):
    """The number of jobs of a page, and the token of the next page."""

    jobs: int
    token: str | None


def content_of(page: int, body: bytes) -> Content | None:
    """Read a body with Python's own `json`. Return `None` if it must raise."""
    try:
        page_content = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(page_content, dict):
        return None
    jobs, token = page_content.get("RestoreJobs", []), page_content.get("NextToken")
    token = None if token == "" else token
    if not isinstance(jobs, list) or not isinstance(token, str | None):
        return None
    if "RestoreJobs" not in page_content and token is None and (page_content or page > 0):
        return None
    return Content(len(jobs), token)


@pytest.fixture(scope="module")
def listing() -> Iterator[Listing]:
    """Return a listing over a real socket."""
    with PageServer(JOBS) as server:
        yield Listing(server)


def instead(answer: Answer | None) -> Fault:
    """Send this answer instead of the page, or the page itself without an answer."""
    return lambda page: answer or page


def closing(body: bytes, length: int = -1, headers: dict[str, str] | None = None) -> Answer:
    """Send a body with another Content-Length or none, and close the connection."""
    return Answer(
        body=body, content_length=length, headers=CLOSING | (headers or {}), ending="close"
    )


def chunked(*contents: bytes) -> Answer:
    """Send a complete body in chunks."""
    chunks = b"".join(chunk(content) for content in contents if content)
    return Answer(raw=CHUNKED + chunks + b"0\r\n\r\n")


def with_byte(page: int, at: int, byte: int) -> Answer:
    """Change one byte of a page."""
    return Answer(body=BODIES[page][:at] + bytes([byte]) + BODIES[page][at + 1 :])


@examples(8)
@given(spot=SPOTS, byte=st.integers(0, 255))
def test_changed_byte_loses_no_job(listing: Listing, spot: tuple[int, int], byte: int) -> None:
    """A page with one byte changed is complete or raises."""
    page, at = spot
    listing.check_complete_or_raises(page, with_byte(page, at, byte))


@pytest.mark.parametrize("page", [0, 1, 2])
def test_changed_name_loses_no_job(listing: Listing, page: int) -> None:
    """A page with any letter of RestoreJobs or NextToken changed is complete or raises."""
    for name in re.finditer(rb"RestoreJobs|NextToken", BODIES[page]):
        for at in range(*name.span()):
            for byte in b"_e ":
                listing.check_complete_or_raises(page, with_byte(page, at, byte))


# Ways to send the beginning of a page, called with it and the length of the whole page.
CUTS: dict[str, Callable[[bytes, int], Answer]] = {
    "with its own length": lambda cut, _: Answer(body=cut),
    "with the length of the page": closing,
    "then a reset": lambda cut, whole: Answer(body=cut, content_length=whole, ending="reset"),
    "without a length": lambda cut, _: closing(cut),
    "in whole chunks": lambda cut, _: chunked(cut),
    # An empty chunk would be the last chunk.
    "without the last chunk": lambda cut, _: Answer(
        raw=CHUNKED + (chunk(cut) if cut else b""), ending="close"
    ),
    "in half a chunk": lambda cut, whole: Answer(
        raw=CHUNKED + chunk(cut, whole)[:-2], ending="close"
    ),
}


@examples(3)
@given(spot=SPOTS, how=st.sampled_from(sorted(CUTS)))
def test_cut_page_raises(listing: Listing, spot: tuple[int, int], how: str) -> None:
    """An incomplete page raises, however it is sent."""
    page, at = spot
    listing.check_raises(page, CUTS[how](BODIES[page][:at], len(BODIES[page])))


@examples(2)
@given(page=PAGES, length=st.integers(0, 5000))
def test_wrong_content_length_raises(listing: Listing, page: int, length: int) -> None:
    """A page that is shorter or longer than its Content-Length raises."""
    assume(length != len(BODIES[page]))
    listing.check_raises(page, closing(BODIES[page], length))


@examples(2)
# There is no comma, because urllib3 then leaves a socket open.
@given(page=PAGES, length=st.text("0123456789+-_. eax", max_size=6))
def test_unreadable_content_length_loses_no_job(listing: Listing, page: int, length: str) -> None:
    """A Content-Length that is not a number raises or is ignored."""
    listing.check_content(page, closing(BODIES[page], headers={"Content-Length": length}))


FRAGMENTS = st.binary(max_size=8) | st.sampled_from(
    [b"\0", b" ", b",", b"]", b"}", b"[", b"{", b'"', b"null", b'{"RestoreJobs": []}', b"1" * 5000]
)


@st.composite
def mangled_bodies(draw: st.DrawFn) -> tuple[int, bytes]:
    """Generate a page, and its body with parts removed, added, repeated or exchanged."""
    page = draw(PAGES)
    body = BODIES[page]
    for _ in range(draw(st.integers(1, 3))):
        # Cuts between values, and between jobs, result in valid JSON more often.
        values = [found.start() for found in re.finditer(rb'[]{}[,:"]', body)]
        jobs = [found.start() for found in re.finditer(rb'{"Acc|, {|\]|, "Next|}$', body)]
        spots = [st.sampled_from(places) for places in (values, jobs) if places]
        spot = st.one_of(*spots, st.integers(0, len(body)))
        start, stop = sorted([draw(spot), draw(spot)])
        other = draw(st.sampled_from(BODIES))
        mangled = [
            body[:start],
            body[:start] + body[stop:],
            body[:start] + draw(FRAGMENTS) + body[start:],
            body[:start] + draw(FRAGMENTS) + body[stop:],
            body[:stop] + body[start:],
            body[:start] + other[stop:],
            body + draw(FRAGMENTS),
            body + other,
        ]
        body = draw(st.sampled_from(mangled))
    return page, body


@examples(8)
@given(
    mangled=mangled_bodies(), how=st.sampled_from(["length", "no length", "chunks", "old length"])
)
def test_mangled_page_is_read_as_it_is_or_raises(
    listing: Listing, mangled: tuple[int, bytes], how: str
) -> None:
    """A page with changed bytes has the jobs of its JSON, or raises."""
    page, body = mangled
    if how == "length":
        listing.check_content(page, Answer(body=body))
    elif how == "no length":
        listing.check_content(page, closing(body))
    elif how == "chunks":
        listing.check_content(page, chunked(body), body)
    else:
        length = len(BODIES[page])
        received = b"" if len(body) < length else body[:length]
        listing.check_content(page, closing(body, length), received)


NAMES = st.sampled_from(["RestoreJobs", "NextToken", "restoreJobs", "RestoreJobId", "New"])
VALUES: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.sampled_from([10**4000, 2**63, 1e400, "", "COMPLETED", JOBS[0], JOBS[:2], *DOCUMENTS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
EMPTY_VALUES: st.SearchStrategy[object] = st.sampled_from([None, {}, [], "", 0, False])
Path = tuple[Any, ...]  # keys and indexes


def paths(value: object, depth: int) -> list[Path]:
    """Return the paths to all values inside a value, down to this depth."""
    inner: Any = ()
    if depth and isinstance(value, dict):
        inner = value.items()
    elif depth and isinstance(value, list):
        inner = enumerate(value)
    return [(key, *deeper) for key, one in inner for deeper in [(), *paths(one, depth - 1)]]


@st.composite
def odd_documents(draw: st.DrawFn) -> tuple[int, object]:
    """Generate a page, and its document with values replaced, wrapped, renamed or removed."""
    page = draw(PAGES)
    document: Any = {"": copy.deepcopy(DOCUMENTS[page])}
    for _ in range(draw(st.integers(1, 3))):
        # Most values are deep inside, so a smaller depth is chosen more often.
        possible = paths(document, draw(st.integers(1, 5)))
        if not possible:
            break
        *way, key = draw(st.sampled_from(possible))
        holder = document
        for step in way:
            holder = holder[step]
        value = holder.pop(key)
        change = draw(st.sampled_from(["replace", "wrap", "rename", "remove"]))
        if change == "replace":
            value = copy.deepcopy(draw(draw(st.sampled_from([EMPTY_VALUES, VALUES]))))
        elif change == "wrap":
            value = draw(wrapped(value))
        elif change == "rename" and isinstance(key, str) and way:
            key = draw(NAMES)
        if change != "remove":
            holder.insert(key, value) if isinstance(holder, list) else holder.update({key: value})
    return page, document.get("")


@st.composite
def wrapped(draw: st.DrawFn, value: object) -> object:
    """Generate lists or objects around a value."""
    name = draw(st.none() | NAMES)
    for _ in range(draw(st.sampled_from([1, 2, 300]))):
        value = [value] if name is None else {name: value}
    return value


@examples(8)
@given(odd=odd_documents())
def test_odd_document_is_read_as_it_is_or_raises(listing: Listing, odd: tuple[int, object]) -> None:
    """A page with other values has the jobs of its JSON, or raises."""
    page, document = odd
    listing.check_content(page, Answer(body=json.dumps(document).encode()))


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1", "cp037"]


@examples(2)
@given(page=PAGES, text=st.text(max_size=5), encoding=st.sampled_from(ENCODINGS))
def test_other_encoding_is_read_as_utf8_or_raises(
    listing: Listing, page: int, text: str, encoding: str
) -> None:
    """A page in another encoding has the jobs that it has as UTF-8, or raises."""
    jobs = [job | {"StatusMessage": text} for job in DOCUMENTS[page]["RestoreJobs"]]
    body = json.dumps(DOCUMENTS[page] | {"RestoreJobs": jobs}, ensure_ascii=False)
    listing.check_content(page, Answer(body=body.encode(encoding, errors="replace")))


GZIP_DAMAGE: dict[str, Callable[[bytes, int, int], bytes]] = {
    "none": lambda body, _at, _byte: body,
    "changed": lambda body, at, byte: body[:at] + bytes([byte]) + body[at + 1 :],
    "cut": lambda body, at, _: body[:at],
    "twice": lambda body, _at, _byte: body * 2,
    "not compressed": lambda body, _at, _byte: gzip.decompress(body),
}


@examples(3)
@given(
    page=PAGES,
    level=st.integers(0, 9),
    damage=st.sampled_from(sorted(GZIP_DAMAGE)),
    spot=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
    is_announced=st.booleans(),
    has_length=st.booleans(),
)
def test_compressed_page_is_complete_or_raises(  # noqa: PLR0913  # a case
    *,
    listing: Listing,
    page: int,
    level: int,
    damage: str,
    spot: float,
    byte: int,
    is_announced: bool,
    has_length: bool,
) -> None:
    """A page that is compressed with gzip, announced or not, is complete or raises."""
    whole = gzip.compress(BODIES[page], level, mtime=0)
    body = GZIP_DAMAGE[damage](whole, int(spot * len(whole)), byte)
    headers = {"Content-Encoding": "gzip"} if is_announced else {}
    outcome = listing.read({page: closing(body, len(body) if has_length else -1, headers)})
    if outcome.error is None:
        assert outcome.jobs == EXPECTED
    else:
        listing.check_resumable(page, outcome)


@examples(3)
@given(
    chance=st.randoms(use_true_random=False),
    indent=st.sampled_from([None, 0, 1, "\t"]),
    separators=st.sampled_from([(",", ":"), (" ,\n", " :\r"), (", ", ": ")]),
    is_ascii=st.booleans(),
    around=st.tuples(*[st.text(" \t\r\n", max_size=3)] * 2),
)
def test_page_can_be_written_in_any_json_style(  # noqa: PLR0913  # a case
    *,
    listing: Listing,
    chance: random.Random,
    indent: int | str | None,
    separators: tuple[str, str],
    is_ascii: bool,
    around: tuple[str, str],
) -> None:
    """White space, escapes, the order of members, unknown members and chunks change nothing."""
    answers = {}
    for page, document in enumerate(DOCUMENTS):
        text = json.dumps(
            restyled(document, chance), ensure_ascii=is_ascii, indent=indent, separators=separators
        )
        body = text.join(around).encode()
        cuts = sorted({0, len(body), *(chance.randrange(len(body)) for _ in range(3))})
        answers[page] = chunked(*(body[start:stop] for start, stop in pairwise(cuts)))
    assert listing.read(answers) == Outcome(EXPECTED, None)


def restyled(value: Any, chance: random.Random) -> Any:
    """Return a value without nulls, in another order, and with unknown members."""
    if isinstance(value, list):
        return [restyled(one, chance) for one in value]
    if not isinstance(value, dict):
        return value
    members = [(name, restyled(one, chance)) for name, one in value.items() if one is not None]
    new: list[object] = [None, True, -0.0, 10**30, "復", [], {}, [[DOCUMENTS]], {"NextToken": "x"}]
    members += [(f"New{number}", chance.choice(new)) for number in range(chance.randrange(3))]
    chance.shuffle(members)
    return dict(members)

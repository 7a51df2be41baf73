"""Generated damage: a listing is exactly what its pages say, or it raises.

A body that is no list of jobs, or is shorter than its head says, always raises. One that is a list,
and as long as its head says, cannot be told from what the service meant: jobs that were cut out of
it as a whole are not missed, nor is a token.
"""

from __future__ import annotations

import copy
import gzip
import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from generating import examples
from hypothesis import assume, given
from hypothesis import strategies as st
from page_server import Answer
from sealed_service import (
    BODIES,
    CHUNKED,
    DOCUMENTS,
    EXPECTED,
    JOBS,
    SIZE,
    SealedService,
    SealingServer,
    chunk,
    closing,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

PAGES = st.sampled_from([0, 1, 2])
SPOTS = PAGES.flatmap(lambda page: st.tuples(st.just(page), st.integers(0, len(BODIES[page]) - 1)))


@pytest.fixture(scope="module")
def service() -> Iterator[SealedService]:
    with SealingServer(JOBS) as server:
        yield SealedService(server)


# One byte


@examples(8)
@given(spot=SPOTS, byte=st.integers(0, 255))
def test_one_changed_byte_loses_no_job(
    service: SealedService, spot: tuple[int, int], byte: int
) -> None:
    page, at = spot
    service.assert_complete_or_raises(page, with_byte(page, at, byte))


@pytest.mark.parametrize("page", [0, 1, 2])
def test_one_changed_letter_of_a_name_loses_no_job(service: SealedService, page: int) -> None:
    for name in re.finditer(rb"RestoreJobs|NextToken", BODIES[page]):
        for at in range(*name.span()):
            for byte in b"_e ":
                service.assert_complete_or_raises(page, with_byte(page, at, byte))


def with_byte(page: int, at: int, byte: int) -> Answer:
    return Answer(body=BODIES[page][:at] + bytes([byte]) + BODIES[page][at + 1 :])


# Lengths

CUTS: dict[str, Callable[[bytes, int], Answer]] = {
    "before it was sent": lambda cut, _: Answer(body=cut),
    "on its way": closing,
    "by a reset": lambda cut, whole: Answer(body=cut, content_length=whole, ending="reset"),
    "without a length": lambda cut, _: closing(cut),
    "in chunks": lambda cut, _: Answer(raw=CHUNKED + chunk(cut) + b"0\r\n\r\n"),
    "after a chunk": lambda cut, _: Answer(raw=CHUNKED + chunk(cut), ending="close"),
    "in a chunk": lambda cut, whole: Answer(raw=CHUNKED + chunk(cut, whole)[:-2], ending="close"),
}


@examples(3)
@given(spot=SPOTS, how=st.sampled_from(sorted(CUTS)))
def test_a_page_that_was_cut_raises(
    service: SealedService, spot: tuple[int, int], how: str
) -> None:
    page, at = spot
    service.assert_raises(page, CUTS[how](BODIES[page][:at], len(BODIES[page])))


@examples(2)
@given(page=PAGES, length=st.integers(0, 5000))
def test_a_page_of_another_length_than_was_said_raises(
    service: SealedService, page: int, length: int
) -> None:
    assume(length != len(BODIES[page]))
    service.assert_raises(page, closing(BODIES[page], length))


@examples(2)
# Without a comma, at which urllib3 leaves a socket open.
@given(page=PAGES, length=st.text("0123456789+-_. eax", max_size=6))
def test_a_length_that_is_none_raises_or_does_not_matter(
    service: SealedService, page: int, length: str
) -> None:
    service.assert_as_said(page, closing(BODIES[page], headers={"Content-Length": length}))


# Anything that can happen to bytes

FRAGMENTS = st.binary(max_size=8) | st.sampled_from(
    [b"\0", b" ", b",", b"]", b"}", b"[", b"{", b'"', b"null", b'{"RestoreJobs": []}', b"1" * 5000]
)


@st.composite
def mangled(draw: st.DrawFn) -> tuple[int, bytes]:
    """Return a page, and its body after some of it was cut, lost, added, doubled or exchanged."""
    page = draw(PAGES)
    body = BODIES[page]
    for _ in range(draw(st.integers(1, 3))):
        # Where values begin and end, and where jobs do, more is still a document.
        seams = [found.start() for found in re.finditer(rb'[]{}[,:"]', body)]
        jobs = [found.start() for found in re.finditer(rb'{"Acc|, {|\]|, "Next|}$', body)]
        spots = [st.sampled_from(places) for places in (seams, jobs) if places]
        spot = st.one_of(*spots, st.integers(0, len(body)))
        start, stop = sorted([draw(spot), draw(spot)])
        other = draw(st.sampled_from(BODIES))
        ways = [
            body[:start],
            body[:start] + body[stop:],
            body[:start] + draw(FRAGMENTS) + body[start:],
            body[:start] + draw(FRAGMENTS) + body[stop:],
            body[:stop] + body[start:],
            body[:start] + other[stop:],
            body + draw(FRAGMENTS),
            body + other,
        ]
        body = draw(st.sampled_from(ways))
    return page, body


def framed(body: bytes, length: int) -> dict[str, tuple[Answer, bytes]]:
    """Return the ways to send a body, and what of it is to be read."""
    too_short = len(body) < length
    return {
        "with its length": (Answer(body=body), body),
        "without a length": (closing(body), body),
        "in chunks": (Answer(raw=CHUNKED + chunk(body) + b"0\r\n\r\n", ending="close"), body),
        "with the length of the page": (
            closing(body, length),
            b"" if too_short else body[:length],
        ),
    }


@examples(8)
@given(mangled=mangled(), how=st.sampled_from(sorted(framed(b"", 0))))
def test_a_mangled_page_is_what_it_says_or_raises(
    service: SealedService, mangled: tuple[int, bytes], how: str
) -> None:
    page, body = mangled
    service.assert_as_said(page, *framed(body, len(BODIES[page]))[how])


# Other JSON

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


def places(value: object, depth: int) -> list[tuple[Any, ...]]:
    """Return the ways to the values within a value, as deep as that."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    ways = [] if depth == 0 else [(key, places(one, depth - 1)) for key, one in inner]
    return [way for key, rest in ways for way in ((key,), *((key, *deeper) for deeper in rest))]


@st.composite
def odd_documents(draw: st.DrawFn) -> tuple[int, object]:
    """Return a page, and its document with some values exchanged, wrapped, renamed or removed."""
    page = draw(PAGES)
    document: Any = {"": copy.deepcopy(DOCUMENTS[page])}
    for _ in range(draw(st.integers(1, 3))):
        # Most values are deep within, so more rarely there.
        ways = places(document, draw(st.integers(1, 5)))
        if not ways:
            break
        *way, key = draw(st.sampled_from(ways))
        holder = document
        for step in way:
            holder = holder[step]
        change = draw(st.sampled_from(["exchanged", "wrapped", "renamed", "removed"]))
        value = holder.pop(key)
        if change == "renamed" and isinstance(key, str) and way:
            key = draw(NAMES)
        if change in {"exchanged", "wrapped"}:
            value = draw(instead_of(value, is_kept=change == "wrapped"))
        if change != "removed":
            holder.insert(key, value) if isinstance(holder, list) else holder.update({key: value})
    return page, document.get("")


@st.composite
def instead_of(draw: st.DrawFn, value: object, *, is_kept: bool) -> object:
    if not is_kept:
        empty: st.SearchStrategy[object] = st.sampled_from([None, {}, [], "", 0, False])
        return copy.deepcopy(draw(draw(st.sampled_from([empty, VALUES]))))  # some are our own
    name = draw(st.none() | NAMES)
    for _ in range(draw(st.sampled_from([1, 2, 300]))):
        value = [value] if name is None else {name: value}
    return value


@examples(8)
@given(odd=odd_documents())
def test_an_odd_document_is_what_it_says_or_raises(
    service: SealedService, odd: tuple[int, object]
) -> None:
    page, document = odd
    service.assert_as_said(page, Answer(body=json.dumps(document).encode()))


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1", "cp037"]


@examples(2)
@given(page=PAGES, text=st.text(max_size=5), encoding=st.sampled_from(ENCODINGS))
def test_another_encoding_is_what_it_says_or_raises(
    service: SealedService, page: int, text: str, encoding: str
) -> None:
    jobs = [job | {"StatusMessage": text} for job in DOCUMENTS[page]["RestoreJobs"]]
    body = json.dumps(DOCUMENTS[page] | {"RestoreJobs": jobs}, ensure_ascii=False)
    answer = Answer(body=body.encode(encoding, errors="replace"))
    service.assert_as_said(page, answer)


@examples(3)
@given(
    page=PAGES,
    level=st.integers(0, 9),
    spot=st.floats(0, 1, exclude_max=True),
    damage=st.sampled_from(["none", "changed", "cut", "twice", "not told", "told, not done"]),
    byte=st.integers(0, 255),
    has_length=st.booleans(),
)
def test_a_compressed_page_comes_whole_or_raises(  # noqa: PLR0913  # a case
    service: SealedService,
    *,
    page: int,
    level: int,
    spot: float,
    damage: str,
    byte: int,
    has_length: bool,
) -> None:
    body = gzip.compress(BODIES[page], level, mtime=0)
    at = int(spot * len(body))
    if damage == "changed":
        body = body[:at] + bytes([byte]) + body[at + 1 :]
    if damage == "cut":
        body = body[:at]
    if damage == "twice":
        body += body
    if damage == "told, not done":
        body = BODIES[page]
    headers = {} if damage == "not told" else {"Content-Encoding": "gzip"}
    answer = closing(body, len(body) if has_length else -1, headers)
    jobs, error = service.listed(page, answer)
    if error is None:
        assert jobs == EXPECTED
    else:
        service.assert_resumable(page, jobs, error)


@examples(3)
@given(
    chance=st.randoms(use_true_random=False),
    indent=st.sampled_from([None, 0, 1, "\t"]),
    separators=st.sampled_from([(",", ":"), (" ,\n", " :\r"), (", ", ": ")]),
    is_ascii=st.booleans(),
    around=st.tuples(*[st.text(" \t\r\n", max_size=3)] * 2),
)
def test_a_page_may_be_written_in_any_way_that_json_has(  # noqa: PLR0913  # a case
    service: SealedService,
    *,
    chance: random.Random,
    indent: int | str | None,
    separators: tuple[str, str],
    is_ascii: bool,
    around: tuple[str, str],
) -> None:
    service.server.heal()
    for document in DOCUMENTS:
        text = json.dumps(
            respelled(document, chance),
            ensure_ascii=is_ascii,
            indent=indent,
            separators=separators,
        )
        body = text.join(around).encode()
        seams = sorted({0, len(body), *(chance.randrange(len(body)) for _ in range(3))})
        chunks = b"".join(chunk(body[start:stop]) for start, stop in pairwise(seams))
        service.replace_next(Answer(raw=CHUNKED + chunks + b"0\r\n\r\n"))
    assert list(service.client.list_restore_jobs(max_results=SIZE)) == EXPECTED


def respelled(value: Any, chance: random.Random) -> Any:
    """Return it with other members between its own, in another order, and without its nulls."""
    if isinstance(value, list):
        return [respelled(one, chance) for one in value]
    if not isinstance(value, dict):
        return value
    members = [(name, respelled(one, chance)) for name, one in value.items() if one is not None]
    new: list[object] = [None, True, -0.0, 10**30, "復", [], {}, [[DOCUMENTS]], {"NextToken": "x"}]
    members += [(f"New{number}", chance.choice(new)) for number in range(chance.randrange(3))]
    chance.shuffle(members)
    return dict(members)

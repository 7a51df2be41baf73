"""Generated requests: what is accepted reaches the wire exactly; what is refused sends nothing."""

from __future__ import annotations

import string
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from generating import examples
from hypothesis import given
from hypothesis import strategies as st
from page_server import PageServer
from pydantic.alias_generators import to_camel, to_pascal

from restorejobs_client import (
    InvalidParameterValueException,
    InvalidRequestError,
    ListRestoreJobsRequest,
    ResourceType,
    RestoreJobsClient,
    RestoreJobStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Given(NamedTuple):
    """A value as a caller gives it, and as boto3 has to be given the same."""

    ours: Any
    theirs: Any


def as_it_is(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Given]:
    return values.map(lambda value: Given(value, value))


@st.composite
def in_any_case(draw: st.DrawFn, known: type[RestoreJobStatus | ResourceType]) -> Given:
    value = draw(st.sampled_from(list(known)))
    cases = [value, value.value, value.lower(), value.upper(), value.swapcase()]
    return Given(draw(st.sampled_from(cases)), value.value)


FIRST, LAST = datetime(1000, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
SECONDS = st.integers(-86_399, 86_399)  # Python 3.11 reads no smaller parts of an offset
ZONES = st.timezones() | SECONDS.map(lambda seconds: timezone(timedelta(seconds=seconds)))


def moment(value: datetime) -> datetime | None:
    """Return it in UTC, if it is in the years that can be asked for."""
    with suppress(OverflowError):
        utc = value.astimezone(UTC)
        return utc if utc >= FIRST else None
    return None


TWICE = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))  # the clock said so
AWARE = st.datetimes(timezones=ZONES) | st.sampled_from([TWICE, TWICE.replace(fold=1)])
MOMENTS = AWARE.filter(moment).flatmap(
    lambda value: st.sampled_from([value, value.isoformat()]).map(lambda ours: Given(ours, value))
)
TYPE_LETTERS = string.ascii_letters + string.digits + "-_."
KNOWN_TYPES = {known.casefold() for known in ResourceType}
NOT_SPACE = st.characters(exclude_categories=["Cs"]).filter(lambda one: not one.isspace())
TEXT = (st.text() | st.text(" \t\n\0%+&=?#/~é", max_size=6)).filter(lambda text: text.strip())
GOOD: dict[str, st.SearchStrategy[Given]] = {
    "by_account_id": as_it_is(st.text(string.digits, min_size=12, max_size=12) | st.just("*")),
    "by_resource_type": in_any_case(ResourceType)
    | as_it_is(
        st.text(TYPE_LETTERS + " ", min_size=1, max_size=50).filter(
            lambda text: text == text.strip() and text.casefold() not in KNOWN_TYPES
        )
    ),
    **dict.fromkeys(
        ("by_created_after", "by_created_before", "by_complete_after", "by_complete_before"),
        MOMENTS,
    ),
    "by_status": in_any_case(RestoreJobStatus),
    "by_restore_testing_plan_arn": as_it_is(
        st.builds(
            "arn:{}:backup:{}:{}:restore-testing-plan{}{}".format,
            st.sampled_from(["aws", "aws-cn", "aws-us-gov", "aws-iso-b"]),
            st.sampled_from(["eu-west-1", "us-gov-east-1"]),
            st.text(string.digits, min_size=12, max_size=12),
            st.sampled_from([":", "/"]),
            st.text(NOT_SPACE, min_size=1),
        )
    ),
    "by_parent_job_id": as_it_is(TEXT),
    "max_results": as_it_is(st.integers(1, 1000)),
    "next_token": as_it_is(TEXT),
}
# As AWS spells them in a URL.
WIRE_NAMES = {name: to_camel(name.removeprefix("by_")) for name in GOOD}


def without_empty_ranges(given: dict[str, Given]) -> dict[str, Given]:
    """Put the bounds of a range in their order, and leave out one of two that are the same."""
    for after, before in (
        ("by_created_after", "by_created_before"),
        ("by_complete_after", "by_complete_before"),
    ):
        if after in given and before in given:
            first, last = sorted(
                [given[after], given[before]], key=lambda one: one.theirs.astimezone(UTC)
            )
            given |= {after: first, before: last}
            if first.theirs.astimezone(UTC) == last.theirs.astimezone(UTC):
                del given[after]
    return given


REQUESTS = st.fixed_dictionaries({}, optional=GOOD).map(without_empty_ranges)


@pytest.fixture(scope="module")
def wires() -> Iterator[Wires]:
    with PageServer([]) as server:
        yield Wires(server)


class Wires:
    """A server, and the two clients whose requests it compares: ours, and boto3's own."""

    def __init__(self, server: PageServer) -> None:
        self.server = server
        self.ours = RestoreJobsClient(client=server.client(attempts=1))
        self.theirs: Any = server.client(attempts=1)

    def clear(self) -> None:
        self.server.requests.clear()
        self.server.headers.clear()

    def sent(self) -> list[str]:
        """Return what the last request asked for, byte by byte but in no order."""
        target = self.server.headers[-1].split(" ", 2)[1]
        return sorted(urlsplit(target).query.split("&"))


# Accepted


@examples(5)
@given(given=REQUESTS, as_request=st.booleans())
def test_what_is_accepted_reaches_the_wire_as_boto3_sends_it(
    wires: Wires, *, given: dict[str, Given], as_request: bool
) -> None:
    wires.clear()
    ours = {name: one.ours for name, one in given.items()}
    listing = (
        wires.ours.list_restore_jobs(ListRestoreJobsRequest(**ours))
        if as_request
        else wires.ours.list_restore_jobs(**ours)
    )
    with suppress(InvalidParameterValueException):  # the server has no such token
        next(listing.pages())
    sent = wires.sent()
    (query,) = wires.server.requests

    with suppress(wires.theirs.exceptions.InvalidParameterValueException):
        wires.theirs.list_restore_jobs(
            **{"MaxResults": 1000} | {to_pascal(name): one.theirs for name, one in given.items()}
        )
    assert sent == wires.sent()
    # And both say what was meant.
    expected = {name: one.theirs for name, one in given.items()}
    assert query.keys() == {WIRE_NAMES[name] for name in expected | {"max_results": 1000}}
    for name, value in expected.items():
        text = query[WIRE_NAMES[name]]
        if isinstance(value, datetime):
            assert text.endswith("Z")
            assert datetime.fromisoformat(text) == value.astimezone(UTC)
        else:
            assert text == str(value)


# Refused

ANY_TYPE: list[st.SearchStrategy[object]] = [
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(),
    st.decimals(),
    st.dates(),
    st.lists(st.text(), max_size=2),
    st.dictionaries(st.text(), st.integers(), max_size=2),
    st.builds(object),
]
OTHER_TYPES = st.sampled_from(ANY_TYPE).flatmap(lambda values: values)  # one choice, not nine
SURROGATES = st.text(st.characters(categories=["Cs"]), min_size=1)
BLANK = st.text(" \t\n\x0b\x0c\r\x1f\x85\xa0\u2003\u3000", max_size=3)
TOO_EARLY = st.datetimes(
    max_value=FIRST.replace(tzinfo=None) + timedelta(days=1), timezones=ZONES
).filter(lambda value: moment(value) is None)
BAD_MOMENTS = st.one_of(
    OTHER_TYPES,
    st.datetimes(),
    st.datetimes().map(datetime.isoformat),
    TOO_EARLY,
    TOO_EARLY.map(datetime.isoformat),
    st.text(max_size=9),
)
BAD: dict[str, st.SearchStrategy[object]] = {
    "by_account_id": OTHER_TYPES
    | st.text().filter(lambda text: text != "*" and len(text) != 12)
    | st.text(string.digits).filter(lambda text: len(text) != 12)
    | st.text(st.characters(categories=["Nd"]), min_size=12, max_size=12).filter(
        lambda text: not text.isascii()
    ),
    "by_resource_type": OTHER_TYPES
    | st.text(TYPE_LETTERS, min_size=51, max_size=52)
    | BLANK
    | BLANK.filter(bool).map("EBS".__add__)
    | st.text(st.characters(exclude_characters=TYPE_LETTERS + " "), min_size=1),
    **dict.fromkeys(
        ("by_created_after", "by_created_before", "by_complete_after", "by_complete_before"),
        BAD_MOMENTS,
    ),
    "by_status": OTHER_TYPES
    | st.text().filter(lambda text: text.upper() not in list(RestoreJobStatus)),
    "by_restore_testing_plan_arn": OTHER_TYPES
    | st.text().filter(lambda text: not text.startswith("arn:"))
    | GOOD["by_restore_testing_plan_arn"].map(lambda one: f"{one.ours} ")
    | GOOD["by_restore_testing_plan_arn"].flatmap(lambda one: SURROGATES.map(one.ours.__add__)),
    "by_parent_job_id": OTHER_TYPES | BLANK | SURROGATES,
    "max_results": st.none()
    | st.text(string.digits)
    | OTHER_TYPES.filter(lambda one: type(one) is not int or not 1 <= one <= 1000)
    | st.floats(1, 1000)
    | st.integers(1, 1000).map(Decimal),
    "next_token": OTHER_TYPES | BLANK | SURROGATES,
}


@st.composite
def refused(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return the name of a parameter that cannot be right, and it among others that can."""
    name = draw(st.sampled_from(sorted(BAD)))
    parameters: dict[str, Any] = {other: one.ours for other, one in draw(REQUESTS).items()}
    if name.endswith("_after") and draw(st.booleans()):
        before = draw(MOMENTS).theirs
        later = draw(st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(days=9)]))
        with suppress(OverflowError):
            after = before.astimezone(UTC) + later
            return name, parameters | {name: after, name.replace("_after", "_before"): before}
    return name, parameters | {name: draw(BAD[name])}


@examples(8)
@given(refused=refused())
def test_what_is_refused_names_the_parameter_and_sends_nothing(
    wires: Wires, refused: tuple[str, dict[str, Any]]
) -> None:
    wires.clear()
    name, parameters = refused
    for way in (
        lambda: wires.ours.list_restore_jobs(**parameters).first(),
        lambda: ListRestoreJobsRequest(**parameters),
        lambda: ListRestoreJobsRequest().model_copy(update=parameters),
        lambda: ListRestoreJobsRequest.model_validate(
            {to_pascal(other): value for other, value in parameters.items()}
        ),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            way()
        assert str(caught.value).startswith(f"{name}=")
    assert wires.server.requests == []


# Either


@examples(6)
@given(
    name=st.sampled_from(sorted(GOOD)),
    value=st.none()
    | OTHER_TYPES
    | st.text(st.characters(), max_size=4)
    | st.sampled_from(list(GOOD)).flatmap(GOOD.__getitem__).map(lambda one: one.ours),
)
def test_any_value_is_refused_or_sent(wires: Wires, name: str, value: Any) -> None:
    wires.clear()
    parameters: dict[str, Any] = {name: value}
    try:
        pages = wires.ours.list_restore_jobs(**parameters).pages()
    except InvalidRequestError:
        assert wires.server.requests == []
        return
    with suppress(InvalidParameterValueException):
        next(pages)
    (query,) = wires.server.requests
    text = query.get(WIRE_NAMES[name])
    if value is None:
        assert text is None
    else:
        assert text is not None
        assert isinstance(value, str | datetime) or type(value) is int
        if "_after" in name or "_before" in name:
            meant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            assert datetime.fromisoformat(text) == meant.astimezone(UTC)
        else:
            assert text.casefold() == str(value).casefold()

"""Generated requests: what is accepted is sent as boto3 sends it, and what is refused is not sent.

What is generated: values of all parameters that are right in any form, values that are wrong, and
any values. What is promised: the right ones reach the wire exactly, the wrong ones raise an error
that names the parameter, and any others do the one or the other.
"""

from __future__ import annotations

import string
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel, to_pascal
from support.generating import examples
from support.raw_server import PageServer

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

RANGES = [("by_created_after", "by_created_before"), ("by_complete_after", "by_complete_before")]
DATES = [name for names in RANGES for name in names]


class Right(NamedTuple):
    """A valid value: as a caller passes it to us, and as boto3 needs it."""

    ours: Any
    theirs: Any


def same(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Right]:
    """Generate values that are the same for both."""
    return values.map(lambda value: Right(value, value))


@st.composite
def in_any_case(draw: st.DrawFn, known: type[RestoreJobStatus | ResourceType]) -> Right:
    """Generate members of an enum, and their values in upper and lower case."""
    value = draw(st.sampled_from(list(known)))
    cases = [value, value.value, value.lower(), value.upper(), value.swapcase()]
    return Right(draw(st.sampled_from(cases)), value.value)


FIRST = datetime(1000, 1, 1, tzinfo=UTC)
SECONDS = st.integers(-86_399, 86_399)  # Python 3.11 reads no smaller parts of an offset
ZONES = st.timezones() | SECONDS.map(lambda seconds: timezone(timedelta(seconds=seconds)))
TWICE = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))  # the clock said so


def can_be_sent(date: datetime) -> bool:
    """Whether the year of a date, in UTC, is one that a request can have."""
    with suppress(OverflowError):
        return date.astimezone(UTC) >= FIRST
    return False


RIGHT_DATES = (
    (st.datetimes(timezones=ZONES) | st.sampled_from([TWICE, TWICE.replace(fold=1)]))
    .filter(can_be_sent)
    .flatmap(lambda date: st.sampled_from([Right(date, date), Right(date.isoformat(), date)]))
)
TYPE_LETTERS = string.ascii_letters + string.digits + "-_."
KNOWN_TYPES = {known.casefold() for known in ResourceType}
NOT_SPACE = st.characters(exclude_categories=["Cs"]).filter(lambda one: not one.isspace())
TEXT = (st.text() | st.text(" \t\n\0%+&=?#/~é", max_size=6)).filter(lambda text: text.strip())
PLAN_ARNS = st.builds(
    "arn:{}:backup:{}:{}:restore-testing-plan{}{}".format,
    st.sampled_from(["aws", "aws-cn", "aws-us-gov", "aws-iso-b"]),
    st.sampled_from(["eu-west-1", "us-gov-east-1"]),
    st.text(string.digits, min_size=12, max_size=12),
    st.sampled_from([":", "/"]),
    st.text(NOT_SPACE, min_size=1),
)
RIGHT: dict[str, st.SearchStrategy[Right]] = {
    "by_account_id": same(st.text(string.digits, min_size=12, max_size=12) | st.just("*")),
    "by_resource_type": in_any_case(ResourceType)
    | same(
        st.text(TYPE_LETTERS + " ", min_size=1, max_size=50).filter(
            lambda text: text == text.strip() and text.casefold() not in KNOWN_TYPES
        )
    ),
    **dict.fromkeys(DATES, RIGHT_DATES),
    "by_status": in_any_case(RestoreJobStatus),
    "by_restore_testing_plan_arn": same(PLAN_ARNS),
    "by_parent_job_id": same(TEXT),
    "max_results": same(st.integers(1, 1000)),
    "next_token": same(TEXT),
}
WIRE_NAMES = {name: to_camel(name.removeprefix("by_")) for name in RIGHT}


@st.composite
def right_parameters(draw: st.DrawFn) -> dict[str, Right]:
    """Generate some valid parameters, without an empty range of dates."""
    parameters: dict[str, Right] = draw(st.fixed_dictionaries({}, optional=RIGHT))
    for after, before in RANGES:
        if after in parameters and before in parameters:
            dates = sorted(
                (parameters[after], parameters[before]), key=lambda one: one.theirs.astimezone(UTC)
            )
            parameters[after], parameters[before] = dates
            if dates[0].theirs.astimezone(UTC) == dates[1].theirs.astimezone(UTC):
                del parameters[after]
    return parameters


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
).filter(lambda date: not can_be_sent(date))
WRONG_DATES = st.one_of(
    OTHER_TYPES,
    st.datetimes(),
    st.datetimes().map(datetime.isoformat),
    TOO_EARLY,
    TOO_EARLY.map(datetime.isoformat),
    st.text(max_size=9),
)
WRONG: dict[str, st.SearchStrategy[object]] = {
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
    **dict.fromkeys(DATES, WRONG_DATES),
    "by_status": OTHER_TYPES
    | st.text().filter(lambda text: text.upper() not in list(RestoreJobStatus)),
    "by_restore_testing_plan_arn": OTHER_TYPES
    | st.text().filter(lambda text: not text.startswith("arn:"))
    | PLAN_ARNS.map(lambda arn: f"{arn} ")
    | PLAN_ARNS.flatmap(lambda arn: SURROGATES.map(arn.__add__)),
    "by_parent_job_id": OTHER_TYPES | BLANK | SURROGATES,
    "max_results": st.none()
    | st.text(string.digits)
    | OTHER_TYPES.filter(lambda one: type(one) is not int or not 1 <= one <= 1000)
    | st.floats(1, 1000)
    | st.integers(1, 1000).map(Decimal),
    "next_token": OTHER_TYPES | BLANK | SURROGATES,
}


@st.composite
def wrong_parameters(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Generate the name of a wrong parameter, and parameters of which only that one is wrong."""
    name = draw(st.sampled_from(sorted(WRONG)))
    parameters = {other: one.ours for other, one in draw(right_parameters()).items()}
    if name.endswith("_after") and draw(st.booleans()):  # a range that ends before it begins
        before = draw(RIGHT_DATES).theirs
        later = draw(st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(days=9)]))
        with suppress(OverflowError):
            after = before.astimezone(UTC) + later
            return name, parameters | {name: after, name.replace("_after", "_before"): before}
    return name, parameters | {name: draw(WRONG[name])}


class Clients:
    """A server, a client of ours, and one of boto3."""

    def __init__(self, server: PageServer) -> None:
        self.server = server
        self.ours = RestoreJobsClient(client=server.client(attempts=1))
        self.theirs: Any = server.client(attempts=1)

    def forget(self) -> None:
        """Empty the log of the server."""
        self.server.requests.clear()
        self.server.headers.clear()

    def sent(self) -> list[str]:
        """Return the parts of the last request's query, byte by byte, in any order."""
        target = self.server.headers[-1].split(" ", 2)[1]
        return sorted(urlsplit(target).query.split("&"))


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    """Return the clients of a server that knows no token."""
    with PageServer([]) as server:
        yield Clients(server)


@examples(5)
@given(parameters=right_parameters(), as_request=st.booleans())
def test_right_parameters_are_sent_as_by_boto3(
    clients: Clients, *, parameters: dict[str, Right], as_request: bool
) -> None:
    """Valid parameters, by keyword or as a request, send the same bytes as boto3."""
    clients.forget()
    ours = {name: one.ours for name, one in parameters.items()}
    theirs = {name: one.theirs for name, one in parameters.items()}
    request = [ListRestoreJobsRequest(**ours)] if as_request else []
    listing = clients.ours.list_restore_jobs(*request, **({} if as_request else ours))
    with suppress(InvalidParameterValueException):  # there is no such token
        next(listing.pages())
    sent = clients.sent()
    (query,) = clients.server.requests

    with suppress(clients.theirs.exceptions.InvalidParameterValueException):
        clients.theirs.list_restore_jobs(
            **{"MaxResults": 1000} | {to_pascal(name): value for name, value in theirs.items()}
        )
    assert sent == clients.sent()
    assert query.keys() == {WIRE_NAMES[name] for name in theirs | {"max_results": 1000}}
    for name, value in theirs.items():
        check_meaning(query[WIRE_NAMES[name]], value)


def check_meaning(text: str, value: object) -> None:
    """Check that text on the wire means the value."""
    if isinstance(value, datetime):
        assert text.endswith("Z")
        assert datetime.fromisoformat(text) == value.astimezone(UTC)
    else:
        assert text.casefold() == str(value).casefold()


@examples(8)
@given(wrong=wrong_parameters())
def test_wrong_parameter_is_named_and_not_sent(
    clients: Clients, wrong: tuple[str, dict[str, Any]]
) -> None:
    """A wrong parameter raises an error that begins with its name, however it is passed."""
    clients.forget()
    name, parameters = wrong
    for use in (
        lambda: clients.ours.list_restore_jobs(**parameters).first(),
        lambda: ListRestoreJobsRequest(**parameters),
        lambda: ListRestoreJobsRequest().model_copy(update=parameters),
        lambda: ListRestoreJobsRequest.model_validate(
            {to_pascal(other): value for other, value in parameters.items()}
        ),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            use()
        assert str(caught.value).startswith(f"{name}=")
    assert clients.server.requests == []


@examples(6)
@given(
    name=st.sampled_from(sorted(RIGHT)),
    value=st.none()
    | OTHER_TYPES
    | st.text(st.characters(), max_size=4)
    | st.sampled_from(list(RIGHT)).flatmap(RIGHT.__getitem__).map(lambda one: one.ours),
)
def test_any_value_is_refused_or_sent(clients: Clients, name: str, value: Any) -> None:
    """Any value of a parameter is refused without a request, or sent with its meaning."""
    clients.forget()
    parameters: dict[str, Any] = {name: value}
    try:
        pages = clients.ours.list_restore_jobs(**parameters).pages()
    except InvalidRequestError:
        assert clients.server.requests == []
        return
    with suppress(InvalidParameterValueException):
        next(pages)
    (query,) = clients.server.requests
    if value is None:
        assert WIRE_NAMES[name] not in query
    else:
        assert isinstance(value, str | datetime) or type(value) is int
        if name in DATES and isinstance(value, str):
            value = datetime.fromisoformat(value)
        check_meaning(query[WIRE_NAMES[name]], value)

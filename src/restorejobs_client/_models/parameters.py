"""The parameters of ListRestoreJobs: the values that are allowed, and the errors for others."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from functools import partial
from typing import Any, Final, NamedTuple

from restorejobs_client._core.dates import datetime, in_utc
from restorejobs_client._core.enums import ResourceType, RestoreJobStatus
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.text import clipped_repr

LARGEST_PAGE: Final = 1000
EARLIEST: Final = datetime(1000, 1, 1, tzinfo=UTC)  # botocore cannot write earlier years
_MAX_SHOWN: Final = 100  # characters of a refused value in a message
_ALLOWED_MOMENT: Final = (
    "a datetime with a time zone, such as datetime(2026, 1, 31, tzinfo=UTC), from the year 1000 on"
)


class Parameter(NamedTuple):
    """One parameter of the operation.

    Attributes:
        check: returns the value to send, or raises ValueError.
        allowed: what the value must be, in words for messages.
    """

    check: Callable[[object], object]
    allowed: str


def _moment(value: object, *, up: bool) -> datetime:
    moment = in_utc(value, up=up) if isinstance(value, datetime | str) else None
    if moment is None or moment < EARLIEST:
        raise ValueError
    return moment


def _status(value: object) -> RestoreJobStatus:
    if not isinstance(value, str) or not RestoreJobStatus(value).is_known:
        raise ValueError
    return RestoreJobStatus(value)


def _text_matching(pattern: str) -> Callable[[object], str]:
    allowed = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or not allowed.fullmatch(value):
            raise ValueError
        str.encode(value)  # raises a ValueError for a lone surrogate
        return str.__str__(value)  # a subclass may override __str__

    return check


# AWS documents values with spaces, although its own pattern forbids them.
_resource_type_text: Final = _text_matching(r"(?! )[a-zA-Z0-9\-_. ]{1,50}(?<! )")


def _resource_type(value: object) -> ResourceType:
    return ResourceType(_resource_type_text(value))


def _page_size(value: object) -> int:
    if type(value) is not int or not 1 <= value <= LARGEST_PAGE:  # a bool is refused
        raise ValueError
    return value


_PLAN: Final = r"arn:aws[a-z0-9-]*:backup:[a-z0-9-]+:[0-9]{12}:restore-testing-plan[:/]\S+"
_NOT_EMPTY: Final = r"(?s).*\S.*"
_ALLOWED_TEXT: Final = "text that is not empty, without a lone surrogate"
# A part below a microsecond is cut outwards, so that no job is lost.
_AFTER: Final = Parameter(partial(_moment, up=False), _ALLOWED_MOMENT)
_BEFORE: Final = Parameter(partial(_moment, up=True), _ALLOWED_MOMENT)
PARAMETERS: Final[dict[str, Parameter]] = {
    "by_account_id": Parameter(
        _text_matching(r"[0-9]{12}|\*"), 'text: the 12 digits of an account, or "*"'
    ),
    "by_resource_type": Parameter(
        _resource_type,
        "a resource type such as ResourceType.EBS: 1 to 50 letters, digits, - _ . and "
        "spaces, but no space at the start or end",
    ),
    "by_created_before": _BEFORE,
    "by_created_after": _AFTER,
    "by_status": Parameter(_status, f"one of {', '.join(RestoreJobStatus)}"),
    "by_complete_before": _BEFORE,
    "by_complete_after": _AFTER,
    "by_restore_testing_plan_arn": Parameter(
        _text_matching(_PLAN),
        "the ARN of a restore testing plan: "
        "arn:aws:backup:<region>:<account>:restore-testing-plan:<name>",
    ),
    "by_parent_job_id": Parameter(_text_matching(_NOT_EMPTY), _ALLOWED_TEXT),
    "max_results": Parameter(_page_size, f"an int from 1 to {LARGEST_PAGE}: the jobs per page"),
    "next_token": Parameter(_text_matching(_NOT_EMPTY), f"a page token from AWS: {_ALLOWED_TEXT}"),
}
FILTERS: Final = tuple(name for name in PARAMETERS if name.startswith("by_"))


def aws_name(name: str) -> str:
    """Return the AWS name of a parameter: `by_status` is `ByStatus`."""
    return "".join(word.capitalize() for word in name.split("_"))


def check_parameters(given: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters that are set, with the values to send, by their snake_case names.

    Raises:
        InvalidRequestError: names each wrong parameter, what was given and what is allowed; or
            both bounds of a range of dates that no job can match.
    """
    checked: dict[str, Any] = {}
    refusals: list[str] = []
    for name, value in given.items():
        if value is None and name != "max_results":
            continue
        try:
            checked[name] = PARAMETERS[name].check(value)
        except ValueError:
            shown = clipped_repr(value, _MAX_SHOWN)
            refusals.append(f"{name}={shown} is refused: it must be {PARAMETERS[name].allowed}")
    if refusals:
        raise InvalidRequestError("; ".join(refusals))
    for kind in ("created", "complete"):
        after, before = f"by_{kind}_after", f"by_{kind}_before"
        lower, upper = checked.get(after), checked.get(before)
        if lower and upper and lower >= upper:
            raise InvalidRequestError(
                f"{after}={lower.isoformat()} is not earlier than {before}={upper.isoformat()}: "
                "no job can match both"
            )
    return checked


def check_count(name: str, value: object, *, least: int) -> int:
    """Return the value if it is an int of `least` or more. A bool is refused.

    Raises:
        InvalidRequestError: names the argument, what was given and what is allowed.
    """
    if type(value) is not int or value < least:
        message = f"{name}={clipped_repr(value)} is refused: it must be an int, {least} or more"
        raise InvalidRequestError(message)
    return value


def unknown_parameter(name: str, accepted: Iterable[str]) -> str:
    """Return the error message for an unknown name, with the name that was probably meant."""
    names = list(accepted)
    in_snake_case = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    texts = (name, in_snake_case)
    near = [match for text in texts for match in difflib.get_close_matches(text, names, n=1)]
    known = ", ".join(one for one in names if one.islower())
    advice = f"did you mean {near[0]}?" if near else f"the parameters are {known}"
    return f"{name} is not a parameter of ListRestoreJobs: {advice}"


def filter_texts(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return the filters that are set as text, by name. Equal filters give equal texts."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name in FILTERS
        if (value := parameters.get(name)) is not None
    }


def aws_parameters(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters that are set, with the names that boto3's `list_restore_jobs` uses."""
    return {aws_name(name): value for name, value in parameters.items() if value is not None}

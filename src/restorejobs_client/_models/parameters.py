"""The parameters of ListRestoreJobs: the values that are allowed, and the errors for others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC
from difflib import get_close_matches
from typing import Any, Final

from restorejobs_client._core.dates import datetime, in_utc
from restorejobs_client._core.enums import ResourceType, RestoreJobStatus
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.text import clipped_repr

LARGEST_PAGE: Final = 1000
EARLIEST: Final = datetime(1000, 1, 1, tzinfo=UTC)  # botocore cannot write earlier years
_DATE: Final = (
    "a datetime with a time zone, such as datetime(2026, 1, 31, tzinfo=UTC), from the year 1000 on"
)
_TEXT: Final = "text that is not empty, without a lone surrogate"
_NOT_EMPTY: Final = r"(?s).*\S.*"
_PLAN: Final = r"arn:aws[a-z0-9-]*:backup:[a-z0-9-]+:[0-9]{12}:restore-testing-plan[:/]\S+"
PARAMETERS: Final[dict[str, str]] = {
    "by_account_id": 'text: the 12 digits of an account, or "*"',
    "by_resource_type": "a resource type such as ResourceType.EBS: 1 to 50 letters, digits, - _ . "
    "and spaces, but no space at the start or end",
    "by_created_before": _DATE,
    "by_created_after": _DATE,
    "by_status": f"one of {', '.join(RestoreJobStatus)}",
    "by_complete_before": _DATE,
    "by_complete_after": _DATE,
    "by_restore_testing_plan_arn": "the ARN of a restore testing plan: "
    "arn:aws:backup:<region>:<account>:restore-testing-plan:<name>",
    "by_parent_job_id": _TEXT,
    "max_results": f"an int from 1 to {LARGEST_PAGE}: the jobs per page",
    "next_token": f"a page token from AWS: {_TEXT}",
}
"""What the value of each parameter must be, in words for messages."""
# The patterns and types of those that are text. AWS documents resource types with spaces, although
# its own pattern forbids them.
_TEXTS: Final[dict[str, tuple[str, type[str]]]] = {
    "by_account_id": (r"[0-9]{12}|\*", str),
    "by_resource_type": (r"(?! )[a-zA-Z0-9\-_. ]{1,50}(?<! )", ResourceType),
    "by_status": (f"(?ai){'|'.join(RestoreJobStatus)}", RestoreJobStatus),
    "by_restore_testing_plan_arn": (_PLAN, str),
    "by_parent_job_id": (_NOT_EMPTY, str),
    "next_token": (_NOT_EMPTY, str),
}
FILTERS: Final = tuple(name for name in PARAMETERS if name.startswith("by_"))


def aws_name(name: str) -> str:
    """Return the AWS name of a parameter: `by_status` is `ByStatus`."""
    return "".join(word.capitalize() for word in name.split("_"))


def _sent_value(name: str, value: object) -> object:
    """Return the value to send, or raise ValueError."""
    if name in _TEXTS and isinstance(value, str):
        pattern, kind = _TEXTS[name]
        str.encode(value)  # raises a ValueError for a lone surrogate
        if re.fullmatch(pattern, value):
            return kind(str.__str__(value))  # a subclass may override __str__
    elif name.endswith(("_after", "_before")) and isinstance(value, datetime | str):
        # A part below a microsecond is cut outwards, so that no job is lost.
        date = in_utc(value, up=name.endswith("_before"))
        if date >= EARLIEST:
            return date
    elif name == "max_results" and type(value) is int and 1 <= value <= LARGEST_PAGE:
        return value  # a bool has another type
    raise ValueError


def check_parameters(given: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters that are set, with the values to send, by their snake_case names.

    Raises:
        InvalidRequestError: names each wrong parameter, what was given and what is allowed; or
            both bounds of a range of dates that no job can match.
    """
    checked: dict[str, Any] = {}
    refusals: list[str] = []
    for name, value in given.items():
        if name not in PARAMETERS or (value is None and name != "max_results"):
            continue  # a model of the caller may have other members
        try:
            checked[name] = _sent_value(name, value)
        except ValueError:
            shown = clipped_repr(value)
            refusals.append(f"{name}={shown} is refused: it must be {PARAMETERS[name]}")
    for kind in ("created", "complete"):
        after, before = checked.get(f"by_{kind}_after"), checked.get(f"by_{kind}_before")
        if after and before and after >= before:
            refusals.append(
                f"by_{kind}_after={after.isoformat()} is not earlier than "
                f"by_{kind}_before={before.isoformat()}: no job can match both"
            )
    if refusals:
        raise InvalidRequestError("; ".join(refusals))
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


_OF_BOTO3: Final = {  # what paginators call our parameters
    "max_items": "limit",
    "page_size": "max_results",
    "starting_token": "resume_from",
}


def check_names(given: Iterable[str], accepted: list[str]) -> None:
    """Refuse an unknown name of a parameter.

    Raises:
        InvalidRequestError: has the name that was probably meant, or all names.
    """
    for name in {*given}.difference(accepted):
        in_snake_case = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        meant = (_OF_BOTO3.get(in_snake_case, ""), name, in_snake_case)
        near = [one for text in meant for one in get_close_matches(text, accepted, 1)]
        known = ", ".join(filter(str.islower, accepted))
        advice = f"did you mean {near[0]}?" if near else f"the parameters are {known}"
        raise InvalidRequestError(f"{name} is not a parameter here: {advice}")


def filter_texts(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return the filters that are set as text, by name. Equal filters give equal texts."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name in FILTERS
        if (value := parameters.get(name)) is not None
    }


def aws_parameters(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters that are set, with the names that boto3's `list_restore_jobs` uses."""
    given = ((name, parameters.get(name)) for name in PARAMETERS)
    return {aws_name(name): value for name, value in given if value is not None}

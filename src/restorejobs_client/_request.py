"""The request: the eleven parameters of ListRestoreJobs, refused here rather than by AWS."""

from __future__ import annotations

import difflib
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic.alias_generators import to_pascal
from typing_extensions import override

from restorejobs_client._enums import ResourceType, RestoreJobStatus
from restorejobs_client._errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Self, Unpack

StatusName = Literal["PENDING", "RUNNING", "COMPLETED", "ABORTED", "FAILED"]

EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)  # botocore writes earlier years with too few digits
_A_MOMENT = (
    "a datetime with a time zone, such as datetime(2026, 1, 31, tzinfo=UTC), from the year 1000 on"
)
_SHOWN = 100  # characters of a refused value: enough to recognise it by


def _moment(value: object) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise ValueError from None
    if moment < EARLIEST:
        raise ValueError
    return moment


def _status(value: object) -> RestoreJobStatus:
    if isinstance(value, str):
        status = RestoreJobStatus(value)
        if status.is_known:
            return status
    raise ValueError


def _resource_type(value: object) -> ResourceType:
    # AWS's own pattern forbids the spaces of values that AWS documents.
    return ResourceType(_text(r"(?! )[a-zA-Z0-9\-_. ]{1,50}(?<! )")(value))


def _text(pattern: str) -> Callable[[object], str]:
    allowed = re.compile(pattern)

    def validated(value: object) -> str:
        if not isinstance(value, str) or allowed.fullmatch(value) is None:
            raise ValueError
        text = str.__str__(value)  # str(value) is what a subclass makes of it, such as an enum
        text.encode()  # half of a surrogate pair raises, which is a ValueError: no URL can have it
        return text

    return validated


def _page_size(value: object) -> int:
    if type(value) is not int or not 1 <= value <= 1000:  # noqa: PLR2004  # AWS's own bounds
        raise ValueError
    return value


_Moment = Annotated[datetime, BeforeValidator(_moment)]
_Given = Annotated[str, BeforeValidator(_text(r"(?s).*\S.*"))]


class RequestParameters(TypedDict, total=False):
    """The keywords of `ListRestoreJobsRequest`, for type checkers."""

    by_account_id: str | None
    by_resource_type: ResourceType | str | None
    by_created_before: datetime | None
    by_created_after: datetime | None
    by_status: RestoreJobStatus | StatusName | None
    by_complete_before: datetime | None
    by_complete_after: datetime | None
    by_restore_testing_plan_arn: str | None
    by_parent_job_id: str | None
    max_results: int
    next_token: str | None


class ListRestoreJobsRequest(
    BaseModel,
    alias_generator=to_pascal,
    extra="forbid",
    frozen=True,
    validate_by_alias=True,
    validate_by_name=True,
):
    """The parameters of one listing, validated and frozen (AWS type `ListRestoreJobsInput`).

    Every parameter has its AWS name in snake_case; `model_validate` also takes the AWS spelling.
    A filter that is `None` is not sent. Datetimes must be aware, and are kept in UTC; text in ISO
    8601 with an offset is taken too. `RestoreJobsClient.list_restore_jobs` says what each one is.

    Raises:
        InvalidRequestError: names the parameter, what was given and what is allowed.

    Examples:
        >>> request = ListRestoreJobsRequest.model_validate({"ByStatus": "FAILED"})
        >>> request == ListRestoreJobsRequest(by_status="FAILED")
        True
    """

    by_account_id: Annotated[str, BeforeValidator(_text(r"[0-9]{12}|\*"))] | None = Field(
        default=None, description='the 12 digits of an account, or "*" for all accounts'
    )
    by_resource_type: Annotated[ResourceType, BeforeValidator(_resource_type)] | None = Field(
        default=None,
        description="a resource type such as ResourceType.EBS: 1 to 50 of letters, digits, - _ . "
        "and spaces within",
    )
    by_created_before: _Moment | None = Field(default=None, description=_A_MOMENT)
    by_created_after: _Moment | None = Field(default=None, description=_A_MOMENT)
    by_status: Annotated[RestoreJobStatus, BeforeValidator(_status)] | None = Field(
        default=None, description=f"one of {', '.join(RestoreJobStatus)}"
    )
    by_complete_before: _Moment | None = Field(default=None, description=_A_MOMENT)
    by_complete_after: _Moment | None = Field(default=None, description=_A_MOMENT)
    by_restore_testing_plan_arn: (
        Annotated[
            str,
            BeforeValidator(
                _text(r"arn:aws[a-z0-9-]*:backup:[a-z0-9-]+:[0-9]{12}:restore-testing-plan[:/]\S+")
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="the ARN of a restore testing plan: "
        "arn:aws:backup:<region>:<account>:restore-testing-plan:<name>",
    )
    by_parent_job_id: _Given | None = Field(
        default=None, description="text that is not empty, without lone surrogates"
    )
    max_results: Annotated[int, BeforeValidator(_page_size)] = Field(
        default=1000, description="an int from 1 to 1000, the jobs of one page"
    )
    next_token: _Given | None = Field(
        default=None,
        description="a token that AWS gave, text that is not empty, without lone surrogates",
    )

    def __init__(self, **parameters: Unpack[RequestParameters]) -> None:
        with _refusals():
            super().__init__(**parameters)
            self._refuse_empty_range("by_created_after", "by_created_before")
            self._refuse_empty_range("by_complete_after", "by_complete_before")

    def _refuse_empty_range(self, after: str, before: str) -> None:
        lower, upper = getattr(self, after), getattr(self, before)
        if lower is not None and upper is not None and lower >= upper:
            message = (
                f"{after}={lower.isoformat()} is not earlier than {before}={upper.isoformat()}: "
                "nothing can be between them"
            )
            raise InvalidRequestError(message)

    @classmethod
    @override
    def model_validate(cls, obj: object, **options: Any) -> Self:
        """Return the request that a dict describes, by AWS names or names in snake_case.

        Args:
            obj: the dict, or another request.
            options: those of pydantic's `BaseModel.model_validate`.

        Raises:
            InvalidRequestError: names the parameter, what was given and what is allowed.
        """
        with _refusals():
            return super().model_validate(obj, **options)

    @classmethod
    @override
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Return the request that a JSON object describes, as `model_validate` does for a dict.

        Args:
            json_data: the JSON text.
            options: those of pydantic's `BaseModel.model_validate_json`.

        Raises:
            InvalidRequestError: names the parameter, what was given and what is allowed.
        """
        with _refusals():
            return super().model_validate_json(json_data, **options)

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some parameters changed, validated like a new request.

        Args:
            update: the parameters that change, by their names.
            deep: makes no difference: nothing in a request can change.

        Raises:
            InvalidRequestError: as for a new request.
        """
        return self.model_validate({**dict(self), **(update or {})})

    def filters(self) -> dict[str, str]:
        """Return the filters that are set, by name, as text: what makes two listings the same."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else str(value)
            for name, value in self
            if name.startswith("by_") and value is not None
        }

    def parameters(self) -> dict[str, object]:
        """Return what boto3's `list_restore_jobs` takes for the first page."""
        return self.model_dump(by_alias=True, exclude_none=True)


@contextmanager
def _refusals() -> Generator[None]:
    """Turn pydantic's account of what is wrong into ours."""
    try:
        yield
    except ValidationError as error:
        raise _refusal(error) from error
    except TypeError as error:
        message = "the names of parameters must be text"
        raise InvalidRequestError(message) from error


def _refusal(error: ValidationError) -> InvalidRequestError:
    messages: list[str] = []
    for fault in error.errors(include_url=False):
        cause = fault.get("ctx", {}).get("error")
        if isinstance(cause, InvalidRequestError):  # raised by __init__ under model_validate
            return cause
        name = str(fault["loc"][0]) if fault["loc"] else ""
        messages.append(_message(name, fault["type"], fault["input"]))
    return InvalidRequestError("; ".join(messages))


def _message(name: str, kind: str, given: object) -> str:
    fields = ListRestoreJobsRequest.model_fields
    parameter = next((known for known in fields if name in {known, to_pascal(known)}), None)
    shown = repr(given)
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}…"
    if not name:
        return f"{shown} is no request: give the parameters of ListRestoreJobs by their names"
    if parameter is None or kind == "extra_forbidden":
        near = difflib.get_close_matches(name, [*fields, *map(to_pascal, fields)], n=1)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(fields)}"
        return f"{name} is not a parameter of ListRestoreJobs: {advice}"
    return f"{parameter}={shown} is refused: it must be {fields[parameter].description}"

"""The request as a pydantic model of the eleven parameters."""

# No `from __future__ import annotations`: frameworks read these annotations.

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, Self, TypedDict, cast

from pydantic import AwareDatetime, BaseModel, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema
from typing_extensions import Unpack, override

from restorejobs_client._core.dates import datetime
from restorejobs_client._core.enums import ResourceType, RestoreJobStatus, StatusName
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.parameters import (
    LARGEST_PAGE,
    PARAMETERS,
    aws_name,
    aws_parameters,
    check_names,
    check_parameters,
    filter_texts,
)

_SNAKE_CASE: Final = {aws_name(name): name for name in PARAMETERS}


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


def _parameter(name: str, default: int | None = None) -> Any:  # noqa: ANN401  # like pydantic's Field
    return Field(default=default, description=PARAMETERS[name])


def _checked(given: object, *, is_from_framework: bool = False) -> dict[str, Any]:
    """Return the parameters to send, by their names in snake_case.

    From frameworks, `max_results` may be digits: those that read URLs pass text.
    """
    if not isinstance(given, Mapping | BaseModel):
        message = f"{clipped_repr(given)} is not a request: pass the parameters by their names"
        raise InvalidRequestError(message)
    named = dict(cast("Mapping[object, object]", given))  # of a model, its members
    renamed = {_SNAKE_CASE.get(str(name), str(name)): value for name, value in named.items()}
    check_names(renamed, [*PARAMETERS, *_SNAKE_CASE])
    if len(renamed) < len(named):
        message = f"{clipped_repr(list(named))} has a parameter twice: give each one only once"
        raise InvalidRequestError(message)
    size = renamed.get("max_results")
    if is_from_framework and isinstance(size, str) and re.fullmatch("[0-9]{1,4}", size):
        renamed["max_results"] = int(size)
    return check_parameters(renamed)


class ListRestoreJobsRequest(BaseModel, extra="forbid", frozen=True):
    """The validated, frozen parameters of a listing (AWS type `ListRestoreJobsInput`).

    Every parameter has its AWS name in snake_case. `model_validate` also accepts AWS's spelling.
    `RestoreJobsClient.list_restore_jobs` describes each parameter. A filter that is `None` is not
    sent. Datetimes must be aware, and are converted to UTC. Text in ISO 8601 with an offset is
    accepted too.

    In FastAPI, use it as a `Query()` model.

    Raises:
        InvalidRequestError: names the parameter, what was given and what is allowed.

    Examples:
        >>> request = ListRestoreJobsRequest.model_validate({"ByStatus": "FAILED"})
        >>> request == ListRestoreJobsRequest(by_status="FAILED")
        True
    """

    by_account_id: str | None = _parameter("by_account_id")
    by_resource_type: ResourceType | None = _parameter("by_resource_type")
    by_created_before: AwareDatetime | None = _parameter("by_created_before")
    by_created_after: AwareDatetime | None = _parameter("by_created_after")
    by_status: RestoreJobStatus | None = _parameter("by_status")
    by_complete_before: AwareDatetime | None = _parameter("by_complete_before")
    by_complete_after: AwareDatetime | None = _parameter("by_complete_after")
    by_restore_testing_plan_arn: str | None = _parameter("by_restore_testing_plan_arn")
    by_parent_job_id: str | None = _parameter("by_parent_job_id")
    max_results: int = _parameter("max_results", LARGEST_PAGE)
    next_token: str | None = _parameter("next_token")

    def __init__(self, **parameters: Unpack[RequestParameters]) -> None:
        super().__init__(**_checked(parameters))

    @classmethod
    @override
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        """Accept AWS's names too. A model validator would run too late, after `__init__`."""
        check = partial(_checked, is_from_framework=True)
        return core_schema.no_info_before_validator_function(check, handler(source))

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
        return super().model_validate(_checked(obj), **options)

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
        obj: object = json_data  # `model_validate` refuses it
        with suppress(ValueError, TypeError, RecursionError):
            obj = json.loads(json_data)
        return cls.model_validate(obj, **options)

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some parameters changed, validated like a new request.

        Args:
            update: the parameters that change, by their names.
            deep: has no effect, because a request is immutable.

        Raises:
            InvalidRequestError: as for a new request.
        """
        return self.model_validate(dict(self) | dict(update or {}))

    def filters(self) -> dict[str, str]:
        """Return the filters that are set as text, by name. Equal filters give equal texts."""
        return filter_texts(dict(self))

    def parameters(self) -> dict[str, object]:
        """Return the parameters of the first request, with boto3's names for them."""
        return aws_parameters(dict(self))


ListRestoreJobsRequest.__module__ = "restorejobs_client"  # as of all public names

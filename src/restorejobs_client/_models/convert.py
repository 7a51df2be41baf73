"""Convert mappings to structs and to JSON.

`read_struct` is slower than `msgspec.convert`, but it also accepts what botocore and callers pass,
and its errors show the value that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from types import NoneType
from typing import Annotated, Any, Final, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec.structs import fields

from restorejobs_client._core.text import clipped_repr

_MAX_SHOWN: Final = 80  # characters of a wrong value in a message
_ALLOWED: Final[dict[type, str]] = {
    int: "a whole number",
    bool: "true or false",
    datetime: "a datetime with a timezone, epoch seconds, or text in ISO 8601 with an offset, "
    "within the years 1 to 9999 in UTC",
}
_AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)] | None
_Reader = Callable[[object], object]
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class WrongValueError(ValueError):
    """A value that does not fit its member.

    Attributes:
        path: where the value is, such as `".RestoreJobs[7].Status"`. Each level that the
            exception passes adds its part.
    """

    def __init__(self, allowed: str, value: object) -> None:
        super().__init__()
        self.path = ""
        self._problem = f"it must be {allowed}, got {clipped_repr(value, _MAX_SHOWN)}"

    def __str__(self) -> str:
        return f"{self.path.removeprefix('.') or 'the value'}: {self._problem}"


def read_struct(kind: type[_Struct], members: object, *, aws_names_only: bool = False) -> _Struct:
    """Return the struct that a mapping describes, by AWS's names or by those in snake_case.

    Unknown names are ignored.

    Raises:
        WrongValueError: for the first value that does not fit.
    """
    if isinstance(members, kind):
        return members
    if not isinstance(members, Mapping):
        raise WrongValueError("an object with named members", members)
    given = cast("Mapping[str, object]", members)
    values: dict[str, object] = {}
    for name, aws_name, read in _readers(kind, aws_names_only):
        spelling = aws_name if aws_names_only or aws_name in given else name
        if spelling in given:
            try:
                values[name] = read(given[spelling])
            except WrongValueError as wrong:
                wrong.path = f".{spelling}{wrong.path}"
                raise
    return kind(**values)


@cache
def _readers(
    kind: type[msgspec.Struct],
    aws_names_only: bool,  # noqa: FBT001  # cached by position
) -> list[tuple[str, str, _Reader]]:
    """Return the name of each member, its AWS name, and the function that reads its value."""
    return [
        (field.name, field.encode_name, _reader(field.type, aws_names_only=aws_names_only))
        for field in fields(kind)
    ]


def _reader(annotation: Any, *, aws_names_only: bool) -> _Reader:  # noqa: ANN401  # an annotation can be any object
    kind = next(one for one in get_args(annotation) if one is not NoneType)
    if issubclass(kind, msgspec.Struct):
        read = partial(read_struct, kind, aws_names_only=aws_names_only)
        if get_origin(annotation) is tuple:
            return partial(_read_list, read)
        return lambda value: None if _is_null(value) else read(value)
    if issubclass(kind, str):
        return partial(_read_text, kind)
    return partial(_read_other, kind, _AwareDatetime if kind is datetime else annotation)


def _read_list(read: _Reader, value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise WrongValueError("a list", value)
    items: list[object] = []
    for index, item in enumerate(cast("list[object]", value)):
        try:
            items.append(read(item))
        except WrongValueError as wrong:
            wrong.path = f"[{index}]{wrong.path}"
            raise
    return tuple(items)


def _read_text(kind: type[str], value: object) -> str | None:
    if value is None or type(value) is kind:
        return value
    if not isinstance(value, str):
        raise WrongValueError("text", value)
    if kind is not str and _is_null(value):
        return None
    return kind(str.__str__(value))  # a subclass may override __str__


def _is_null(value: object) -> bool:
    """Return whether a value is null, or is the text "null" in upper or lower case.

    msgspec reads such text as null, except in members of plain text.
    """
    return value is None or (isinstance(value, str) and value.lower() == "null")


def _read_other(kind: type, annotation: Any, value: object) -> object:  # noqa: ANN401  # an annotation can be any object
    try:
        read = msgspec.convert(value, annotation, strict=False)
        return read.astimezone(UTC) if isinstance(read, datetime) else read
    except (msgspec.ValidationError, ValueError, OverflowError):
        raise WrongValueError(_ALLOWED[kind], value) from None


def json_text(members: Mapping[str, object]) -> str:
    """Return one line of JSON: dates in ISO 8601 with `Z`, durations in seconds."""
    return json.dumps(members, default=_json_value)


def _json_value(value: datetime | timedelta) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat().replace("+00:00", "Z")

"""Mappings to structs, member by member, and structs to JSON.

This is the slow way to a model. It accepts what `json.loads` and botocore return, and it names the
value that is wrong, which `msgspec`'s own messages do not show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import Annotated, Any, Final, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec.structs import fields

from restorejobs_client._enums import OpenEnum
from restorejobs_client._text import clipped_repr

_LONGEST_VALUE: Final = 80  # characters of a wrong value in a message
_ALLOWED: Final[dict[type, str]] = {int: "a whole number", bool: "true or false"}
_AwareDatetime = Annotated[datetime, msgspec.Meta(tz=True)] | None
_A_MOMENT: Final = (
    "a datetime with a timezone, epoch seconds, or text in ISO 8601 with an offset, "
    "and not outside the years 1 to 9999 in UTC"
)
# A value, and whether only AWS's names are accepted inside it.
_Reader = Callable[[Any, bool], object]
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class WrongValueError(Exception):
    """A value that does not fit its member.

    Attributes:
        place: the way to the value, such as `".RestoreJobs[7].Status"`; it grows on the way up.
        allowed: what the value must be.
    """

    def __init__(self, allowed: str, value: object) -> None:
        super().__init__(allowed)
        self.place = ""
        self.allowed = allowed
        self.value = value

    def __str__(self) -> str:
        place = self.place.removeprefix(".") or "the whole"
        shown = clipped_repr(self.value, _LONGEST_VALUE)
        return f"{place}: it must be {self.allowed}, got {shown}"


def read_struct(kind: type[_Struct], members: object, *, aws_names_only: bool = False) -> _Struct:
    """Return the struct that a mapping describes, by AWS's names or those in snake_case.

    Unknown names are ignored.

    Raises:
        WrongValueError: for the first value that does not fit.
    """
    if isinstance(members, kind):
        return members
    if not isinstance(members, Mapping):
        raise WrongValueError("an object with named members", members)
    named = cast("Mapping[object, object]", members)
    values: dict[str, object] = {}
    for name, aws_name, read in _readers(kind):
        spelling = aws_name if aws_names_only or aws_name in named else name
        if spelling in named:
            try:
                values[name] = read(named[spelling], aws_names_only)
            except WrongValueError as wrong:
                wrong.place = f".{spelling}{wrong.place}"
                raise
    return kind(**values)


@cache
def _readers(kind: type[msgspec.Struct]) -> list[tuple[str, str, _Reader]]:
    return [(field.name, field.encode_name, _reader(field.type)) for field in fields(kind)]


def _reader(annotation: Any) -> _Reader:  # noqa: ANN401  # any annotation of a field
    if get_origin(annotation) is tuple:
        return partial(_read_structs, get_args(annotation)[0])
    kind = next(one for one in get_args(annotation) if one is not type(None))
    if issubclass(kind, msgspec.Struct):
        return partial(_read_optional_struct, kind)
    if issubclass(kind, OpenEnum):
        return lambda value, _: None if value is None else kind(_read_text(value))
    if kind in _ALLOWED:
        return partial(_read_number, annotation, _ALLOWED[kind])
    return _read_moment if kind is datetime else _read_text


def _read_structs(
    kind: type[msgspec.Struct],
    value: object,
    aws_names_only: bool,  # noqa: FBT001  # a reader's
) -> tuple[msgspec.Struct, ...]:
    if not isinstance(value, list | tuple):
        raise WrongValueError("a list", value)
    structs: list[msgspec.Struct] = []
    for place, item in enumerate(cast("list[object]", value)):
        try:
            structs.append(read_struct(kind, item, aws_names_only=aws_names_only))
        except WrongValueError as wrong:
            wrong.place = f"[{place}]{wrong.place}"
            raise
    return tuple(structs)


def _read_optional_struct(
    kind: type[msgspec.Struct],
    value: object,
    aws_names_only: bool,  # noqa: FBT001  # a reader's
) -> msgspec.Struct | None:
    return None if value is None else read_struct(kind, value, aws_names_only=aws_names_only)


def _read_text(value: object, _: object = None) -> str | None:
    if value is None or type(value) is str:
        return value
    if not isinstance(value, str):
        raise WrongValueError("text", value)
    return str.__str__(value)  # str() of a subclass may be another text


def _read_number(annotation: Any, allowed: str, value: object, _: object) -> object:  # noqa: ANN401  # a union
    try:
        return msgspec.convert(value, annotation, strict=False)
    except (msgspec.ValidationError, ValueError):
        raise WrongValueError(allowed, value) from None


def _read_moment(value: object, _: object) -> datetime | None:
    try:
        moment: datetime | None = msgspec.convert(value, _AwareDatetime, strict=False)
        return moment and moment.astimezone(UTC)
    except (msgspec.ValidationError, ValueError, OverflowError):
        raise WrongValueError(_A_MOMENT, value) from None


def json_value(value: Any) -> Any:  # noqa: ANN401  # anything in, its JSON form out
    """Return what `json.dumps` takes: dates in ISO 8601 with `Z`, durations in seconds."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, OpenEnum):
        return value.value
    if isinstance(value, Mapping):
        named = cast("Mapping[str, object]", value)
        return {name: json_value(one) for name, one in named.items()}
    if isinstance(value, list | tuple):
        return [json_value(one) for one in cast("list[object]", value)]
    return value

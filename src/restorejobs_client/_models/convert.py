"""The base class of the structs, and how mappings become structs, and structs JSON.

`read_struct` is slower than `msgspec.convert`, but it also accepts what botocore and callers pass,
and its errors show the value that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import Field, field, make_dataclass
from dataclasses import fields as dataclass_fields
from datetime import timedelta
from functools import cache, partial
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, asdict, fields

from restorejobs_client._core.dates import datetime, in_utc
from restorejobs_client._core.text import clipped_repr

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_MAX_SHOWN: Final = 80  # characters of a wrong value in a message
_ALLOWED: Final[dict[object, str]] = {
    int: "a whole number",
    bool: "true or false",
    datetime: "a datetime with a timezone, epoch seconds, or text in ISO 8601 with an offset, "
    "within the years 1 to 9999 in UTC",
}
_DATE: Final = datetime | None  # as members are annotated, also while the clock is frozen
_Reader = Callable[[object], object]
_AnyStruct = TypeVar("_AnyStruct", bound="Struct")


class _DataclassFields:
    """The attribute by which `dataclasses`, pandas and polars know a struct and its members."""

    def __get__(self, _: object, kind: type[Struct]) -> dict[str, Field[Any]]:
        return _dataclass_fields(kind)


@cache
def _dataclass_fields(kind: type[Struct]) -> dict[str, Field[Any]]:
    members: list[tuple[str, Any, Any]] = []
    for member in fields(kind):
        options = {"default": member.default, "default_factory": member.default_factory}
        given = {name: one for name, one in options.items() if one is not msgspec.NODEFAULT}
        members.append((member.name, member.type, field(**given)))
    twin = make_dataclass(kind.__name__, members, kw_only=True, init=False, repr=False)
    return {member.name: member for member in dataclass_fields(twin)}


class Struct(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="pascal"):
    """The base class of the models. It lets dataclass tools and pydantic use them."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]] = cast("Any", _DataclassFields())

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let pydantic models and FastAPI validate, dump and document this model."""
        from pydantic_core import core_schema  # noqa: PLC0415  # pydantic is already imported

        # Pydantic does not know `datetime` while the clock is frozen.
        known = {_DATE: core_schema.nullable_schema(core_schema.datetime_schema())}
        members = core_schema.typed_dict_schema(
            {
                field.name: core_schema.typed_dict_field(
                    known.get(field.type) or handler.generate_schema(field.type)
                )
                for field in fields(cls)
            },
            ref=f"{cls.__module__}.{cls.__name__}:{id(cls)}",
            cls_name=cls.__name__,
        )
        return core_schema.no_info_plain_validator_function(
            partial(read_struct, cls),
            json_schema_input_schema=members,
            serialization=core_schema.plain_serializer_function_ser_schema(
                asdict, return_schema=members
            ),
        )

    @classmethod
    def __check_names__(cls, given: Mapping[str, object], read: Mapping[str, object]) -> None:
        """Refuse a member in another spelling, because its value would be lost.

        Raises:
            WrongValueError: names it, and says how it is written.
        """
        for name in map(str, given) if len(given) > len(read) else ():
            meant, allowed = _spellings(cls).get(_letters(name), ("", ""))
            if meant and meant not in read:
                raise WrongValueError(allowed, name, name)


@cache
def _spellings(kind: type[Struct]) -> dict[str, tuple[str, str]]:
    """Return each member and how it is written, by the letters of its name."""
    return {
        _letters(member.name): (member.name, f"written {member.encode_name} or {member.name}")
        for member in fields(kind)
    }


def _letters(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()


class WrongValueError(ValueError):
    """A value that does not fit its member.

    Attributes:
        path: where the value is, such as `".RestoreJobs[7].Status"`. Each level that the
            exception passes adds its part.
    """

    def __init__(self, allowed: str, value: object, name: str = "") -> None:
        super().__init__()
        self.path = name and f".{name}"
        self._problem = f"it must be {allowed}, got {clipped_repr(value, _MAX_SHOWN)}"

    def __str__(self) -> str:
        return f"{self.path.removeprefix('.') or 'the value'}: {self._problem}"


def read_struct(
    kind: type[_AnyStruct], members: object, *, aws_names_only: bool = False
) -> _AnyStruct:
    """Return the struct that a mapping describes, by AWS's names or by those in snake_case.

    Unknown names are ignored, unless they look like a known name.

    Raises:
        WrongValueError: for the first value that does not fit.
    """
    if isinstance(members, kind):
        return members
    if not isinstance(members, Mapping):
        raise WrongValueError("an object with named members", members)
    given = cast("Mapping[str, object]", members)
    values: dict[str, object] = {}
    for member, read in _readers(kind, aws_names_only):
        is_in_aws_spelling = aws_names_only or member.encode_name in given
        spelling = member.encode_name if is_in_aws_spelling else member.name
        if spelling in given or member.required:
            try:
                values[member.name] = read(given.get(spelling))
            except WrongValueError as wrong:
                wrong.path = f".{spelling}{wrong.path}"
                raise
    if not aws_names_only:
        kind.__check_names__(given, values)
    return kind(**values)


@cache
def _readers(
    kind: type[Struct],
    aws_names_only: bool,  # noqa: FBT001  # cached by position
) -> list[tuple[FieldInfo, _Reader]]:
    """Return each member, and the function that reads its value."""
    return [
        (member, _reader(member.type, aws_names_only=aws_names_only)) for member in fields(kind)
    ]


def _reader(annotation: Any, *, aws_names_only: bool) -> _Reader:  # noqa: ANN401  # an annotation can be any object
    kind, *others = get_args(annotation) or [annotation]
    bases = getattr(kind, "__mro__", ())
    if Struct in bases:
        read = partial(read_struct, kind, aws_names_only=aws_names_only)
        if get_origin(annotation) is tuple:
            return partial(_read_list, read)
        return lambda value: None if _is_null(value) else read(value)
    if str in bases and others == [NoneType]:
        return partial(_read_text, kind)
    return partial(_read_other, kind if others == [NoneType] else annotation, annotation)


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


def _read_other(kind: object, annotation: Any, value: object) -> object:  # noqa: ANN401  # an annotation can be any object
    try:
        given = in_utc(value) if isinstance(value, datetime) else value
        read = msgspec.convert(given, annotation, strict=False)
        return in_utc(read) if isinstance(read, datetime) else read
    except (msgspec.ValidationError, ValueError):
        raise WrongValueError(_ALLOWED.get(kind, f"of the type {kind}"), value) from None


def json_text(members: Mapping[str, object]) -> str:
    """Return one line of JSON: dates in ISO 8601 with `Z`, durations in seconds."""
    return json.dumps(members, default=_json_value)


def _json_value(value: datetime | timedelta) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat().replace("+00:00", "Z")

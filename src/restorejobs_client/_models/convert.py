"""The base class of the structs, and how mappings become structs, and structs JSON.

`read_struct` is slower than `msgspec.convert`, but it also accepts what botocore and callers pass,
and its errors show the value that is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, make_dataclass
from datetime import timedelta
from functools import cache, partial
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, asdict, fields

from restorejobs_client._core.dates import datetime, in_utc
from restorejobs_client._core.enums import OpenEnum
from restorejobs_client._core.text import clipped_repr

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_ALLOWED: Final[dict[object, str]] = {
    **dict.fromkeys((str, *OpenEnum.__subclasses__()), "text"),
    int: "a whole number",
    bool: "true or false",
    datetime: "a datetime with a timezone, epoch seconds, or text in ISO 8601 with an offset, "
    "within the years 1 to 9999 in UTC",
}
_DATE: Final = datetime | None  # as members are annotated, also while the clock is frozen
_Reader = Callable[[object, str], object]  # of a value at a path
_AnyStruct = TypeVar("_AnyStruct", bound="Struct")


class _DataclassFields:
    """The attribute by which `dataclasses`, pandas and polars know a struct and its members."""

    def __get__(self, _: object, kind: type[Struct]) -> dict[str, Field[Any]]:
        return _dataclass_fields(kind)


@cache
def _dataclass_fields(kind: type[Struct]) -> dict[str, Field[Any]]:
    members: list[tuple[str, Any, Any]] = []
    for one in fields(kind):
        default = MISSING if one.default is msgspec.NODEFAULT else one.default
        if one.default_factory is not msgspec.NODEFAULT:
            default = field(default_factory=one.default_factory)
        members.append((one.name, one.type, default))
    twin = make_dataclass(kind.__name__, members, kw_only=True, init=False, repr=False)
    return cast("dict[str, Field[Any]]", vars(twin)["__dataclass_fields__"])


class Struct(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename="pascal"):
    """The base class of the models. It lets dataclass tools and pydantic use them."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]] = cast("Any", _DataclassFields())

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic models and FastAPI validate, dump and document this model."""
        from pydantic_core import core_schema  # noqa: PLC0415  # pydantic is already imported

        # If pydantic was imported while the clock was frozen, it does not know `datetime`.
        known = {_DATE: core_schema.nullable_schema(core_schema.datetime_schema())}
        schemas = [known.get(one.type) or handler.generate_schema(one.type) for one in fields(cls)]
        names = list(cls.__struct_fields__)
        members = list(map(core_schema.dataclass_field, names, schemas))
        arguments = core_schema.dataclass_args_schema(cls.__name__, members)
        ref = f"{cls.__module__}.{cls.__name__}:{id(cls)}"
        schema = core_schema.dataclass_schema(cls, arguments, names, slots=True, ref=ref)
        return core_schema.no_info_before_validator_function(partial(read_struct, cls), schema)

    @classmethod
    def __check_names__(cls, given: Mapping[str, Any], read: Mapping[str, Any], path: str) -> None:
        """Refuse a member in another spelling, because its value would be lost.

        Raises:
            WrongValueError: names it, and says how it is written.
        """
        if len(given) > len(read):
            spellings = cls.__struct_encode_fields__, cls.__struct_fields__
            others = {_letters(one): one for one in {*map(str, given)}.difference(*spellings)}
            for aws_name, name in zip(*spellings, strict=True):
                if name not in read and (other := others.get(_letters(name))):
                    allowed = f"written {aws_name} or {name}"
                    raise WrongValueError(allowed, other, f"{path}.{other}")


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


class WrongValueError(ValueError):
    """A value that does not fit its member at a path, such as `".RestoreJobs[7].Status"`."""

    def __init__(self, allowed: str, value: object, path: str = "") -> None:
        where = path.removeprefix(".") or "the value"
        super().__init__(f"{where}: it must be {allowed}, got {clipped_repr(value)}")


def read_struct(
    kind: type[_AnyStruct], members: object, path: str = "", *, aws_names_only: bool = False
) -> _AnyStruct:
    """Return the struct that a mapping describes, by AWS's names or by those in snake_case.

    Unknown names are ignored, unless they look like a known name.

    Raises:
        WrongValueError: for the first value that does not fit.
    """
    if isinstance(members, kind):
        return members
    if not isinstance(members, Mapping):
        raise WrongValueError("an object with named members", members, path)
    given = cast("Mapping[str, object]", members)
    values: dict[str, object] = {}
    for member, read in _readers(kind, aws_names_only):
        is_in_aws_spelling = aws_names_only or member.encode_name in given
        spelling = member.encode_name if is_in_aws_spelling else member.name
        if spelling in given or member.required:
            values[member.name] = read(given.get(spelling), f"{path}.{spelling}")
    if not aws_names_only:
        kind.__check_names__(given, values, path)
    return kind(**values)


@cache
def _readers(kind: type[Struct], aws_names_only: bool) -> list[tuple[FieldInfo, _Reader]]:  # noqa: FBT001  # cached by position
    """Return each member, and the function that reads its value."""
    return [(member, _reader(member.type, aws_names_only)) for member in fields(kind)]


def _reader(annotation: Any, aws_names_only: bool) -> _Reader:  # noqa: ANN401, FBT001  # an annotation can be any object
    kind, *others = get_args(annotation) or [annotation]
    if not _holds_struct(annotation):
        return partial(_read_value, kind if others == [NoneType] else annotation, annotation)
    if kind is annotation:
        return partial(read_struct, kind, aws_names_only=aws_names_only)
    read, origin = _reader(kind, aws_names_only), get_origin(annotation)
    if origin in {tuple, list}:
        return partial(_read_list, origin, read)
    if others == [NoneType]:
        return lambda value, path: None if _is_null(value) else read(value, path)
    raise TypeError(f"{annotation} is refused: it must be a model, a tuple or list of it, or None")


def _holds_struct(kind: object) -> bool:
    return Struct in getattr(kind, "__mro__", ()) or any(map(_holds_struct, get_args(kind)))


def _read_list(kind: type, read: _Reader, value: object, path: str) -> object:
    if not isinstance(value, list | tuple):
        raise WrongValueError("a list", value, path)
    items = cast("list[object]", value)
    return kind(read(item, f"{path}[{index}]") for index, item in enumerate(items))


def _read_value(kind: Any, annotation: Any, value: object, path: str) -> object:  # noqa: ANN401  # an annotation can be any object
    try:
        if isinstance(value, datetime):
            value = in_utc(value)
        elif OpenEnum in getattr(kind, "__mro__", ()) and isinstance(value, str):
            # msgspec would refuse a lone surrogate.
            value = None if _is_null(value) else kind(value)
        if type(value) is kind:
            return value
        read = msgspec.convert(value, annotation, strict=False)
        return in_utc(read) if isinstance(read, datetime) else read
    except (msgspec.ValidationError, ValueError):
        raise WrongValueError(_ALLOWED.get(kind, f"of the type {kind}"), value, path) from None


def _is_null(value: object) -> bool:
    """Return whether a value is null, or is the text "null" in upper or lower case.

    msgspec reads such text as null, except in members of plain text.
    """
    return value is None or (isinstance(value, str) and str.lower(value) == "null")


def json_text(members: Mapping[str, object]) -> str:
    """Return one line of JSON: dates in ISO 8601 with `Z`, durations in seconds."""
    return json.dumps(members, default=_json_value)


def _json_value(value: datetime | timedelta | Struct) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return asdict(value) if isinstance(value, Struct) else value.isoformat().replace("+00:00", "Z")

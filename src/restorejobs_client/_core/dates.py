"""Dates: whatever kind comes in, a plain `datetime` in UTC goes on."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

__all__ = ["EPOCH", "datetime", "in_utc"]

# A library that freezes the clock puts a subclass in the place of `datetime` in every module, maybe
# before this one is imported. The class that has defined `hour` is always `datetime` itself.
if not TYPE_CHECKING:
    datetime = datetime.hour.__objclass__

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_fields: Final[Any] = attrgetter(
    "year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo"
)
_BELOW_MICROSECONDS: Final = re.compile(r"[.,][0-9]{6}[0-9]*[1-9]")


def in_utc(given: datetime | str, *, up: bool = False) -> datetime:
    """Return a date, or text in ISO 8601, as a plain `datetime` in UTC.

    Args:
        given: a date of any subclass, such as `pandas.Timestamp`.
        up: whether a part below a microsecond is rounded up. Otherwise it is cut.

    Raises:
        ValueError: it has no time zone, or it is outside of the years 1 to 9999 in UTC.
    """
    plain = type(EPOCH)  # by now, the name `datetime` may be another class
    with suppress(Exception):  # a subclass or a time zone of the caller may raise any
        if isinstance(given, str):
            moment = plain.fromisoformat(given)
            is_finer = _BELOW_MICROSECONDS.search(given) is not None
        else:
            moment = plain(*_fields(given), fold=given.fold)
            is_finer = getattr(given, "nanosecond", 0) > 0  # of pandas
        if moment.utcoffset() is not None:
            return moment.astimezone(UTC) + timedelta(microseconds=up and is_finer)
    raise ValueError

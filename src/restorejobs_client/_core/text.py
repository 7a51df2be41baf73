"""Text for people: sizes, durations, dates and counts, and values that fit into one line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import dropwhile, islice
from typing import Final

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def size_text(size: int) -> str:
    """Return a number of bytes in the largest unit that it fills: `"1.5 GiB"`."""
    amount = Decimal(size)  # a float overflows on very large sizes
    unit, *larger = _UNITS
    while abs(amount) >= Decimal("1023.5") and larger:  # 1,023.5 would be shown as 1,024
        amount, unit = amount / 1024, larger.pop(0)
    has_decimal = unit != "B" and abs(amount) < Decimal("9.95")  # two significant figures
    return f"{amount:,.{int(has_decimal)}f} {unit}"


def duration_text(duration: timedelta) -> str:
    """Return a duration in its two largest units: `"1 h 5 min"`."""
    length = abs(duration)
    sign = "-" if duration < timedelta(0) else ""
    if length < timedelta(seconds=1):
        return f"{sign}{f'{length.total_seconds():.6f}'.rstrip('0').rstrip('.')} s"
    days, seconds = divmod(round(length.total_seconds()), 86_400)
    counts = {"d": days, "h": seconds // 3_600, "min": seconds // 60 % 60, "s": seconds % 60}
    largest = islice(dropwhile(lambda unit: not counts[unit], counts), 2)
    return sign + " ".join(f"{counts[unit]} {unit}" for unit in largest if counts[unit])


def moment_text(moment: datetime) -> str:
    """Return a date in UTC to the second: `"2025-06-15 02:03:11 UTC"`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'seconds')} UTC"


def percentage_text(share: float) -> str:
    """Return a share as a percentage. Only 0 and 1 become `"0 %"` and `"100 %"`."""
    if 0 < share < 1:
        return f"{min(max(share * 100, 0.1), 99.9):.1f} %"
    return f"{share * 100:.0f} %"


def digits(number: int) -> str:
    """Return an int with thousands separators: `"2,500"`."""
    return f"{Decimal(number):,f}"  # Python refuses to write ints of more than 4,300 digits


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `"1 page"`, `"2,500 pages"`."""
    return f"{digits(count)} {noun}{'' if count == 1 else 's'}"


def clipped(text: str, longest: int = 60) -> str:
    """Return the text, cut to `longest` characters if it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def safe_repr(value: object) -> str:
    """Return the `repr` of a value, or a placeholder if that raises."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001  # for example, of an int with more than 4,300 digits
        return f"<{type(value).__name__} that cannot be shown>"


def clipped_repr(value: object) -> str:
    """Return the `repr` of a value, cut to 100 characters if it is longer."""
    return clipped(safe_repr(value), 100)


def printable(text: str) -> str:
    """Return the text with the characters escaped that `repr` escapes, because nobody sees them.

    A terminal would obey them, break the line, or show the text in another order.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def one_line(name: str, members: Mapping[str, object]) -> str:
    """Return a one-line `repr` of the members that are not `None`."""
    present = [f"{key}={safe_repr(value)}" for key, value in members.items() if value is not None]
    return f"{name}({', '.join(present)})"

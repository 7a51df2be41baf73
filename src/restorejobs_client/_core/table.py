"""Tables of values, as text for terminals and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import chain
from typing import Final, NamedTuple, Self

from restorejobs_client._core.enums import OpenEnum
from restorejobs_client._core.text import (
    digits,
    duration_text,
    moment_text,
    printable,
    size_text,
)

# Longer text may break anywhere, so that a table fits its page. A date and an id stay on one line.
_DATE: Final = len("2026-01-31 23:59:59 UTC")
_ID: Final = len("00000000-0000-0000-0000-000000000000")
_LETTER: Final = 0.62  # em, the average width in a wide font
_NARROW: Final = 8  # em, the least width of text that may break
_BREAK: Final = f"white-space:normal;overflow-wrap:anywhere;min-width:{_NARROW}em"
# White text on each colour has a contrast of at least 4.5:1, on a white page and on a black one.
_COLOURS: Final = {
    **dict.fromkeys(("COMPLETED", "SUCCESSFUL"), "#1a7f37"),
    **dict.fromkeys(("FAILED", "TIMED_OUT"), "#cf222e"),
    **dict.fromkeys(("PENDING", "RUNNING", "VALIDATING", "DELETING"), "#0969da"),
    "ABORTED": "#9a6700",
}
_OTHER_COLOUR: Final = "#656d76"


class Cell(NamedTuple):
    """A value as a table shows it.

    Attributes:
        shown: the text of the cell.
        exact: the exact value, which HTML shows on hover.
        is_status: whether HTML shows the text in the colour of its status.
        is_number: whether the text is aligned to the right.
        note: text that HTML shows below.
    """

    shown: str = ""
    exact: str = ""
    is_status: bool = False
    is_number: bool = False
    note: str = ""


def status_cell(status: str | None, reason: str | None) -> Cell:
    """Return the cell that shows a status and the reason for it."""
    return Cell(str(status or ""), is_status=True, note=str(reason or ""))


def size_cell(size: int | None) -> Cell:
    """Return the cell that shows a size in bytes; it is empty for `None`."""
    return (
        Cell() if size is None else Cell(size_text(size), f"{digits(size)} bytes", is_number=True)
    )


def _cell(value: object) -> Cell:
    match value:
        case Cell():
            return value
        case OpenEnum():
            return Cell(value.value, is_status=True)
        case datetime():
            return Cell(moment_text(value), value.isoformat())
        case timedelta():
            return Cell(duration_text(value), f"{value.total_seconds():,} seconds", is_number=True)
        case int() if not isinstance(value, bool):
            return Cell(digits(value), is_number=True)
        case _:
            return Cell("" if value is None else str(value))


class Table:
    """Values in rows and columns, without columns that are empty in every row.

    Args:
        title: one line above the table.
        rows: the values of each row by column name; `None` is an empty cell.
        has_header: whether the names of the columns are shown.
    """

    def __init__(
        self, title: str, rows: Iterable[Mapping[str, object]], *, has_header: bool = True
    ) -> None:
        self._title = title
        self._has_header = has_header
        self._columns: list[tuple[str, list[Cell]]] = []
        rows = list(rows)
        for name in dict.fromkeys(chain.from_iterable(rows)):
            cells = [_cell(row.get(name)) for row in rows]
            if any(cell.shown or cell.note for cell in cells):
                self._columns.append((name, cells))

    @classmethod
    def of_facts(cls, title: str, facts: Mapping[str, object]) -> Self:
        """Return a table of names and values, without the values that are `None`."""
        rows = [{"name": name, "value": fact} for name, fact in facts.items() if _cell(fact).shown]
        return cls(title, rows, has_header=False)

    def text(self) -> str:
        """Return the table as aligned lines of text."""
        columns: list[list[str]] = []
        for name, cells in self._columns:
            texts = [printable(cell.shown) for cell in cells]
            if self._has_header:
                texts.insert(0, name)
            align = str.rjust if _is_number(cells) else str.ljust
            width = max(map(len, texts))
            columns.append([align(text, width) for text in texts])
        lines = ["  ".join(("", *row)).rstrip() for row in zip(*columns, strict=True)]
        return "\n".join([self._title, *lines])

    def html(self) -> str:
        """Return the table as HTML; everything in it is escaped.

        Styles are inline, because notebooks drop style sheets that they do not trust, and complete,
        because some notebooks reset those of the browser. Text has the colour of the page. Where
        there is little space, wide tables have smaller letters, so that paper does not cut them.
        """
        heads: list[str] = []
        columns: list[list[str]] = []
        width = 1.0
        for name, cells in self._columns:
            side = "right" if _is_number(cells) else "left"
            style = f"padding:.2em .5em;text-align:{side};vertical-align:top"
            heads.append(f'<th style="{style};font-weight:600">{_shown(name)}</th>')
            columns.append([_html(cell, style) for cell in cells])
            width += max(map(_width, cells)) + 1  # for its padding
        body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
        head = f"<thead><tr>{''.join(heads)}</tr></thead>" if self._has_header else ""
        style = "padding:.2em .5em;text-align:left;color:inherit"
        caption = f'<caption style="{style}">{_shown(self._title)}</caption>'
        style = f"margin:.7em 0;font-size:clamp(5px,{100 / width:.2f}cqw,.85em)"
        table = f'<table style="{style}">{caption}{head}<tbody>{body}</tbody></table>'
        style = f"container-type:inline-size;contain-intrinsic-width:{width:.0f}em"
        return f'<div style="{style}">{table}</div>'


def _html(cell: Cell, style: str) -> str:
    content = _shown(cell.shown)
    if cell.is_status and content:
        colour = _COLOURS.get(cell.shown, _OTHER_COLOUR)
        # Without print-color-adjust, browsers do not print backgrounds.
        badge = (
            f"background:{colour};color:#fff;padding:0 .4em;border-radius:.7em;"
            "print-color-adjust:exact;-webkit-print-color-adjust:exact"
        )
        content = f'<span style="{badge}">{content}</span>'
    if cell.note:
        content += f'<div style="{_BREAK}">{_shown(cell.note)}</div>'
    hover = f' title="{_shown(cell.exact)}"' if cell.exact else ""
    wrapping = _BREAK if _may_break(cell.shown) else "white-space:nowrap"
    return f'<td style="{style};{wrapping}"{hover}>{content}</td>'


def _may_break(text: str) -> bool:
    return len(text) > (_DATE if " " in text else _ID)


def _width(cell: Cell) -> float:
    """Return the least width of the cell in em."""
    shown = _NARROW if _may_break(cell.shown) else len(cell.shown) * _LETTER + cell.is_status
    return max(shown, _NARROW if cell.note else 0)


def _shown(text: str) -> str:
    return escape(printable(text))


def _is_number(cells: Sequence[Cell]) -> bool:
    return all(cell.is_number for cell in cells if cell.shown or cell.note)

"""Tables of values, as text for terminals and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import chain
from typing import Final, NamedTuple, Self

from restorejobs_client._core.enums import OpenEnum
from restorejobs_client._core.text import (
    duration_text,
    moment_text,
    number_text,
    printable,
    size_text,
)

_LONG: Final = 24  # characters; in a column with longer text, lines may break anywhere
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
    """

    shown: str = ""
    exact: str = ""
    is_status: bool = False
    is_number: bool = False


def size_cell(size: int | None) -> Cell:
    """Return the cell that shows a size in bytes; it is empty for `None`."""
    return Cell() if size is None else Cell(size_text(size), f"{number_text(size)} bytes", is_number=True)


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
            return Cell(number_text(value), is_number=True)
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
            if any(cell.shown for cell in cells):
                self._columns.append((name, cells))

    @classmethod
    def of_facts(cls, title: str, facts: Mapping[str, object]) -> Self:
        """Return a table of names and values, without the values that are `None`."""
        cells = {name: _cell(value) for name, value in facts.items()}
        rows = [{"name": name, "value": cell} for name, cell in cells.items() if cell.shown]
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

        Styles are inline, because notebooks drop style sheets that they do not trust. Text has
        the colour of the page. It wraps, so that nothing is cut off when the page is printed.
        """
        heads: list[str] = []
        columns: list[list[str]] = []
        for name, cells in self._columns:
            style = _style(cells)
            heads.append(f'<th style="{style}">{escape(name)}</th>')
            columns.append([_html(cell, style) for cell in cells])
        body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
        head = f"<thead><tr>{''.join(heads)}</tr></thead>" if self._has_header else ""
        style = "text-align:left;white-space:nowrap;color:inherit"
        caption = f'<caption style="{style}">{escape(self._title)}</caption>'
        content = f"{caption}{head}<tbody>{body}</tbody>"
        html = f'<table style="font-size:.85em;margin:.7em 0">{content}</table>'
        return html.encode(errors="backslashreplace").decode()  # halves of surrogate pairs


def _html(cell: Cell, style: str) -> str:
    shown = escape(cell.shown)
    if cell.is_status:
        colour = _COLOURS.get(cell.shown, _OTHER_COLOUR)
        # Without print-color-adjust, browsers do not print backgrounds.
        badge = (
            f"background:{colour};color:#fff;padding:0 .4em;border-radius:.7em;white-space:nowrap;"
            "print-color-adjust:exact;-webkit-print-color-adjust:exact"
        )
        shown = f'<span style="{badge}">{shown}</span>'
    hover = f' title="{escape(cell.exact)}"' if cell.exact else ""
    return f'<td style="{style}"{hover}>{shown}</td>'


def _style(cells: Sequence[Cell]) -> str:
    side = "right" if _is_number(cells) else "left"
    is_long = any(len(cell.shown) > _LONG for cell in cells)
    wrapping = ";overflow-wrap:anywhere;min-width:7em" if is_long else ""
    return f"text-align:{side};vertical-align:top{wrapping}"


def _is_number(cells: Sequence[Cell]) -> bool:
    return all(cell.is_number for cell in cells if cell.shown)

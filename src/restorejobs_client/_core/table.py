"""Tables of values, as text for terminals and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from html import escape
from itertools import chain
from typing import Final, NamedTuple, Self

from restorejobs_client._core.enums import OpenEnum
from restorejobs_client._core.text import digits, duration_text, moment_text, printable, size_text

# White text on each colour has a contrast of at least 4.5:1, on a white page and on a black one.
_COLOURS: Final = {
    **dict.fromkeys(("COMPLETED", "SUCCESSFUL"), "#1a7f37"),
    **dict.fromkeys(("FAILED", "TIMED_OUT"), "#cf222e"),
    **dict.fromkeys(("PENDING", "RUNNING", "VALIDATING", "DELETING"), "#0969da"),
    "ABORTED": "#9a6700",
}
# Without print-color-adjust, browsers do not print backgrounds.
_BADGE: Final = (
    "color:#fff;padding:0 .4em;border-radius:.7em;"
    "print-color-adjust:exact;-webkit-print-color-adjust:exact"
)
_NO_MATH: Final = "tex2jax_ignore mathjax_ignore"  # Jupyter takes text between $ for formulas
_HEAD: Final = "font-weight:600"
# Text longer than an id, and notes, may break anywhere, so that a table fits its page.
_ID: Final = len("00000000-0000-0000-0000-000000000000")
_BREAK: Final = "white-space:normal;overflow-wrap:anywhere"
_NARROW: Final = 16  # characters, the least width of text that may break
# On a narrow page, and on paper, letters are a little smaller.
_TABLE: Final = "margin:.7em 0;font-size:clamp(.7em,1vw,.85em);border-spacing:0;max-width:100%"
_ROW: Final = "display:flex;flex-wrap:wrap;padding:0;border-top:1px solid #8886;break-inside:avoid"
# All cells of a column have the same width, so that all rows break at the same columns. `ch` is the
# width of a digit, so their letters have the same weight.
_CELL: Final = "box-sizing:border-box;min-width:min-content;flex:auto;padding:.2em 1ch;font:inherit"


class Cell(NamedTuple):
    """A value as a table shows it.

    Attributes:
        shown: the text of the cell.
        exact: the exact value, which HTML shows on hover.
        note: text that HTML shows below.
        is_number: whether the text is aligned to the right.
        style: the style of the text in HTML.
    """

    shown: str = ""
    exact: str = ""
    note: str = ""
    is_number: bool = False
    style: str = ""


def status_cell(status: str | None, reason: str | None = None) -> Cell:
    """Return the cell that shows a status in its colour, and the reason for it."""
    shown = str(status or "")
    style = f"background:{_COLOURS.get(shown, '#656d76')};{_BADGE}" if shown else ""
    return Cell(shown, note=str(reason or ""), style=style)


def size_cell(size: object) -> object:
    """Return the cell that shows a size in bytes, or the value if it is no size."""
    if not isinstance(size, int):
        return size
    return Cell(size_text(size), f"{digits(size)} bytes", is_number=True)


def minutes_cell(minutes: object) -> object:
    """Return the cell that shows a number of minutes, or the value if it is no number."""
    return Cell(f"{digits(minutes)} min") if isinstance(minutes, int) else minutes


def _cell(value: object) -> Cell:
    match value:
        case Cell():
            return value
        case OpenEnum():
            return status_cell(value.value)
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
        self.columns: list[list[Cell]] = []
        rows = list(rows)
        for name in dict.fromkeys(chain.from_iterable(rows)):
            cells = [_cell(row.get(name)) for row in rows]
            filled = [cell for cell in cells if cell.shown or cell.note]
            if filled:
                is_number = all(cell.is_number for cell in filled)
                column = [Cell(name, style=_HEAD), *cells] if has_header else cells
                self.columns.append([cell._replace(is_number=is_number) for cell in column])

    @classmethod
    def of_facts(cls, title: str, facts: Mapping[str, object]) -> Self:
        """Return a table of names and values, without the values that are `None`."""
        rows = [{"name": name, "value": fact} for name, fact in facts.items() if _cell(fact).shown]
        return cls(title, rows, has_header=False)

    def text(self) -> str:
        """Return the table as aligned lines of text."""
        columns: list[list[str]] = []
        for cells in self.columns:
            texts = [printable(cell.shown) for cell in cells]
            align = str.rjust if cells[0].is_number else str.ljust
            width = max(map(len, texts))
            columns.append([align(text, width) for text in texts])
        lines = ["  ".join(("", *row)).rstrip() for row in zip(*columns, strict=True)]
        return "\n".join([self._title, *lines])

    def html(self) -> str:
        """Return the table as HTML; everything in it is escaped.

        Styles are inline, because notebooks drop style sheets that they do not trust, and complete,
        because some notebooks reset those of the browser. Text has the colour of the page. On a
        narrow page, or on paper, all rows take several lines, and break at the same columns.
        """
        columns: list[list[str]] = []
        longest = 1.0
        for cells in self.columns:
            widths = zip(*map(_widths, cells), strict=True)
            least, most = (1.1 * max(width) + 2 for width in widths)  # for wide letters and padding
            style = f"{_CELL};width:{least:.1f}ch;max-width:{most:.1f}ch"
            columns.append([_html(cell, style) for cell in cells])
            longest += most
        rows = [f'<tr style="{_ROW}">{"".join(row)}</tr>' for row in zip(*columns, strict=True)]
        head = f"<thead>{rows.pop(0)}</thead>" if self._has_header and rows else ""
        style = "padding:.2em 1ch;text-align:left;color:inherit;break-after:avoid"
        caption = f'<caption style="{style}">{_shown(self._title)}</caption>'
        style = f"{_TABLE};width:{longest:.0f}ch"
        body = f"<tbody>{''.join(rows)}</tbody>"
        return f'<table class="{_NO_MATH}" style="{style}">{caption}{head}{body}</table>'


def _html(cell: Cell, style: str) -> str:
    content = _shown(cell.shown)
    if cell.style:
        content = f'<span style="{cell.style}">{content}</span>'
    if cell.note:
        content += f'<div style="{_BREAK}">{_shown(cell.note)}</div>'
    tag = "th" if cell.style == _HEAD else "td"
    style += f";text-align:{'right' if cell.is_number else 'left'}"
    style += f";{_BREAK if len(cell.shown) > _ID else 'white-space:nowrap'}"
    hover = f' title="{_shown(cell.exact)}"' if cell.exact else ""
    return f'<{tag} style="{style}"{hover}>{content}</{tag}>'


def _widths(cell: Cell) -> tuple[int, int]:
    """Return the least and the greatest width of the cell, in characters."""
    longest = len(cell.shown) + 3 * (_BADGE in cell.style)  # it has a padding
    least = _NARROW if len(cell.shown) > _ID else longest
    return max(least, min(len(cell.note), _NARROW)), max(longest, len(cell.note))


def _shown(text: str) -> str:
    return escape(printable(text))

"""Tables of cells as HTML for notebooks: escaped, readable in light, dark and print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from restorejobs_client._text import duration_text, moment_text, size_text

_LONG: Final = 24  # characters; longer text may be broken anywhere
# White text on each of these has a contrast of 4.5:1 or more, on white pages and on black ones.
_GOOD, _BAD, _STOPPED, _BUSY, _OTHER = "#1a7f37", "#cf222e", "#9a6700", "#0969da", "#656d76"
_COLOURS: Final = {
    "COMPLETED": _GOOD,
    "SUCCESSFUL": _GOOD,
    "FAILED": _BAD,
    "TIMED_OUT": _BAD,
    "ABORTED": _STOPPED,
    "PENDING": _BUSY,
    "RUNNING": _BUSY,
    "VALIDATING": _BUSY,
    "DELETING": _BUSY,
}


class Cell(NamedTuple):
    """A value as a table shows it.

    Attributes:
        shown: the text of the cell.
        exact: the exact value, shown on hover.
        is_status: show the text in the colour of its status.
        is_number: align the cell to the right.
    """

    shown: str = ""
    exact: str = ""
    is_status: bool = False
    is_number: bool = False


def text_cell(value: str | None, exact: str | None = None) -> Cell:
    """Return a cell of text; `None` is an empty cell."""
    return Cell(value or "", exact or "")


def status_cell(value: str | None, exact: str | None = None) -> Cell:
    """Return a cell that shows a status in its colour."""
    return Cell() if value is None else Cell(str(value), exact or "", is_status=True)


def moment_cell(value: datetime | None) -> Cell:
    """Return a cell of a moment in UTC, to the second."""
    return Cell() if value is None else Cell(moment_text(value), value.isoformat())


def duration_cell(value: timedelta | None) -> Cell:
    """Return a cell of a duration."""
    if value is None:
        return Cell()
    return Cell(duration_text(value), f"{value.total_seconds():,} seconds", is_number=True)


def size_cell(value: int | None) -> Cell:
    """Return a cell of a size in bytes."""
    return Cell() if value is None else Cell(size_text(value), f"{value:,} bytes", is_number=True)


def number_cell(value: int) -> Cell:
    """Return a cell of a whole number."""
    return Cell(f"{value:,}", is_number=True)


def table(caption: str, names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return an HTML table; everything in it is escaped.

    Styles are inline, because notebooks drop style sheets that they do not trust, and text takes
    the colour of the page. Text wraps, so that a printed page cuts nothing.
    """
    from html import escape  # noqa: PLC0415  # not needed before something is shown

    rows = list(rows)
    heads = [
        f'<th style="{_style(*column)}">{escape(name)}</th>'
        for name, *column in zip(names, *rows, strict=True)
    ]
    head = f"<thead><tr>{''.join(heads)}</tr></thead>" if any(names) else ""
    body = "".join(f"<tr>{''.join(map(_cell_html, row))}</tr>" for row in rows)
    style = "text-align:left;white-space:nowrap;color:inherit"
    title = f'<caption style="{style}">{escape(caption)}</caption>'
    rows_html = f"{title}{head}<tbody>{body}</tbody>"
    html = f'<table style="font-size:.85em">{rows_html}</table>'
    return html.encode(errors="backslashreplace").decode()  # lone surrogates cannot be encoded


def _cell_html(cell: Cell) -> str:
    from html import escape  # noqa: PLC0415  # as above

    shown = escape(cell.shown)
    if cell.is_status:
        colour = _COLOURS.get(cell.shown, _OTHER)
        # Printers leave backgrounds out unless they are told to keep them.
        style = (
            f"background:{colour};color:#fff;padding:0 .4em;border-radius:.7em;white-space:nowrap;"
            "print-color-adjust:exact;-webkit-print-color-adjust:exact"
        )
        shown = f'<span style="{style}">{shown}</span>'
    hover = f' title="{escape(cell.exact)}"' if cell.exact else ""
    return f'<td style="{_style(cell)}"{hover}>{shown}</td>'


def _style(*cells: Cell) -> str:
    side = "right" if any(cell.is_number for cell in cells) else "left"
    is_long = any(len(cell.shown) > _LONG for cell in cells)
    wrapping = ";overflow-wrap:anywhere;min-width:7em" if is_long else ""
    return f"text-align:{side};vertical-align:top{wrapping}"

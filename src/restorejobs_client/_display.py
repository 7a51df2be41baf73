"""For people: sizes, durations and moments as one reads them, and escaped HTML for notebooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from restorejobs_client._models import RestoreJob, RestoreJobPage
    from restorejobs_client._summary import RestoreDurations, RestoreFailures, RestoreJobSummary

_ROWS: Final = 100  # of a page that are shown
_REASONS: Final = 8  # of each kind of failure that a summary shows
_TEXT: Final = 60  # characters of a message in a table; all of it is there on hover
_LINE: Final = 24  # characters that are never broken into lines
_ID: Final = 9  # characters of an id there
_SECONDS: Final = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

# White on each of these reads (4.5:1 and more), and each shows on a white and on a black page.
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


def size(count: int) -> str:
    """Return a number of bytes in the largest unit that it fills: `"1.5 GiB"`."""
    amount, power = abs(count), 0
    while _rounded(amount, 1024**power) >= 1024 and power < len(_UNITS) - 1:  # noqa: PLR2004
        power += 1
    tenths = _rounded(10 * amount, 1024**power)
    few = power > 0 and tenths < 100  # noqa: PLR2004  # two figures that count
    text = f"{tenths / 10:.1f}" if few else f"{_rounded(amount, 1024**power):,}"
    return f"{'-' if count < 0 else ''}{text} {_UNITS[power]}"


def _rounded(amount: int, unit: int) -> int:
    """Return how many units it is: without floats, which end at some size."""
    return (2 * amount + unit) // (2 * unit)


def span(duration: timedelta) -> str:
    """Return a duration in its two largest units: `"1 h 5 min"`."""
    length = abs(duration)
    sign = "-" if duration < timedelta(0) else ""
    if length < timedelta(seconds=1):
        return f"{sign}{f'{length.total_seconds():.6f}'.rstrip('0').rstrip('.')} s"
    seconds = round(length.total_seconds())
    parts: list[str] = []
    for unit, unit_seconds in _SECONDS.items():
        count, seconds = divmod(seconds, unit_seconds)
        if count or parts:
            parts.append(f"{count} {unit}")
    return sign + " ".join(part for part in parts[:2] if not part.startswith("0 "))


def moment(date: datetime) -> str:
    """Return a moment to the second, in UTC without saying so: `"2025-06-15 02:03:11"`."""
    return date.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def percentage(share: float) -> str:
    """Return a share as percent; what is not all is never rounded to all, nor to nothing."""
    if 0 < share < 1:
        return f"{min(max(share * 100, 0.1), 99.9):.1f} %"
    return f"{share * 100:.0f} %"


def clipped(text: str) -> str:
    """Return the beginning of a text that is long."""
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"


def printable(line: str) -> str:
    """Return the line with what would move a terminal's cursor written out."""
    return line if line.isprintable() else repr(line)[1:-1]


def one_line(name: str, members: Mapping[str, object]) -> str:
    """Return a one-line `repr` of the members that are there."""
    there = [f"{key}={value!r}" for key, value in members.items() if value is not None]
    return f"{name}({', '.join(there)})"


class _Cell(NamedTuple):
    """A value as it is shown, and exactly; a status is shown in its colour."""

    shown: str = ""
    exact: str = ""
    is_status: bool = False
    is_number: bool = False


_EMPTY: Final = _Cell()


def _text(value: str | None) -> _Cell:
    if value is None:
        return _EMPTY
    return _Cell(clipped(value), value)


def _status(value: str | None, message: str | None = None) -> _Cell:
    return _EMPTY if value is None else _Cell(str(value), message or "", is_status=True)


def _id(value: str | None) -> _Cell:
    if value is None:
        return _EMPTY
    return _Cell(value if len(value) <= _ID + 1 else f"{value[:_ID]}…", value)


def _resource(arn: str | None) -> _Cell:
    """Return the part of an ARN that names the resource."""
    return _EMPTY if arn is None else _Cell(clipped(arn.split(":", 5)[-1]), arn)


def _moment(date: datetime | None) -> _Cell:
    return _EMPTY if date is None else _Cell(moment(date), date.isoformat())


def _span(duration: timedelta | None) -> _Cell:
    if duration is None:
        return _EMPTY
    return _Cell(span(duration), f"{duration.total_seconds():,} seconds", is_number=True)


def _size(count: int | None) -> _Cell:
    return _EMPTY if count is None else _Cell(size(count), f"{count:,} bytes", is_number=True)


def _number(count: int) -> _Cell:
    return _Cell(f"{count:,}", is_number=True)


def job_html(job: RestoreJob) -> str:
    """Return the members of a job that are there, one a row."""
    members: dict[str, object] = job.to_dict()
    if job.created_by is not None:
        members["created_by"] = job.created_by.restore_testing_plan_arn
    rows = [
        (_Cell(name), _member(name, value)) for name, value in members.items() if value is not None
    ]
    if job.duration is not None:
        rows.append((_Cell("duration"), _span(job.duration)))
    return _table("Restore job", ("", ""), rows)


def _member(name: str, value: object) -> _Cell:
    if isinstance(value, datetime):
        return _Cell(f"{moment(value)} UTC", value.isoformat())
    if isinstance(value, int) and name == "backup_size_in_bytes":
        return _size(value)._replace(is_number=False)
    if isinstance(value, int) and name == "expected_completion_time_minutes":
        return _Cell(f"{value:,} min")
    return _Cell(str(value), is_status=name.endswith("status"))


def page_html(page: RestoreJobPage) -> str:
    """Return the jobs of a page, one a row; columns that are empty are left out."""
    jobs = page.restore_jobs
    names = (
        "",
        "status",
        "account",
        "resource type",
        "created (UTC)",
        "took",
        "size",
        "message",
        "validation",
        "deletion",
        "source",
        "job id",
    )
    several = len({job.account_id for job in jobs}) > 1
    rows = [
        (
            _number(place),
            _status(job.status, _done(job)),
            _text(job.account_id) if several else _EMPTY,
            _text(job.resource_type),
            _moment(job.creation_date),
            _span(job.duration),
            _size(job.backup_size_in_bytes),
            _text(job.status_message),
            _status(job.validation_status, job.validation_status_message),
            _status(job.deletion_status, job.deletion_status_message),
            _resource(job.source_resource_arn),
            _id(job.restore_job_id),
        )
        for place, job in enumerate(jobs[:_ROWS])
    ]
    used = [place for place in range(len(names)) if any(row[place].shown for row in rows)]
    notes: list[str] = []
    if len(jobs) > _ROWS:
        notes.append(f"the first {_ROWS} of them are shown")
    if page.next_token is not None:
        notes.append("more pages follow")
    return _table(
        "; ".join([counted(len(jobs)), *notes]),
        [names[place] for place in used],
        [[row[place] for place in used] for row in rows],
    )


def _done(job: RestoreJob) -> str | None:
    """Return how far a job is; of one that ended, AWS may say 0 %."""
    return None if job.is_terminal or not job.percent_done else f"{job.percent_done} done"


def listing_html(described: Mapping[str, object]) -> str:
    """Return what a listing asks for; nothing is sent for it."""
    return _table(
        "Restore jobs, listed when iterated; <code>.head()</code> shows the first",
        ("", ""),
        [(_Cell(name), _Cell(str(value))) for name, value in described.items()],
    )


def summary_html(summary: RestoreJobSummary) -> str:
    """Return a summary as a few small tables."""
    facts = [(_Cell(name), _Cell(*texts)) for name, texts in summary_facts(summary).items()]
    tables = [_table(counted(summary.jobs), ("", ""), facts)]
    counts = [
        _table(title, ("", "jobs"), [(_status(name), _number(count)) for name, count in there])
        for title, there in summary_counts(summary).items()
    ]
    side_by_side = "display:flex;flex-wrap:wrap;gap:2em;align-items:flex-start"
    tables.append(f'<div style="{side_by_side}">{"".join(counts)}</div>')
    types = [
        (_text(name), _number(count), *_durations(summary, name))
        for name, count in summary.by_resource_type.items()
    ]
    if types:
        names = ("resource type", "jobs", "measured", "median", "95 % within", "longest")
        tables.append(_table("Time to restore", names, types))
    for what, reasons, others in summary_failures(summary):
        rows = [
            (
                _number(failure.jobs),
                _status(failure.status),
                _text(failure.resource_type),
                _text(failure.message),
                _moment(failure.latest),
                _id(failure.latest_job_id),
            )
            for failure in reasons
        ]
        if others:
            rest = _Cell("for other reasons")
            rows.append((_number(others), _EMPTY, _EMPTY, rest, _EMPTY, _EMPTY))
        names = ("jobs", "", "resource type", "why", "latest (UTC)", "latest job id")
        tables.append(_table(f"{what} that failed, and why", names, rows))
    return "".join(tables)


def _durations(summary: RestoreJobSummary, resource_type: str) -> tuple[_Cell, ...]:
    durations = summary.durations.get(resource_type)
    if durations is None:
        return (_EMPTY,) * 4
    return (_number(durations.jobs), *map(_span, _spans(durations)))


def _spans(durations: RestoreDurations) -> tuple[timedelta, timedelta, timedelta]:
    return durations.median, durations.p95, durations.longest


def summary_facts(summary: RestoreJobSummary) -> dict[str, tuple[str, str]]:
    """Return what a summary says of all jobs together, as one reads it and exactly."""
    facts: dict[str, tuple[str, str]] = {}
    if summary.oldest is not None and summary.newest is not None:
        facts["created (UTC)"] = (
            f"{moment(summary.oldest)} to {moment(summary.newest)}",
            f"{summary.oldest.isoformat()} to {summary.newest.isoformat()}",
        )
    if summary.success_rate is not None:
        facts["succeeded"] = (
            f"{percentage(summary.success_rate)} of those that ended",
            f"{summary.success_rate}",
        )
    facts["restored"] = _size(summary.bytes_restored)[:2]
    if summary.duration is not None:
        median, p95, longest = map(span, _spans(summary.duration))
        facts["time to restore"] = (
            f"{median} median, {p95} for 95 %, {longest} longest",
            f"{summary.duration.jobs:,} completed jobs with both dates",
        )
    if summary.parents:
        facts["parents"] = (f"{counted(summary.parents)}, counted beside their children", "")
    unknown = [
        f"{count:,} {what}"
        for count, what in (
            (summary.without_status, "without status"),
            (summary.with_unknown_status, "with a status that is new to this release"),
            (summary.without_resource_type, "without resource type"),
            (summary.without_creation_date, "without creation date"),
            (summary.without_duration, "completed without a duration"),
            (summary.without_size, "completed without size"),
        )
        if count
    ]
    if unknown:
        facts["not known"] = ("; ".join(unknown), "")
    return facts


def summary_counts(summary: RestoreJobSummary) -> dict[str, list[tuple[str, int]]]:
    """Return the statuses that jobs have, by what they are of."""
    counts = {
        "Status": summary.by_status,
        "Validation": summary.by_validation_status,
        "Deletion": summary.by_deletion_status,
    }
    there = {title: [pair for pair in of.items() if pair[1]] for title, of in counts.items()}
    return {title: pairs for title, pairs in there.items() if pairs}


def summary_failures(
    summary: RestoreJobSummary,
) -> Iterator[tuple[str, list[RestoreFailures], int]]:
    """Yield each kind of failure: the most frequent ones, and how many jobs failed otherwise."""
    for what, member in (
        ("Restores", "status"),
        ("Validations", "validation_status"),
        ("Deletions", "deletion_status"),
    ):
        failures = [failure for failure in summary.failures if failure.member == member]
        others = sum(failure.jobs for failure in failures[_REASONS:])
        if failures:
            yield what, failures[:_REASONS], others + summary.other_failures[member]


def counted(jobs: int) -> str:
    """Return how many restore jobs these are, in words."""
    return f"{jobs:,} restore job{'' if jobs == 1 else 's'}"


def _table(title: str, names: Sequence[str], rows: Iterable[Sequence[_Cell]]) -> str:
    """Return an HTML table. `title` is ours; all else is escaped.

    Colours are inside the elements, because notebooks drop style sheets that they do not trust;
    text has the colour of the page, light or dark.
    """
    from html import escape  # noqa: PLC0415  # only for those who look

    def cell(cell: _Cell) -> str:
        shown = escape(cell.shown)
        if cell.is_status:
            colour = _COLOURS.get(cell.shown, _OTHER)
            style = f"background:{colour};color:#fff;padding:0 .5em;border-radius:.7em"
            shown = f'<span style="{style}">{shown}</span>'
        title = f' title="{escape(cell.exact)}"' if cell.exact else ""
        return f'<td style="{_aligned(cell)}"{title}>{shown}</td>'

    rows = list(rows)
    heads = [
        f'<th style="{_aligned(*column)}">{escape(name)}</th>'
        for name, *column in zip(names, *rows, strict=True)
    ]
    head = f"<thead><tr>{''.join(heads)}</tr></thead>" if any(names) else ""
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    caption = f'<caption style="text-align:left;white-space:nowrap;color:inherit">{title}</caption>'
    table = f"<table>{caption}{head}<tbody>{body}</tbody></table>"
    return table.encode(errors="backslashreplace").decode()  # half characters are none


def _aligned(*cells: _Cell) -> str:
    side = "right" if any(cell.is_number for cell in cells) else "left"
    # Only what is long may take more than one line.
    wraps = any(len(cell.shown) > _LINE for cell in cells)
    return f"text-align:{side};{'min-width:16em' if wraps else 'white-space:nowrap'}"

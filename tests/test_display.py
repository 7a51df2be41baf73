"""HTML in notebooks, formatted values, and reprs."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from support.memory_service import START, Service, job

from restorejobs_client import (
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobPage,
    RestoreJobStatus,
    RestoreJobSummary,
    RestoreValidationStatus,
)
from restorejobs_client.testing import fake_backup

HOSTILE = "<script>alert(1)</script>\"'&\n\x1b[31m\u202e"
HOSTILE_JOB = RestoreJob.from_dict(
    {
        field.name: HOSTILE
        for field in fields(RestoreJob)
        if field.name.endswith(("id", "arn", "message", "type", "percent_done", "status"))
    }
    | {"created_by": {"restore_testing_plan_arn": HOSTILE}}
)
FAILED = RestoreJob(
    restore_job_id="4C2D6E1A-0000-4000-8000-000000000001",
    resource_type="RDS",
    status=RestoreJobStatus.FAILED,
    status_message="Table already exists.",
    percent_done="40.00%",
    creation_date=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    completion_date=datetime(2026, 1, 2, 4, 9, 5, 678000, tzinfo=UTC),
    backup_size_in_bytes=1_610_612_736,
    expected_completion_time_minutes=90,
    source_resource_arn="arn:aws:rds:eu-central-1:123456789012:db:orders",
    created_by=RestoreJobCreator(restore_testing_plan_arn="arn:aws:backup:plan:nightly"),
    validation_status=RestoreValidationStatus.TIMED_OUT,
    validation_status_message="No result.",
)


class Table(HTMLParser):
    """What a browser shows: the caption, the cells, their text on hover, and their colours."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.caption = ""
        self.cells: list[str] = []
        self.styles: list[str] = []  # of the cells
        self.rows: list[list[str]] = []  # the widths of the cells of each row, with the header
        self.hovers: dict[str, str] = {}
        self.colours: dict[str, tuple[str, str]] = {}
        self._hover = self._style = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open.append(tag)
        attributes = dict(attrs)
        assert set(attributes) - {"style", "title"} == ({"class"} if tag == "table" else set())
        if tag == "tr":
            assert "flex-wrap:wrap" in (attributes["style"] or "")
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].extend(
                re.findall(r"(?:^|;)width:(\d+\.\d)ch;", attributes["style"] or "")
            )
        if tag == "td":
            self._hover = attributes.get("title") or ""
            self.cells.append("")
            self.styles.append(attributes["style"] or "")
        if tag == "div" and "td" in self._open:
            self.cells[-1] += "\n"
        self._style = (attributes["style"] or "") if tag == "span" else ""

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "caption" in self._open:
            self.caption += data
        if "td" not in self._open:
            return
        self.cells[-1] += data
        if self._hover:
            self.hovers[data] = self._hover
        if self._style:
            background, text = re.findall(r"(?:^|;)(?:background|color):(#\w+)", self._style)
            self.colours[data] = (background, text)


def table_of(value: Any) -> Table:
    html: str = value._repr_html_()
    return Table(html)


# Notebooks


def test_job_shows_its_members() -> None:
    """A job shows the members that are set, with exact values on hover."""
    table = table_of(FAILED)
    assert table.cells[:2] == ["restore_job_id", FAILED.restore_job_id]
    assert table.hovers == {
        "2026-01-02 03:04:05 UTC": "2026-01-02T03:04:05.678000+00:00",
        "2026-01-02 04:09:05 UTC": "2026-01-02T04:09:05.678000+00:00",
        "1.5 GiB": "1,610,612,736 bytes",
        "1 h 5 min": "3,900.0 seconds",
    }
    assert {"arn:aws:backup:plan:nightly", "90 min", "40.00%", "No result."} <= set(table.cells)
    assert "iam_role_arn" not in table.cells
    assert set(table.colours) == {"FAILED", "TIMED_OUT"}


def test_page_shows_a_row_for_each_job() -> None:
    """A row starts with status, reason and id, which are whole; empty columns are left out."""
    page = RestoreJobPage(restore_jobs=(FAILED, RestoreJob()), next_token="more")
    table = table_of(page)
    assert table.cells == [
        "0",
        "FAILED\nTable already exists.",
        "4C2D6E1A-0000-4000-8000-000000000001",
        "RDS\ndb:orders",
        "2026-01-02 03:04:05 UTC",
        "1 h 5 min",
        "1.5 GiB",
        "TIMED_OUT\nNo result.",
        "eu-central-1",
        *("1", *[""] * 8),
    ]
    assert table.hovers["db:orders"] == FAILED.source_resource_arn
    assert table.caption == "2 restore jobs; more pages follow"
    assert "deletion" not in page._repr_html_()


def test_only_names_of_columns_are_a_header() -> None:
    """A page has a header, which browsers repeat on paper; the facts of one job have none."""
    page: str = RestoreJobPage(restore_jobs=(FAILED,))._repr_html_()
    header, _, rest = page.partition("</thead>")
    assert "<thead>" in header
    assert "job id" in header
    assert "FAILED" in rest
    assert "<thead>" not in FAILED._repr_html_()


def test_page_shows_the_progress_of_running_jobs() -> None:
    """The percentage is shown, except for a job that has ended."""
    running = RestoreJob(status=RestoreJobStatus.RUNNING, percent_done="40.00%")
    assert table_of(RestoreJobPage(restore_jobs=(running,))).cells == ["0", "RUNNING", "40.00%"]
    assert "40.00%" not in table_of(RestoreJobPage(restore_jobs=(FAILED,))).cells


def in_region(region: str | None, account: str | None = "111111111111") -> RestoreJob:
    arn = region and f"arn:aws:backup:{region}:{account}:backup-vault:main"
    return RestoreJob(account_id=account, backup_vault_arn=arn)


def test_caption_says_what_all_jobs_share() -> None:
    """One account or region stands in the caption only, and several stand in a column."""
    here, there = in_region("eu-west-1"), in_region("eu-west-2", "222222222222")
    shared = table_of(RestoreJobPage(restore_jobs=(here, here)))
    assert shared.caption == "2 restore jobs; account 111111111111; region eu-west-1"
    assert shared.cells == ["0", "1"]
    different = table_of(RestoreJobPage(restore_jobs=(here, there)))
    assert different.caption == "2 restore jobs"
    assert different.cells[1:3] == ["111111111111", "eu-west-1"]
    unknown = table_of(RestoreJobPage(restore_jobs=(here, in_region(None, None))))
    assert unknown.caption == "2 restore jobs"
    assert unknown.cells[1:] == ["111111111111", "eu-west-1", "1", "", ""]


def test_caption_knows_the_jobs_that_are_not_shown() -> None:
    """The caption of a long page does not name the account of its first 100 jobs only."""
    jobs = (*[in_region("eu-west-1")] * 100, in_region("eu-west-1", "222222222222"))
    table = table_of(RestoreJobPage(restore_jobs=jobs))
    assert table.caption == "101 restore jobs; the first 100 of them are shown; region eu-west-1"
    assert table.cells[:2] == ["0", "111111111111"]


@pytest.mark.parametrize("value", [FAILED, RestoreJobPage(restore_jobs=(FAILED, RestoreJob()))])
def test_cells_keep_their_distance_and_their_line(value: Any) -> None:
    """Cells have padding of their own; ids, dates, durations and statuses stay on one line."""
    table = table_of(value)
    assert all(re.search(r"(?:^|;)padding:\.\dem \dch;", style) for style in table.styles)
    assert [
        cell
        for cell, style in zip(table.cells, table.styles, strict=True)
        if "white-space:nowrap" not in style and not cell.startswith("arn:")
    ] == []


def test_long_text_may_break_anywhere() -> None:
    """Reasons, ARNs and numbers that are longer than a date or an id do not widen a page."""
    reason = "a word" + "d" * 40
    table = table_of(RestoreJob(status_message=reason, expected_completion_time_minutes=10**40))
    styles = dict(zip(table.cells, table.styles, strict=True))
    assert "overflow-wrap:anywhere" in styles[reason]
    assert "overflow-wrap:anywhere" in styles[f"{10**40:,} min"]
    page = RestoreJobPage(restore_jobs=(RestoreJob(status_message=reason),))._repr_html_()
    assert re.search(f'<div style="[^"]*overflow-wrap:anywhere[^"]*">{reason}</div>', page)


def test_rows_of_a_wide_table_break_alike() -> None:
    """Rows may take several lines, and each column has the same width in all rows."""
    table = table_of(RestoreJobPage(restore_jobs=(FAILED, HOSTILE_JOB, RestoreJob())))
    header, *rows = table.rows
    assert len(header) == len(table.cells) / 3
    assert rows == [header] * 3


def test_columns_are_as_wide_as_their_text() -> None:
    """No cell is narrower than its longest word that may not break."""
    table = table_of(RestoreJobPage(restore_jobs=(FAILED,)))
    for cell, width in zip(table.cells, table.rows[1], strict=True):
        shown, _, note = cell.partition("\n")
        assert float(width) >= max(len(shown), min(len(note), 16)) + 2


def test_only_columns_of_numbers_are_aligned_to_the_right() -> None:
    """Numbers, sizes and durations are on the right, but not among the other members of a job."""
    page, job = table_of(RestoreJobPage(restore_jobs=(FAILED,))), table_of(FAILED)
    right = [
        [cell for cell, style in zip(table.cells, table.styles, strict=True) if ":right" in style]
        for table in (page, job)
    ]
    assert right == [["0", "1 h 5 min", "1.5 GiB"], []]


def test_long_page_shows_its_first_jobs() -> None:
    """A page shows at most 100 jobs and says how many it has."""
    html = RestoreJobPage(restore_jobs=tuple(job(number) for number in range(250)))._repr_html_()
    assert html.count("<tr ") == 101
    assert "250 restore jobs; the first 100 of them are shown" in html
    assert "0 restore jobs" in RestoreJobPage()._repr_html_()


def test_listing_shows_its_filters() -> None:
    """A listing shows its region, filters, dates and limit, and sends nothing."""
    with fake_backup() as backup:
        listing = backup.client().list_restore_jobs(
            by_status="FAILED", by_created_after=START, limit=0
        )
        assert table_of(listing).cells == [
            *("region_name", "us-east-1"),
            *("endpoint_url", backup.endpoint_url),
            *("by_created_after", "2026-01-01T00:00:00+00:00"),
            *("by_status", "FAILED"),
            *("limit", "0"),
        ]
        everything = backup.client().list_restore_jobs()
        assert table_of(everything).cells[4:] == ["filters", "none: all jobs"]
        first, second = (table_of(window).cells for window in everything.split(2))
        assert first[4] == "to"
        assert second[4:] == ["from", first[5]]
        assert backup.requests == []


def test_listing_shows_that_it_has_a_token() -> None:
    """A listing with a token shows that it has one, but not the token."""
    listing = Service([]).listing(next_token="17")
    assert repr(listing) == "RestoreJobs(next_token='…')"
    assert "next_token" in table_of(listing).cells


VALIDATED = replace(
    HOSTILE_JOB,
    status=RestoreJobStatus.COMPLETED,
    creation_date=START,
    completion_date=START,
    validation_status=RestoreValidationStatus.FAILED,
)


@pytest.mark.parametrize(
    "value",
    [
        HOSTILE_JOB,
        RestoreJobPage(restore_jobs=(HOSTILE_JOB,), next_token=HOSTILE),
        RestoreJobSummary.from_jobs(
            [HOSTILE_JOB, VALIDATED, replace(HOSTILE_JOB, status=RestoreJobStatus.FAILED)]
        ),
        Service([]).listing(by_parent_job_id=HOSTILE),
    ],
    ids=["job", "page", "summary", "listing"],
)
def test_values_are_escaped(value: Any) -> None:
    """No value can add HTML tags, line breaks, terminal sequences or another direction."""
    html: str = value._repr_html_()
    assert "&lt;script&gt;" in html
    assert "script" not in Table(html).tags
    assert not {"\n", "\x1b", "\u202e"} & set(html)
    assert "\n" not in repr(value)
    assert "\x1b" not in repr(value) + str(value)


@pytest.mark.parametrize(
    "status", [*RestoreJobStatus, *RestoreValidationStatus, *RestoreDeletionStatus, "PAUSED"]
)
def test_statuses_have_readable_colours(status: str) -> None:
    """Known statuses differ in colour from unknown ones, with the contrast that WCAG 2 requires."""
    colours = table_of(RestoreJob(status=RestoreJobStatus(status))).colours[str(status)]
    unknown = table_of(RestoreJob(status=RestoreJobStatus("UNKNOWN"))).colours["UNKNOWN"]
    assert (colours == unknown) is (status == "PAUSED")
    darker, lighter = sorted(map(luminance, colours))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Return the relative luminance as defined by WCAG 2."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# Values


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024**2, "1.5 GiB"),
        (500 * 1024**4, "500 TiB"),
        (2**63 - 1, "8.0 EiB"),
        (2**20 - 1, "1.0 MiB"),
        (10 * 1024 - 1, "10 KiB"),
        (2**80, "1,048,576 EiB"),
        (-2048, "-2.0 KiB"),
    ],
)
def test_sizes_use_the_largest_unit(count: int, text: str) -> None:
    """A size is shown in the largest suitable unit."""
    assert table_of(RestoreJob(backup_size_in_bytes=count)).cells[-1] == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0 s"),
        (timedelta(milliseconds=250), "0.25 s"),
        (timedelta(microseconds=1), "0.000001 s"),
        (timedelta(seconds=59.6), "1 min"),
        (timedelta(minutes=12, seconds=4), "12 min 4 s"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=1, minutes=5, seconds=59), "1 h 5 min"),
        (timedelta(days=400, hours=3), "400 d 3 h"),
        (-timedelta(minutes=1), "-1 min"),
    ],
)
def test_durations_use_two_units(duration: timedelta, text: str) -> None:
    """A duration is shown in its two largest units."""
    timed = RestoreJob(creation_date=START, completion_date=START + duration)
    assert table_of(timed).cells[-2:] == ["duration", text]


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (1, "100 %"),
        (0, "0 %"),
        (99_999 / 100_000, "99.9 %"),
        (1 / 100_000, "0.1 %"),
        (0.9098, "91.0 %"),
    ],
)
def test_only_exact_rates_are_0_or_100_percent(rate: float, text: str) -> None:
    """Other rates are never rounded to 0 % or 100 %."""
    summary = replace(RestoreJobSummary.from_jobs([]), success_rate=rate)
    assert f" {text} of those that ended" in str(summary)


def test_dates_are_shown_in_utc() -> None:
    """A date in another time zone is shown in UTC."""
    east = datetime.fromisoformat("2026-01-02T03:04:05+05:30")
    assert table_of(RestoreJob(creation_date=east)).cells[-1] == "2026-01-01 21:34:05 UTC"


def test_extreme_values_are_shown() -> None:
    """Huge numbers, the first and last dates and broken text can be shown."""
    extreme = RestoreJob(
        backup_size_in_bytes=10**400,
        expected_completion_time_minutes=10**15,
        status=RestoreJobStatus.COMPLETED,
        status_message="\ud800",
        creation_date=datetime(1, 1, 1, tzinfo=UTC),
        completion_date=datetime(9999, 12, 31, tzinfo=UTC),
        restore_job_id="short",
    )
    summary = RestoreJobSummary.from_jobs([extreme])
    page = RestoreJobPage(restore_jobs=(extreme,))
    for value in (extreme, page, summary):
        assert "0001-01-01 00:00:00" in value._repr_html_()
        assert value._repr_html_().encode()
    assert "short" in table_of(page).cells
    assert "1,000,000,000,000,000 min" in table_of(extreme).cells
    assert str(summary).count(" EiB") == 1


# Reprs


def test_job_repr_has_the_members_that_are_set() -> None:
    """The repr is one line, with the most important members first."""
    assert repr(FAILED) == (
        "RestoreJob(restore_job_id='4C2D6E1A-0000-4000-8000-000000000001', resource_type='RDS', "
        "status='FAILED', creation_date='2026-01-02 03:04:05.678000 UTC', duration='1 h 5 min', "
        "source_resource_arn='arn:aws:rds:eu-central-1:123456789012:db:orders', "
        "completion_date='2026-01-02 04:09:05.678000 UTC', status_message='Table already exists.', "
        "percent_done='40.00%', backup_size_in_bytes=1610612736, "
        "expected_completion_time_minutes=90, "
        "created_by={'restore_testing_plan_arn': 'arn:aws:backup:plan:nightly'}, "
        "validation_status='TIMED_OUT', validation_status_message='No result.')"
    )
    assert repr(RestoreJob()) == "RestoreJob()"


@pytest.mark.parametrize("name", [field.name for field in fields(RestoreJob)])
def test_repr_has_every_member(name: str) -> None:
    """Each member that is set is in the repr."""
    job = RestoreJob(**dict.fromkeys([name], "x"))  # type: ignore[arg-type]  # of any type
    assert repr(job) == f"RestoreJob({name}='x')"


@pytest.mark.parametrize("name", [field.name for field in fields(RestoreJob)])
def test_table_shows_whatever_the_constructor_was_given(name: str) -> None:
    """A member of the wrong type does not hide a job or a page."""
    job = RestoreJob(**dict.fromkeys([name], "x"))  # type: ignore[arg-type]  # of any type
    assert "x" in table_of(job).cells
    assert "1 restore job" in RestoreJobPage(restore_jobs=(job,))._repr_html_()


def test_tables_have_no_formulas() -> None:
    """Jupyter does not take text between dollar signs for mathematics."""
    html = RestoreJob(status_message="$5 and $6")._repr_html_()
    assert html.startswith('<table class="tex2jax_ignore mathjax_ignore" ')


def test_repr_shows_whatever_the_constructor_was_given() -> None:
    """Dates that are no dates do not hide a job, and an ARN is whole, however long it is."""
    wrong: dict[str, Any] = {"creation_date": "now", "completion_date": 5, "iam_role_arn": "a" * 99}
    assert repr(RestoreJob(**wrong)) == (
        f"RestoreJob(creation_date='now', completion_date=5, iam_role_arn='{'a' * 99}')"
    )


def test_page_repr_counts_its_jobs() -> None:
    """The repr has the number of jobs and whether more pages follow."""
    page = RestoreJobPage(restore_jobs=(FAILED,), next_token="t")
    assert repr(page) == "RestoreJobPage(1 restore job, next_token='t')"
    assert repr(RestoreJobPage()) == "RestoreJobPage(0 restore jobs, no next_token)"


def test_reprs_shorten_long_text() -> None:
    """Long messages and tokens are cut."""
    assert len(repr(RestoreJob(status_message="x" * 100_000))) < 120
    assert len(repr(RestoreJobPage(next_token="x" * 3_000))) < 120

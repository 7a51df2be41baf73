"""What people see: in a notebook cell, and as a plain repr."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from memory_service import START, Service, job

from restorejobs_client import (
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobPage,
    RestoreJobStatus,
    RestoreJobSummary,
    RestoreValidationStatus,
)
from restorejobs_client._text import duration_text, moment_text, percentage_text, size_text
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Iterable

HOSTILE = "<script>alert(1)</script>\"'&\n\x1b[31m"
EVIL = RestoreJob.from_dict(
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
    """What a browser would show: the cells, what they say on hover, and their colours."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.hovers: dict[str, str] = {}
        self.colours: dict[str, tuple[str, str]] = {}
        self._hover = self._style = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._open.append(tag)
        given = dict(attrs)
        assert set(given) <= {"style", "title"}
        if tag == "td":
            self._hover = given.get("title") or ""
            self.cells.append("")
        self._style = (given["style"] or "") if tag == "span" else ""

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" not in self._open:
            return
        self.cells[-1] += data
        if self._hover:
            self.hovers[data] = self._hover
        if self._style:
            background, text = re.findall(r"(?:^|;)(?:background|color):(#\w+)", self._style)
            self.colours[data] = (background, text)


def shown(thing: Any) -> Table:
    html: str = thing._repr_html_()
    return Table(html)


def test_a_job_shows_its_members_and_the_exact_values_on_hover() -> None:
    table = shown(FAILED)
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


def test_a_page_shows_a_row_for_each_job() -> None:
    table = shown(RestoreJobPage(restore_jobs=(FAILED, RestoreJob()), next_token="more"))
    assert table.cells[:11] == [
        "0",
        "FAILED",
        "TIMED_OUT",
        "RDS",
        "2026-01-02 03:04:05 UTC",
        "1 h 5 min",
        "1.5 GiB",
        "Table already exists.",
        "No result.",
        "db:orders",
        "4C2D6E1A-0000-4000-8000-000000000001",
    ]
    assert table.cells[11:] == ["1", *[""] * 10]
    assert "40.00%" not in table.cells  # of what has ended, AWS may say 0 %
    running = RestoreJob(status=RestoreJobStatus.RUNNING, percent_done="40.00%")
    assert shown(RestoreJobPage(restore_jobs=(running,))).cells == ["0", "RUNNING", "40.00%"]
    assert table.hovers["db:orders"] == FAILED.source_resource_arn
    html = RestoreJobPage(restore_jobs=(FAILED,), next_token="more")._repr_html_()
    assert "1 restore job; more pages follow" in html
    assert "deletion" not in html  # none of them has one


def test_a_long_page_shows_its_beginning_and_says_so() -> None:
    page = RestoreJobPage(restore_jobs=tuple(job(number) for number in range(250)))
    html = page._repr_html_()
    assert html.count("<tr>") == 101
    assert "250 restore jobs; the first 100 of them are shown" in html
    assert "0 restore jobs" in RestoreJobPage()._repr_html_()


def test_a_listing_shows_its_filters_and_sends_nothing() -> None:
    with fake_backup(sample_jobs(10)) as backup:
        listing = backup.client().list_restore_jobs(
            by_status="FAILED", by_created_after=START, limit=0
        )
        table = shown(listing)
        assert table.cells == [
            *("region_name", "us-east-1"),
            *("by_created_after", "2026-01-01T00:00:00+00:00"),
            *("by_status", "FAILED"),
            *("limit", "0"),
        ]
        everything = backup.client().list_restore_jobs()
        assert shown(everything).cells[2:] == ["filters", "none: all jobs"]
        first, second = (shown(window).cells for window in everything.split(2))
        assert first[2] == "to"
        assert second[2:] == ["from", first[3]]
        assert backup.requests == []
    service = Service([])
    assert shown(service.listing()).cells == ["filters", "none: all jobs"]
    assert service.asked == []


@pytest.mark.parametrize(
    "thing",
    [
        EVIL,
        RestoreJobPage(restore_jobs=(EVIL,), next_token=HOSTILE),
        RestoreJobSummary.from_jobs([EVIL, replace(EVIL, status=RestoreJobStatus.FAILED)]),
        RestoreJobSummary.from_jobs(
            [
                replace(
                    EVIL,
                    status=RestoreJobStatus.COMPLETED,
                    creation_date=START,
                    completion_date=START,
                    validation_status=RestoreValidationStatus.FAILED,
                )
            ]
        ),
        Service([]).listing(by_parent_job_id=HOSTILE),
    ],
    ids=["job", "page", "summary", "summary of completed", "listing"],
)
def test_every_value_is_escaped(thing: Any) -> None:
    html: str = thing._repr_html_()
    assert "&lt;script&gt;" in html
    table = Table(html)
    assert "script" not in table.tags
    text = repr(thing)
    assert "\n" not in text
    assert "\x1b" not in text
    assert "\x1b" not in str(thing)


def test_a_repr_is_one_line_that_a_person_can_read() -> None:
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
    page = RestoreJobPage(restore_jobs=(FAILED,), next_token="t")
    assert repr(page) == "RestoreJobPage(1 restore job, next_token='t')"
    assert repr(RestoreJobPage()) == "RestoreJobPage(0 restore jobs, no next_token)"


def test_every_known_status_has_a_colour_that_reads_in_light_and_dark() -> None:
    statuses: Iterable[Any] = (
        *RestoreJobStatus,
        *RestoreValidationStatus,
        *RestoreDeletionStatus,
    )
    unknown = shown(RestoreJob(status=RestoreJobStatus("PAUSED"))).colours["PAUSED"]
    for status in statuses:
        table = shown(RestoreJob(status=RestoreJobStatus(str(status))))
        background, text = table.colours[str(status)]
        assert (background, text) != unknown
        assert contrast(text, background) >= 4.5
    assert contrast(unknown[1], unknown[0]) >= 4.5


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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
def test_sizes_are_in_the_largest_unit_that_they_fill(count: int, text: str) -> None:
    assert size_text(count) == text


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
def test_durations_are_in_their_two_largest_units(duration: timedelta, text: str) -> None:
    assert duration_text(duration) == text


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    assert percentage_text(1) == "100 %"
    assert percentage_text(0) == "0 %"
    assert percentage_text(99_999 / 100_000) == "99.9 %"
    assert percentage_text(1 / 100_000) == "0.1 %"
    assert percentage_text(0.9098) == "91.0 %"


def test_odd_numbers_and_texts_are_shown_as_well() -> None:
    odd = RestoreJob(
        backup_size_in_bytes=10**400,
        expected_completion_time_minutes=10**15,
        status_message="\ud800",
        creation_date=datetime(1, 1, 1, tzinfo=UTC),
        completion_date=datetime(9999, 12, 31, tzinfo=UTC),
        restore_job_id="short",
    )
    for thing in (odd, RestoreJobPage(restore_jobs=(odd,)), RestoreJobSummary.from_jobs([odd])):
        html: str = thing._repr_html_()
        assert html.encode()
        assert "0001-01-01 00:00:00" in html
    assert "short" in shown(RestoreJobPage(restore_jobs=(odd,))).cells
    assert "1,000,000,000,000,000 min" in shown(odd).cells
    done = replace(odd, status=RestoreJobStatus.COMPLETED)
    assert str(RestoreJobSummary.from_jobs([done])).count(" EiB") == 1


def test_the_account_of_every_job_is_shown() -> None:
    job = RestoreJob(account_id="111111111111")
    assert "111111111111" in shown(RestoreJobPage(restore_jobs=(job, job))).cells


def test_long_texts_are_cut_in_what_is_one_line() -> None:
    assert len(repr(RestoreJob(status_message="x" * 100_000))) < 120
    assert len(repr(RestoreJobPage(next_token="x" * 3_000))) < 120


def test_a_listing_that_begins_at_a_token_says_so() -> None:
    listing = Service([]).listing(next_token="17")
    assert repr(listing) == "RestoreJobs(next_token='…')"
    assert "next_token" in shown(listing).cells


def test_moments_are_in_utc() -> None:
    east = datetime.fromisoformat("2026-01-02T03:04:05+05:30")
    assert moment_text(east) == "2026-01-01 21:34:05 UTC"

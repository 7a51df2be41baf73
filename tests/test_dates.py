"""Dates of any subclass become plain datetimes in UTC, also while the clock is frozen."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pendulum
import pytest
from freezegun.api import FakeDatetime
from support import frozen_program
from support.raw_server import Answer

from restorejobs_client import (
    InvalidRequestError,
    ListRestoreJobsRequest,
    MalformedResponseError,
    RestoreJob,
    RestoreJobsClient,
    RestoreJobStatus,
    RestoreJobSummary,
    to_arrow,
)
from restorejobs_client._aws.wire import Wire
from restorejobs_client.testing import sample_jobs

if TYPE_CHECKING:
    from support.raw_server import PageServer

ANSWERED = datetime(2026, 1, 31, 2, 3, 4, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2023, 11, 14, 22, 13, 20, 123_456, tzinfo=UTC)  # among the jobs of the server


class Ours(datetime):
    """A date of a program: it is shown in its own way, and its arithmetic fails."""

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:  # noqa: ARG002  # as datetime's
        return "14 Nov"

    def astimezone(self, tz: tzinfo | None = None) -> Any:  # noqa: ARG002  # as datetime's
        raise RuntimeError

    __add__ = __sub__ = __radd__ = __rsub__ = None  # type: ignore[assignment]  # intentional


class Nowhere(tzinfo):
    """A time zone that fails."""

    def utcoffset(self, dt: datetime | None) -> Any:  # noqa: ARG002  # as tzinfo's
        raise RuntimeError

    tzname = dst = utcoffset


SAME = {
    "datetime": MOMENT,
    "another time zone": MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))),
    "pandas in nanoseconds": pd.Timestamp(MOMENT).as_unit("ns"),
    "pandas in microseconds": pd.Timestamp(MOMENT).as_unit("us"),
    "pandas in Berlin": pd.Timestamp(MOMENT).as_unit("ns").tz_convert("Europe/Berlin"),
    "pendulum": pendulum.instance(MOMENT),
    "pendulum in Berlin": pendulum.instance(MOMENT).in_timezone("Europe/Berlin"),
    "freezegun": FakeDatetime.fromisoformat(MOMENT.isoformat()),
    "a subclass": Ours.fromisoformat(MOMENT.isoformat()),
}
SUBCLASSES = pytest.mark.parametrize("date", SAME.values(), ids=SAME)


@SUBCLASSES
def test_dates_of_any_subclass_are_plain_in_a_request(date: datetime) -> None:
    """A filter holds a plain datetime in UTC."""
    request = ListRestoreJobsRequest(by_created_after=date)
    assert type(request.by_created_after) is datetime
    assert (request.by_created_after, request.by_created_after.tzinfo) == (MOMENT, UTC)


@SUBCLASSES
def test_dates_of_any_subclass_are_plain_in_a_job(date: datetime) -> None:
    """`from_dict` makes plain datetimes in UTC."""
    created = RestoreJob.from_dict({"CreationDate": date}).creation_date
    assert created is not None
    assert type(created) is datetime
    assert (created, created.tzinfo) == (MOMENT, UTC)


@SUBCLASSES
def test_dates_of_any_subclass_filter_every_kind_of_run(
    server: PageServer, client: RestoreJobsClient, date: datetime
) -> None:
    """Windows, workers and checkpoints have the jobs that a plain listing has."""
    listing = client.list_restore_jobs(by_created_after=date, max_results=50)
    jobs = list(client.list_restore_jobs(by_created_after=MOMENT, max_results=50))
    assert 0 < len(jobs) < len(server.jobs)
    assert list(listing) == jobs
    assert sorted(map(repr, (job for part in listing.split(3) for job in part))) == sorted(
        map(repr, jobs)
    )
    assert sorted(map(repr, listing.parallel(3))) == sorted(map(repr, jobs))
    iterator = iter(listing)
    first = next(iterator)
    assert [first, *client.resume(iterator.checkpoint)] == jobs


@pytest.mark.parametrize("date", [one for one in SAME.values() if not isinstance(one, Ours)])
def test_dates_of_any_subclass_are_counted_and_shown(date: datetime) -> None:
    """A job that a program made with such dates is shown, counted, exported and read again."""
    done, completed = date + timedelta(minutes=5), RestoreJobStatus.COMPLETED
    job = RestoreJob(status=completed, creation_date=date, completion_date=done)
    assert RestoreJob.from_dict(job.to_dict(mode="json")) == RestoreJob.from_dict(job.to_dict())
    assert "5 min" in repr(job)
    assert "5 min" in job._repr_html_()
    duration = RestoreJobSummary.from_jobs([job]).duration
    assert duration is not None
    assert (type(duration.longest), duration.longest) == (timedelta, timedelta(minutes=5))
    assert to_arrow([job]).column("creation_date").to_pylist() == [MOMENT]
    days = timedelta(days=3)
    samples = sample_jobs(3, created_after=date, created_before=date + days)
    assert samples == sample_jobs(3, created_after=MOMENT, created_before=MOMENT + days)


@pytest.mark.parametrize("kind", ["created", "complete"])
@pytest.mark.parametrize(
    ("date", "after", "before"),
    [
        (pd.Timestamp("2026-01-01T00:00:00.000001001Z"), 1, 2),
        (pd.Timestamp("2026-01-01T00:00:00.000001999Z"), 1, 2),
        (pd.Timestamp("2026-01-01T00:00:00.000001Z"), 1, 1),
        ("2026-01-01T00:00:00.0000010001Z", 1, 2),
        ("2026-01-01T00:00:00,000001999Z", 1, 2),
        ("2026-01-01T00:00:00.0000010000Z", 1, 1),
        ("2026-01-01T05:30:00.0000019+05:30", 1, 2),
    ],
)
def test_parts_of_a_microsecond_are_cut_outwards(
    kind: str, date: Any, after: int, before: int
) -> None:
    """No job between a bound and its microsecond is lost."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    names = {f"by_{kind}_after": after, f"by_{kind}_before": before}
    for name, microseconds in names.items():
        request = ListRestoreJobsRequest.model_validate({name: date})
        assert getattr(request, name) == start + timedelta(microseconds=microseconds)


@pytest.mark.parametrize(
    "date",
    [
        pd.NaT,
        pd.Timestamp("2026-01-01"),
        pd.Timestamp(np.datetime64("12345-01-01", "s"), tz="UTC"),  # which looks like 1970
        pd.Timestamp(np.datetime64("-0005-01-01", "s"), tz="UTC"),
        pendulum.naive(2026, 1, 1),
        FakeDatetime(2026, 1, 1),  # naive
        Ours(2026, 1, 1),  # naive
        datetime(2026, 1, 1, tzinfo=Nowhere()),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
    ],
)
def test_dates_without_a_moment_are_refused(client: RestoreJobsClient, date: Any) -> None:
    """Naive dates, and dates that no datetime in UTC can be, raise our errors."""
    with pytest.raises(InvalidRequestError, match=r"by_created_before=.* time zone"):
        client.list_restore_jobs(by_created_before=date)
    with pytest.raises(MalformedResponseError, match=r"CreationDate: .*timezone"):
        RestoreJob.from_dict({"CreationDate": date})


@pytest.mark.parametrize("hour", [2, 3])
@pytest.mark.parametrize("fold", [0, 1])
def test_the_hour_that_comes_twice_is_told_apart(hour: int, fold: int) -> None:
    """When clocks are set back, `fold` says which of two hours is meant."""
    plain = datetime(2025, 10, 26, hour, 30, tzinfo=BERLIN, fold=fold)
    expected = plain.astimezone(UTC)
    stamp = pd.Timestamp(2025, 10, 26, hour, 30).tz_localize(BERLIN, ambiguous=not fold)
    ours = Ours(2025, 10, 26, hour, 30, tzinfo=BERLIN, fold=fold)
    for date in (plain, stamp, pendulum.instance(plain), ours):
        assert RestoreJob.from_dict({"CreationDate": date}).creation_date == expected


@pytest.mark.parametrize("first", ["frozen", "thawed"])
@pytest.mark.parametrize("before", ["", "pydantic"])
def test_frozen_clock_changes_nothing(first: str, before: str) -> None:
    """It makes no difference if the clock is frozen when this or pydantic is imported or used."""
    program = Path(frozen_program.__file__)
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-W", "ignore", str(program), first, before],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    second = {"frozen": "thawed", "thawed": "frozen"}[first]
    assert done.stdout.splitlines() == [f"{first} fine", f"{second} fine"], done.stderr[-1_000:]


@pytest.mark.parametrize(
    ("headers", "request_id", "answered_at"),
    [
        ({"Date": "Sat, 31 Jan 2026 02:03:04 GMT"}, "id-1", ANSWERED),
        ({"x-amzn-RequestId": "5-a"}, "5-a", None),
        ({"Date": "yesterday"}, "id-1", None),
        ({"Date": "Sat, 99 Jan 2026 02:03:04 GMT"}, "id-1", None),
        ({"Date": "Sat, 31 Jan 99999999999 02:03:04 GMT"}, "id-1", None),
        ({"Date": f"Sat, 31 Jan {'9' * 5_000} 02:03:04 GMT"}, "id-1", None),
        ({"Date": "Sat, 31 Jan 2026 02:03:04 -0000"}, "id-1", None),
        ({"Date": ""}, "id-1", None),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b'{"RestoreJobs": [], "RequestId": "body", "AnsweredAt": 0}',
        b'{"RestoreJobs": [], "RequestId": 5, "AnsweredAt": [], "request_id": 6, "answered_at": 7}',
        b'{"RestoreJobs": [{"StatusMessage": "\\ud800"}], "RequestId": 5, "AnsweredAt": "x"}',
        b'{"RestoreJobs": [{"CreationDate": "2026-01-01T00:00:00+01:00"}], "RequestId": {}}',
    ],
)
def test_page_keeps_two_headers_of_its_answer(
    server: PageServer,
    headers: dict[str, str],
    request_id: str,
    answered_at: datetime | None,
    body: bytes,
) -> None:
    """The request id and the date are those of the headers, whatever the body says."""
    server.fail_next(lambda _: Answer(body=body, headers=headers))
    page = Wire(server.client()).fetch({"MaxResults": 10})
    assert (page.request_id, page.answered_at) == (request_id, answered_at)
    assert answered_at is None or type(page.answered_at) is datetime

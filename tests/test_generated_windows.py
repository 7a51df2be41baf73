"""Generated windows: each job is in exactly one window, however the service treats bounds.

A test generates the bounds of a listing, a number of windows, jobs at and near the bounds of these
windows, and a service that includes or excludes its bounds, and may round them. It checks that the
windows of `split`, their own windows, and `parallel` have each job of the listing exactly once.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from support.generating import examples
from support.memory_service import START, Service

from restorejobs_client import RestoreJob

if TYPE_CHECKING:
    from collections.abc import Iterable

    from restorejobs_client import RestoreJobs

EARLIEST_BOUND = datetime(1000, 1, 1, tzinfo=UTC)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
DATES = st.one_of(
    st.integers(0, 30).map(lambda days: START + timedelta(days=days)),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from([FIRST, EARLIEST_BOUND, LAST]),
)
# Around the precisions that a service may have.
MICROSECONDS = [0, 1, 999, 1000, 1_000_000, 1_000_001]
OFFSETS = st.sampled_from([*MICROSECONDS, *(-offset for offset in MICROSECONDS)])


def shifted(date: datetime, microseconds: int) -> datetime:
    """Return the date that is this much later, or the same date at an end of the calendar."""
    try:
        return date + timedelta(microseconds=microseconds)
    except OverflowError:
        return date


@st.composite
def services(draw: st.DrawFn) -> Service:
    """Generate a service without jobs, which treats bounds in one of the possible ways."""
    service = Service()
    service.after_is_inclusive = draw(st.booleans())
    service.before_is_inclusive = draw(st.booleans())
    precisions = [timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(seconds=1)]
    service.precision = draw(st.sampled_from(precisions))
    return service


@st.composite
def bounds(draw: st.DrawFn) -> dict[str, datetime]:
    """Generate no bound, one bound, or two bounds that may be close to each other."""
    one = draw(DATES)
    other = draw(DATES | OFFSETS.map(lambda offset: shifted(one, offset)))
    after, before = (max(date, EARLIEST_BOUND) for date in sorted([one, other]))
    both = {"by_created_after": after, "by_created_before": before}
    names = draw(st.sets(st.sampled_from(sorted(both)), max_size=1 if after == before else 2))
    return {name: both[name] for name in names}


@st.composite
def creation_dates(draw: st.DrawFn, bounds: list[datetime]) -> list[datetime]:
    """Generate dates at and near these bounds and elsewhere. Some occur several times."""
    places = DATES | st.sampled_from(bounds) if bounds else DATES
    dates: list[datetime] = []
    for _ in range(draw(st.integers(0, 12))):
        date = shifted(draw(places), draw(OFFSETS))
        dates += [date] * draw(st.sampled_from([1, 1, 2, 9]))
    return dates


def bounds_of(windows: list[RestoreJobs]) -> list[datetime]:
    """Return the bounds that the reprs of windows show."""
    shown = " ".join(map(repr, windows))
    return [datetime.fromisoformat(date) for date in re.findall(r"(?:from|to)='([^']*)'", shown)]


def ids(jobs: Iterable[RestoreJob]) -> Counter[str | None]:
    """Count the jobs of each id."""
    return Counter(job.restore_job_id for job in jobs)


@examples(10)
@given(
    service=services(),
    bounds=bounds(),
    parts=st.integers(1, 8),
    parts_of_parts=st.integers(1, 4),
    max_results=st.sampled_from([1, 2, 7, 1000]),
    workers=st.integers(1, 4),
    order=st.sampled_from(["newest", "oldest", "random"]),
    data=st.data(),
)
def test_each_job_is_in_exactly_one_window(  # noqa: PLR0913  # a case
    *,
    service: Service,
    bounds: dict[str, datetime],
    parts: int,
    parts_of_parts: int,
    max_results: int,
    workers: int,
    order: str,
    data: st.DataObject,
) -> None:
    """Windows, their own windows and `parallel` have each job of the listing once."""
    listing = service.listing(max_results=max_results, **bounds)
    windows = listing.split(parts)
    smaller = [part for window in windows for part in window.split(parts_of_parts)]

    dates = data.draw(creation_dates([*bounds_of(smaller), *bounds.values()]))
    dates.sort(reverse=order == "newest")
    if order == "random":
        random.Random(1).shuffle(dates)  # noqa: S311  # nothing secret
    service.jobs = [
        RestoreJob(restore_job_id=str(number), creation_date=date)
        for number, date in enumerate(dates)
    ]

    whole = ids(listing)
    assert sum(map(ids, windows), Counter()) == whole
    assert sum(map(ids, smaller), Counter()) == whole
    assert ids(listing.parallel(workers)) == whole

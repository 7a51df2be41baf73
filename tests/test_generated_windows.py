"""Generated windows: whatever a service makes of bounds, each job is in exactly one window.

What is generated: the bounds of a listing, a number of windows, jobs on and beside their bounds,
and a service whose own bounds may be inclusive or not, and rounded. What is promised: the windows
of `split`, windows of windows and `parallel` have each job of the listing exactly once.
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
MOMENTS = st.one_of(
    st.integers(0, 30).map(lambda days: START + timedelta(days=days)),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from([FIRST, EARLIEST_BOUND, LAST]),
)
DISTANCES = st.sampled_from([0, 1, 999, 1000, 1_000_000, 1_000_001]).flatmap(
    lambda microseconds: st.sampled_from([microseconds, -microseconds])
)


def beside(moment: datetime, distance: int) -> datetime:
    """Return the moment so many microseconds away, or itself at an end of the calendar."""
    try:
        return moment + timedelta(microseconds=distance)
    except OverflowError:
        return moment


@st.composite
def services(draw: st.DrawFn) -> Service:
    """Generate what a service makes of the bounds that it is asked for."""
    service = Service()
    service.after_is_inclusive = draw(st.booleans())
    service.before_is_inclusive = draw(st.booleans())
    precisions = [timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(seconds=1)]
    service.precision = draw(st.sampled_from(precisions))
    return service


@st.composite
def bounds(draw: st.DrawFn) -> dict[str, datetime]:
    """Generate no bound of a listing, one, or two that may be close to each other."""
    one = draw(MOMENTS)
    other = draw(MOMENTS | DISTANCES.map(lambda distance: beside(one, distance)))
    after, before = (max(moment, EARLIEST_BOUND) for moment in sorted([one, other]))
    both = {"by_created_after": after, "by_created_before": before}
    names = draw(st.sets(st.sampled_from(sorted(both)), max_size=1 if after == before else 2))
    return {name: both[name] for name in names}


def dates_beside(moments: list[datetime]) -> st.SearchStrategy[list[datetime]]:
    """Generate dates on and around these moments and others, some of them several times."""
    near = MOMENTS if not moments else MOMENTS | st.sampled_from(moments)
    several = st.builds(
        lambda moment, distance, count: [beside(moment, distance)] * count,
        near,
        DISTANCES,
        st.sampled_from([1, 1, 2, 9]),
    )
    return st.lists(several, max_size=12).map(
        lambda lists: [date for each in lists for date in each]
    )


def inner_bounds(windows: list[RestoreJobs]) -> list[datetime]:
    """Return where these windows meet."""
    shown = " ".join(map(repr, windows))
    return [datetime.fromisoformat(one) for one in re.findall(r"(?:from|to)='([^']*)'", shown)]


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
    """Windows, windows of windows and `parallel` have each job of the listing once."""
    listing = service.listing(max_results=max_results, **bounds)
    windows = listing.split(parts)
    smaller = [part for window in windows for part in window.split(parts_of_parts)]

    dates = data.draw(dates_beside([*inner_bounds(smaller), *bounds.values()]))
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

"""Generated windows: whatever a service makes of bounds, each job is in exactly one of them."""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from generating import examples
from hypothesis import given
from hypothesis import strategies as st
from memory_service import START, Service
from typing_extensions import override

from restorejobs_client import RestoreJob

if TYPE_CHECKING:
    from collections.abc import Iterable

    from restorejobs_client import RestoreJobs


class Vague(Service):
    """Takes its bounds as any service may: with or without their moments, and less exactly."""

    after_is_included = True
    before_is_included = True
    precision = timedelta(microseconds=1)

    @override
    def _matches(self, created: datetime, after: datetime | None, before: datetime | None) -> bool:
        earliest = datetime.min.replace(tzinfo=UTC)

        def rounded(moment: datetime) -> datetime:
            return moment - (moment - earliest) % self.precision

        return (
            after is None
            or created > rounded(after)
            or (created == rounded(after) and self.after_is_included)
        ) and (
            before is None
            or created < rounded(before)
            or (created == rounded(before) and self.before_is_included)
        )


@st.composite
def vague_services(draw: st.DrawFn) -> Vague:
    service = Vague([])
    service.after_is_included = draw(st.booleans())
    service.before_is_included = draw(st.booleans())
    precisions = [timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(seconds=1)]
    service.precision = draw(st.sampled_from(precisions))
    return service


NEAR = st.sampled_from(
    [
        timedelta(microseconds=sign * distance)
        for distance in (0, 1, 999, 1000, 1_000_000, 1_000_001)
        for sign in (1, -1)
    ]
)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
FIRST_BOUND = datetime(1000, 1, 1, tzinfo=UTC)
ANY_MOMENT = st.one_of(
    st.integers(0, 30).map(lambda days: START + timedelta(days=days)),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from([FIRST, FIRST_BOUND, LAST]),
)


def moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


@st.composite
def outer_bounds(draw: st.DrawFn) -> dict[str, datetime]:
    """Return none, one or both; both may be as near as they can be."""
    one = draw(ANY_MOMENT)
    other = draw(ANY_MOMENT | NEAR.map(lambda near: moved(one, near)))
    after, before = (max(moment, FIRST_BOUND) for moment in sorted([one, other]))
    bounds = {"by_created_after": after, "by_created_before": before}
    kept = draw(st.sets(st.sampled_from(sorted(bounds)), max_size=1 if after == before else 2))
    return {name: bounds[name] for name in kept}


def jobs_near(moments: list[datetime]) -> st.SearchStrategy[list[RestoreJob]]:
    """Return jobs on and around these moments, some of them many at once, in any order."""
    some = st.sampled_from(moments) if moments else ANY_MOMENT
    clusters = st.builds(
        lambda moment, near, count: [moved(moment, near)] * count,
        some | ANY_MOMENT,
        NEAR,
        st.sampled_from([1, 1, 2, 9]),
    )
    return st.lists(clusters, max_size=12).map(
        lambda clusters: [
            RestoreJob(restore_job_id=str(number), creation_date=date)
            for number, date in enumerate(itertools.chain.from_iterable(clusters))
        ]
    )


def seams(windows: list[RestoreJobs]) -> list[datetime]:
    return [
        datetime.fromisoformat(moment)
        for window in windows
        for moment in re.findall(r"(?:from|to)='([^']*)'", repr(window))
    ]


@examples(10)
@given(
    service=vague_services(),
    bounds=outer_bounds(),
    parts=st.integers(1, 8),
    again=st.integers(1, 4),
    size=st.sampled_from([1, 2, 7, 1000]),
    workers=st.integers(1, 4),
    order=st.sampled_from(["newest", "oldest", "random"]),
    jobs=st.data(),
)
def test_windows_are_disjoint_and_together_the_listing(  # noqa: PLR0913  # a case
    *,
    service: Vague,
    bounds: dict[str, Any],
    parts: int,
    again: int,
    size: int,
    workers: int,
    order: str,
    jobs: st.DataObject,
) -> None:
    listing = service.listing(max_results=size, **bounds)
    windows = listing.split(parts)
    smaller = [part for window in windows for part in window.split(again)]
    service.jobs = jobs.draw(jobs_near([*seams(smaller), *bounds.values()]))
    if order == "random":
        random.Random(1).shuffle(service.jobs)  # noqa: S311  # nothing secret
    else:
        service.jobs.sort(key=created, reverse=order == "newest")

    whole = counted(listing)
    assert sum((counted(window) for window in windows), Counter()) == whole
    assert sum((counted(window) for window in smaller), Counter()) == whole
    assert counted(listing.parallel(workers)) == whole


def created(job: RestoreJob) -> datetime:
    assert job.creation_date
    return job.creation_date


def counted(jobs: Iterable[RestoreJob]) -> Counter[str | None]:
    return Counter(job.restore_job_id for job in jobs)

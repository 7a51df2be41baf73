"""Windows: half-open parts of a listing by creation date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta
from itertools import pairwise
from typing import Annotated, Final, cast

import msgspec

from restorejobs_client._core.dates import datetime, in_utc
from restorejobs_client._models.jobs import RestoreJob
from restorejobs_client._models.parameters import EARLIEST

Parameters = Mapping[str, object]
MARGIN: Final = timedelta(seconds=1)  # more than a date changes if AWS rounds it to seconds
# For listings without a lower bound. It only affects how evenly jobs are divided among windows.
_USUAL_SPAN: Final = timedelta(days=30)
MIN_DATE: Final = datetime.min.replace(tzinfo=UTC)
MAX_DATE: Final = datetime.max.replace(tzinfo=UTC)
_Bounds = tuple[datetime | None, datetime | None]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """The jobs created at or after `lower` and before `upper`; `None` is no bound.

    AWS does not document whether its bounds are inclusive. So we request a little more, and keep
    exactly this half-open part. Where a bound is `None`, the listing's own bound applies.
    """

    lower: _Moment | None = None
    upper: _Moment | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no moment is in the window."""
        return self.lower is not None and self.upper is not None and self.lower >= self.upper

    def narrow(self, parameters: Parameters) -> dict[str, object]:
        """Return the parameters that request the window and a little more, within the listing.

        A parameter stays as it is if the calendar has no room for more.
        """
        narrowed = dict(parameters)
        after, before = UNBOUNDED.bounds(parameters)
        if self.lower is not None and self.lower - EARLIEST >= MARGIN:
            narrowed["by_created_after"] = max(after or EARLIEST, self.lower - MARGIN)
        if self.upper is not None and MAX_DATE - self.upper >= MARGIN:
            upper = max(self.upper + MARGIN, EARLIEST)
            narrowed["by_created_before"] = min(before or MAX_DATE, upper)
        return narrowed

    def keep(self, jobs: tuple[RestoreJob, ...]) -> tuple[RestoreJob, ...]:
        """Return the jobs that are in the window. Jobs without a date are in the first one."""
        if self == UNBOUNDED:
            return jobs
        lower, upper = self.lower or MIN_DATE, self.upper
        kept = [
            job
            for job in jobs
            if lower <= (created := job.creation_date or MIN_DATE)
            and (upper is None or created < upper)
        ]
        return jobs if len(kept) == len(jobs) else tuple(kept)

    def cut_at(self, moments: Iterable[datetime]) -> list[Window]:
        """Cut the window at ordered moments. Together, the parts are exactly this window."""
        return [Window(*bounds) for bounds in pairwise((self.lower, *moments, self.upper))]

    def bounds(self, parameters: Parameters) -> _Bounds:
        """Return the bounds of the window, or of the listing where the window has none."""
        after, before = parameters.get("by_created_after"), parameters.get("by_created_before")
        return cast("_Bounds", (self.lower or after, self.upper or before))

    def span(self, parameters: Parameters) -> tuple[datetime, datetime]:
        """Return the two dates between which the jobs of the window are expected."""
        lower, upper = self.bounds(parameters)
        upper = upper or in_utc(datetime.now(UTC))
        lower = lower or max(EARLIEST, upper - _USUAL_SPAN)
        return lower, max(lower, upper)


UNBOUNDED: Final = Window()


def equal_cuts(lower: datetime, upper: datetime, parts: int) -> list[datetime]:
    """Return the dates that divide a period into parts of equal length."""
    length = (upper - lower) / timedelta.resolution  # a product of periods may be too long
    return [lower + length * number / parts * timedelta.resolution for number in range(1, parts)]

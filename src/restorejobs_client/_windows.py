"""Windows: half-open parts of a listing by creation date, exact whatever the bounds mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from restorejobs_client._request import EARLIEST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from restorejobs_client._models import RestoreJob
    from restorejobs_client._request import ListRestoreJobsRequest

# More than AWS could lose by rounding a moment to its second.
MARGIN: Final = timedelta(seconds=1)
# Where a listing has no lower bound: only the balance of its windows depends on it.
_USUAL_SPAN: Final = timedelta(days=30)

_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a listing that was created from `lower` on and before `upper`; `None` is open.

    AWS does not say whether its bounds are inclusive. So the service is asked for a little more,
    and exactly this half-open part is kept. An open side is asked for as the listing itself does.
    """

    lower: datetime | None = None
    upper: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no moment is in it."""
        return self.lower is not None and self.upper is not None and self.lower >= self.upper

    def narrowed(self, request: ListRestoreJobsRequest) -> ListRestoreJobsRequest:
        """Return the request that covers the window and a little more, but no more than it did.

        At the ends of the calendar, where there is no room for more, it is the request as it was.
        """
        after, before = request.by_created_after, request.by_created_before
        if self.lower is not None and self.lower - EARLIEST >= MARGIN:
            after = max(after or EARLIEST, self.lower - MARGIN)
        if self.upper is not None and _LATEST - self.upper >= MARGIN:
            before = min(before or _LATEST, max(self.upper + MARGIN, EARLIEST))
        if (after, before) == (request.by_created_after, request.by_created_before):
            return request
        return request.model_copy(update={"by_created_after": after, "by_created_before": before})

    def keep(self, jobs: tuple[RestoreJob, ...]) -> tuple[RestoreJob, ...]:
        """Return those of the jobs that are in the window."""
        if self == WHOLE:
            return jobs
        lower, upper = self.lower or _FIRST, self.upper or _LATEST
        is_first = self.lower is None  # undated jobs come with the first window
        return tuple(
            [
                job
                for job in jobs
                if (
                    is_first
                    if (moment := job.creation_date) is None
                    else lower <= moment and (moment < upper or self.upper is None)
                )
            ]
        )

    def cut_at(self, moments: Iterable[datetime]) -> list[Window]:
        """Return the windows between these moments, which are in order: together exactly this."""
        return [Window(*bounds) for bounds in pairwise((self.lower, *moments, self.upper))]

    def span(self, request: ListRestoreJobsRequest) -> tuple[datetime, datetime]:
        """Return where the jobs of the window are expected, to cut it into parts of like size."""
        upper = self.upper or request.by_created_before or datetime.now(UTC)
        lower = self.lower or request.by_created_after or max(EARLIEST, upper - _USUAL_SPAN)
        return lower, max(lower, upper)


WHOLE: Final = Window()


def equal_cuts(lower: datetime, upper: datetime, parts: int) -> list[datetime]:
    """Return the moments that divide the time between two others into parts of one length."""
    return [lower + (upper - lower) * number / parts for number in range(1, parts)]

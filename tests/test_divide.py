"""Where `parallel` divides a window, from the dates of the pages that were listed so far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.memory_service import Service

from restorejobs_client import RestoreJob, RestoreJobPage, RestoreJobPageIterator, RestoreJobs
from restorejobs_client._concurrent.divide import WindowTask
from restorejobs_client._paging.windows import Window

LAUNCH = datetime(2019, 1, 1, tzinfo=UTC)  # of AWS Backup, so no job is older
HOUR = timedelta(hours=1)
BOUNDED = {"by_created_after": LAUNCH, "by_created_before": LAUNCH + 100 * HOUR}
WITHOUT_LOWER = {"by_created_before": LAUNCH + 100 * HOUR}
SECOND = 1 / 3600


def cuts_of(bounds: dict[str, datetime], pages: list[list[float]], parts: int) -> list[float]:
    """Return where a window is cut after pages of jobs. All dates are hours after the launch."""
    windows: list[Window] = []

    def start(window: Window) -> tuple[RestoreJobs, RestoreJobPageIterator]:
        windows.append(window)
        listing = Service().listing()
        return listing, listing.pages()

    task = WindowTask(bounds, start, Window())
    for number, page in enumerate(pages):
        jobs = (
            RestoreJob(restore_job_id=f"{number}-{place}", creation_date=LAUNCH + hours * HOUR)
            for place, hours in enumerate(page)
        )
        task.jobs_to_deliver(RestoreJobPage(restore_jobs=tuple(jobs)))
    task.divide(parts)
    _, *replacements = windows
    return [(one.upper - LAUNCH) / HOUR for one in replacements[:-1] if one.upper is not None]


@pytest.mark.parametrize(
    ("bounds", "pages", "parts", "cuts"),
    [
        pytest.param(BOUNDED, [[100, 90]], 3, [30, 60, 90], id="newest first"),
        pytest.param(BOUNDED, [[0, 10]], 3, [10, 40, 70], id="oldest first"),
        pytest.param(BOUNDED, [[100, 81]], 3, [27, 54, 81], id="just over four pages are left"),
        pytest.param(BOUNDED, [[100, 80]], 3, [], id="four pages are left"),
        pytest.param(BOUNDED, [[100, 92], [91, 81]], 3, [27, 54, 81], id="over eight after two"),
        pytest.param(BOUNDED, [[100, 92], [91, 80]], 3, [], id="less than eight after two"),
        pytest.param(BOUNDED, [[0, 20]], 3, [], id="oldest first, four pages are left"),
        pytest.param(BOUNDED, [[50, 10, 90, 30]], 2, [10, 50], id="no order"),
        pytest.param(BOUNDED, [[50, 50]], 3, [], id="a page at one moment"),
        pytest.param(
            BOUNDED,
            [[50, 50], [50, 50]],
            3,
            [50 - 2 * SECOND, 50 + 2 * SECOND],
            id="pages at one moment",
        ),
        pytest.param(BOUNDED, [[90]], 3, [], id="a page with one job"),
        pytest.param(WITHOUT_LOWER, [[100, 90]], 3, [10, 50, 70, 80, 90], id="no lower bound"),
        pytest.param(
            WITHOUT_LOWER,
            [[100 - hour, 99.5 - hour] for hour in range(5)],
            3,
            [],
            id="no lower bound, five pages",
        ),
    ],
)
def test_where_a_window_is_divided(
    bounds: dict[str, datetime], pages: list[list[float]], parts: int, cuts: list[float]
) -> None:
    """A window is divided where jobs are expected, if enough of them are probably left."""
    assert cuts_of(bounds, pages, parts) == pytest.approx(cuts)

"""Simulate how `parallel` divides windows, by factor: `python benchmarks/dividing.py`.

Every request takes one unit of time, and no thread runs, so the figures are the same on every
machine. README.md in this folder explains them.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING
from unittest.mock import patch

from page_server import DAYS, UNTIL, moments

from restorejobs_client import RestoreJob, RestoreJobPage
from restorejobs_client._concurrent import divide
from restorejobs_client._paging.windows import Window, equal_cuts

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 50  # jobs
FACTORS = (0, 1, 2, 4, 8, 16)
END = datetime.fromtimestamp(UNTIL, UTC)
BOUNDS = {"by_created_after": END - timedelta(days=DAYS), "by_created_before": END}


class Pages:
    """The pages of a window, newest jobs first."""

    checkpoint = ""

    def __init__(self, jobs: list[RestoreJob], window: Window) -> None:
        self._jobs = window.keep(tuple(jobs))

    def __iter__(self) -> Iterator[RestoreJobPage]:
        for start in range(0, max(1, len(self._jobs)), PAGE):
            jobs = self._jobs[start : start + PAGE]
            token = "more" if start + PAGE < len(self._jobs) else None
            yield RestoreJobPage(restore_jobs=jobs, next_token=token)


def simulate(jobs: list[RestoreJob], workers: int) -> tuple[int, int]:
    """Return how long `parallel` takes to list the jobs, and how many requests it sends."""

    def start(window: Window) -> tuple[None, Pages]:
        return None, Pages(jobs, window)

    windows = Window().cut_at(equal_cuts(*Window().span(BOUNDS), workers))
    tasks = deque(divide.WindowTask(BOUNDS, start, window) for window in windows)
    busy: list[tuple[divide.WindowTask, Iterator[RestoreJobPage]]] = []
    delivered: list[RestoreJob] = []
    time = requests = 0
    while tasks or busy:
        while tasks and len(busy) < workers:
            task = tasks.popleft()
            busy.append((task, iter(task.pages)))
        time += 1
        requests += len(busy)
        for running in tuple(busy):
            task, pages = running
            page = next(pages)
            delivered += task.jobs_to_deliver(page)
            parts = []
            if page.next_token and len(busy) < workers and not tasks:
                parts = task.divide(2 * workers)
                tasks.extend(parts)
            if parts or not page.next_token:
                busy.remove(running)
    assert sorted(map(id, delivered)) == sorted(map(id, jobs))  # noqa: S101  # exact
    return time, requests


def main() -> None:
    print("| jobs | workers | " + " | ".join(f"factor {one}" for one in FACTORS) + " |")
    print("| --- | ---: |" + " ---: |" * len(FACTORS))
    for distribution in ("uniform", "skewed", "nightly"):
        for pages, workers in product((24, 96, 384), (8, 16)):
            dates = moments(distribution, pages * PAGE)
            jobs = [
                RestoreJob(restore_job_id=str(n), creation_date=datetime.fromtimestamp(date, UTC))
                for n, date in enumerate(dates)
            ]
            cells = []
            for factor in FACTORS:
                with patch.object(divide, "_LEAST_LEFT", factor):
                    cells.append("{} ({})".format(*simulate(jobs, workers)))
            print(f"| {pages} pages, {distribution} | {workers} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

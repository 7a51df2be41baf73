"""Compare this package with its rivals: `python benchmarks/run.py`.

It prints one Markdown table of the main rows; `--all` prints all rows, with quartiles. In every
round, each rival is measured in turn, because the speed of a machine varies. The figures are
medians, and the ratios are medians of the ratios of each turn. README.md in this folder explains
the rows and the rivals.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
from processes import figures_of
from rivals import Rivals, consumed, page_server, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Figures = Iterator[tuple[str, str, float]]  # row, rival, figure

UNTIL = datetime(2026, 1, 31, tzinfo=UTC)
BOUNDS = {"by_created_after": UNTIL - timedelta(days=30), "by_created_before": UNTIL}
PAGES = 96  # of 1,000 jobs
TABLE_ROWS = 60_000
TURNS = 5  # of what takes less than a second, in a round
CPU_ROWS = {
    "uniform": "CPU for 1,000 jobs, ms",
    "emoji": "CPU for 1,000 jobs, not ASCII, ms",
    "mixed": "CPU for 1,000 jobs, one in five pending, ms",
}
TABLES = {
    "uniform": "CPU for a table of 60,000 jobs, s",
    "emoji": "CPU for a table of 60,000 jobs, not ASCII, s",
}
MAIN_ROWS = (
    CPU_ROWS["uniform"],
    CPU_ROWS["emoji"],
    "96 pages at 150 ms, uniform, 8 workers, s",
    "96 pages at 150 ms, uniform, 16 workers, s",
    "96 pages at 150 ms, skewed, 8 workers, s",
    *TABLES.values(),
    "a kept job, bytes",
    "34 more clients, MB",
    "34 more clients, CPU s",
    "import and the first job, ms",
    "import and the first 1,000 jobs, ms",
)


class Table:
    """Figures by row and rival, one for each turn."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, list[float]]] = {}

    def add(self, row: str, rival: str, figure: float) -> None:
        self.figures.setdefault(row, {}).setdefault(rival, []).append(figure)

    def lines(self, rows: Iterable[str], *, quartiles: bool) -> Iterator[str]:
        yield (
            "| what | boto3 | boto3 + from_dict | capo-backup | floor | here "
            "| boto3 / here | capo-backup / here | here / floor |"
        )
        yield "| --- |" + " ---: |" * 8
        for row in rows:
            rivals = self.figures[row]
            cells = [
                shown(rivals.get(rival, []), quartiles=quartiles)
                for rival in ("boto3", "typed", "capo", "floor", "here")
            ]
            ratios = [
                ratio(rivals.get("boto3"), rivals["here"]),
                ratio(rivals.get("capo"), rivals["here"]),
                ratio(rivals["here"], rivals.get("floor")),
            ]
            yield f"| {row} | {' | '.join(cells)} | {' | '.join(ratios)} |"


def shown(figures: list[float], *, quartiles: bool) -> str:
    if not figures:
        return ""
    median = number(statistics.median(figures))
    if not quartiles or len(figures) < 3:  # noqa: PLR2004  # too few for quartiles
        return median
    lower, _, upper = statistics.quantiles(figures, n=4, method="inclusive")
    return f"{median} ({number(lower)} to {number(upper)})"


def number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"  # noqa: PLR2004  # three digits


def ratio(one: list[float] | None, other: list[float] | None) -> str:
    ratios = [a / b for a, b in zip(one or [], other or [], strict=False) if b]
    return f"{statistics.median(ratios):.2f}" if ratios else ""


def seconds(clock: Callable[[], float], work: Callable[[], object]) -> float:
    """Return what a call takes by a clock. No rival collects the garbage of another one."""
    gc.collect()
    started = clock()
    work()
    return clock() - started


def cpu(rivals: Rivals, url: str) -> Figures:
    jobs = 10_000
    for distribution, row in CPU_ROWS.items():
        endpoint = f"{url}/{distribution}/{jobs}/0"
        for turn in range(TURNS + 1):
            for name, way in rivals.ways().items():
                taken = seconds(time.process_time, lambda: consumed(way(endpoint), jobs))  # noqa: B023  # called at once
                if turn:  # the first one opens connections and fills caches
                    yield row, name, taken / jobs * 1e6


def wall(rivals: Rivals, url: str) -> Figures:
    jobs = PAGES * 1000

    def taken(distribution: str, latency: int, way: Callable[[str], Iterator[object]]) -> float:
        endpoint = f"{url}/{distribution}/{jobs}/{latency}"
        return seconds(time.perf_counter, lambda: consumed(way(endpoint), jobs))

    for latency in (0, 150):
        row = f"{PAGES} pages at {latency} ms, s"
        serial = taken("uniform", latency, rivals.boto3)
        yield row, "boto3", serial
        yield row, "here", taken("uniform", latency, rivals.here)
    for distribution in ("uniform", "skewed", "nightly"):
        for workers in (8, 16):
            row = f"{PAGES} pages at {latency} ms, {distribution}, {workers} workers, s"
            yield row, "boto3", serial
            yield (
                row,
                "here",
                taken(distribution, latency, lambda e: rivals.here(e, workers, **BOUNDS)),  # noqa: B023  # called at once
            )


def tables(rivals: Rivals, url: str) -> Figures:
    for distribution, row in TABLES.items():
        endpoint = f"{url}/{distribution}/{TABLE_ROWS}/0"
        listing = rivals.client(endpoint).list_restore_jobs()
        for _ in range(2):
            clock = time.process_time
            yield row, "boto3", seconds(clock, lambda: check(pd.DataFrame(rivals.boto3(endpoint))))  # noqa: B023  # called at once
            yield row, "here", seconds(clock, lambda: check(listing.to_arrow()))  # noqa: B023  # likewise


def check(table: pd.DataFrame | pa.Table) -> None:
    if table.shape[0] != TABLE_ROWS:
        message = f"{table.shape[0]} rows came"
        raise AssertionError(message)


def kept(rivals: Rivals, url: str) -> Figures:
    endpoint = f"{url}/uniform/10000/0"
    for name, way in rivals.ways().items():
        consumed(way(endpoint), 10_000)
        tracemalloc.start()
        jobs = list(way(endpoint))
        yield "a kept job, bytes", name, tracemalloc.get_traced_memory()[0] / len(jobs)
        tracemalloc.stop()
        del jobs


def streaming(_: Rivals, url: str) -> Figures:
    for name in ("boto3", "here"):
        figures = figures_of("stream", name, f"{url}/uniform/200000/0")
        yield "growth while streaming 200,000 jobs, MB", name, figures["growth"]


def clients(_: Rivals, url: str) -> Figures:
    for name in ("boto3", "here"):
        figures = figures_of("clients", name, url)
        yield "34 more clients, MB", name, figures["memory"]
        yield "34 more clients, CPU s", name, figures["cpu"]


def start(_: Rivals, url: str) -> Figures:
    for _turn in range(TURNS):
        for name in ("boto3", "here"):
            first = figures_of("first", name, f"{url}/uniform/10000/0")
            yield "import, ms", name, first["import"]
            yield "import and the first job, ms", name, first["done"]
            page = figures_of("page", name, f"{url}/uniform/10000/0")
            yield "import and the first 1,000 jobs, ms", name, page["done"]


MEASURES = {one.__name__: one for one in (cpu, wall, tables, kept, streaming, clients, start)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("measures", nargs="*", help=f"default: {' '.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--all", action="store_true", help="print all rows, with quartiles")
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    given = parser.parse_args()
    pa.array([1])  # pyarrow imports pandas for its first array, which should not be measured
    table = Table()
    with page_server() as url:
        rivals = Rivals()
        for distribution in ("uniform", "skewed", "nightly"):  # the server makes the jobs now
            next(rivals.here(f"{url}/{distribution}/{PAGES * 1000}/0", limit=1))
        for turn in range(1, given.rounds + 1):
            print(f"round {turn} of {given.rounds}", file=sys.stderr)
            for measure in given.measures or MEASURES:
                for row, rival, figure in MEASURES[measure](rivals, url):
                    table.add(row, rival, figure)
    rows = [row for row in table.figures if given.all or row in MAIN_ROWS]
    print("\n".join([versions(), "", *table.lines(rows, quartiles=given.all)]))
    if given.json:
        given.json.write_text(json.dumps(table.figures, indent=1))


if __name__ == "__main__":
    main()

"""Compare this package with boto3 and with the floor: `python benchmarks/run.py`.

It prints one Markdown table of seven rows; `--all` prints all rows. In every round, each way of
listing is measured in turn, because the speed of a machine varies. The figures are medians, with
quartiles in brackets, and the ratios are medians of the ratios of each round. `--quick` runs one
round. `--json FILE` also writes every figure to a file. README.md in this folder explains the rows
and the floor.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import orjson
import pandas as pd
import pyarrow as pa
import urllib3

from restorejobs_client import RestoreJob, RestoreJobsClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HERE = Path(__file__).parent
UNTIL = datetime(2026, 1, 31, tzinfo=UTC)
BOUNDS = {"by_created_after": UNTIL - timedelta(days=30), "by_created_before": UNTIL}
pa.array([1])  # pyarrow imports pandas for its first array, which should not be measured
MAIN_ROWS = (
    "CPU for 1,000 jobs, ms",
    "96 pages at 150 ms, 8 workers, s",
    "96 pages at 150 ms, 16 workers, s",
    "the same, skewed, 8 workers, s",
    "60,000 jobs to a table (boto3: pandas), CPU s",
    "a kept job, bytes",
    "import and the first job, ms",
)
TABLE_ROWS = 60_000
PAGES = 96  # of 1,000 jobs
SESSION = boto3.Session(
    aws_access_key_id="testing",
    aws_secret_access_key="testing",  # noqa: S106  # no secret
    region_name="eu-central-1",
)


class Rivals:
    """The ways to list the same pages of one server."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        # One client for each endpoint, as in a program. `measure_start` measures creating clients.
        self.client = functools.cache(
            lambda endpoint: RestoreJobsClient(session=SESSION, endpoint_url=endpoint)
        )
        self._boto3_client = functools.cache(
            lambda endpoint: SESSION.client("backup", endpoint_url=endpoint)
        )

    def endpoint(self, distribution: str, jobs: int, latency: int) -> str:
        return f"{self._base}/{distribution}/{jobs}/{latency}"

    def ours(self, endpoint: str, workers: int = 0, **filters: Any) -> Iterator[RestoreJob]:
        listing = self.client(endpoint).list_restore_jobs(**filters)
        return listing.parallel(workers) if workers else iter(listing)

    def boto3(self, endpoint: str) -> Iterator[dict[str, Any]]:
        paginator = self._boto3_client(endpoint).get_paginator("list_restore_jobs")
        for page in paginator.paginate(PaginationConfig={"PageSize": 1000}):
            yield from page["RestoreJobs"]

    def boto3_and_from_dict(self, endpoint: str) -> Iterator[RestoreJob]:
        return map(RestoreJob.from_dict, self.boto3(endpoint))

    def floor(self, endpoint: str) -> Iterator[dict[str, Any]]:
        """Yield jobs without types, signatures or checks: the cost of HTTP and JSON alone."""
        pool = urllib3.PoolManager()
        token: str | None = ""
        while token is not None:
            query = f"maxResults=1000&nextToken={token}" if token else "maxResults=1000"
            response = pool.request("GET", f"{endpoint}/restore-jobs/?{query}")
            page = orjson.loads(response.data)
            yield from page["RestoreJobs"]
            token = page["NextToken"]


def consumed(jobs: Iterable[object], expected: int) -> None:
    count = sum(1 for _ in jobs)
    if count != expected:
        message = f"{count} jobs came, not {expected}"
        raise AssertionError(message)


def cpu(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def wall(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class Table:
    """Figures by row and rival, one for each round."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, list[float]]] = {}

    def add(self, row: str, rival: str, figure: float) -> None:
        self.figures.setdefault(row, {}).setdefault(rival, []).append(figure)

    def lines(self, rows: Iterable[str]) -> Iterator[str]:
        yield "| what | boto3 | boto3 + from_dict | floor | here | boto3 / here | here / floor |"
        yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
        for row in rows:
            rivals = self.figures[row]
            cells = [shown(rivals.get(rival)) for rival in ("boto3", "typed", "floor", "here")]
            ratios = [
                ratio(rivals.get("boto3"), rivals["here"]),
                ratio(rivals["here"], rivals.get("floor")),
            ]
            yield f"| {row} | {' | '.join(cells)} | {' | '.join(ratios)} |"


def shown(figures: list[float] | None) -> str:
    if not figures:
        return ""
    median = statistics.median(figures)
    if len(figures) < 3:  # noqa: PLR2004  # too few for quartiles
        return f"{median:.3g}"
    lower, _, upper = statistics.quantiles(figures, n=4, method="inclusive")
    return f"{median:.3g} ({lower:.3g} to {upper:.3g})"


def ratio(one: list[float] | None, other: list[float] | None) -> str:
    ratios = [a / b for a, b in zip(one or [], other or [], strict=False) if b]
    return f"{statistics.median(ratios):.1f}" if ratios else ""


def measure_cpu(table: Table, rivals: Rivals) -> None:
    for distribution, row in (
        ("uniform", "CPU for 1,000 jobs, ms"),
        ("mixed", "CPU for 1,000 jobs, one in five pending, ms"),
    ):
        measure_cpu_of(table, rivals, distribution, row)


def measure_cpu_of(table: Table, rivals: Rivals, distribution: str, row: str) -> None:
    pages = 10
    endpoint = rivals.endpoint(distribution, pages * 1000, 0)
    all_rivals = {
        "boto3": rivals.boto3,
        "typed": rivals.boto3_and_from_dict,
        "floor": rivals.floor,
        "here": rivals.ours,
    }
    for jobs in all_rivals.values():
        consumed(jobs(endpoint), pages * 1000)  # open connections and fill caches
    for _ in range(5):  # each measurement is short, so take several
        for name, jobs in all_rivals.items():
            seconds = cpu(lambda jobs=jobs: consumed(jobs(endpoint), pages * 1000))  # type: ignore[misc]  # mypy cannot infer it
            table.add(row, name, seconds / pages * 1000)


def measure_wall(table: Table, rivals: Rivals) -> None:
    jobs = PAGES * 1000
    for latency in (0, 150):
        endpoint = rivals.endpoint("uniform", jobs, latency)
        row = f"{PAGES} pages at {latency} ms, s"
        table.add(row, "boto3", wall(lambda e=endpoint: consumed(rivals.boto3(e), jobs)))  # type: ignore[misc]  # likewise
        table.add(row, "here", wall(lambda e=endpoint: consumed(rivals.ours(e), jobs)))  # type: ignore[misc]  # likewise
    serial = table.figures[f"{PAGES} pages at 150 ms, s"]["boto3"][-1]
    for distribution in ("uniform", "skewed", "nightly"):
        endpoint = rivals.endpoint(distribution, jobs, 150)
        for workers in (8, 16):
            row = f"the same, {distribution}, {workers} workers, s"
            if distribution == "uniform":
                row = f"{PAGES} pages at 150 ms, {workers} workers, s"
            seconds = wall(
                lambda e=endpoint, w=workers: consumed(rivals.ours(e, w, **BOUNDS), jobs)  # type: ignore[misc]  # likewise
            )
            table.add(row, "boto3", serial)
            table.add(row, "here", seconds)


def measure_memory(table: Table, rivals: Rivals) -> None:
    endpoint = rivals.endpoint("uniform", 10_000, 0)
    for name, jobs in (("boto3", rivals.boto3), ("here", rivals.ours)):
        consumed(jobs(endpoint), 10_000)
        tracemalloc.start()
        kept = list(jobs(endpoint))
        table.add("a kept job, bytes", name, tracemalloc.get_traced_memory()[0] / len(kept))
        tracemalloc.stop()
        del kept


def measure_table(table: Table, rivals: Rivals) -> None:
    endpoint = rivals.endpoint("uniform", TABLE_ROWS, 0)
    client = rivals.client(endpoint)
    row = "60,000 jobs to a table (boto3: pandas), CPU s"
    for _ in range(2):
        table.add(row, "boto3", cpu(lambda: check(len(pd.DataFrame(rivals.boto3(endpoint))))))
        table.add(row, "here", cpu(lambda: check(client.list_restore_jobs().to_arrow().num_rows)))


def check(rows: int) -> None:
    if rows != TABLE_ROWS:
        message = f"{rows} rows came"
        raise AssertionError(message)


def measure_streaming(table: Table, port: int) -> None:
    for name in ("boto3", "here"):
        figures = child("--stream", name, str(port))
        table.add("growth while streaming 200,000 jobs, MB", name, figures["growth"])


def measure_start(table: Table, port: int) -> None:
    for name in ("boto3", "here"):
        figures = child("--start", name, str(port))
        table.add("import, ms", name, figures["import"])
        table.add("import and the first job, ms", name, figures["first"])


def child(*arguments: str) -> dict[str, float]:
    done = subprocess.run(  # noqa: S603  # this file
        [sys.executable, __file__, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"AWS_EC2_METADATA_DISABLED": "true"},
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def stream(name: str, port: int) -> None:
    """Print how much the process grew from the 10,000th to the 200,000th job, in MB."""
    rivals = Rivals(port)
    jobs = rivals.ours if name == "here" else rivals.boto3
    before = 0
    for number, _ in enumerate(jobs(rivals.endpoint("uniform", 200_000, 0))):
        if number == 10_000:  # noqa: PLR2004  # everything is loaded by then
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"growth": growth / 1024}))


START = """
import json, time
started = time.perf_counter()
{load}
loaded = time.perf_counter()
{first}
done = time.perf_counter()
print(json.dumps({{"import": (loaded - started) * 1e3, "first": (done - started) * 1e3}}))
"""
STARTS = {
    "here": START.format(
        load="import restorejobs_client",
        first="restorejobs_client.RestoreJobsClient(region_name='eu-central-1')"
        ".list_restore_jobs().first()",
    ),
    "boto3": START.format(
        load="import boto3",
        first="boto3.client('backup', region_name='eu-central-1')"
        ".list_restore_jobs(MaxResults=1)['RestoreJobs'][0]",
    ),
}


def start(name: str, port: int) -> None:
    """Print how long a new process takes to import the package, and to list the first job."""
    environment = os.environ | {
        "PYTHONDONTWRITEBYTECODE": "",  # installed packages are compiled, so compile ours too
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL_BACKUP": Rivals(port).endpoint("uniform", 10_000, 0),
    }
    done = subprocess.run(  # noqa: S603  # the text above
        [sys.executable, "-c", STARTS[name]],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    print(done.stdout)


@contextlib.contextmanager
def page_server() -> Iterator[int]:
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, str(HERE / "page_server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None  # noqa: S101  # for the type checker
        assert process.stdout is not None  # noqa: S101  # for the type checker
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="default: 5")
    parser.add_argument("--all", action="store_true", help="print all rows")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    parser.add_argument("--stream", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--start", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stream:
        stream(arguments.stream[0], int(arguments.stream[1]))
        return
    if arguments.start:
        start(arguments.start[0], int(arguments.start[1]))
        return
    table = Table()
    with page_server() as port:
        rivals = Rivals(port)
        for distribution in ("uniform", "skewed", "nightly", "mixed"):  # made now
            rivals.ours(rivals.endpoint(distribution, PAGES * 1000, 0), limit=1).__next__()
        rounds = 1 if arguments.quick else arguments.rounds
        for number in range(1, rounds + 1):
            print(f"round {number} of {rounds}", file=sys.stderr)
            measure_cpu(table, rivals)
            measure_wall(table, rivals)
            measure_table(table, rivals)
            measure_memory(table, rivals)
            measure_streaming(table, port)
            measure_start(table, port)
    print("\n".join(table.lines(table.figures if arguments.all else MAIN_ROWS)))
    if arguments.json:
        arguments.json.write_text(json.dumps(table.figures, indent=1))


if __name__ == "__main__":
    main()

"""What `run.py` measures in new processes: `python processes.py MEASURE RIVAL ENDPOINT`.

It prints the figures as JSON. The rival is `here` or `boto3`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

REGIONS = [
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "ap-south-1"),
    *("ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
]
WARM_UP = 10_000  # jobs, after which everything is loaded
START = """
import json, time
started = time.perf_counter()
{load}
loaded = time.perf_counter()
{list}
done = time.perf_counter()
print(json.dumps({{"import": (loaded - started) * 1e3, "done": (done - started) * 1e3}}))
"""
OUR_CLIENT = "restorejobs_client.RestoreJobsClient(region_name='eu-central-1')"
BOTO3_CLIENT = "boto3.client('backup', region_name='eu-central-1')"
PROGRAMS = {
    ("first", "here"): START.format(
        load="import restorejobs_client", list=f"{OUR_CLIENT}.list_restore_jobs().first()"
    ),
    ("first", "boto3"): START.format(
        load="import boto3", list=f"{BOTO3_CLIENT}.list_restore_jobs(MaxResults=1)"
    ),
    ("page", "here"): START.format(
        load="import restorejobs_client", list=f"next({OUR_CLIENT}.list_restore_jobs().pages())"
    ),
    ("page", "boto3"): START.format(
        load="import boto3", list=f"{BOTO3_CLIENT}.list_restore_jobs(MaxResults=1000)"
    ),
}


def figures_of(measure: str, rival: str, endpoint: str) -> dict[str, float]:
    """Measure a rival in a new process."""
    environment = os.environ | {
        "PYTHONDONTWRITEBYTECODE": "",  # installed packages are compiled, so compile ours too
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_BACKUP": endpoint,
    }
    text = PROGRAMS.get((measure, rival))
    program = ["-c", text] if text else [__file__, measure, rival, endpoint]
    done = subprocess.run(  # noqa: S603  # this file, or a text above
        [sys.executable, *program], capture_output=True, text=True, check=True, env=environment
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def resident() -> float:
    """Return the memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def stream(rival: str, endpoint: str) -> dict[str, float]:
    """Return how much the process grows from the 10,000th job to the last one."""
    from rivals import Rivals  # noqa: PLC0415  # `clients` does not need it

    before = 0.0
    for number, _ in enumerate(Rivals().ways()[rival](endpoint)):
        if number == WARM_UP:
            before = resident()
    return {"growth": resident() - before}


def clients(rival: str, _: str) -> dict[str, float]:
    """Return the memory and the CPU time of 34 clients of 17 regions, after a first one."""
    if rival == "here":
        from restorejobs_client import RestoreJobsClient as make  # noqa: N813, PLC0415  # one of two
    else:
        import boto3  # noqa: PLC0415  # likewise

        def make(*, region_name: str) -> object:
            return boto3.Session().client("backup", region_name=region_name)

    kept = [make(region_name=REGIONS[0])]
    before, started = resident(), time.process_time()
    kept += [make(region_name=region) for region in REGIONS * 2]
    return {"memory": resident() - before, "cpu": time.process_time() - started}


MEASURES: dict[str, Callable[[str, str], dict[str, float]]] = {"stream": stream, "clients": clients}

if __name__ == "__main__":
    print(json.dumps(MEASURES[sys.argv[1]](sys.argv[2], sys.argv[3])))

"""Show how boto3's paginator handles each kind of damaged page in tests/support/faults.py.

.venv/bin/python docs/damaged_pages.py
"""  # noqa: INP001  # a script

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from support.faults import DAMAGE
from support.raw_server import PageServer, wire_job

if TYPE_CHECKING:
    from support.raw_server import Fault

JOBS = [wire_job(number) for number in range(300)]


def outcome(server: PageServer, fault: Fault) -> str:
    """Return what boto3 does with three pages of 100 jobs if the second page has this fault."""
    server.heal()
    server.fail(2, fault)
    pages = (
        server.client(attempts=1)
        .get_paginator("list_restore_jobs")
        .paginate(PaginationConfig={"PageSize": 100})
    )
    try:
        jobs = pages.build_full_result()["RestoreJobs"]
    except Exception as error:  # noqa: BLE001  # boto3 raises errors of many types
        return f"raises {type(error).__name__}"
    return f"returns {len(jobs)} of {len(JOBS)} jobs"


def outcomes() -> dict[str, list[str]]:
    """Return the kinds of damage, grouped by what boto3 does with them."""
    kinds = defaultdict[str, list[str]](list)
    with PageServer(JOBS) as server:
        for kind, fault in DAMAGE.items():
            kinds[outcome(server, fault)].append(kind)
    return kinds


if __name__ == "__main__":
    print(f"boto3 {boto3.__version__}")  # noqa: T201
    for what, kinds in sorted(outcomes().items()):
        print(f"\n{what}: {len(kinds)} kinds\n    {', '.join(kinds)}")  # noqa: T201

"""A program that real signals interrupt at random microseconds while it goes on using one client.

Run with the port of a page server, the number of interrupts and a seed. It prints how many
interrupts hit, and fails if a request does not answer, a job is missing, or a thread stays.
"""

from __future__ import annotations

import faulthandler
import gc
import random
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from restorejobs_client import RestoreJobsClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PORT, COUNT, SEED = (int(argument) for argument in sys.argv[1:4])
CHANCE = random.Random(SEED)  # noqa: S311  # nothing secret
SESSION = boto3.Session(
    aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
)
CLIENT = RestoreJobsClient(
    session=SESSION,
    endpoint_url=f"http://127.0.0.1:{PORT}",
    config=Config(retries={"total_max_attempts": 1}),
)
LISTING = CLIENT.list_restore_jobs(max_results=100)
EXPECTED = list(LISTING)
WAYS: Sequence[Callable[[], object]] = (
    lambda: list(LISTING),
    lambda: list(LISTING.pages()),
    lambda: list(LISTING.parallel(3)),
)


def is_interrupted(way: Callable[[], object]) -> bool:
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, CHANCE.uniform(1e-6, 0.004))
            way()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    return False


def main() -> None:
    # A request that waits for ever ends the program, with the line where it hangs.
    faulthandler.dump_traceback_later(25, exit=True)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    hits = 0
    for number in range(COUNT):
        way = WAYS[2] if number % 10 == 0 else WAYS[number % 2]
        hits += is_interrupted(way)
        if number % 20 == 0:
            assert list(LISTING) == EXPECTED, number
        assert gc.isenabled()
    assert list(LISTING) == EXPECTED
    assert len(list(LISTING.parallel(3))) == len(EXPECTED)
    deadline = time.monotonic() + 10
    while threading.active_count() > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    if threading.active_count() > 1:
        faulthandler.dump_traceback(all_threads=True)
    assert threading.active_count() == 1, "a thread stayed"
    print(hits)  # noqa: T201  # the result


main()

"""A program that real signals interrupt at random microseconds, and that keeps using one client.

`python interrupted_program.py ENDPOINT COUNT SEED` prints how many of the interrupts hit. It fails
if a request does not answer, a job is missing, or a thread stays.
"""

from __future__ import annotations

import faulthandler
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
    from collections.abc import Callable

LONGEST = 0.004  # seconds before an interrupt; a listing takes about that long


def is_interrupted(call: Callable[[], object], seconds: float) -> bool:
    """Return whether the call was interrupted before it ended."""
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    return False


def main(endpoint_url: str, count: int, seed: int) -> None:
    """Interrupt this number of listings, and check that the client still works."""
    session = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
    )
    config = Config(retries={"total_max_attempts": 1})
    client = RestoreJobsClient(session=session, endpoint_url=endpoint_url, config=config)
    listing = client.list_restore_jobs(max_results=100)
    expected = list(listing)

    # If a request waits for ever, the program ends and prints the line where it hangs.
    faulthandler.dump_traceback_later(25, exit=True)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    chance = random.Random(seed)  # noqa: S311  # nothing secret
    hits = 0
    for number in range(count):
        calls = [lambda: list(listing), lambda: list(listing.pages())]
        call = calls[number % 2] if number % 10 else lambda: list(listing.parallel(3))
        hits += is_interrupted(call, chance.uniform(1e-6, LONGEST))
        if number % 20 == 0:
            assert list(listing) == expected, number
    assert list(listing) == expected
    assert len(list(listing.parallel(3))) == len(expected)
    deadline = time.monotonic() + 10
    while threading.active_count() > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    if threading.active_count() > 1:
        faulthandler.dump_traceback(all_threads=True)
    assert threading.active_count() == 1, "a thread stayed"
    sys.stdout.write(f"{hits}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""The clock of a watch. That of the fake AWS Backup does not wait."""

from __future__ import annotations

import time
from functools import partial


class Clock:
    """Real time, also where a test has frozen Python's clocks."""

    # `time.monotonic` would be the frozen one if the clocks are frozen during the import.
    _monotonic = staticmethod(
        partial(time.clock_gettime, time.CLOCK_MONOTONIC)
        if hasattr(time, "clock_gettime")  # not on Windows
        else time.monotonic
    )

    def now(self) -> float:
        """Return seconds since an arbitrary moment."""
        return self._monotonic()

    def sleep(self, seconds: float) -> float:
        """Return how long to wait until that time has passed."""
        return seconds

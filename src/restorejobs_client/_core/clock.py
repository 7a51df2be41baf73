"""The clock of a watch. That of the fake AWS Backup does not wait."""

from __future__ import annotations

import time
from typing import Final

_CLOCK: Final[int | None] = getattr(time, "CLOCK_MONOTONIC", None)  # Windows has none


class Clock:
    """Real time, also where a test has frozen Python's clocks."""

    def now(self) -> float:
        """Return seconds since an arbitrary moment."""
        # A test freezes `time.monotonic`, but not this.
        return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)

    def sleep(self, seconds: float) -> float:
        """Return how long to wait until that time has passed."""
        return seconds

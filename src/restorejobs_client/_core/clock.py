"""The clock of a watch. That of the fake AWS Backup does not wait."""

from __future__ import annotations

import time


class Clock:
    """Real time, also where a test has frozen Python's clocks."""

    _monotonic = staticmethod(time.monotonic)  # in a module, it would be replaced while frozen

    def now(self) -> float:
        """Return seconds since an arbitrary moment."""
        return self._monotonic()

    def sleep(self, seconds: float) -> float:
        """Return how long to wait until that time has passed."""
        return seconds

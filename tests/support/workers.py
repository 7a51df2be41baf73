"""The threads of this package that a test starts, apart from those that other tests left."""

from __future__ import annotations

import threading
import time


class Workers:
    """The threads of this package that started after this object was created."""

    def __init__(self) -> None:
        self._older = _threads()

    def alive(self) -> set[threading.Thread]:
        """Return those that have not ended."""
        return _threads() - self._older

    def all_end(self) -> bool:
        """Wait up to ten seconds for them to end, and return whether they did."""
        deadline = time.monotonic() + 10
        while self.alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        return not self.alive()


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "restorejobs"}

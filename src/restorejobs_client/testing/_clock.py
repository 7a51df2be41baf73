"""The clock of a fake: `watch` does not wait, and time-outs count the time it would have waited."""

from __future__ import annotations

from queue import SimpleQueue

from typing_extensions import override

from restorejobs_client._extras import asyncio
from restorejobs_client._watch import Clock


class InstantClock(Clock):
    """A clock that stands still, except that every wait moves it on at once.

    Each watch has its own, so that one watch does not use up the time of another.
    """

    def __init__(self) -> None:
        self._seconds = 0.0

    @override
    def of_one_watch(self) -> Clock:
        return InstantClock()

    @override
    def now(self) -> float:
        return self._seconds

    @override
    def wait(self, seconds: float, closed: SimpleQueue[None]) -> None:
        self._seconds += seconds

    @override
    async def wait_async(self, seconds: float, closed: asyncio.Event) -> None:
        self.wait(seconds, SimpleQueue())
        await asyncio.sleep(0)  # other tasks run, as they do while a watch waits

"""The clock of the fake's clients, with which `watch` does not wait."""

from __future__ import annotations

from queue import SimpleQueue

from typing_extensions import override

from restorejobs_client._extras import asyncio
from restorejobs_client._watch import Clock


class InstantClock(Clock):
    """A clock that only advances when it is told to wait, and then does so at once.

    Each watch has its own clock, so that one watch does not use up the time of another.
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

"""The base class of all iterators over jobs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future

from restorejobs_client._concurrent.threads import start_call
from restorejobs_client._models.jobs import RestoreJob


class JobIterator(Iterator[RestoreJob], AsyncIterator[RestoreJob]):
    """Iterates over jobs that arrive page by page, with `for` or `async for`.

    `async for` waits for each page on a thread. If the wait is cancelled, the page is not lost: the
    next job is taken from it. Several tasks can share an iterator.
    """

    _jobs: Iterator[RestoreJob] = iter(())  # empty, so all iterators can share it
    _last_call: Future[bool] | None = None

    @abstractmethod
    def _fetch(self) -> bool:
        """Put more jobs, or none, into `_jobs`. Return `False` at the end."""

    @property
    def _running_call(self) -> Future[bool] | None:
        """The call of `_fetch` that runs on a thread for `async for`, if there is one."""
        return None if self._last_call is None or self._last_call.done() else self._last_call

    def __next__(self) -> RestoreJob:
        while True:
            for job in self._jobs:
                return job
            call = self._running_call
            if not (self._fetch() if call is None else call.result()):
                raise StopIteration

    async def __anext__(self) -> RestoreJob:
        import asyncio  # noqa: PLC0415  # already imported, or slow to import

        while True:
            for job in self._jobs:
                return job
            self._last_call = self._running_call or start_call(self._fetch)
            if not await asyncio.wrap_future(self._last_call):
                raise StopAsyncIteration

"""Blocking calls awaited: each on a daemon thread of its own, in the context of the caller."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

_Result = TypeVar("_Result")


def start_on_a_thread(call: Callable[[], _Result]) -> Future[_Result]:
    """Start a blocking call and return its future.

    Not `asyncio.to_thread`: at the end of the loop its pool waits for requests that nobody wants
    any more, and everyone shares its few threads.
    """
    future: Future[_Result] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  # raised where it is awaited
            future.set_exception(error)

    run = copy_context().run
    threading.Thread(target=run, args=(work,), name="restorejobs", daemon=True).start()
    return future


async def on_a_thread(call: Callable[[], _Result]) -> _Result:
    """Await a blocking call without blocking the event loop."""
    from asyncio import wrap_future  # noqa: PLC0415  # only for those who use it

    return await wrap_future(start_on_a_thread(call))

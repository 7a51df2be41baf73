"""Calls on threads, for `async for`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from restorejobs_client._core.interrupts import start_thread

_Result = TypeVar("_Result")


def start_call(call: Callable[[], _Result]) -> Future[_Result]:
    """Start a blocking call on a thread and return its future."""
    future: Future[_Result] = Future()
    future.set_running_or_notify_cancel()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  # raised in the caller
            future.set_exception(error)

    start_thread(work)
    return future

"""Daemon threads for requests. They run in the caller's context and are safe to interrupt."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

_Result = TypeVar("_Result")


def start_thread(work: Callable[[], object]) -> None:
    """Start a daemon thread in a copy of the caller's context.

    Pools of `concurrent.futures` and `asyncio.to_thread` are not used: when the program or the
    event loop ends, they wait for requests whose answers nobody needs.
    """
    run = copy_context().run
    thread = threading.Thread(target=run, args=(work,), name="restorejobs", daemon=True)
    with _signals_held():
        thread.start()


@contextmanager
def _signals_held() -> Generator[None]:
    """Hold signals back while a thread starts.

    `Thread.start` waits on a `threading.Condition`, which is Python code. An interrupt between two
    of its lines would leave the lock held forever.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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

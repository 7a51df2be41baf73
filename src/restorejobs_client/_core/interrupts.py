"""What keeps interrupts, signal handlers, finalizers and forks from stopping a program for ever.

The rule: **the caller's thread never takes a lock that is Python code**, such as those of
`threading.Condition`, `queue.Queue` and `concurrent.futures`. Ctrl-C between two of its lines would
leave it held for ever. Locks and queues in C are safe in a `with` line or in a single call: CPython
delivers no signal inside. A lock that a signal handler can meet is an `RLock`, and a lock that a
fork can meet is replaced in the child, where the thread that holds it does not exist.
"""

from __future__ import annotations

import _thread
import codecs
import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, Final, Generic, TypeVar, cast
from weakref import ref

from restorejobs_client._core.errors import RestoreJobsError, TransportError

_One = TypeVar("_One")
_Result = TypeVar("_Result")
# A `WeakKeyDictionary` runs Python code when an object is dropped, in which the error of a signal
# handler would be ignored.
_in_child: Final[dict[ref[Any], Callable[[Any], bool | None]]] = {}

# If a signal handler sends the first request of a process while another request looks this codec
# up, Python answers "unknown encoding: idna" for ever.
codecs.lookup("idna")


def in_child(one: _One, work: Callable[[_One], bool | None]) -> None:
    """Call a function with an object in the child of every fork, before `os.fork` returns there.

    Each object has one such function. It is forgotten when the object is dropped, or when it has
    returned `True`. Its exceptions are ignored.
    """
    _in_child[ref(one, _in_child.pop)] = work


def _work_in_child() -> None:
    for reference, work in _in_child.copy().items():
        with suppress(Exception):  # also if the object is being dropped, and is `None` here
            if work(reference()):
                del _in_child[reference]


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_work_in_child)


class Bell:
    """Wakes the threads and the tasks that wait for it. Once it has rung, none waits any more."""

    def __init__(self) -> None:
        self.has_rung: bool = False
        self._wakers: set[Callable[[], object]] = set()  # one for each that waits

    def ring(self) -> None:
        """Wake all that wait, from any thread or signal handler."""
        self.has_rung = True
        for wake in tuple(self._wakers):
            with suppress(RuntimeError):  # it was woken before, or its event loop has ended
                wake()

    def wait(self, seconds: float = -1) -> None:
        """Wait in this thread until it rings, or that long; -1 has no end, as for a lock.

        Raises:
            RestoreJobsError: the interpreter is ending.
        """
        # A queue would wait for ever if a signal handler outlasts its timeout, until Python 3.13.
        lock = threading.Lock()  # looked up here, because gevent may have replaced it
        lock.acquire()
        self._wakers.add(lock.release)
        try:
            if not self.has_rung:
                _check_threads_run()
                lock.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))
        finally:
            self._wakers.discard(lock.release)

    async def wait_on_loop(self, seconds: float | None = None) -> None:
        """Wait on the event loop until it rings, or that long."""
        import asyncio  # noqa: PLC0415  # it is running

        woken = asyncio.Event()
        wake = partial(asyncio.get_running_loop().call_soon_threadsafe, woken.set)
        self._wakers.add(wake)
        try:
            if not self.has_rung:
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await woken.wait()
        finally:
            self._wakers.discard(wake)


class InterruptSafeQueue:
    """A queue without a lock, in which urllib3 keeps idle connections.

    `queue.LifoQueue` left its lock held after one of 1,000 to 2,000 interrupts. Operations of a
    deque are atomic, and botocore's pools never wait for a connection.
    """

    def __init__(self, maxsize: int) -> None:
        self._items: deque[object] = deque()
        self._maxsize = maxsize

    def get(self, block: bool = False, timeout: float | None = None) -> object:  # noqa: ARG002, FBT001, FBT002  # as in `queue.Queue`
        """Return the newest item, or raise `queue.Empty`."""
        try:
            return self._items.pop()
        except IndexError:
            raise queue.Empty from None

    def put(self, item: object, block: bool = False, timeout: float | None = None) -> None:  # noqa: ARG002, FBT001, FBT002  # as in `queue.Queue`
        """Keep an item, or raise `queue.Full`."""
        if len(self._items) >= self._maxsize:
            raise queue.Full
        self._items.append(item)

    def qsize(self) -> int:
        """Return how many items there are."""
        return len(self._items)


def start_thread(work: Callable[[], object]) -> None:
    """Start a daemon thread in a copy of the caller's context.

    Pools of `concurrent.futures` and `asyncio.to_thread` are not used: when the program or the
    event loop ends, they wait for requests whose answers nobody needs.

    Raises:
        RestoreJobsError: the process is at its limit of threads, or the interpreter is ending.
    """
    _check_threads_run()
    run = copy_context().run
    try:
        # `Thread.start` waits on a Condition, so another thread calls it.
        _thread.start_new_thread(_run_on_known_thread, (lambda: run(work),))
    except RuntimeError:
        raise RestoreJobsError(
            "the operating system refused to start a thread: end other threads, or raise the limit "
            "of the process"
        ) from None


def _run_on_known_thread(work: Callable[[], object]) -> None:
    """Run a function on a thread that `threading`, debuggers and profilers know."""
    thread = threading.Thread(target=work, name="restorejobs", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # this thread was the last one that the system allows
        thread.run()


def _check_threads_run() -> None:
    """Refuse to wait for a thread while the interpreter ends, because none runs then."""
    if sys.is_finalizing():
        raise RestoreJobsError("the interpreter is ending, and its threads no longer run")


class Call(Bell, Generic[_Result]):
    """A call of a function on a thread of its own. It rings when the function has ended.

    A future of `concurrent.futures` would have a lock that is Python code.

    Raises:
        RestoreJobsError: as `start_thread`.
    """

    _result: _Result | None = None
    _error: BaseException | None = None
    _is_over = False

    def __init__(self, work: Callable[[], _Result]) -> None:
        super().__init__()
        in_child(self, Bell.ring)  # the child does not have the thread that would ring
        start_thread(partial(self._run, work))

    def _run(self, work: Callable[[], _Result]) -> None:
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001  # raised in those that wait
            self._error = error
        self._is_over = True
        self.ring()

    def result(self) -> _Result:
        """Return or raise what the function has returned or raised.

        Raises:
            TransportError: in the child of a fork, which does not have the thread.
        """
        if self._error is not None:
            raise self._error
        if not self._is_over:
            raise TransportError("the process was forked while it waited for a page: ask again")
        return cast("_Result", self._result)

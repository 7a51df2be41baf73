"""What keeps interrupts, signal handlers, finalizers and forks from stopping a program for ever.

The rule: **the caller's thread never takes a lock that is Python code**, such as those of
`threading.Condition`, `queue.Queue` and `concurrent.futures`. Ctrl-C between two of its lines would
leave it held for ever. Locks and queues in C are safe in a `with` line or in a single call: CPython
delivers no signal inside. A lock that a signal handler can meet is an `RLock`, and a lock that a
fork can meet is replaced in the child, where the thread that holds it does not exist.
"""

from __future__ import annotations

# If a signal handler sends the first request of a process while another request imports this
# module, Python answers "unknown encoding: idna" for ever.
import encodings.idna  # noqa: F401  # pyright: ignore[reportUnusedImport]
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import Any, Final, TypeVar
from weakref import ref

from restorejobs_client._core.errors import RestoreJobsError

_One = TypeVar("_One")
# A `WeakKeyDictionary` runs Python code when an object is dropped, in which the error of a signal
# handler would be ignored.
_in_child: Final[dict[ref[Any], Callable[[Any], object]]] = {}


def in_child(one: _One, work: Callable[[_One], object]) -> None:
    """Call a function with an object in the child of every fork, before `os.fork` returns there.

    It is not called once the object is dropped. Its exceptions are ignored. An object has one.
    """
    _in_child[ref(one, _in_child.pop)] = work


def _work_in_child() -> None:
    for reference, work in _in_child.copy().items():
        with suppress(Exception):  # also if the object is being dropped, and is `None` here
            work(reference())


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_work_in_child)


def new_queue() -> queue.SimpleQueue[Any]:
    """Return a queue that a forked child can wait for: it gets `None` there, and has no threads.

    The class is looked up here because gevent may replace it after this package was imported.
    """
    created: queue.SimpleQueue[Any] = queue.SimpleQueue()
    in_child(created, _wake)
    return created


def _wake(one: queue.SimpleQueue[Any]) -> None:
    one.put(None)


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
    check_threads_run()
    run = copy_context().run
    try:
        with _signals_held() as release:

            def begin() -> None:
                release()  # what the work starts, such as a process, gets its signals
                run(work)

            threading.Thread(target=begin, name="restorejobs", daemon=True).start()
    except RuntimeError:
        raise RestoreJobsError(
            "the operating system refused to start a thread: end other threads, or raise the limit "
            "of the process"
        ) from None


def check_threads_run() -> None:
    """Refuse to wait for a thread while the interpreter ends, because none runs then.

    Raises:
        RestoreJobsError: the interpreter is ending.
    """
    if sys.is_finalizing():
        raise RestoreJobsError("the interpreter is ending, and its threads no longer run")


@contextmanager
def _signals_held() -> Generator[Callable[[], object]]:
    """Hold signals back while a thread starts, because `Thread.start` waits on a Condition.

    It yields what releases them in another thread.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield lambda: None
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    release = partial(signal.pthread_sigmask, signal.SIG_SETMASK, before)
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        yield release
    finally:
        release()

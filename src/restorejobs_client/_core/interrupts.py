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
import encodings.idna  # noqa: F401
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Any, Final, TypeVar
from weakref import ref

from restorejobs_client._core.errors import RestoreJobsError

_One = TypeVar("_One")
_queues: Final[set[ref[queue.SimpleQueue[Any]]]] = set()


def in_child(work: Callable[[], object]) -> None:
    """Call a function in the child of every fork, before `os.fork` returns there."""
    if hasattr(os, "register_at_fork"):  # not on Windows
        os.register_at_fork(after_in_child=work)


def remember_weakly(references: set[ref[_One]], one: _One) -> None:
    """Add a reference that leaves the set when its object is dropped.

    A `WeakSet` runs Python code then, in which the error of a signal handler would be ignored.
    """
    references.add(ref(one, references.discard))


def living(references: set[ref[_One]]) -> list[_One]:
    """Return the objects that were not dropped."""
    return [one for reference in tuple(references) if (one := reference()) is not None]


def new_queue() -> queue.SimpleQueue[Any]:
    """Return a queue that a forked child can wait for: it gets `None` there, and has no threads.

    The class is looked up here because gevent may replace it after this package was imported.
    """
    created: queue.SimpleQueue[Any] = queue.SimpleQueue()
    remember_weakly(_queues, created)
    return created


def _wake() -> None:
    for one in living(_queues):
        one.put(None)


in_child(_wake)


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
    before = _hold("SIG_BLOCK", ())

    def begin() -> None:
        _hold("SIG_SETMASK", before)  # what the work starts, such as a process, gets its signals
        run(work)

    try:
        _hold("SIG_BLOCK", signal.valid_signals())  # `Thread.start` waits on a Condition
        threading.Thread(target=begin, name="restorejobs", daemon=True).start()
    except RuntimeError:
        raise RestoreJobsError(
            "the operating system refused to start a thread: end other threads, or raise the limit "
            "of the process"
        ) from None
    finally:
        _hold("SIG_SETMASK", before)


def check_threads_run() -> None:
    """Refuse to wait for a thread while the interpreter ends, because none runs then.

    Raises:
        RestoreJobsError: the interpreter is ending.
    """
    if sys.is_finalizing():
        raise RestoreJobsError("the interpreter is ending, and its threads no longer run")


def _hold(how: str, signals: Iterable[int]) -> Iterable[int]:
    """Change which signals are held back, and return those that were, except on Windows."""
    if not hasattr(signal, "pthread_sigmask"):
        return ()
    return signal.pthread_sigmask(getattr(signal, how), signals)

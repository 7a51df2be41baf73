"""Connection pools that Ctrl-C cannot leave locked."""

from __future__ import annotations

import queue
from collections import deque
from typing import Any


class InterruptSafeQueue:
    """A queue without a lock, in which urllib3 keeps idle connections.

    `queue.LifoQueue` uses a `threading.Condition`, which is Python code. Ctrl-C between two of its
    lines leaves the lock held, and every later request waits forever. We measured this in one of
    1,000 to 2,000 interrupts. Operations of a deque are atomic, and botocore's pools never wait
    for a connection.
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


def make_interrupt_safe(client: object) -> None:
    """Make a boto3 client use this queue in its new connection pools.

    botocore has no public way to do that. If its private attributes change, its own queues are
    used.
    """
    session: Any = getattr(getattr(client, "_endpoint", None), "http_session", None)
    kinds: dict[str, type] = getattr(session, "_pool_classes_by_scheme", {})
    for scheme, kind in kinds.items():
        if getattr(kind, "QueueCls", None) not in {None, InterruptSafeQueue}:
            kinds[scheme] = type(kind.__name__, (kind,), {"QueueCls": InterruptSafeQueue})

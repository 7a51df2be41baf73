"""Replace botocore's own locks, because a signal handler or a fork may meet them held.

botocore has no public way to reach them. What is not found keeps its lock.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from restorejobs_client._core.interrupts import in_child, living, remember_weakly

if TYPE_CHECKING:
    from botocore.client import BaseClient

_EVENTS: Final = ("before-send", "needs-retry", "after-call")  # those of botocore's retries
_HOLDERS: Final = ("botocore.retries", "botocore.credentials")  # modules
_clients: Final[set[ref[BaseClient]]] = set()


def make_reentrant(client: BaseClient) -> None:
    """Let the thread that holds a lock of a client's retries or credentials take it again.

    Otherwise, a signal handler that lists would wait for the thread that it interrupts. The child
    of a fork gets new locks: another thread of the parent may hold the old ones.
    """
    remember_weakly(_clients, client)
    with suppress(AttributeError):
        _replace_locks(client)


def _replace_locks(client: Any) -> None:  # noqa: ANN401  # private attributes
    handlers = client.meta.events._emitter._handlers  # noqa: SLF001  # see above
    called = [one for event in _EVENTS for one in handlers.prefix_search(f"{event}.backup.*")]
    holders = [client._request_signer._credentials]  # noqa: SLF001  # see above
    holders += [getattr(one, "__self__", None) for one in called]
    seen: set[int] = set()
    while holders:
        holder = holders.pop()
        if id(holder) in seen or not type(holder).__module__.startswith(_HOLDERS):
            continue
        seen.add(id(holder))
        lock = threading.RLock()
        for name, value in dict(getattr(holder, "__dict__", {})).items():
            if isinstance(value, threading.Condition):
                setattr(holder, name, threading.Condition(lock))
            elif isinstance(value, type(lock) | type(threading.Lock())):
                setattr(holder, name, lock)
            else:
                holders.append(value)


def _replace_in_child() -> None:
    for client in living(_clients):
        make_reentrant(client)


in_child(_replace_in_child)

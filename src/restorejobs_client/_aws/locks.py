"""Replace the locks of botocore and urllib3, because a signal handler or a fork may meet them held.

botocore has no public way to reach them. What is not found keeps its lock.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any, Final

_EVENTS: Final = ("before-send", "needs-retry", "after-call")  # those of botocore's retries
_HOLDERS: Final = ("botocore.retries", "botocore.credentials")  # modules


def renew_locks(client: Any, *, with_credentials: bool = True) -> None:  # noqa: ANN401  # private attributes
    """Let the thread that holds a lock of a client's retries, pools or credentials take it again.

    Otherwise, a signal handler that lists would wait for the thread that it interrupts. No other
    thread may use them: it would release a lock that it does not hold. The credentials belong to
    the session, and so to all of its clients.
    """
    with suppress(AttributeError):
        handlers = client.meta.events._emitter._handlers  # noqa: SLF001  # see above
        called = [one for event in _EVENTS for one in handlers.prefix_search(f"{event}.backup.*")]
        holders = [getattr(one, "__self__", None) for one in called]
        if with_credentials:
            holders.append(client._request_signer._credentials)  # noqa: SLF001  # see above
        _renew_in(holders)
        session = client._endpoint.http_session  # noqa: SLF001  # see above
        for manager in (session._manager, *session._proxy_managers.values()):  # noqa: SLF001  # see above
            manager.pools.lock = threading.RLock()


def _renew_in(holders: list[Any]) -> None:
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

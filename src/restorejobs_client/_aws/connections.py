"""The connections of a boto3 client: which of them the next request may use.

botocore has no public way to choose its connection pools. If its private attributes change, its own
pools are used.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from restorejobs_client._core.interrupts import InterruptSafeQueue, in_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSResponse


def use_own_pools(client: Any) -> None:  # noqa: ANN401  # private attributes
    """Make a client use our connection pools from now on.

    Their queues are safe to interrupt. They take a connection back when `keep_connection` says so,
    instead of when its answer ends: only the page shows whether the answer was whole.
    """
    session: Any = getattr(getattr(client, "_endpoint", None), "http_session", None)
    kinds: dict[str, Any] = getattr(session, "_pool_classes_by_scheme", {})
    if any(kind.QueueCls is not InterruptSafeQueue for kind in kinds.values()):
        kinds.update({scheme: _own_pool(kind) for scheme, kind in kinds.items()})
        client.close()  # the pools that it has made before


@cache
def _own_connection(kind: Any) -> type:  # noqa: ANN401  # urllib3's classes are not known here
    def connect(connection: Any) -> None:  # noqa: ANN401
        pid = connection.pid = os.getpid()
        kind.connect(connection)
        if connection.sock is not None:  # a recorder of HTTP has none
            in_child(connection.sock, _leave_to_parent)
        if pid != os.getpid():  # forked before it was remembered
            connection.close()
            raise ConnectionResetError

    return type(kind.__name__, (kind,), {"connect": connect})


def _own_pool(kind: Any) -> type:  # noqa: ANN401
    def get_connection(pool: object, timeout: float | None = None) -> object:
        connection: Any = kind._get_conn(pool, timeout)  # noqa: SLF001  # urllib3 has no other way
        # A fork may have run without our hook. A TLS socket may keep an answer that belongs to no
        # request, and only some can tell.
        is_plain = type(connection.sock) in {type(None), socket.socket}
        unread: Callable[[], int] = getattr(connection.sock, "pending", lambda: not is_plain)
        if getattr(connection, "pid", 0) != os.getpid() or unread():
            connection.close()
        return connection

    def urlopen(pool: object, *args: object, **options: object) -> object:
        # urllib3 cannot prepare to follow a 303, although botocore does not let it follow any.
        response: Any = kind.urlopen(pool, *args, **{**options, "redirect": False})
        response.release_conn = _keep_for_now
        return response

    members = {
        # Looked up for each connection, because a recorder of HTTP may have replaced it.
        "ConnectionCls": property(lambda _: _own_connection(kind.ConnectionCls)),
        "QueueCls": InterruptSafeQueue,
        "_get_conn": get_connection,
        "urlopen": urlopen,
    }
    return type(kind.__name__, (kind,), members)


def _keep_for_now() -> None:
    """Take the place of `release_conn` of urllib3's response."""


def keep_connection(http: AWSResponse, *, is_whole: bool) -> None:
    """Let the next request use the connection of an answer, or close it.

    After an answer that was not whole, or that was no success, bytes may follow that would look
    like the answer to the next request: the real answer after a 103, or the body of a 304.
    """
    raw: Any = http.raw
    if getattr(raw, "release_conn", None) is not _keep_for_now:
        return  # not from our pool: moto, for example, answers without a connection
    if is_whole and HTTPStatus.OK <= http.status_code < HTTPStatus.MULTIPLE_CHOICES:
        del raw.release_conn  # the method of its class is in its place again
        raw.release_conn()
    else:
        raw.close()


def _leave_to_parent(connected: socket.socket) -> bool:
    """Cut a connection that a forked child shares with its parent, unless it is closed.

    A request of the child that was interrupted by the fork fails, and is sent again on a new one.
    The number of its file is not free before, so no other file can get it.
    """
    number = connected.fileno()
    os.close(number)  # the limit of open files may be reached, and the next line needs one
    null = os.open(os.devnull, os.O_RDWR)
    if null != number:
        os.dup2(null, number, inheritable=False)
        os.close(null)
    return True  # the number may be that of another file at the next fork

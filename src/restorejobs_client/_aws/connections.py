"""The connections of a boto3 client: which of them the next request may use.

botocore has no public way to choose its connection pools. If its private attributes change, its own
pools are used.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from restorejobs_client._core.interrupts import InterruptSafeQueue

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient


def use_own_pools(client: BaseClient) -> None:
    """Make a client use our connection pools from now on.

    Their queues are safe to interrupt. They take a connection back when `keep_connection` says so,
    instead of when its answer ends: only the page shows whether the answer was whole.
    """
    kinds: dict[str, Any] = getattr(_http_session(client), "_pool_classes_by_scheme", {})
    if any(kind.QueueCls is not InterruptSafeQueue for kind in kinds.values()):
        kinds.update({scheme: _own_pool(kind) for scheme, kind in kinds.items()})
        client.close()  # the pools that it has made before


def _own_pool(kind: Any) -> type:  # noqa: ANN401  # urllib3's classes are not known here
    def urlopen(pool: object, *args: object, **options: object) -> object:
        # urllib3 cannot prepare to follow a 303, although botocore does not let it follow any.
        response: Any = kind.urlopen(pool, *args, **{**options, "redirect": False})
        response.release_conn = _keep_for_now
        return response

    return type(kind.__name__, (kind,), {"QueueCls": InterruptSafeQueue, "urlopen": urlopen})


def _keep_for_now() -> None:
    """Take the place of `release_conn` of urllib3's response."""


def keep_connection(http: AWSResponse, *, is_whole: bool) -> None:
    """Let the next request use the connection of an answer, or close it.

    After an answer that was not whole, or an informational one such as 103, bytes may follow that
    would look like the answer to the next request.
    """
    raw: Any = http.raw
    if getattr(raw, "release_conn", None) is not _keep_for_now:
        return  # not from our pool: moto, for example, answers without a connection
    if is_whole and http.status_code >= HTTPStatus.OK:
        del raw.release_conn  # the method of its class is in its place again
        raw.release_conn()
    else:
        raw.close()


def close_after_fork(client: BaseClient) -> None:
    """Close the connections that this process shares with its parent. Nothing is sent."""
    session = _http_session(client)
    with suppress(AttributeError):
        for manager in (session._manager, *session._proxy_managers.values()):  # noqa: SLF001  # see above
            manager.pools.lock = threading.RLock()  # a thread of the parent may hold the old one
    client.close()


def _http_session(client: BaseClient) -> Any:  # noqa: ANN401  # botocore's, private
    return getattr(getattr(client, "_endpoint", None), "http_session", None)

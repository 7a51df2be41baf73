"""The HTTP server of the fake, and the clients that call it."""

from __future__ import annotations

import functools
import http.client
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email.message import Message
from http import HTTPStatus
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from botocore.config import Config

from restorejobs_client.testing._service import Answer, half

if TYPE_CHECKING:
    import botocore.session
    from botocore.client import BaseClient

ACCOUNT_HEADER = "x-moto-account-id"
# Without the last three, settings of the environment could keep a client away from loopback.
_CONFIG = Config(
    max_pool_connections=64,
    retries={"mode": "standard", "total_max_attempts": 8},
    proxies={},
    use_dualstack_endpoint=False,
    use_fips_endpoint=False,
)
_session_lock = threading.Lock()  # botocore cannot make two clients of one session at once


class Server:
    """An HTTP server on loopback, with a thread for each connection.

    It runs from its creation until `close`, which ends all connections and threads.

    Args:
        respond: answers a request, which is its method, its target and its headers.
    """

    def __init__(self, respond: Callable[[str, str, Message], Answer]) -> None:
        self._respond = respond
        self._is_closing = False
        self._connections = WeakKeyDictionary[threading.Thread, socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_closing = True
        socket.create_connection(self._listener.getsockname()).close()  # `accept` waits for one
        self._thread.join()
        self._listener.close()
        for thread, connection in list(self._connections.items()):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._is_closing:
                connection.close()
                return
            thread = threading.Thread(target=self._converse, args=(connection,), daemon=True)
            self._connections[thread] = connection
            thread.start()

    def _converse(self, connection: socket.socket) -> None:
        """Answer the requests of one connection. It stays open, like a connection to AWS."""
        with connection, connection.makefile("rb") as reader, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while request_line := reader.readline().decode("latin-1").split():
                method, target, _ = request_line
                headers = http.client.parse_headers(reader)
                reader.read(int(headers.get("Content-Length", "0")))
                answer = self._respond(method, target, headers)
                if answer.delivery != "reset":
                    connection.sendall(_response(answer, method))
                if answer.delivery == "half, then reset":
                    time.sleep(0.05)  # a reset overtakes what is still on its way
                if answer.delivery.endswith("reset"):
                    linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if answer.delivery != "whole" or headers.get("Connection") == "close":
                    return


def _response(answer: Answer, method: str) -> bytes:
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    head += [f"Content-Length: {len(answer.body)}", "", ""]
    body = answer.body if answer.delivery == "whole" else half(answer.body)
    return "\r\n".join(head).encode("latin-1") + (b"" if method == "HEAD" else body)


def isolated_client(
    endpoint_url: str, *, region_name: str, account_id: str, config: Config | None
) -> BaseClient:
    """Return a client that reads nothing of the environment and sends its account to the fake."""
    config = _CONFIG.merge(config or Config())
    with _session_lock:
        create = _session().create_client
        client = create("backup", region_name, endpoint_url=endpoint_url, config=config)

    def name_account(params: dict[str, dict[str, str]], **_: object) -> None:
        params["headers"][ACCOUNT_HEADER] = account_id

    client.meta.events.register("before-call.backup", name_account)
    return client


@functools.cache
def _session() -> botocore.session.Session:
    """Return a session with credentials of its own that reads nothing of the environment."""
    import botocore.session  # noqa: PLC0415  # costs time to import

    no_file = (None, None, os.devnull, None)
    no_profile = (None, None, None, None)
    session = botocore.session.Session(
        session_vars={"profile": no_profile, "config_file": no_file, "credentials_file": no_file}
    )
    session.set_credentials("testing", "testing")
    return session

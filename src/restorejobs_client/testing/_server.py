"""The HTTP server of the fake, and the clients that call it."""

from __future__ import annotations

import functools
import http.client
import io
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email.message import Message
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4
from weakref import WeakKeyDictionary

from botocore.config import Config
from botocore.hooks import first_non_none_response

from restorejobs_client._aws.session import RETRIES, create_client, new_session
from restorejobs_client.testing._service import Answer, aws_error, half

if TYPE_CHECKING:
    import boto3
    from botocore.client import BaseClient

ACCOUNT_HEADER = "x-moto-account-id"
# So that no setting of the environment keeps a client away from loopback.
_CONFIG = Config(proxies={}, use_dualstack_endpoint=False, use_fips_endpoint=False)
_UNREADABLE = aws_error(400, "BadRequest", message="fake_backup reads only HTTP/1.1, without TLS")


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
            while reader.peek(1):
                try:
                    method, target, headers = _read_request(reader)
                except (ValueError, http.client.HTTPException):
                    connection.sendall(_response(_UNREADABLE, "GET"))
                    return
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


def _read_request(reader: io.BufferedReader) -> tuple[str, str, Message]:
    """Return the method, the target and the headers of a request.

    Raises:
        ValueError: it is not HTTP, or its client has gone.
        HTTPException: it has a header of more than 64 KiB, or more than 100 headers.
    """
    # In TLS, for example, a line may never end.
    head = [reader.readline() if reader.peek(1)[:1].isalpha() else b""]
    while head[-1].strip():
        head.append(reader.readline())
    method, target, _ = head[0].decode("latin-1").split()
    headers = http.client.parse_headers(io.BytesIO(b"".join(head[1:])))
    length = int(headers.get("Content-Length", "0"))
    if not head[-1] or not 0 <= length == len(reader.read(length)):
        raise ValueError
    return method, target, headers


def _response(answer: Answer, method: str) -> bytes:
    head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    head += [f"Date: {formatdate(usegmt=True)}", f"x-amzn-RequestId: {uuid4()}"]
    head += [f"Content-Length: {len(answer.body)}", "", ""]
    body = answer.body if answer.delivery == "whole" else half(answer.body)
    return "\r\n".join(head).encode("latin-1") + (b"" if method == "HEAD" else body)


def isolated_client(
    url: str, owner: tuple[str, str], config: Config | None, skip: Callable[[float], None]
) -> BaseClient:
    """Return a client that reads nothing of the environment and sends its account to the fake.

    Before a retry, it calls `skip` with the seconds that botocore would have waited, and goes on.
    """
    settings: Any = _CONFIG.merge(config or Config())
    retries: Any = dict(settings.retries or RETRIES)
    if retries.get("mode") != "legacy":  # "adaptive" is "standard" with waits before requests
        retries["mode"] = "standard"
    settings = settings.merge(Config(retries=retries))
    client: Any = create_client(_session(), region_name=owner[0], endpoint_url=url, config=settings)

    def name_account(params: dict[str, dict[str, str]], **_: object) -> None:
        params["headers"][ACCOUNT_HEADER] = owner[1]

    def emit(event_name: str, **arguments: object) -> list[tuple[object, object]]:
        answers: list[tuple[object, object]] = emit_and_wait(event_name, **arguments)
        wait: Any = event_name.startswith("needs-retry") and first_non_none_response(answers)
        if wait:
            skip(wait)
        return [(emit, 0)] if wait else answers

    events = client.meta.events
    events.register("before-call.backup", name_account)
    emit_and_wait, events.emit = events.emit, emit
    return cast("BaseClient", client)


@functools.cache
def _session() -> boto3.Session:
    """Return a session with credentials of its own that reads nothing of the environment."""
    import botocore.session  # noqa: PLC0415  # costs time to import

    names: list[str] = ["profile", "config_file", "credentials_file", "max_attempts"]
    core = botocore.session.Session(session_vars=dict.fromkeys(names, (None, None, None, None)))
    core.set_credentials("testing", "testing")
    return new_session(botocore_session=core)

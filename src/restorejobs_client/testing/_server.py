"""The HTTP server of the fake, and the clients that call it."""

from __future__ import annotations

import asyncio
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
from typing import Any
from uuid import uuid4

from botocore.config import Config
from botocore.hooks import first_non_none_response

from restorejobs_client._aws.session import RETRIES, create_client, new_session
from restorejobs_client._core.extras import boto3, botocore_client
from restorejobs_client.testing._service import Answer, Owner, aws_error, half

ACCOUNT_HEADER = "x-moto-account-id"
# So that no setting of the environment keeps a client away from loopback.
_CONFIG = Config(proxies={}, use_dualstack_endpoint=False, use_fips_endpoint=False)
_UNREADABLE = aws_error(400, "BadRequest", message="fake_backup reads only HTTP/1.1, without TLS")
_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # closing resets the connection


class Server:
    """An HTTP server on loopback, with a thread of its own.

    It runs from its creation until `close`, which ends all connections and the thread.

    Args:
        respond: answers a request, which is its method, its target and its headers.
    """

    def __init__(self, respond: Callable[[str, str, Message], Answer]) -> None:
        self._respond = respond
        self._loop = asyncio.SelectorEventLoop()
        self._end = asyncio.Event()
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, args=(listener,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _run(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(listener))

    async def _serve(self, listener: socket.socket) -> None:
        server = await asyncio.start_server(self._converse, sock=listener)
        await self._end.wait()
        server.close()  # the runner cancels the conversations

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection. It stays open, like a connection to AWS."""
        transport: Any = writer.transport
        transport.set_write_buffer_limits(0)  # so that `drain` waits until everything is sent
        with suppress(OSError, EOFError, asyncio.CancelledError):
            while True:
                try:
                    method, target, headers = await _read_request(reader)
                except (ValueError, http.client.HTTPException, asyncio.LimitOverrunError):
                    writer.write(_response(_UNREADABLE, "GET"))
                    await writer.drain()
                    break
                answer = self._respond(method, target, headers)
                if answer.delivery != "reset":
                    writer.write(_response(answer, method))
                    await writer.drain()
                if answer.delivery == "half, then reset":
                    time.sleep(0.05)  # noqa: ASYNC251  # until the client has read; a clock may be frozen
                if answer.delivery.endswith("reset"):
                    connection = transport.get_extra_info("socket")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
                if answer.delivery != "whole" or headers.get("Connection") == "close":
                    break
        transport.abort()


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, Message]:
    """Return the method, the target and the headers of a request.

    Raises:
        EOFError: its client has gone.
        ValueError: it is not HTTP.
        HTTPException: it has more than 100 headers.
        LimitOverrunError: its headers have more than 64 KiB.
    """
    head = await reader.readexactly(1)
    if not head.isalpha():  # in TLS, for example, a line may never end
        raise ValueError
    head += await reader.readuntil(b"\r\n\r\n")
    line, _, rest = head.partition(b"\r\n")
    method, target, _ = line.decode("latin-1").split()
    headers = http.client.parse_headers(io.BytesIO(rest))
    await reader.readexactly(int(headers.get("Content-Length", "0")))
    return method, target, headers


def _response(answer: Answer, method: str) -> bytes:
    head = [f"HTTP/1.1 {answer.status} {http.client.responses[answer.status]}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    head += [f"Date: {formatdate(usegmt=True)}", f"x-amzn-RequestId: {uuid4()}"]
    head += [f"Content-Length: {len(answer.body)}", "", ""]
    body = answer.body if answer.delivery == "whole" else half(answer.body)
    return "\r\n".join(head).encode("latin-1") + (b"" if method == "HEAD" else body)


def isolated_client(
    url: str, owner: Owner, config: Config | None, skip: Callable[[float], None]
) -> botocore_client.BaseClient:
    """Return a client that reads nothing of the environment and sends its account to the fake.

    Before a retry, it calls `skip` with the seconds that botocore would have waited, and goes on.
    """
    settings: Any = _CONFIG.merge(config or Config())
    retries: Any = settings.retries or RETRIES
    # "adaptive" is "standard" with waits before requests.
    mode = "legacy" if retries.get("mode") == "legacy" else "standard"
    settings = settings.merge(Config(retries=retries | {"mode": mode}))
    client = create_client(_session(), region_name=owner[0], endpoint_url=url, config=settings)

    def name_account(params: dict[str, dict[str, str]], **_: object) -> None:
        params["headers"][ACCOUNT_HEADER] = owner[1]

    def emit(event_name: str, **arguments: object) -> list[tuple[object, object]]:
        answers: list[tuple[object, object]] = emit_and_wait(event_name, **arguments)
        wait: Any = event_name.startswith("needs-retry") and first_non_none_response(answers)
        if wait:
            skip(wait)
        return [(emit, 0)] if wait else answers

    events: Any = client.meta.events
    events.register("before-call.backup", name_account)
    emit_and_wait, events.emit = events.emit, emit
    return client


@functools.cache
def _session() -> boto3.Session:
    """Return a session with credentials of its own that reads nothing of the environment."""
    import botocore.session  # noqa: PLC0415  # costs time to import

    variables: dict[str, Any] = botocore.session.Session.SESSION_VARIABLES
    unread = {name: (None, None, *rest) for name, (_, _, *rest) in variables.items()}
    unread |= dict.fromkeys(("config_file", "credentials_file"), (None, None, None, None))
    core = botocore.session.Session(session_vars=unread)
    core.set_credentials("testing", "testing")
    return new_session(botocore_session=core)

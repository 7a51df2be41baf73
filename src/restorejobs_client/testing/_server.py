"""The HTTP server of the fake, its faults, and clients that call nothing else."""

from __future__ import annotations

import functools
import http.client
import itertools
import json
import os
import re
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl

from restorejobs_client.testing._service import (
    MAX_RESULTS,
    Answer,
    Call,
    Shelf,
    aws_error,
    modelled_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from email.message import Message

    import botocore.session
    from botocore.client import BaseClient
    from botocore.config import Config

    from restorejobs_client._models import RestoreJob

FaultName = Literal[
    "throttle",
    "too_many_requests",
    "access_denied",
    "expired_token",
    "unavailable",
    "server_error",
    "damage",
    "empty_body",
    "no_content",
    "redirect",
    "cut",
    "short",
    "trailing",
    "reset",
    "reset_in_body",
    "stuck_token",
    "empty_page",
    "ignored_max_results",
]
"""The faults that `FakeBackup.fail_next` knows; its documentation explains each one."""

_Delivery = Literal["whole", "half", "half, then reset", "reset"]
_HTML = {"Content-Type": "text/html"}
_DENIED = "User is not authorized to perform: backup:ListRestoreJobs"
_EXPIRED = "The security token included in the request is expired"
_DOWN = "The service is unavailable, try again later"
_INSTEAD: dict[FaultName, Callable[[], Answer]] = {
    "throttle": lambda: aws_error(400, "ThrottlingException", message="Rate exceeded"),
    "too_many_requests": lambda: Answer(429, {}),
    "access_denied": lambda: aws_error(403, "AccessDeniedException", Message=_DENIED),
    "expired_token": lambda: aws_error(403, "ExpiredTokenException", message=_EXPIRED),
    "unavailable": lambda: modelled_error(
        503, "ServiceUnavailableException", _DOWN, blame="Service", context="ListRestoreJobs"
    ),
    "server_error": lambda: Answer(500, _HTML, b"<html><h1>Internal Server Error</h1></html>"),
    "damage": lambda: Answer(200, _HTML, b"<html><h1>Please log in</h1></html>"),
    "empty_body": lambda: Answer(200, {"Content-Type": "application/json"}),
    "no_content": lambda: Answer(204, {}),
    "redirect": lambda: Answer(302, {"Location": "https://login.example.com/"}),
}
_PAGE_SIZES: dict[FaultName, int] = {"empty_page": 0, "ignored_max_results": MAX_RESULTS}
_DELIVERIES: dict[FaultName, _Delivery] = {
    "short": "half",
    "reset": "reset",
    "reset_in_body": "half, then reset",
}
_POLL_SECONDS = 0.01  # within this time, a server notices that it must stop
_ACCOUNT_HEADER = "x-moto-account-id"
_SIGNED_FOR = re.compile(r"Credential=[^,]*/([^/,]+)/([^/,]+)/aws4_request")
_session_lock = threading.Lock()  # botocore cannot make two clients of one session at once


@contextmanager
def serving(service: FaultyService) -> Generator[str, None, None]:
    """Serve on loopback until the `with` block ends. Yield the URL."""
    server = _Server(service)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.stop()
        thread.join()


class FaultyService:
    """The state that all connections of one server share: jobs, faults, recorded requests."""

    def __init__(self, account_id: str) -> None:
        self.requests: list[dict[str, str]] = []
        self._account_id = account_id
        # It is held while a page is made, so that no two listings take the same step of `put_next`.
        self._lock = threading.Lock()
        self._faults: deque[FaultName] = deque()
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._steps: deque[tuple[str, str, Iterable[RestoreJob]]] = deque()

    def put(self, region_name: str, account_id: str, jobs: Iterable[RestoreJob]) -> None:
        with self._lock:
            self._put(region_name, account_id, jobs)

    def put_next(self, region_name: str, account_id: str, jobs: Iterable[RestoreJob]) -> None:
        with self._lock:
            self._steps.append((region_name, account_id, jobs))

    def clear(self) -> None:
        with self._lock:
            self._shelves.clear()
            self._steps.clear()

    def queue(self, fault: FaultName, times: int) -> None:
        with self._lock:
            self._faults.extend(itertools.repeat(fault, times))

    def answer(self, method: str, target: str, headers: Message) -> tuple[Answer, _Delivery]:
        path, _, query = target.partition("?")
        if method != "GET" or path.rstrip("/") != "/restore-jobs":
            return _another_operation(method, path), "whole"
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        with self._lock:
            self.requests.append(parameters)
            fault = self._next_fault(parameters)
            if fault in _INSTEAD:
                return _INSTEAD[fault](), "whole"
            answer = self._page(parameters, headers, fault)
            if answer.ends_listing and fault is None and self._steps:
                self._put(*self._steps.popleft())
        if fault == "stuck_token":
            page = {**json.loads(answer.body), "NextToken": parameters["nextToken"]}
            answer = replace(answer, body=json.dumps(page).encode())
        elif fault == "cut":
            answer = replace(answer, body=_half(answer.body))
        elif fault == "trailing":
            answer = replace(answer, body=answer.body + b"</html>")
        return answer, "whole" if fault is None else _DELIVERIES.get(fault, "whole")

    def _put(self, region_name: str, account_id: str, jobs: Iterable[RestoreJob]) -> None:
        self._shelves.setdefault((region_name, account_id), Shelf(account_id)).put(jobs)

    def _next_fault(self, parameters: dict[str, str]) -> FaultName | None:
        if self._faults and (self._faults[0] != "stuck_token" or "nextToken" in parameters):
            return self._faults.popleft()
        return None

    def _page(
        self, parameters: dict[str, str], headers: Message, fault: FaultName | None
    ) -> Answer:
        signed_for = _SIGNED_FOR.search(headers.get("Authorization", ""))
        if signed_for is None:
            message = "Missing Authentication Token"
            return aws_error(403, "MissingAuthenticationTokenException", message=message)
        region_name, service = signed_for.groups()
        if service != "backup":
            message = "Credential should be scoped to correct service: 'backup'."
            return aws_error(403, "InvalidSignatureException", message=message)
        return Call(
            [shelf for (region, _), shelf in self._shelves.items() if region == region_name],
            region_name,
            headers.get(_ACCOUNT_HEADER, self._account_id),
            parameters,
            fault and _PAGE_SIZES.get(fault),
        ).answer()


def _another_operation(method: str, path: str) -> Answer:
    message = (
        f"fake_backup has only ListRestoreJobs, it does not have {method} {path}. moto has other "
        "operations: use moto.mock_aws() or moto's server, and add the jobs with seed_restore_jobs"
    )
    return aws_error(501, "NotImplementedException", message=message)


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


class _Connection(BaseHTTPRequestHandler):
    """One connection. It stays open for more requests, like a connection to AWS."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(
        self,
        service: FaultyService,
        request: socket.socket,
        client_address: object,
        server: _Server,
    ) -> None:
        self._service = service
        super().__init__(request, client_address, server)

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._send(*self._service.answer(self.command, self.path, self.headers))

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  # http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's names
        """Print nothing, because it would be noise in the tests of users."""

    def _send(self, answer: Answer, delivery: _Delivery) -> None:
        if delivery != "reset":
            headers = {**answer.headers, "Content-Length": str(len(answer.body))}
            head = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}"]
            head += [f"{name}: {value}" for name, value in headers.items()]
            body = answer.body if delivery == "whole" else _half(answer.body)
            if self.command == "HEAD":
                body = b""
            # One write, because a second one would wait until the client acknowledges the first.
            self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        if delivery != "whole":
            self.close_connection = True
        if delivery == "half, then reset":
            time.sleep(0.05)  # a reset overtakes what is still on its way
        if delivery.endswith("reset"):
            linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class _Server(socketserver.TCPServer):
    """A server with a thread for each connection. `stop` ends all of them."""

    request_queue_size = 128

    def __init__(self, service: FaultyService) -> None:
        self._connections: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", 0), functools.partial(_Connection, service))

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for thread, connection in list(self._connections.items()):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        assert isinstance(request, socket.socket)  # noqa: S101  # the tuples are UDP's
        thread = threading.Thread(
            target=self._converse, args=(request, client_address), daemon=True
        )
        self._connections[thread] = request
        thread.start()

    def _converse(self, request: socket.socket, client_address: object) -> None:
        # socketserver would shut the connection down first, and so end it in order before a reset.
        with request, suppress(OSError):
            self.finish_request(request, client_address)
        del self._connections[threading.current_thread()]


def isolated_client(
    endpoint_url: str, *, region_name: str, account_id: str, config: Config | None
) -> BaseClient:
    """Return a client that reads nothing of the environment and sends its account to the fake."""
    from botocore.config import Config  # noqa: PLC0415  # costs time to import

    config = config or Config(
        retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=64
    )
    # With these settings of the environment, a client would not call loopback, or would refuse to.
    direct = Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False)
    with _session_lock:
        client = _session().create_client(
            "backup",
            region_name=region_name,
            endpoint_url=endpoint_url,
            config=direct.merge(config),
        )

    def name_account(params: dict[str, dict[str, str]], **_: object) -> None:
        params["headers"][_ACCOUNT_HEADER] = account_id

    client.meta.events.register("before-call.backup", name_account)
    return client


@functools.cache
def _session() -> botocore.session.Session:
    """Return a session with credentials of its own that reads nothing of the environment."""
    import botocore.session  # noqa: PLC0415  # costs time to import

    nowhere = (None, None, os.devnull, None)
    session = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": nowhere,
            "credentials_file": nowhere,
        }
    )
    session.set_credentials("testing", "testing")
    return session

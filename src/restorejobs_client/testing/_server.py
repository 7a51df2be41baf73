"""Faults, and the HTTP that carries them."""

from __future__ import annotations

import functools
import http.client
import itertools
import json
import os
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
from urllib.parse import parse_qsl, urlsplit

from restorejobs_client.testing._service import MAX_RESULTS, Answer, Call, Shelf, aws_error

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from restorejobs_client._models import RestoreJob
    from restorejobs_client.testing._moto import MotoApp

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
"""What `FakeBackup.fail_next` can do to a request; it says what each one is."""

_Delivery = Literal["whole", "half", "half, then reset", "reset"]
_HTML = {"Content-Type": "text/html"}
_INSTEAD: dict[FaultName, Callable[[], Answer]] = {
    "throttle": lambda: aws_error(400, "ThrottlingException", {"message": "Rate exceeded"}),
    "too_many_requests": lambda: Answer(429, {}),
    "access_denied": lambda: aws_error(
        403,
        "AccessDeniedException",
        {"Message": "User is not authorized to perform: backup:ListRestoreJobs"},
    ),
    "expired_token": lambda: aws_error(
        403,
        "ExpiredTokenException",
        {"message": "The security token included in the request is expired"},
    ),
    "unavailable": lambda: aws_error(
        503,
        "ServiceUnavailableException",
        {
            "Code": "ServiceUnavailableException",
            "Message": "The service is unavailable, try again later",
            "Type": "Service",
            "Context": "ListRestoreJobs",
        },
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
_POLL_SECONDS = 0.01  # how long a server may take to notice that it shall stop


@contextmanager
def serving(service: FaultyService) -> Generator[str, None, None]:
    """Serve on loopback until the `with` block ends, and say where."""
    server = _Server(service)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.stop()
        thread.join()


class FaultyService:
    """What the connections of one server share: jobs, faults and the record of requests."""

    def __init__(self, moto: MotoApp, account_id: str) -> None:
        self.account_id = account_id
        self.requests: list[dict[str, str]] = []
        self._moto = moto
        self._lock = threading.Lock()
        self._faults: deque[FaultName] = deque()
        self._shelves: dict[tuple[str, str], Shelf] = {}

    def put(self, jobs: Iterable[RestoreJob], *, region_name: str, account_id: str) -> None:
        with self._lock:
            shelf = self._shelves.setdefault((region_name, account_id), Shelf(account_id))
        shelf.put(jobs)

    def clear(self) -> None:
        with self._lock:
            self._shelves = {}

    def queue(self, fault: FaultName, times: int) -> None:
        with self._lock:
            self._faults.extend(itertools.repeat(fault, times))

    def answer(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> tuple[Answer, _Delivery]:
        url = urlsplit(path)
        if method != "GET" or url.path.rstrip("/") != "/restore-jobs":
            return self._moto.answer(method, path, headers, body), "whole"
        parameters = dict(parse_qsl(url.query, keep_blank_values=True))
        fault, shelves = self._record(parameters)
        if fault in _INSTEAD:
            return _INSTEAD[fault](), "whole"
        account_id = dict(headers).get("x-moto-account-id", self.account_id)
        size = None if fault is None else _PAGE_SIZES.get(fault)
        call = Call(shelves, account_id, parameters, size)
        answer = self._moto.answer(method, path, headers, body, call)
        if fault == "stuck_token":
            page = {**json.loads(answer.body), "NextToken": parameters["nextToken"]}
            answer = replace(answer, body=json.dumps(page).encode())
        elif fault == "cut":
            answer = replace(answer, body=_half(answer.body))
        elif fault == "trailing":
            answer = replace(answer, body=answer.body + b"</html>")
        return answer, "whole" if fault is None else _DELIVERIES.get(fault, "whole")

    def _record(
        self, parameters: dict[str, str]
    ) -> tuple[FaultName | None, dict[tuple[str, str], Shelf]]:
        """Keep the parameters; return the fault that is due, and the jobs of this moment."""
        with self._lock:
            self.requests.append(parameters)
            fault = self._faults[0] if self._faults else None
            if fault == "stuck_token" and "nextToken" not in parameters:
                fault = None
            if fault is not None:
                self._faults.popleft()
            return fault, dict(self._shelves)


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


class _Connection(BaseHTTPRequestHandler):
    """One connection, kept open from request to request as AWS's are."""

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
        length = int(self.headers.get("Content-Length", "0"))
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        body = self.rfile.read(length)
        self._send(*self._service.answer(self.command, self.path, headers, body))

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's names
        """Say nothing: it would be noise in the tests of users."""

    def _send(self, answer: Answer, delivery: _Delivery) -> None:
        if delivery != "reset":
            headers = {**answer.headers, "Content-Length": str(len(answer.body))}
            head = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}"]
            head += [f"{name}: {value}" for name, value in headers.items()]
            body = answer.body if delivery == "whole" else _half(answer.body)
            # At one go: a head on its own would wait for the client's acknowledgement.
            self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        if delivery != "whole":
            self.close_connection = True
        if delivery == "half, then reset":
            time.sleep(0.05)  # a reset overtakes what is still on its way
        if delivery.endswith("reset"):
            linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class _Server(socketserver.TCPServer):
    """A thread for each connection, all of which end with the server.

    Not werkzeug's server, which closes the connection after every answer and waits before it.
    """

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
        # Closed without the shutdown of socketserver, which would be an orderly end before a reset.
        with request, suppress(OSError):
            self.finish_request(request, client_address)
        del self._connections[threading.current_thread()]

"""A real HTTP/1.1 server on loopback that serves pages of jobs, and any damage asked for.

Unlike the package's own embedded service it writes every byte itself, so that a test can send what
no HTTP library would.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from botocore.client import BaseClient


@dataclass
class Answer:
    """What goes over the wire: `body` under `headers`; of the body `sent` bytes, then `ending`."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_length: int | None = None
    sent: int | None = None
    ending: str = "keep"  # or "close", or "reset"
    raw: bytes | None = None

    def head(self) -> bytes:
        length = len(self.body) if self.content_length is None else self.content_length
        lines = [f"HTTP/1.1 {self.status} Whatever"]
        headers = {"Content-Type": "application/json", "x-amzn-RequestId": "id-1"} | self.headers
        if "Transfer-Encoding" not in headers and length >= 0:
            headers["Content-Length"] = str(length)
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


# One for all clients: it reads the service's model once.
_SESSION = boto3.Session(
    aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
)
Fault = Callable[[Answer], Answer]


def wire_job(number: int) -> dict[str, Any]:
    return {
        "RestoreJobId": f"job-{number:06}",
        "Status": "COMPLETED",
        "CreationDate": 1_700_000_000.123 + number,
        "PercentDone": "100.00%",
    }


class PageServer:
    """Serves `jobs` (as AWS spells them) in pages of `maxResults`."""

    def __init__(self, jobs: list[dict[str, Any]]) -> None:
        self.jobs = jobs
        self.requests: list[dict[str, str]] = []
        self.headers: list[str] = []
        self.ignores_max_results = False
        self.faults: list[tuple[int, int, Fault]] = []  # page from 1, how often, what
        self.next_faults: deque[Fault] = deque()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def fail(self, page: int, fault: Fault, *, times: int = 1_000_000) -> None:
        """Damage the next `times` answers with this page (1 is the first)."""
        self.faults.append((page, times, fault))

    def fail_next(self, *faults: Fault) -> None:
        """Damage the next answers, one each, whatever their page."""
        self.next_faults.extend(faults)

    def heal(self) -> None:
        self.faults.clear()
        self.next_faults.clear()

    def token(self, place: int) -> str:
        return f"token-{place}"

    def place(self, token: str) -> int | None:
        """Return where the page of a token starts; `None` if it is no token of this service."""
        number = token.removeprefix("token-")
        return int(number) if re.fullmatch(r"[0-9]{1,999}", number) else None

    def page(self, start: int, size: int) -> dict[str, Any]:
        stop = start + size
        return {
            "RestoreJobs": self.jobs[start:stop],
            "NextToken": self.token(stop) if stop < len(self.jobs) else None,
        }

    def client(self, *, attempts: int = 2) -> BaseClient:
        """Return a boto3 client of this server that retries quickly and not often."""
        client: BaseClient = _SESSION.client(
            "backup",
            endpoint_url=self.endpoint_url,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": attempts},
                max_pool_connections=50,
            ),
        )
        return client

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            received = b""
            while True:
                while b"\r\n\r\n" not in received:
                    chunk = connection.recv(65536)
                    if not chunk:
                        return
                    received += chunk
                head, _, received = received.partition(b"\r\n\r\n")
                answer = self._answer(head.decode("latin-1"))
                body = answer.body if answer.sent is None else answer.body[: answer.sent]
                connection.sendall(answer.head() + body if answer.raw is None else answer.raw)
                if answer.ending == "reset":
                    # A close with nothing lingering sends RST.
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if answer.ending != "keep":
                    return

    def _answer(self, head: str) -> Answer:
        target = head.split(" ", 2)[1]
        query = dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        start = self.place(query["nextToken"]) if "nextToken" in query else 0
        size = 1000 if self.ignores_max_results else int(query.get("maxResults", "1000"))
        with self._lock:
            self.requests.append(query)
            self.headers.append(head)
            if start is None:
                return Answer(
                    status=400,
                    body=b'{"Message": "no such token"}',
                    headers={"x-amzn-ErrorType": "InvalidParameterValueException"},
                )
            page = start // size + 1
            fault: Fault | None = None
            for index, (where, times, kind) in enumerate(self.faults):
                if where == page and times:
                    self.faults[index] = (where, times - 1, kind)
                    fault = kind
                    break
            if self.next_faults:
                fault = self.next_faults.popleft()
        answer = Answer(body=json.dumps(self.page(start, size)).encode())
        return answer if fault is None else fault(answer)

"""The raw HTTP server: it writes every byte itself, so it can send any damage.

It is for tests of what the package does with answers over a real socket, also with those that no
HTTP library would send.
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
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from botocore.client import BaseClient


@dataclass
class Answer:
    """One response, byte by byte.

    Attributes:
        status: the HTTP status.
        body: the body that the head speaks of.
        headers: in addition to the usual ones, or instead of them.
        content_length: another one than that of the body; -1 for none.
        sent: how many bytes of the body are sent.
        ending: what becomes of the connection: "keep", "close" or "reset".
        raw: sent instead of head and body.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_length: int | None = None
    sent: int | None = None
    ending: str = "keep"
    raw: bytes | None = None

    def head(self) -> bytes:
        """Return the status line and the headers."""
        length = len(self.body) if self.content_length is None else self.content_length
        lines = [f"HTTP/1.1 {self.status} Whatever"]
        headers = {"Content-Type": "application/json", "x-amzn-RequestId": "id-1"} | self.headers
        if "Transfer-Encoding" not in headers and length >= 0:
            headers["Content-Length"] = str(length)
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


Fault = Callable[[Answer], Answer]
# One for all clients: it reads botocore's model of AWS Backup once.
SESSION = boto3.Session(
    aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
)


def wire_job(number: int) -> dict[str, Any]:
    """Return a job as AWS spells it; each is created a second after the one before it."""
    return {
        "RestoreJobId": f"job-{number:06}",
        "Status": "COMPLETED",
        "CreationDate": 1_700_000_000.123 + number,
        "PercentDone": "100.00%",
    }


class PageServer:
    """Serves `jobs` in their order, in pages of `maxResults`, between the bounds of creation date.

    Attributes:
        jobs: as AWS spells them.
        requests: the query of each request so far.
        headers: the head of each request so far.
        ignores_max_results: whether all pages have 1,000 jobs.
    """

    def __init__(self, jobs: list[dict[str, Any]]) -> None:
        self.jobs = jobs
        self.requests: list[dict[str, str]] = []
        self.headers: list[str] = []
        self.ignores_max_results = False
        self._faults: list[tuple[int | None, int, Fault]] = []
        self._next_faults: deque[Fault] = deque()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def endpoint_url(self) -> str:
        """The URL for `endpoint_url` of a client."""
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

    def client(self, *, attempts: int = 2) -> BaseClient:
        """Return a boto3 client of this server."""
        client: BaseClient = SESSION.client(
            "backup",
            endpoint_url=self.endpoint_url,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": attempts},
                max_pool_connections=50,
            ),
        )
        return client

    def fail(self, page: int | None, fault: Fault, *, times: int = 1_000_000) -> None:
        """Damage the next `times` answers with this page (1 is the first, `None` any)."""
        self._faults.append((page, times, fault))

    def fail_next(self, *faults: Fault) -> None:
        """Damage the next answers, one each, whatever their page."""
        self._next_faults.extend(faults)

    def heal(self) -> None:
        """Send all further answers without damage."""
        self._faults.clear()
        self._next_faults.clear()

    @staticmethod
    def token(place: int, variant: int = 0) -> str:
        """Return a token for a place in the listing; each variant is a different token."""
        text = f"token-{place}-{variant}"
        return f"{text}-{_seal(text)}"

    @staticmethod
    def place(token: str) -> int | None:
        """Return the place of a token, also of a plain `token-7`; `None` if its seal is wrong."""
        found = re.fullmatch(r"(token-(\d{1,9})(?:-\d+)?)(?:-(\w+))?", token, re.ASCII)
        if found is None or found[3] not in {None, _seal(found[1])}:
            return None
        return int(found[2])

    def page(self, start: int, size: int, query: dict[str, str] | None = None) -> dict[str, Any]:
        """Return the page at a place as AWS spells it."""
        jobs = self.jobs
        if query and "createdAfter" in query:
            after = datetime.fromisoformat(query["createdAfter"]).timestamp()
            jobs = [job for job in jobs if job["CreationDate"] >= after]
        if query and "createdBefore" in query:
            before = datetime.fromisoformat(query["createdBefore"]).timestamp()
            jobs = [job for job in jobs if job["CreationDate"] <= before]
        stop = start + size
        return {
            "RestoreJobs": jobs[start:stop],
            "NextToken": self.token(stop) if stop < len(jobs) else None,
        }

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
            fault = self._next_fault(page=start // size + 1)
        return fault(Answer(body=json.dumps(self.page(start, size, query)).encode()))

    def _next_fault(self, page: int) -> Fault:
        if self._next_faults:
            return self._next_faults.popleft()
        for index, (where, times, fault) in enumerate(self._faults):
            if where in {page, None} and times:
                self._faults[index] = (where, times - 1, fault)
                return fault
        return lambda healthy: healthy


def _seal(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()

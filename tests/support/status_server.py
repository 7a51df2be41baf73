"""A server in its own process: each job that it lists has the requested status.

`python status_server.py [CERTIFICATE [twice]]` prints its URL, and ends with its standard input.
With a certificate and its key in one file, it serves TLS. With `twice`, it sends every other answer
twice, in one TLS record, and the first one fills the buffer of a reader exactly.
"""

from __future__ import annotations

import json
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

BUFFER = 8_192  # bytes that Python reads at once
COUNTS = {"PENDING": 3, "FAILED": 5, "COMPLETED": 9, "RUNNING": 11}


class Handler(BaseHTTPRequestHandler):
    """Answers after a moment, so that requests overlap."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answers_twice = False
    requests = 0

    def do_GET(self) -> None:
        """List the jobs."""
        (status,) = parse_qs(urlsplit(self.path).query)["status"]
        jobs = [{"RestoreJobId": str(number), "Status": status} for number in range(COUNTS[status])]
        body = json.dumps({"RestoreJobs": jobs}).encode()
        time.sleep(0.02)
        Handler.requests += 1
        if self.answers_twice and Handler.requests % 2:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {BUFFER - 44}\r\n\r\n".encode()
            self.wfile.write((head + body).ljust(BUFFER) + head + body.ljust(BUFFER - 44))
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def main(certificates: list[str]) -> None:
    """Serve until standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.answers_twice = "twice" in certificates
    for path in certificates[:1]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    scheme = "https" if certificates else "http"
    sys.stdout.write(f"{scheme}://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])

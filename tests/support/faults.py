"""Faults of the raw HTTP server, by name: each answer is no page, or not the requested one."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from support.raw_server import Answer, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(content: bytes, length: int | None = None) -> bytes:
    """Return a chunk of a chunked body, with its own length or with another one."""
    return b"%x\r\n%b\r\n" % (len(content) if length is None else length, content)


def body(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Fault:
    """Send another body."""
    return lambda _: Answer(status=status, body=content, headers=headers or {})


def edited(edit: Callable[[dict[str, Any]], object]) -> Fault:
    """Send the page after an edit of its JSON."""

    def fault(page: Answer) -> Answer:
        content = json.loads(page.body)
        edit(content)
        return Answer(body=json.dumps(content).encode())

    return fault


def member(name: str, value: object) -> Fault:
    """Send the page with another value of a member."""
    return edited(lambda content: content.update({name: value}))


def job(value: object) -> Fault:
    """Send the page with another eighth job, or with one more job if it has fewer."""
    return edited(lambda content: content["RestoreJobs"].__setitem__(slice(7, 8), [value]))


def raw(content: bytes, ending: str = "close") -> Fault:
    """Send these bytes instead of an HTTP response."""
    return lambda _: Answer(raw=content, ending=ending)


def with_prefix(content: bytes) -> Fault:
    """Send other members of the JSON object in front of those of the page."""
    return lambda page: Answer(body=content + page.body[1:])


_ERROR_BODIES = {
    "JSON": b'{"message": "No", "Code": "X"}',
    "HTML": b"<html><body>Bad</body></html>",
    "nothing": b"",
    "null": b"null",
    "list": b"[]",
    "invalid UTF-8": b"\xff\xfe",
    "brackets": b"[" * 100_000,
    "wrong types": b'{"message": 5, "__type": {}, "code": []}',
}


def errors(*statuses: int, bodies: Iterable[str] = _ERROR_BODIES) -> dict[str, Fault]:
    """Return an error with each status and each kind of body."""
    return {
        f"{status} {name}": body(_ERROR_BODIES[name], status)
        for status in statuses
        for name in bodies
    }


NO_LISTS: list[object] = [None, {}, {"a": 1}, "x", 5, True]
NO_TEXTS: list[object] = [5, 0, False, {}, [], ["x"]]
NO_OBJECTS: list[object] = [None, 5, [], "x", True]
# Faults after which a client tries again.
DAMAGE: dict[str, Fault] = {
    "html": body(b"<html><body>Sign in</body></html>", headers={"Content-Type": "text/html"}),
    "nothing": body(b""),
    "white space": body(b" \r\n "),
    "cut JSON": lambda page: Answer(body=page.body[: len(page.body) // 2]),
    "JSON without its last byte": lambda page: Answer(body=page.body[:-1]),
    "short body": lambda page: Answer(body=page.body, sent=len(page.body) // 2, ending="close"),
    "short body that is whole JSON": lambda _: Answer(
        body=b'{"RestoreJobs": []}', content_length=5000, ending="close"
    ),
    "trailing bytes": lambda page: Answer(body=page.body + b"garbage"),
    "trailing comma": lambda page: Answer(body=page.body + b","),
    "two documents": lambda page: Answer(body=page.body * 2),
    "list": body(b"[]"),
    "null": body(b"null"),
    "number": body(b"42"),
    "text": body(b'"x"'),
    "true": body(b"true"),
    "invalid UTF-8": lambda page: Answer(body=page.body.replace(b"job-", b"job\xff", 1)),
    "invalid UTF-8 in an unknown member": lambda page: Answer(
        body=page.body.replace(b'"PercentDone"', b'"New": "\xff", "PercentDone"', 1)
    ),
    "NULs": body(b"\0" * 500),
    "NUL after it": lambda page: Answer(body=page.body + b"\0"),
    "byte order mark": lambda page: Answer(body=b"\xef\xbb\xbf" + page.body),
    "UTF-16": lambda page: Answer(body=page.body.decode().encode("utf-16")),
    "gzip": lambda page: Answer(
        body=gzip.compress(page.body), headers={"Content-Encoding": "gzip"}
    ),
    "RestoreJobs twice": with_prefix(b'{"RestoreJobs": [{"RestoreJobId": "hidden"}],'),
    "RestoreJobs twice, once escaped": with_prefix(
        rb'{"Restore\u004aobs": [{"RestoreJobId": "hidden"}],'
    ),
    "RestoreJobs twice, among brackets": with_prefix(
        b'{"Odd": ["]"], "RestoreJobs": [{"StatusMessage": "[x]"}],'
    ),
    "NextToken twice": with_prefix(b'{"NextToken": "hidden",'),
    "NextToken twice, then null": lambda page: Answer(
        body=page.body[:-1] + b', "NextToken": "hidden", "NextToken": null}'
    ),
    "NextToken with a lone surrogate": member("NextToken", "\ud800"),
    "100,000 opening brackets": body(b"[" * 100_000),
    "100,000 opening braces": body(b'{"a":' * 100_000),
    "message": body(b'{"message": "Internal error"}'),
    "error type": body(b'{"__type": "InternalFailure"}'),
    "NextToken null alone": body(b'{"NextToken": null}'),
    "NextToken empty alone": body(b'{"NextToken": ""}'),
    "other case": body(b'{"restoreJobs": [], "nextToken": null}'),
    "RestoreJobs by another name": edited(
        lambda content: content.update(RestoreJobz=content.pop("RestoreJobs"))
    ),
    **{f"RestoreJobs {value!r}": member("RestoreJobs", value) for value in NO_LISTS},
    **{f"NextToken {value!r}": member("NextToken", value) for value in NO_TEXTS},
    **{f"job {value!r}": job(value) for value in NO_OBJECTS},
    "RestoreJobId number": job({"RestoreJobId": 5}),
    "CreationDate text": job({"CreationDate": "yesterday"}),
    "CreationDate naive": job({"CreationDate": "2026-01-01T00:00:00"}),
    "CreationDate boolean": job({"CreationDate": True}),
    "CreationDate NaN": job({"CreationDate": float("nan")}),
    "CreationDate infinite": job({"CreationDate": float("inf")}),
    "CreationDate far": job({"CreationDate": 1e18}),
    "Status number": job({"Status": 3}),
    "Status list": job({"Status": []}),
    "CreatedBy text": job({"CreatedBy": "plan"}),
    "BackupSizeInBytes text": job({"BackupSizeInBytes": "many"}),
    "PercentDone number": job({"PercentDone": 40}),
    "IsParent text": job({"IsParent": "perhaps"}),
    "204": body(b"", 204),
    "205": body(b"", 205),
    "206 html": body(b"<html></html>", 206),
    "closed before": raw(b""),
    "reset before": raw(b"", ending="reset"),
    "closed in the head": raw(b"HTTP/1.1 200 OK\r\nContent-"),
    "reset in the body": lambda page: Answer(
        body=page.body, sent=len(page.body) // 2, ending="reset"
    ),
    "no HTTP": raw(b"220 mail.example ESMTP\r\n\r\n"),
    "cut in a chunk": lambda page: Answer(
        raw=CHUNKED + chunk(page.body[:99], len(page.body)), ending="close"
    ),
    "last chunk missing": lambda page: Answer(raw=CHUNKED + chunk(page.body), ending="close"),
    **errors(500, 503),
    **errors(429, 502, 504, bodies=["HTML", "nothing"]),
    "throttled": body(b'{"message": "Rate exceeded"}', 400, {"x-amzn-ErrorType": "Throttling"}),
}
# Faults after which a client does not try again.
REFUSALS: dict[str, Fault] = {
    "300": body(b"", 300),
    "301": body(b"", 301, {"Location": "http://127.0.0.1:9/"}),
    "302": body(b"<html>moved</html>", 302, {"Location": "http://127.0.0.1:9/"}),
    "304": body(b"", 304),
    **errors(400, 403, 404, 418),
}
FAULTS = DAMAGE | REFUSALS

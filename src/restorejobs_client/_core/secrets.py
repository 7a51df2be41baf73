"""What no error and no log may show: credentials, signatures and the passwords in URLs.

A call knows what it sends, so exactly these values are removed, however they come back. Patterns
remove the credentials of others. They are narrow, so that ARNs, names and ids stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from html.entities import html5
from typing import Any, Final, cast
from urllib.parse import unquote

from restorejobs_client._core.text import clipped, digits, printable

_LONGEST: Final = 2_000  # characters that are kept of a text from outside
_SHORTEST: Final = 8  # characters of a credential; shorter ones are only in tests, and are words
_SHORTEST_PASSWORD: Final = 4
_SECRET_NAME: Final = re.compile("(?i)auth|cookie|token|credential|secret|signature|password")
_PERCENT: Final = "%(?:25){0,4}"  # quoted up to five times
_BACKSLASHES: Final = r"\\{1,8}"  # twice as many in each text inside another one
_END: Final = f"(?:;|{_PERCENT}3b)"  # of an entity of HTML
_SIGNED: Final = re.compile(r"Credential=([^/]+)/|Signature=(\w+)")
_URL: Final = re.compile(  # a password may have spaces where quotes show the end of the URL
    r"""(?<=")\w+:/[^"]* | (?<=')\w+:/[^']* | (?: : | /)/[^\s"'<>]*""", re.VERBOSE
)
_LOGIN: Final = re.compile(r"^(\w*:/+|//)?(.*)@", re.DOTALL)  # a password may have an @
_NAMED: Final = re.compile(  # linear, because repetitions without an end are possessive
    r"""
    (?P<name>
      (?=[acprsACPRS])  # halves the time
      (?i: credential | signature | authorization | password | client[-_]?secret
        | (?:security|session|access|refresh)[-_ ]?token | secret[-_ ]?(?:access[-_ ]?)?key )
      (?: (?:[\\"'\s]++|&quot;)*+  # what separates a name and its value in JSON, HTML or a repr
          (?: =>? | [:>|;] | (?<=["']), | %(?:25)*+3[ADad] | &\#61; | u003[Dd] )
          (?:[\\"'\s]++|&quot;|b['"])*+
        | \s++(?=\S{20}) )
    )
    (?: (?<=")[^"\\]+ | (?<=')[^'\\]+
      | (?i:(?:basic|bearer|digest|negotiate)\s+)?+ [^\s,&"'<>\\)]{4,} )
    | (?<![A-Za-z0-9]) (?:AKIA|ASIA)[A-Z0-9]{16} (?![A-Za-z0-9])
    """,
    re.VERBOSE,
)


class Secrets:
    """The values that a call must not show. Neither its `repr` nor `vars` shows them.

    Args:
        urls: those that may have a user and a password.
        headers: those of a signed request.
    """

    __slots__ = ("_values",)

    def __init__(
        self, urls: Iterable[str | None] = (), headers: Mapping[str, str | bytes] | None = None
    ) -> None:
        values: list[str] = []
        for url in filter(None, urls):
            for spelling in (url, unquote(url)):
                login = _LOGIN.match(spelling)
                user, _, password = (login[2] if login else "").partition(":")
                values += [password.strip()] * (len(password) >= _SHORTEST_PASSWORD)
                values += [user] * (len(user) >= _SHORTEST)
        for name, header in (headers or {}).items():
            value = header.decode(errors="replace") if isinstance(header, bytes) else header
            if _SECRET_NAME.search(name):
                parts = ["".join(one) for one in _SIGNED.findall(value)] or [value]
                values += [one.strip() for one in parts if len(one) >= _SHORTEST]
        self._values = sorted(set(values), key=len, reverse=True)

    def removed_from(self, text: str) -> str:
        """Return the text with `***` for each value, in any spelling, also if its end was cut."""
        for value in self._values:
            spelled = [_spelled(character) for character in value]
            pattern = f"{re.escape(value)}|{''.join(spelled)}"
            if len(value) > _SHORTEST:
                pattern += f"|{''.join(spelled[:_SHORTEST])}[^\\s\"'<>]*"
            text = re.sub(pattern, "***", text)
        return text


@cache
def _spelled(character: str) -> str:
    """Return a pattern for a character as it is, or as URLs, HTML, JSON and reprs escape it."""
    if character.isascii() and character.isalnum():
        return character
    code, octets = ord(character), character.encode(errors="surrogatepass")
    names = "".join(f"|{name[:-1]}" for name, meant in html5.items() if meant == character)
    number = rf"(?:\#|{_PERCENT}23)(?:0{{0,4}}{code}|x0{{0,4}}{code:x})"
    spellings = [
        rf"(?:&|{_PERCENT}26)(?:amp{_END}){{0,4}}(?:{number}{names}){_END}",
        "".join(f"{_PERCENT}{octet:02x}" for octet in octets),
        "".join(rf"{_BACKSLASHES}x{octet:02x}" for octet in octets),
        rf"{_BACKSLASHES}[ux]0{{0,4}}{code:x}",
        re.escape(json.dumps(character)[1:-1]).replace(r"\\", _BACKSLASHES),
        rf"(?:{_BACKSLASHES})?{re.escape(character)}",
    ]
    return f"(?i:(?>{'|'.join(spellings)}))"  # atomic, so that the search takes linear time


def redacted(text: str, secrets: Secrets | None = None) -> str:
    """Return the text with `***` for these secrets, and for what looks like a credential."""
    if secrets is not None:
        text = secrets.removed_from(text)
    text = _URL.sub(lambda url: without_login(url[0]), text)
    return _NAMED.sub(lambda match: f"{match['name'] or ''}***", text)


def without_login(url: str) -> str:
    """Return a URL, valid or not, with `***` for its user and password."""
    return _LOGIN.sub(r"\1***@", url)


def cleaned(value: Any, secrets: Secrets | None = None) -> Any:  # noqa: ANN401  # any part of a response
    """Return a value from outside, at any depth, as texts that are safe to show and not long."""
    if isinstance(value, str):
        text = redacted(value[: 10 * _LONGEST], secrets)
        size = f" ({digits(len(value))} characters)" if len(value) > _LONGEST else ""
        return printable(clipped(text, _LONGEST) + size)
    if isinstance(value, list):
        return [cleaned(one, secrets) for one in cast("list[object]", value)]
    if isinstance(value, Mapping):
        return {
            cleaned(name): "***" if _SECRET_NAME.search(str(name)) else cleaned(one, secrets)
            for name, one in cast("Mapping[object, object]", value).items()
        }
    return value

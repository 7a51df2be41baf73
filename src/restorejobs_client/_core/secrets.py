"""What no error and no log may show: credentials, signatures and the passwords in URLs.

A call knows what it sends, so exactly these values are removed, however they come back. Patterns
remove the credentials of others. They are narrow, so that ARNs, names and ids stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any, Final, cast

from restorejobs_client._core.text import clipped, digits, printable

_LONGEST: Final = 2_000  # characters that are kept of a text from outside
_SHORTEST: Final = 8  # characters of a credential; shorter ones are only in tests, and are words
_SHORTEST_PASSWORD: Final = 4
_ESCAPES: Final = re.compile(
    r"(?s)((?:(?:\\x|%)[0-9A-Fa-f]{2})+)|((?:\\u[0-9A-Fa-f]{4})+)|\\U([0-9A-Fa-f]{8})|\\(.)"
)
_OCTET: Final = re.compile(r"\\x|%")
_IN_LATIN_1: Final = {0xDC00 + octet: octet for octet in range(0x80, 0x100)}  # what is not UTF-8
_SECRET_NAME: Final = re.compile("(?i)auth|cookie|token|credential|secret|signature|password")
_SIGNED: Final = re.compile(r"(?<=Credential=)[^/]+|(?<=Signature=)\w+")
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
      (?: [\\"'\s]*+ (?: =>? | [:>|;] | (?<=["']), ) (?:[\\"'\s]++|b['"])*+ | \s++(?=\S{20}) )
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

    __slots__ = ("_patterns", "values")

    def __init__(
        self, urls: Iterable[object] = (), headers: Mapping[object, object] | None = None
    ) -> None:
        found: list[tuple[str, int]] = []  # with the least length
        for url in filter(None, map(_as_text, urls)):
            for login in map(_LOGIN.match, (url, _decoded(url))):
                user, _, password = (login[2] if login else "").partition(":")
                found += [(user, _SHORTEST), (password, _SHORTEST_PASSWORD)]
        for name, header in (headers or {}).items():
            if _SECRET_NAME.search(str(name)):
                value = _as_text(header)
                found += [(part, _SHORTEST) for part in _SIGNED.findall(value) or [value]]
        values = {one for value, least in found if len(one := _decoded(value).strip()) >= least}
        self.values: list[str] = sorted(values, key=len, reverse=True)
        self._patterns: list[re.Pattern[str]] = []
        for value in self.values:
            spelt = ["[ +]" if one == " " else re.escape(one) for one in value]  # + in forms
            start, rest = "".join(spelt[:_SHORTEST]), "?+".join([*spelt[_SHORTEST:], ""])
            pattern = rf"{''.join(spelt)}|{start}{rest}[^\s\"'<>]*"  # the end may be cut
            self._patterns.append(re.compile(pattern))

    def removed_from(self, text: str) -> str:
        """Return the text with `***` for each value, and for what looks like a credential."""
        for pattern in self._patterns:
            text = pattern.sub("***", text)
        text = _URL.sub(lambda url: without_login(url[0]), text)
        return _NAMED.sub(lambda match: f"{match['name'] or ''}***", text)


def _as_text(value: object) -> str:
    """Return text or bytes as text. Anything else, which a handler may set, is no text."""
    value = value.decode(errors="replace") if isinstance(value, bytes) else value
    return value if isinstance(value, str) else ""


def _decoded(text: str, known: Iterable[str] = ()) -> str:
    """Return the text as it was before URLs, HTML, JSON or a repr, or several, have escaped it.

    Known values become `***` before decoding takes the start of one for the end of an escape.
    """
    for _ in range(9):  # it may have been escaped more than once
        for value in known:
            text = text.replace(value, "***")
        text = unescape(_ESCAPES.sub(_unescaped, text))
    return text


def _unescaped(match: re.Match[str]) -> str:
    octets, units, code_point, character = match.groups()
    if octets:
        text = bytes.fromhex(_OCTET.sub("", octets)).decode(errors="surrogateescape")
        return text.translate(_IN_LATIN_1)
    if units:
        return bytes.fromhex(units.replace(r"\u", "")).decode("utf-16-be", errors="replace")
    if code_point:
        return bytes.fromhex(code_point).decode("utf-32-be", errors="replace")
    return {"n": "\n", "r": "\r", "t": "\t"}.get(character, character)


def redacted(text: str, secrets: Secrets | None = None) -> str:
    """Return the text with `***` for these secrets, and for what looks like a credential.

    If some of them are only found in the decoded text, that is returned.
    """
    known = secrets or Secrets()
    shown, decoded = known.removed_from(text), known.removed_from(_decoded(text, known.values))
    return shown if _decoded(shown) == decoded else decoded


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
            cleaned(name, secrets): "***"
            if _SECRET_NAME.search(str(name))
            else cleaned(one, secrets)
            for name, one in cast("Mapping[object, object]", value).items()
        }
    return value

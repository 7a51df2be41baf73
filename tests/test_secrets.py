"""No error, log or repr shows a credential or a password; other texts stay as they are."""

from __future__ import annotations

import html
import io
import json
import logging
import pickle
import string
import time
import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock
from urllib.parse import quote, quote_plus

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from support.raw_server import Answer, PageServer

from restorejobs_client import (
    CredentialsError,
    MalformedResponseError,
    RestoreJobsClient,
    RestoreJobsError,
    ServiceError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ONE_TRY: Any = {"mode": "standard", "total_max_attempts": 1}
KEY_ID = "AKIA" + "TESTING0" * 2  # from parts, so that nothing here looks like a credential
TOKEN = "Testing/" * 12 + "=="
PASSWORD = "hidden-testing"
CHUNK = st.text(string.ascii_letters + string.digits, min_size=9, max_size=12).map("Zq7".__add__)


@pytest.fixture(scope="module")
def pages() -> Iterator[PageServer]:
    """Return a server that all generated tests share."""
    with PageServer([]) as server:
        yield server


def client_of(endpoint_url: str, *, token: str = TOKEN, **settings: Any) -> RestoreJobsClient:
    """Return a client that sends these credentials once."""
    session = boto3.Session(KEY_ID, "testing" * 6, token, region_name="eu-west-1")
    config = Config(retries=ONE_TRY, **settings)
    return RestoreJobsClient(session=session, endpoint_url=endpoint_url, config=config)


URL = f"http://user:{PASSWORD}@127.0.0.1:1"


def error_of(client: RestoreJobsClient) -> RestoreJobsError:
    """Return the error of a listing."""
    with pytest.raises(RestoreJobsError) as caught:
        client.list_restore_jobs().first()
    return caught.value


def everything(error: BaseException) -> str:
    """Return all that could be shown or kept of an error, of its causes and of its contexts.

    Of the tracebacks, only the part after the call in a test counts.
    """
    shown: list[str] = [pickle.dumps(error).decode("latin-1")]
    one: BaseException | None = error
    while one is not None:
        tb = one.__traceback__
        while tb is not None and tb.tb_frame.f_code.co_filename == __file__:
            tb = tb.tb_next
        lines = traceback.TracebackException(type(one), one, tb, capture_locals=True)
        shown += [*lines.format(chain=False), repr(one), repr(vars(one)), repr(one.args)]
        one = one.__cause__ or one.__context__
    return "\n".join(shown)


@pytest.mark.parametrize(
    "arguments",
    [
        {"aws_access_key_id": "testing", "aws_secret_access_key": PASSWORD},
        {"endpoint": URL},
        {"endpoint_url": URL, "region": "eu-west-1"},
        {"endpoint_url": URL, "client": 5},
        {"endpoint_url": URL, "session": 5},
        {"endpoint_url": URL, "session": MagicMock()},
        {"endpoint_url": URL, "session": MagicMock(**{"client.return_value": object()})},
        {"endpoint_url": URL, "profile_name": "a", "session": 5},
        {"endpoint_url": URL, "profile_name": "no such profile"},
        {"endpoint_url": f"{URL} x", "region_name": "eu-west-1"},
    ],
)
def test_no_traceback_shows_what_a_client_is_made_from(arguments: dict[str, Any]) -> None:
    """Whatever the arguments of a refused client are, no variable of a traceback holds them."""
    with pytest.raises(RestoreJobsError) as caught:
        RestoreJobsClient(**arguments)
    assert PASSWORD not in everything(caught.value)


def test_no_traceback_shows_a_client_that_cannot_be_pickled() -> None:
    """The error of a client with a password in its URL does not show that."""
    client = RestoreJobsClient(endpoint_url=URL, region_name="eu-west-1")
    with pytest.raises(RestoreJobsError) as caught:
        pickle.dumps(client)
    assert PASSWORD not in everything(caught.value)


# What a call knows


def _special(escape: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that escapes everything but letters and digits."""
    return lambda text: "".join(one if one.isalnum() else escape(one) for one in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL": lambda text: quote(text, safe=""),
    "URL, lower case": _special(lambda one: f"%{ord(one):02x}"),
    "form": quote_plus,
    "HTML": html.escape,
    "HTML, decimal": _special(lambda one: f"&#{ord(one)};"),
    "HTML, hexadecimal": _special(lambda one: f"&#x{ord(one):02X};"),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, code points": _special(lambda one: f"\\u{ord(one):04x}"),
    "escaped slashes": lambda text: text.replace("/", "\\/"),
    "bytes": lambda text: repr(text.encode())[2:-1],
    "ASCII": lambda text: ascii(text)[1:-1],
}


@given(
    chunks=st.lists(CHUNK, min_size=2, max_size=8),
    specials=st.lists(st.sampled_from("/+=-_.~"), min_size=8, max_size=8),
    spellings=st.lists(st.sampled_from(sorted(SPELLINGS)), max_size=3),
    around=st.sampled_from(["<b>%s</b>", "token: %s", "X-Amz-Security-Token => %s", "('a', '%s')"]),
    status=st.sampled_from([200, 400, 403, 502]),
    is_json=st.booleans(),
    cut=st.integers(0, 40),
)
def test_no_error_shows_the_token_of_its_call(  # noqa: PLR0913, PLR0917  # generated
    pages: PageServer,
    chunks: list[str],
    specials: list[str],
    spellings: list[str],
    around: str,
    status: int,
    is_json: bool,  # noqa: FBT001
    cut: int,
) -> None:
    """However the answer spells or cuts the session token, no error shows a part of it."""
    token = "".join(map("".join, zip(chunks, specials, strict=False)))
    spelled = token[: max(len(token) - cut, 9)]
    for name in spellings:
        spelled = SPELLINGS[name](spelled)
    text = around % spelled
    body = json.dumps({"message": text}) if is_json else text
    pages.heal()
    pages.fail(None, lambda _: Answer(status=status, body=body.encode()))
    error = error_of(client_of(pages.endpoint_url, token=token))
    shown = everything(error)
    assert not [one for one in chunks if one in shown]
    assert "***" in str(error)


@pytest.mark.parametrize(
    "around", ["LIKE '%{}%'", "\\x{}", "\\u{}", "C:\\{}", "100%{}", "&#{};", "{}%"]
)
@pytest.mark.parametrize("token", ["1eb218dae4f5" * 5, "12345678" * 4, "abc+/def=" * 3, "41=/" * 4])
def test_what_looks_like_an_escape_hides_no_token(
    server: PageServer, around: str, token: str
) -> None:
    """A percent sign or a backslash before a token is not taken for a part of it."""
    body = json.dumps({"message": around.format(token)}).encode()
    server.fail_next(lambda _: Answer(status=403, body=body))
    shown = everything(error_of(client_of(server.endpoint_url, token=token)))
    assert not [token[place:] for place in range(len(token) - 5) if token[place:] in shown]


@pytest.mark.parametrize("password", ["pässwort-2026", "ключ-2026", "key-\U0001f511-2026"])
@pytest.mark.parametrize("spell", [str, ascii, quote, html.escape, json.dumps])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_password_in_any_encoding_is_removed(
    server: PageServer, password: str, spell: Callable[[str], str], encoding: str
) -> None:
    """A proxy may answer in UTF-8, in Latin-1 or with escapes of any kind."""
    url = server.endpoint_url.replace("://", f"://user:{quote(password, safe='')}@")
    body = f"<html>user/{spell(password)} refused".encode(encoding, errors="backslashreplace")
    server.fail_next(lambda _: Answer(status=502, body=body))
    assert "2026" not in everything(error_of(client_of(url)))


def test_password_in_a_latin_1_url_is_removed(server: PageServer) -> None:
    """A URL may have the octets of another encoding than UTF-8."""
    url = server.endpoint_url.replace("://", "://user:p%E4sswort-2026@")
    body = json.dumps({"message": "user with pässwort-2026"}).encode()
    server.fail_next(lambda _: Answer(status=403, body=body))
    assert str(error_of(client_of(url))).endswith("user with ***")


def test_proxy_of_an_environment_that_has_changed_is_removed(
    server: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore uses the proxy that the environment named when the client was made."""
    with monkeypatch.context() as patch:
        patch.setenv("http_proxy", server.endpoint_url.replace("://", f"://bob:{PASSWORD}@"))
        client = client_of("http://192.0.2.1")
    server.fail_next(lambda _: Answer(status=403, body=f"bob/{PASSWORD}".encode()))
    error = error_of(client)
    assert len(server.requests) == 1
    assert PASSWORD not in everything(error)


def test_token_in_the_name_of_a_header_is_removed(server: PageServer) -> None:
    """Neither the names nor the values of the headers that an error keeps have the token."""
    token = "testing" * 5  # botocore makes names lower case
    server.fail_next(lambda _: Answer(status=403, body=b"{}", headers={f"X-Echo-{token}": token}))
    assert token not in everything(error_of(client_of(server.endpoint_url, token=token)))


def test_request_id_that_is_the_token_is_not_logged(
    server: PageServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The line of a page in the log has the request id without what the call has sent."""
    server.fail_next(lambda page: Answer(body=page.body, headers={"x-amzn-RequestId": TOKEN}))
    with caplog.at_level("DEBUG", "restorejobs_client"):
        client_of(server.endpoint_url).list_restore_jobs().first()
    (line,) = [one.getMessage() for one in caplog.records if "page of" in one.getMessage()]
    assert line.endswith("request ***")


def test_broken_credentials_file_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The cause names the file, and not the line that botocore could not read."""
    file, token = tmp_path / "credentials", "Testing" * 5
    file.write_text(f"[default]\naws_session_token =\n{token}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    with pytest.raises(RestoreJobsError, match="Unable to parse config file") as caught:
        RestoreJobsClient(region_name="eu-west-1")
    assert token not in everything(caught.value)


def test_no_traceback_shows_the_headers_of_a_damaged_page(server: PageServer) -> None:
    """A proxy that sends the token back in a header of a damaged page does not show it either."""
    server.fail(None, lambda _: Answer(body=b"<html>", headers={"X-Echo": TOKEN}))
    assert TOKEN not in everything(error_of(client_of(server.endpoint_url)))


@pytest.mark.parametrize("value", [KEY_ID, TOKEN, "Signature"])
def test_only_the_secret_is_removed(server: PageServer, value: str) -> None:
    """The text around a credential stays, in the message, the response and the cause."""

    def echo(_: Answer) -> Answer:
        signature = server.headers[-1].partition("Signature=")[2][:64]
        secret = signature if value == "Signature" else value
        return Answer(status=403, body=json.dumps({"message": f"before {secret}, after"}).encode())

    server.fail_next(echo)
    error = error_of(client_of(server.endpoint_url))
    assert isinstance(error, ServiceError)
    assert isinstance(error.__cause__, ClientError)
    for text in (str(error), str(error.__cause__), error.response["Error"]["Message"]):
        assert text.endswith("before ***, after")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\nX", "\x00", " \n "])
@pytest.mark.parametrize("name", ["aws_access_key_id", "aws_session_token"])
def test_malformed_credentials_are_not_shown(name: str, ending: str) -> None:
    """A credential that cannot be sent, for example because of a newline, is not shown."""
    credentials: dict[str, Any] = {"aws_access_key_id": KEY_ID, "aws_session_token": TOKEN}
    credentials[name] += ending
    session = boto3.Session(aws_secret_access_key="testing", **credentials)
    client = RestoreJobsClient(
        session=session, region_name="eu-west-1", endpoint_url="http://127.0.0.1:9"
    )
    shown = everything(error_of(client))
    assert KEY_ID not in shown
    assert TOKEN[:16] not in shown


def test_text_is_cut_after_secrets_are_removed(server: PageServer) -> None:
    """A damaged page is shown by its beginning, which has no part of a token."""
    server.fail_next(lambda _: Answer(body=f"<html>{'.' * 48}{TOKEN}".encode()))
    error = error_of(client_of(server.endpoint_url))
    assert isinstance(error, MalformedResponseError)
    assert "Test" not in str(error)
    assert "<html>" in str(error)


def test_cut_token_is_removed_at_once(server: PageServer) -> None:
    """A long token of which only the end is missing does not make the search slow."""
    token = "Ab1/" * 60
    server.fail_next(lambda _: Answer(status=403, body=token[:-3].encode()))
    started = time.process_time()
    error = error_of(client_of(server.endpoint_url, token=token))
    assert time.process_time() - started < 1
    assert "Ab1" not in str(error)


def test_huge_message_is_cut(server: PageServer) -> None:
    """A message of 5 MB is cut in well under a second, and the error says how long it was."""
    body = json.dumps({"message": f"Signature={TOKEN} " * 45_000}).encode()
    server.fail_next(lambda _: Answer(status=400, body=body))
    client = client_of(server.endpoint_url)
    started = time.process_time()
    error = error_of(client)
    assert time.process_time() - started < 1
    assert len(everything(error)) < 50_000
    assert f"{len(body) // 1_000_000}," in str(error)
    assert "characters" in str(error)


# URLs


def fail(**settings: Any) -> None:
    """Check the reprs of a client and its listing, and list."""
    client = RestoreJobsClient(**settings)
    listing = client.list_restore_jobs()
    assert PASSWORD not in f"{client!r} {listing!r} {listing._repr_html_()}"
    listing.first()


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{PASSWORD}@127.0.0.1:9",
        f"http://user:p@{PASSWORD}@127.0.0.1:9",
        f"http://user:p {PASSWORD}@127.0.0.1:9",
        f"http://user:{PASSWORD}/x@127.0.0.1:9",
        f"http://user:{PASSWORD}?x@127.0.0.1:9",
        f"http://user:{PASSWORD}\\@127.0.0.1:9",
        f"http://user:{PASSWORD}%40127.0.0.1:9",
        f"http://user:{quote(PASSWORD + '/é')}@127.0.0.1:9",
        f"http:/user:{PASSWORD}@127.0.0.1:9",
        f"http://user:{PASSWORD}@ho st:9",
        f"user:{PASSWORD}@127.0.0.1:9",
        f"http://user:{PASSWORD}@",
    ],
)
@pytest.mark.parametrize("source", ["argument", "environment", "proxy"])
def test_password_in_a_url_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, url: str, source: str
) -> None:
    """Neither an error nor a repr shows the password of an endpoint or a proxy, valid or not."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    settings: dict[str, Any] = {"config": Config(retries=ONE_TRY), "region_name": "eu-west-1"}
    if source == "argument":
        settings["endpoint_url"] = url
    elif source == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    else:
        settings["config"] = Config(retries=ONE_TRY, proxies={"http": url})
        settings["endpoint_url"] = "http://192.0.2.1"
    with pytest.raises(RestoreJobsError) as caught:
        fail(**settings)
    assert PASSWORD not in everything(caught.value)


def test_short_password_is_removed(server: PageServer) -> None:
    """A password of four to eight characters is removed wherever the answer repeats it."""
    url = server.endpoint_url.replace("://", "://user:pa55wd@")
    server.fail_next(lambda _: Answer(status=403, body=b'{"message": "user with pa55wd"}'))
    error = error_of(client_of(url))
    assert str(error).endswith("user with ***")
    assert "pa55wd" not in everything(error)


@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
@pytest.mark.parametrize("cut", [0, 3])
def test_password_with_any_character_is_removed(
    server: PageServer, spelling: str, cut: int
) -> None:
    """A password that an answer repeats is removed to its end, even if it has quotes and spaces."""
    password = "Zq1-abcde\"Zq2 abc<Zq3'abc\\&Zq4/abcdef"
    url = server.endpoint_url.replace("://", f"://user:{quote(password, safe='')}@")
    repeated = SPELLINGS[spelling](password[: len(password) - cut])
    body = json.dumps({"message": f"wrong: {repeated}"}).encode()
    server.fail_next(lambda _: Answer(status=403, body=body))
    error = error_of(client_of(url))
    assert "wrong: ***" in str(error)
    assert not [part for part in ("Zq1", "Zq2", "Zq3", "Zq4") if part in everything(error)]


def test_refused_endpoint_is_shown_without_its_password() -> None:
    """The error shows the rest of the URL, so that the user sees what is wrong."""
    with pytest.raises(RestoreJobsError, match=r"endpoint_url '\*\*\*@host' is refused"):
        RestoreJobsClient(region_name="eu-west-1", endpoint_url=f"user:{PASSWORD}@host")


def test_repr_of_a_client_that_could_not_be_made() -> None:
    """Debuggers can show a client whose constructor has raised."""
    assert repr(RestoreJobsClient.__new__(RestoreJobsClient)) == "RestoreJobsClient()"


# What others raise


def test_error_of_a_credential_provider_is_not_chained() -> None:
    """What a provider raises is a `CredentialsError` with its type and text, without secrets."""

    def refresh() -> dict[str, str]:
        raise RuntimeError(f"vault says {{'SecretAccessKey': '{PASSWORD}'}}")

    core = botocore.session.get_session()
    past = datetime.now(UTC) - timedelta(hours=1)
    core._credentials = RefreshableCredentials("a", "b", "c", past, refresh, "vault")  # type: ignore[attr-defined]  # noqa: SLF001  # as botocore documents
    session = boto3.Session(botocore_session=core, region_name="eu-west-1")
    error = error_of(RestoreJobsClient(session=session, endpoint_url="http://127.0.0.1:9"))
    assert isinstance(error, CredentialsError)
    assert "RuntimeError: vault says {'SecretAccessKey': '***'}" in str(error)
    assert PASSWORD not in everything(error)


@pytest.mark.parametrize("output", ["{{'SecretAccessKey': '{}'", "password={}", '{{"Token": "{}'])
def test_output_of_a_credential_process_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: str
) -> None:
    """If a `credential_process` prints no JSON, no error keeps what it has printed."""
    (tmp_path / "output").write_text(output.format(PASSWORD))
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = cat {tmp_path / 'output'}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    with pytest.raises(CredentialsError, match="JSONDecodeError") as caught:
        RestoreJobsClient(region_name="eu-west-1", endpoint_url="http://127.0.0.1:9")
    assert "endpoint" not in str(caught.value)
    assert PASSWORD not in everything(caught.value)


def test_handler_that_raises_the_request_shows_no_secret(server: PageServer) -> None:
    """An exception of an event handler is shown by its type and text, without the headers."""

    def fail(request: Any, **_: object) -> None:
        raise LookupError(f"cannot send {dict(request.headers)}", request)

    session = boto3.Session(KEY_ID, "testing", TOKEN, region_name="eu-west-1")
    boto3_client: Any = session.client("backup", endpoint_url=server.endpoint_url)
    boto3_client.meta.events.register("before-send.backup", fail)
    error = error_of(RestoreJobsClient(client=boto3_client))
    assert isinstance(error, TransportError)
    assert "LookupError" in str(error)
    shown = everything(error)
    assert TOKEN not in shown
    assert KEY_ID not in shown


def test_cause_keeps_nothing_but_its_text(server: PageServer) -> None:
    """botocore's exception is the cause, without its notes, the request and other attributes."""

    def fail(**_: object) -> None:
        error = ClientError({"Error": {"Code": "X", "Message": "no"}}, "ListRestoreJobs")
        error.add_note(TOKEN)
        vars(error)["request"] = TOKEN
        raise error

    boto3_client: Any = server.client()
    boto3_client.meta.events.register("before-call.backup", fail)
    error = error_of(RestoreJobsClient(client=boto3_client))
    assert isinstance(error.__cause__, ClientError)
    assert TOKEN not in everything(error)
    assert error.__cause__.response["Error"]["Code"] == "X"


# Patterns


@pytest.mark.parametrize(
    "text",
    [
        f"Credential={KEY_ID}/20260101/us-east-1/backup/aws4_request",
        f"the key {KEY_ID} is not known",
        f"Signature={TOKEN}",
        f"X-Amz-Signature%3D{TOKEN}",
        f"X-Amz-Signature%253D{TOKEN}",
        f"Signature&#61;{TOKEN}",
        f"Signature\\u003d{TOKEN}",
        f"x-amz-security-token:{TOKEN}",
        f"x-amz-security-token => {TOKEN}",
        f"X-Amz-Security-Token | {TOKEN}",
        f"X-Amz-Security-Token {TOKEN}",
        f'"SessionToken": "{TOKEN}"',
        f'{{"body": "{{\\"X-Amz-Security-Token\\": \\"{TOKEN}\\"}}"}}',
        f"<SecurityToken>{TOKEN}</SecurityToken>",
        f"('X-Amz-Security-Token', '{TOKEN}')",
        f"b'x-amz-security-token': b'{TOKEN}'",
        f"aws_secret_access_key = {TOKEN}",
        f"Authorization: Basic {TOKEN}",
        f"Proxy-Authorization: Bearer {TOKEN}",
        f"password='{TOKEN}'",
        f"http://user:{TOKEN}@proxy:3128/",
        f'"http://user:a {TOKEN}@proxy:3128/"',
    ],
)
def test_credentials_of_others_are_removed(text: str) -> None:
    """What looks like a credential is removed, even if it is none of the call."""
    response: dict[str, Any] = {"Error": {"Code": "X", "Message": text}}
    for error in (
        TransportError(text),
        MalformedResponseError(text),
        ServiceError(text, response=response, operation_name="ListRestoreJobs"),
    ):
        assert "***" in str(error)
        assert not [one for one in (KEY_ID, TOKEN) if one in everything(error)]


def test_credentials_in_headers_are_removed() -> None:
    """Only the credentials in the headers of a response are removed."""
    headers = {
        "x-amz-security-token": TOKEN,
        "set-cookie": TOKEN,
        "x-amzn-requestid": "r-1",
        "via": [f"Authorization: Basic {TOKEN}"],
    }
    response = {"ResponseMetadata": {"HTTPHeaders": headers, "RetryAttempts": 2}}
    error = ServiceError("no", response=response, operation_name="ListRestoreJobs")
    assert TOKEN not in everything(error)
    assert error.response["ResponseMetadata"]["RetryAttempts"] == 2
    assert error.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"] == "r-1"


@pytest.mark.parametrize(
    "text",
    [
        "signature does not match; token expired; https://backup.eu-west-1.amazonaws.com/a?b=c",
        "The security token included in the request is invalid.",
        "The config profile (asiapacificprod) could not be found",
        "profiles asiapacificdev01, me@example.com and AKIAproduction2024",
        "arn:aws:backup:eu-west-1:123456789012:backup-vault:ASIAPACIFICVAULT",
        "User: arn:aws:sts::123456789012:assumed-role/Auditor/me@example.com is not authorized",
        "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z",
        "Check your AWS Secret Access Key and signing method. Consult the service documentation.",
        "Credential should be scoped to a valid region, not 'us-east-1'.",
        "Authorization header requires 'Credential' parameter. Authorization header requires more",
        "the job 1EB3B5E7-9EB0-435A-A80B-108B488B0D45 of asia-akia-2024",
    ],
)
def test_other_text_stays(text: str) -> None:
    """Names, ARNs, ids and AWS's own sentences stay as they are."""
    assert str(RestoreJobsError(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "plain text ",
        "credential ",
        "credential" + " " * 99,
        "secret",
        "://a",
        "\"a:/'",
        "\\",
        "%25",
    ],
)
def test_redaction_takes_linear_time(text: str) -> None:
    """Twice the text takes no more than about twice the time, whatever it repeats."""

    def seconds(size: int) -> float:
        repeated = text * (size // len(text))
        started = time.process_time()
        RestoreJobsError(repeated)
        return time.process_time() - started

    assert seconds(1_000_000) < 10 * max(seconds(250_000), 0.05)


# Nothing raw on a screen


@pytest.mark.parametrize("raw", ["\x1b[2J", "a\r\nb", "\u202e", "\u200b", "\x85", "\u2028", "\x00"])
def test_errors_escape_control_characters(server: PageServer, raw: str) -> None:
    """An error shows no character of AWS or of a user that a terminal would obey."""
    body = json.dumps({"message": f"oh {raw}", "Code": raw}).encode()
    server.fail_next(lambda _: Answer(status=400, body=body))
    errors = [error_of(client_of(server.endpoint_url)), MalformedResponseError(f"it has {raw}")]
    for error in errors:
        assert f"{error}{vars(error)}{error.__cause__}".isprintable()
        assert repr(raw)[1:-1] in str(error)


def test_type_of_a_damaged_page_is_logged_without_control_characters(
    server: PageServer, client: RestoreJobsClient
) -> None:
    """A log line shows no character of a header that a terminal would obey."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger("restorejobs_client").addHandler(handler)
    try:
        server.fail_next(lambda _: Answer(body=b"x", headers={"Content-Type": "\x1b[2J"}))
        list(client.list_restore_jobs())
    finally:
        logging.getLogger("restorejobs_client").removeHandler(handler)
    assert "\\x1b[2J" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_foreign_exception_without_text_is_shown(server: PageServer) -> None:
    """An exception whose text cannot be made is shown by its type."""

    class OddError(Exception):
        def __str__(self) -> str:
            raise OSError("no text")

    def fail(**_: object) -> None:
        raise OddError

    boto3_client: Any = server.client()
    boto3_client.meta.events.register("before-call.backup", fail)
    assert "OddError" in str(error_of(RestoreJobsClient(client=boto3_client)))

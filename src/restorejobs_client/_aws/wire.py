"""Send requests with a boto3 client, and return pages.

botocore handles endpoints, signing, retries and credentials, but does not parse our responses: only
the raw body shows whether a page is damaged or empty.

A call carries its own mark, the page size, from its first event to its last. So its answer finds it
on any thread, in any greenlet, and when other calls run on the same client inside it:

1. `provide-client-params` sees the mark among the parameters, and puts it into the call's context.
2. `request-created` sees the context of each attempt. It notes that the next answer is ours.
3. `before-parse` sees the body, but no context. It takes the note, and hides the body from
   botocore's parser. Without a note, the parser reads the body for nothing; no harm is done.
4. `needs-retry` sees the context and the body. It decodes the page, and puts it into the parsed
   answer, so that the call itself returns it.
"""

from __future__ import annotations

import json
import logging
import random
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Any, Final, Self, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

from restorejobs_client._aws.connections import keep_connection, use_own_pools
from restorejobs_client._aws.decode import decode_page, page_of
from restorejobs_client._aws.errors import OPERATION, is_throttling, our_error
from restorejobs_client._aws.locks import renew_locks
from restorejobs_client._core.errors import MalformedResponseError, RestoreJobsError, TransportError
from restorejobs_client._core.interrupts import in_child
from restorejobs_client._core.secrets import Secrets, cleaned, redacted, without_login
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.jobs import RestoreJobPage

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest, AWSResponse

_MAX_WAIT: Final = 20  # seconds, as in botocore's standard mode
_CALL: Final = "restorejobs_client"  # the name of a call in its context
_PAGE: Final = "RestoreJobPage"  # the name of its page, or error, in the parsed answer
_LOOPBACK: Final = re.compile(r"(.+\.)?localhost|127\.[\d.]+|::1")
_logger: Final = logging.getLogger("restorejobs_client")
_logger.addHandler(logging.NullHandler())  # silent until logging is configured


class _Call(int):
    """One call of ours. Its value is the page size, which marks it among the parameters.

    Attributes:
        is_first_page: whether no page token was given.
        urls: those of the client that may have a password.
        headers: those of the latest request. There are none if something such as botocore's
            `Stubber` answers in place of AWS.
    """

    is_first_page: bool
    urls: Sequence[object]
    headers: Any = None  # the class of botocore has no types

    def secrets(self) -> Secrets:
        """Return what nothing about this call may show."""
        return Secrets([*self.urls, *getproxies().values()], self.headers)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        """Stay the same call where a handler copies the parameters or the context."""
        return self

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        return int, (int(self),)


_next_answer: Final[ContextVar[_Call | None]] = ContextVar("next_answer", default=None)


class Wire:
    """Fetches pages with a boto3 "backup" client."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401  # its attributes have no types
        self.client = client
        use_own_pools(client)
        in_child(client, renew_locks)  # no thread of the child holds the old ones
        _warn_of_plain_http(client.meta.endpoint_url)
        proxies: Any = client.meta.config.proxies  # by mistake, it may be one URL
        configured: Any = getattr(proxies, "values", lambda: [proxies])()
        # botocore has read those of the environment when the client was made.
        self._urls = [client.meta.endpoint_url, *configured, *getproxies().values()]
        retries: Mapping[str, Any] = client.meta.config.retries or {}
        default_attempts = 5 if retries.get("mode") == "legacy" else 3
        self._max_attempts: int = retries.get("total_max_attempts", default_attempts)
        handlers = {
            f"provide-client-params.backup.{OPERATION}": _mark_context,
            f"request-created.backup.{OPERATION}": _expect_answer,
            f"before-parse.backup.{OPERATION}": _hide_body,
            # After botocore's own handler, so that its waits come first.
            "needs-retry.backup": self._read_response,
        }
        for event, handler in handlers.items():
            # Because of these ids, a client that is passed twice has each handler only once.
            client.meta.events.register_last(event, handler, unique_id=f"{_CALL}-{event}")

    def fetch(self, parameters: Mapping[str, object]) -> RestoreJobPage:
        """Return the page for these parameters of boto3's `list_restore_jobs`.

        Raises:
            RestoreJobsError: the request failed, even after botocore's retries.
        """
        call = _Call(cast("int", parameters["MaxResults"]))
        call.urls = self._urls
        call.is_first_page = "NextToken" not in parameters
        started = time.monotonic()
        outer = _next_answer.set(None)
        page: RestoreJobPage | RestoreJobsError
        try:
            # No variable holds the answer, whose headers a traceback would show.
            page = _page_of_answer(
                self.client.list_restore_jobs(**{**parameters, "MaxResults": call}), call
            )
        except Exception as error:  # noqa: BLE001  # no other exception leaves the package
            page = our_error(error, call.secrets(), otherwise=TransportError)
        finally:
            _next_answer.reset(outer)
        # Raised here, the error does not have boto3's as its context.
        if isinstance(page, RestoreJobsError):
            raise page
        if _logger.isEnabledFor(logging.DEBUG):
            place = "more pages follow" if page.next_token else "the last page"
            request_id = cleaned(page.request_id, call.secrets())
            facts = len(page), time.monotonic() - started, place, request_id
            _logger.debug("page of %d jobs in %.3f s, %s, request %s", *facts)
        return page

    def _read_response(
        self,
        response: tuple[AWSResponse, dict[str, Any]] | None,
        attempts: int,
        request_dict: dict[str, Any],
        **_: object,
    ) -> float | None:
        """Decode the response. Return the seconds to wait if botocore should try again.

        We retry damaged pages. We also retry throttling, because botocore does not in two cases:
        some versions do not retry a bare 429, and all versions stop retrying after about a hundred
        throttled responses, which would fail the listings of a `gather` one by one.
        """
        if response is None:
            return None
        http, parsed = response
        call: _Call | None = request_dict["context"].get(_CALL)
        page = None
        if call is not None and http.status_code < HTTPStatus.MULTIPLE_CHOICES:
            page = parsed[_PAGE] = _page_of_body(http, call)
        is_damaged = isinstance(page, MalformedResponseError)
        keep_connection(http, is_whole=not is_damaged)
        if call is None or attempts >= self._max_attempts:
            return None
        is_throttled = is_throttling(parsed.get("Error", {}).get("Code"), http.status_code)
        if not (is_throttled or is_damaged):
            return None
        tried = f"attempt {attempts} of {self._max_attempts}, trying again"
        if not is_damaged:
            _logger.info("throttled with HTTP %d: %s", http.status_code, tried)
        else:  # the body is not logged, because it may contain jobs
            kind = cleaned(http.headers.get("content-type"), call.secrets())
            facts = http.status_code, len(http.content), kind, tried
            _logger.warning("damaged page, HTTP %d with %d bytes of %s: %s", *facts)
        # As in botocore's standard mode, but shorter if the service is not throttling.
        scale = 0.05 if is_damaged else 1.0
        return random.uniform(0, min(scale * 2 ** (attempts - 1), _MAX_WAIT))  # noqa: S311  # not a secret


def _mark_context(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    call = params.get("MaxResults")
    if isinstance(call, _Call):
        context[_CALL] = call


def _expect_answer(request: AWSRequest, **_: object) -> None:
    call: _Call | None = request.context.get(_CALL)
    _next_answer.set(call)
    if call is not None:
        call.headers = request.headers  # not signed yet, or changed later: read when needed


def _hide_body(response_dict: dict[str, Any], **_: object) -> None:
    """Pass botocore's parser a body that it can read, and that has no jobs."""
    call = _next_answer.get()
    _next_answer.set(None)
    if call is not None:
        status: int = response_dict["status_code"]
        is_error = status >= HTTPStatus.MULTIPLE_CHOICES
        body: bytes = response_dict["body"]
        response_dict["body"] = _readable_error(status, body, call) if is_error else b"{}"


def _readable_error(status: int, body: bytes, call: _Call) -> bytes:
    """Return an error as a JSON object of strings, because botocore cannot parse all others."""
    reason = f" {responses[status]}" if status in responses else ""
    texts = {"message": f"HTTP {status}{reason} with {_shown(body, call)}"}
    with suppress(ValueError, RecursionError, AttributeError):  # it is no object in JSON
        members: dict[str, object] = json.loads(body)
        texts = {name: value for name, value in members.items() if isinstance(value, str)}
    return json.dumps(texts).encode()


def _page_of_body(http: AWSResponse, call: _Call) -> RestoreJobPage | MalformedResponseError:
    # AWS answers every request with an id. Other servers answer "{}" too.
    may_be_empty = call.is_first_page and "x-amzn-requestid" in http.headers
    try:
        return decode_page(http.content, http.headers, may_be_empty=may_be_empty)
    except (ValueError, RecursionError) as error:
        what = f"HTTP {http.status_code} with {_shown(http.content, call)}"
        return MalformedResponseError(f"{what} is not a list of restore jobs: {error}")


def _page_of_answer(answer: object, call: _Call) -> RestoreJobPage:
    """Return the page that a call has returned.

    If no answer came over HTTP, something like botocore's `Stubber` or a mock has answered, and we
    read what it says.
    """
    if not isinstance(answer, dict):
        message = f"list_restore_jobs of the client returned {clipped_repr(answer)}, not a dict"
        raise MalformedResponseError(message)
    parsed = dict(cast("dict[str, Any]", answer))
    page = parsed.get(_PAGE)
    if isinstance(page, RestoreJobPage):
        return page
    if isinstance(page, MalformedResponseError):
        raise page
    if call.headers is not None or "HTTPHeaders" in parsed.pop("ResponseMetadata", {}):
        raise MalformedResponseError(
            "the answer was not checked for damage, because something between this package and "
            "botocore has replaced the parameters, the context or the response"
        )
    try:
        return page_of(parsed, {}, may_be_empty=call.is_first_page)
    except ValueError as error:
        what = f"the response with {', '.join(parsed) or 'no members'}"
        raise MalformedResponseError(f"{what} is not a list of restore jobs: {error}") from None


def _shown(body: bytes, call: _Call) -> str:
    if not body:
        return "an empty body"
    # Secrets are removed before the text is cut, because a part of one is not recognized.
    text = redacted(body[:10_000].decode(errors="backslashreplace"), call.secrets())
    return f"a body of {len(body)} bytes ({clipped_repr(text)})"


def _warn_of_plain_http(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname or ""):
        shown = cleaned(without_login(url))
        _logger.warning("requests to %s are not encrypted: others can read their token", shown)

"""Send requests with a boto3 client, and return pages.

botocore handles endpoints, signing, retries and credentials, but does not parse responses. Its
event `before-parse` passes us the raw body, because only the raw body shows whether a page is
damaged or empty. Other calls on the same client are unaffected.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Any, Final, cast

from restorejobs_client._aws.decode import decode_page, page_of
from restorejobs_client._aws.errors import OPERATION, is_throttling, our_error
from restorejobs_client._aws.session import make_interrupt_safe
from restorejobs_client._core.errors import MalformedResponseError
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.jobs import RestoreJobPage

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient

_MAX_WAIT: Final = 20  # seconds, as in botocore's standard mode
_logger: Final = logging.getLogger("restorejobs_client")
_logger.addHandler(logging.NullHandler())  # silent until logging is configured


class _Call:
    """One of our calls in progress: the body of the latest response, and its page or error."""

    body: bytes | None = None
    page: RestoreJobPage | None = None
    error: MalformedResponseError | None = None

    def __init__(self, *, may_be_empty: bool) -> None:
        self.may_be_empty = may_be_empty


class _Current(threading.local):
    """The call of this thread, because botocore's events do not say which call they belong to."""

    call: _Call | None = None


_current: Final = _Current()


class Wire:
    """Fetches pages with a boto3 "backup" client."""

    def __init__(self, client: BaseClient) -> None:
        self.client = client
        make_interrupt_safe(client)
        untyped_client: Any = client  # boto3 creates its attributes at run time
        retries: Mapping[str, Any] = untyped_client.meta.config.retries or {}
        default_attempts = 5 if retries.get("mode") == "legacy" else 3
        self._max_attempts: int = retries.get("total_max_attempts", default_attempts)
        events = untyped_client.meta.events
        # Because of these ids, a client that is passed twice has each handler only once.
        events.register(
            f"before-parse.backup.{OPERATION}", _keep_body, unique_id="restorejobs-client-body"
        )
        # After botocore's own handler, so that its waits come first.
        events.register_last(
            "needs-retry.backup", self._read_response, unique_id="restorejobs-client-retry"
        )

    def fetch(self, parameters: Mapping[str, object]) -> RestoreJobPage:
        """Return the page for these parameters of boto3's `list_restore_jobs`.

        Raises:
            RestoreJobsError: the request failed, even after botocore's retries.
        """
        call = _Call(may_be_empty="NextToken" not in parameters)
        started = time.monotonic()
        previous, _current.call = _current.call, call
        try:
            parsed: dict[str, Any] = cast("Any", self.client).list_restore_jobs(**parameters)
        except Exception as error:  # noqa: BLE001  # no other exception leaves the package
            raise our_error(error)  # noqa: B904  # our_error sets the cause
        finally:
            _current.call = previous
        if call.error is not None:
            raise call.error
        page = _page_of_parsed(parsed, call) if call.page is None else call.page
        _logger.debug(
            "page of %d jobs in %.3f s, %s",
            len(page),
            time.monotonic() - started,
            "more pages follow" if page.next_token else "the last page",
        )
        return page

    def _read_response(
        self, response: tuple[AWSResponse, dict[str, Any]] | None, attempts: int, **_: object
    ) -> float | None:
        """Decode the response. Return the seconds to wait if botocore should try again.

        We retry damaged pages. We also retry throttling, because botocore does not in two cases:
        some versions do not retry a bare 429, and all versions stop retrying after about a hundred
        throttled responses, which would fail the listings of a `gather` one by one.
        """
        call = _current.call
        if call is None or response is None:
            return None
        status = response[0].status_code
        is_throttled = is_throttling(response[1].get("Error", {}).get("Code"), status)
        if call.body is not None:
            try:
                call.page = _page_of_body(call.body, response[0], may_be_empty=call.may_be_empty)
            except MalformedResponseError as error:
                call.error = error
        if attempts >= self._max_attempts or not (is_throttled or call.error):
            return None
        tried = f"attempt {attempts} of {self._max_attempts}, trying again"
        if call.error is None:
            _logger.info("throttled with HTTP %d: %s", status, tried)
        else:  # the body is not logged, because it may contain jobs
            kind, size = response[0].headers.get("content-type"), len(call.body or b"")
            _logger.warning(
                "damaged page, HTTP %d with %d bytes of %s: %s", status, size, kind, tried
            )
        # As in botocore's standard mode, but shorter if the service is not throttling.
        scale = 0.05 if call.error else 1.0
        return random.uniform(0, min(scale * 2 ** (attempts - 1), _MAX_WAIT))  # noqa: S311  # not a secret


def _keep_body(response_dict: dict[str, Any], **_: object) -> None:
    """Keep the body of a successful response, and pass botocore's parser one that it can read."""
    call = _current.call
    if call is None:
        return
    call.body = call.page = call.error = None
    status: int = response_dict["status_code"]
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        response_dict["body"] = _readable_error(status, response_dict["body"])
    else:
        call.body = response_dict["body"]
        response_dict["body"] = b"{}"


def _readable_error(status: int, body: bytes) -> bytes:
    """Return an error as a JSON object of strings, because botocore cannot parse all others."""
    try:
        members: Any = json.loads(body)
    except (ValueError, RecursionError):
        members = None
    if isinstance(members, dict):
        named = cast("dict[str, object]", members)
        texts = {name: value for name, value in named.items() if isinstance(value, str)}
    else:
        reason = f" {responses[status]}" if status in responses else ""
        texts = {"message": f"HTTP {status}{reason} with {_shown(body)}"}
    return json.dumps(texts).encode()


def _page_of_body(body: bytes, response: AWSResponse, *, may_be_empty: bool) -> RestoreJobPage:
    what = f"HTTP {response.status_code} with {_shown(body)}"
    length = response.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length) != len(body):
        message = f"{what} was cut: {len(body)} of {length} bytes arrived"
        raise MalformedResponseError(message)
    try:
        return decode_page(body, may_be_empty=may_be_empty)
    except MalformedResponseError as error:
        message = f"{what} is not a list of restore jobs: {error}"
        raise MalformedResponseError(message) from None


def _page_of_parsed(parsed: dict[str, Any], call: _Call) -> RestoreJobPage:
    """Read what botocore parsed. Under `Stubber`, for example, there is no raw body."""
    metadata = parsed.pop("ResponseMetadata", {})
    # Over HTTP, botocore's parser turns any damaged response into an empty one.
    may_be_empty = call.may_be_empty and "HTTPHeaders" not in metadata
    try:
        return page_of(parsed, may_be_empty=may_be_empty)
    except MalformedResponseError as error:
        what = f"the response with {', '.join(parsed) or 'no members'}"
        message = f"{what} is not a list of restore jobs: {error}"
        raise MalformedResponseError(message) from None


def _shown(body: bytes) -> str:
    return f"a body of {len(body)} bytes ({clipped_repr(body)})" if body else "an empty body"

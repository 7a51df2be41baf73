"""The operation's place in moto, and clients that talk to nothing else."""

from __future__ import annotations

import functools
import importlib
import os
import threading
import weakref
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from restorejobs_client._errors import InvalidRequestError
from restorejobs_client.testing._service import Answer, Call, Shelf, aws_error, checked_account

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import botocore.session
    from botocore.client import BaseClient
    from botocore.config import Config

_STATE = "restorejobs_client_jobs"
_URL_PATH = "{0}/restore-jobs/?$"
_current_call: ContextVar[Call | None] = ContextVar("_current_call", default=None)
# Re-entrant, because a finalizer may run at any moment in the thread that holds it.
_operation_lock = threading.RLock()
_operation_users: set[object] = set()
_shadowed: dict[str, Callable[..., object]] = {}  # what moto itself has at our place
_session_lock = threading.Lock()


@contextmanager
def operation_in_moto() -> Generator[None, None, None]:
    user = object()
    with _needing_the_extra():
        _add_operation(user)
    try:
        yield
    finally:
        _drop_operation(user)


def shelf_in_mock(region_name: str, account_id: str) -> Shelf:
    """Return where moto keeps the jobs of a region and account until it resets."""
    with _needing_the_extra():
        from moto.backup.models import backup_backends  # noqa: PLC0415  # an extra
        from moto.core.models import botocore_stubber  # noqa: PLC0415  # an extra
    if not botocore_stubber.enabled:
        message = "seed_restore_jobs: moto is not active; call it inside moto.mock_aws()"
        raise InvalidRequestError(message)
    try:
        backend = backup_backends[checked_account(account_id)][region_name]
    except KeyError:
        message = f"region_name: moto has no AWS Backup in {region_name!r}"
        raise InvalidRequestError(message) from None
    state: dict[str, Shelf] = vars(backend)  # moto's reset throws it away
    with _operation_lock:
        if _STATE not in state:
            state[_STATE] = Shelf(account_id)
            user = object()
            _add_operation(user)
            weakref.finalize(state[_STATE], _drop_operation, user).atexit = False
    return state[_STATE]


class MotoApp:
    """moto's AWS Backup as its server has it, without the server."""

    def __init__(self) -> None:
        with _needing_the_extra():
            for name in ("flask", "flask_cors"):  # for one that is missing, moto would warn first
                importlib.import_module(name)
            moto = importlib.import_module("moto.moto_server.werkzeug_app")
            from werkzeug.test import Client  # noqa: PLC0415  # moto's
        # Not moto's dispatcher for all services, which walks its directories at each request.
        self._client = Client(moto.create_backend_app("backup"), use_cookies=False)
        # moto makes its routes at its first request, which Python 3.11 cannot do on two threads.
        self._lock = threading.Lock()

    def answer(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        call: Call | None = None,
    ) -> Answer:
        """Answer an HTTP request; `call` is what ListRestoreJobs answers instead of it."""
        before = _current_call.set(call)
        try:
            with self._lock:
                response = self._client.open(path, method=method, headers=headers, data=body)
        except Exception as error:  # noqa: BLE001  # whatever moto raises, the caller shall read it
            return aws_error(501, type(error).__name__, {"message": str(error)})
        finally:
            _current_call.reset(before)
        with response:
            return Answer(response.status_code, dict(response.headers), response.data)


def isolated_client(
    endpoint_url: str, *, region_name: str, account_id: str, config: Config | None
) -> BaseClient:
    """Return a client that takes nothing from the environment and names its account to moto."""
    from botocore.config import Config  # noqa: PLC0415  # costs time to import

    config = config or Config(
        retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=64
    )
    # Settings of the environment that would lead away from loopback, or be refused with it.
    direct = Config(proxies={}, use_fips_endpoint=False, use_dualstack_endpoint=False)
    with _session_lock:
        client = _session().create_client(
            "backup",
            region_name=region_name,
            endpoint_url=endpoint_url,
            config=direct.merge(config),
        )

    def name_account(params: dict[str, dict[str, str]], **_: object) -> None:
        params["headers"]["x-moto-account-id"] = account_id

    client.meta.events.register("before-call.backup", name_account)
    return client


@contextmanager
def _needing_the_extra() -> Generator[None, None, None]:
    try:
        yield
    except ImportError as error:
        message = f"{error}; to install it: pip install 'restorejobs-client[testing]'"
        raise ImportError(message) from error


def _add_operation(user: object) -> None:
    from moto.backup import urls  # noqa: PLC0415  # an extra

    ours = _operation()
    with _operation_lock:
        _operation_users.add(user)
        there = urls.url_paths.get(_URL_PATH)
        if there is ours:
            return
        _shadowed.clear()
        if there is not None:
            _shadowed[_URL_PATH] = there
        # A new table rather than a new entry: another thread may be iterating the old one.
        urls.url_paths = {**urls.url_paths, _URL_PATH: ours}


def _drop_operation(user: object) -> None:
    from moto.backup import urls  # noqa: PLC0415  # an extra

    ours = _operation()
    with _operation_lock:
        _operation_users.discard(user)
        if not _operation_users:
            urls.url_paths = {
                path: _shadowed.get(path, handler)
                for path, handler in urls.url_paths.items()
                if handler is not ours or path in _shadowed
            }


@functools.cache
def _operation() -> Callable[..., object]:
    from moto.backup.models import backup_backends  # noqa: PLC0415  # an extra
    from moto.backup.responses import BackupResponse  # noqa: PLC0415  # an extra

    class RestoreJobsResponse(BackupResponse):
        def list_restore_jobs(self) -> tuple[int, dict[str, str], bytes]:
            call = _current_call.get()
            if call is None:
                shelves: dict[tuple[str, str], Shelf] = {}
                for account_id, backends in list(backup_backends.items()):
                    backend = backends.get(self.region)
                    if backend is not None and _STATE in vars(backend):
                        shelves[self.region, account_id] = vars(backend)[_STATE]
                query = dict(parse_qsl(self.parsed_url.query, keep_blank_values=True))
                call = Call(shelves, self.current_account, query)
            answer = call.answer(self.region)
            # moto takes the status from the headers.
            headers = {**answer.headers, "status": str(answer.status)}
            return answer.status, headers, answer.body

    return RestoreJobsResponse.dispatch


@functools.cache
def _session() -> botocore.session.Session:
    """Return what clients are made from: nothing of the environment, and credentials of its own."""
    import botocore.session  # noqa: PLC0415  # costs time to import

    nowhere = (None, None, os.devnull, None)
    session = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": nowhere,
            "credentials_file": nowhere,
        }
    )
    session.set_credentials("testing", "testing")
    return session

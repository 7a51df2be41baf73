"""ListRestoreJobs inside moto, as long as moto holds seeded jobs."""

from __future__ import annotations

import functools
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._extras import LazyModule
from restorejobs_client._models import RestoreJob
from restorejobs_client.testing._service import Call, Shelf

if TYPE_CHECKING:
    import moto.backup.models as moto_backup
    import moto.core.models as moto_core
else:
    moto_backup = LazyModule("moto.backup.models", extra="testing", purpose="seed_restore_jobs")
    moto_core = LazyModule("moto.core.models", extra="testing", purpose="seed_restore_jobs")

_STATE = "restorejobs_client_jobs"
_URL_PATH = "{0}/restore-jobs/?$"
# Re-entrant, because a finalizer may run at any moment on the thread that holds it.
_lock = threading.RLock()
_users: set[object] = set()  # one for each shelf in moto
_own_url_paths: list[dict[str, Callable[..., object]]] = []  # moto's table, while ours replaces it


def put_in_mock(jobs: Iterable[RestoreJob], *, region_name: str, account_id: str) -> None:
    """Store jobs in moto until it resets."""
    if not moto_core.botocore_stubber.enabled:
        message = "seed_restore_jobs: moto is not active; call it inside moto.mock_aws()"
        raise InvalidRequestError(message)
    try:
        backend = moto_backup.backup_backends[account_id][region_name]
    except KeyError:
        message = f"region_name: moto has no AWS Backup in {region_name!r}"
        raise InvalidRequestError(message) from None
    state: dict[str, Shelf] = vars(backend)  # moto's reset empties it
    with _lock:
        if _STATE not in state:
            state[_STATE] = Shelf(account_id)
            _add_operation_for(state[_STATE])
        state[_STATE].put(jobs)


def _add_operation_for(shelf: Shelf) -> None:
    from moto.backup import urls  # noqa: PLC0415  # an extra

    if not _users:
        _own_url_paths.append(urls.url_paths)
        # A new table and not a new entry, because another thread may be iterating over the old one.
        urls.url_paths = {**urls.url_paths, _URL_PATH: _operation()}
    user = object()
    _users.add(user)
    weakref.finalize(shelf, _drop_operation_for, user).atexit = False


def _drop_operation_for(user: object) -> None:
    from moto.backup import urls  # noqa: PLC0415  # an extra

    with _lock:
        _users.discard(user)
        if not _users:
            urls.url_paths = _own_url_paths.pop()


@functools.cache
def _operation() -> Callable[..., object]:
    from moto.backup.responses import BackupResponse  # noqa: PLC0415  # an extra

    class RestoreJobsResponse(BackupResponse):
        def list_restore_jobs(self) -> tuple[int, dict[str, str], bytes]:
            parameters = dict(parse_qsl(self.parsed_url.query, keep_blank_values=True))
            with _lock:
                backends = [
                    regions.get(self.region) for regions in moto_backup.backup_backends.values()
                ]
                states = [vars(backend) for backend in backends if backend is not None]
                shelves = [state[_STATE] for state in states if _STATE in state]
                answer = Call(shelves, self.region, self.current_account, parameters).answer()
            # moto takes the status from the headers.
            headers = {**answer.headers, "status": str(answer.status)}
            return answer.status, headers, answer.body

    return RestoreJobsResponse.dispatch

"""ListRestoreJobs inside moto."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._core.extras import LazyModule
from restorejobs_client._models.jobs import RestoreJob
from restorejobs_client.testing import _service
from restorejobs_client.testing._service import ACCOUNT, REGION

_core: Any = LazyModule("moto.core.models", extra="testing", purpose="seed_restore_jobs")
_backup: Any = LazyModule("moto.backup.responses", extra="testing", purpose="seed_restore_jobs")
_SHELF = "restorejobs_client_shelf"  # an attribute of moto's backends; its reset removes it
_lock = threading.Lock()


def seed_restore_jobs(
    jobs: Iterable[RestoreJob], *, region_name: str = REGION, account_id: str = ACCOUNT
) -> None:
    """Add jobs to moto's AWS Backup, inside your own `moto.mock_aws()`.

    Every client of that region and account lists them until moto resets, as it does when a mock
    starts and when it ends. A job replaces the one that has the same id. While moto has such jobs,
    ListRestoreJobs works in all regions and accounts. It also works in a moto server in the same
    process, unless that server has answered an AWS Backup request before the first call of this
    function.

    Args:
        jobs: the jobs. Their own members may name another account or region.
        region_name: the region that lists them.
        account_id: the account that lists them, 12 digits. The default is moto's own default.

    Raises:
        ImportError: the extra `testing` is not installed.
        InvalidRequestError: a job that AWS could not list, as for `FakeBackup.seed`; a call outside
            of a mock; a region without AWS Backup; or an account id that is not 12 digits.
    """
    checked = _service.read_jobs(jobs)
    if not _core.botocore_stubber.enabled:
        raise InvalidRequestError("seed_restore_jobs must be called inside moto.mock_aws()")
    try:
        backend = _backup.backup_backends[_service.check_account(account_id)][region_name]
    except KeyError:
        raise InvalidRequestError(f"moto has no AWS Backup in {region_name=}") from None
    with _lock:
        _add_operation()
        _service.put(backend.__dict__.setdefault(_SHELF, []), account_id, checked)


@functools.cache
def _add_operation() -> None:
    from moto.backup import urls  # noqa: PLC0415  # an extra

    _backup.BackupResponse.list_restore_jobs = _list_restore_jobs
    # A new table and not a new entry, because another thread may be iterating over the old one.
    urls.url_paths = {**urls.url_paths, "{0}/restore-jobs/?$": _backup.BackupResponse.dispatch}


def _list_restore_jobs(response: Any) -> tuple[int, dict[str, str], str | bytes]:  # noqa: ANN401  # moto's
    parameters = dict(parse_qsl(response.parsed_url.query, keep_blank_values=True))
    shelves: dict[_service.Owner, _service.Shelf] = {
        (region_name, account_id): getattr(backend, _SHELF)
        for account_id, region_name, backend in _backup.backup_backends.iter_backends()
        if hasattr(backend, _SHELF)
    }
    if not shelves:  # as moto answers without this operation
        return 404, {"status": "404"}, "Not yet implemented"
    caller = response.region, response.current_account
    with _lock:
        answer = _service.answer(shelves, caller, parameters)
    # moto takes the status from the headers.
    return answer.status, {**answer.headers, "status": str(answer.status)}, answer.body

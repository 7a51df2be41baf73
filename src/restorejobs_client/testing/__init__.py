"""A fake AWS Backup for tests: real HTTP on loopback, believable jobs, faults on demand.

    with fake_backup(sample_jobs(2_500)) as backup:
        backup.fail_next("throttle")
        failed = list(backup.client().list_restore_jobs(by_status="FAILED"))

Inside a `moto.mock_aws()` of your own, `seed_restore_jobs` puts the jobs into moto instead. moto
has no ListRestoreJobs; it is added while somebody here uses it, and taken away after. Install
`restorejobs-client[testing]` for both.

What AWS leaves open is decided like this: jobs come newest first, those without a creation date
last; `After` bounds include their moment and `Before` bounds do not; a job without a completion
date matches no completion bound. Page tokens name a place in that order, so a job that appears
or goes between two pages neither repeats nor hides another.
"""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from typing import TYPE_CHECKING, get_args

from restorejobs_client._errors import InvalidRequestError
from restorejobs_client.testing._moto import (
    MotoApp,
    isolated_client,
    operation_in_moto,
    shelf_in_mock,
)
from restorejobs_client.testing._samples import sample_jobs
from restorejobs_client.testing._server import FaultName, FaultyService, serving
from restorejobs_client.testing._service import ACCOUNT, REGION, checked_account

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from botocore.config import Config

    from restorejobs_client._client import RestoreJobsClient
    from restorejobs_client._models import RestoreJob

__all__ = ["FakeBackup", "FaultName", "fake_backup", "sample_jobs", "seed_restore_jobs"]


@contextmanager
def fake_backup(
    jobs: Iterable[RestoreJob] = (), *, region_name: str = REGION, account_id: str = ACCOUNT
) -> Generator[FakeBackup, None, None]:
    """Serve restore jobs over real HTTP on loopback until the `with` block ends.

    moto answers, so the rest of moto's AWS Backup is there too; what it holds, such as vaults, is
    one for the whole process. Several fakes at the same time do not see each other's jobs. Their
    clients read no credentials, profiles or proxies of the environment. When the block ends, the
    server, its connections and its threads are gone.

    Args:
        jobs: the jobs of that region and account, whatever their own members say.
        region_name: the region of `jobs` and of clients that name no other.
        account_id: the account of `jobs` and of callers that name no other, 12 digits.

    Raises:
        ImportError: `restorejobs-client[testing]` is not installed.
        InvalidRequestError: an account id that is not 12 digits.
    """
    with operation_in_moto():
        service = FaultyService(MotoApp(), checked_account(account_id))
        service.put(jobs, region_name=region_name, account_id=account_id)
        with serving(service) as endpoint_url:
            yield FakeBackup(service, endpoint_url=endpoint_url, region_name=region_name)


class FakeBackup:
    """A running fake of AWS Backup; `fake_backup` makes it.

    All methods may be called from any thread.

    Attributes:
        endpoint_url: where it listens, for clients of your own. A request without moto's header
            `x-moto-account-id` counts as one of the account given to `fake_backup`; the region is
            the one that the request is signed for.
        requests: the query parameters of every ListRestoreJobs request so far, by their names on
            the wire (such as `maxResults`), in order, including those answered with a fault.
    """

    def __init__(self, service: FaultyService, *, endpoint_url: str, region_name: str) -> None:
        self.endpoint_url = endpoint_url
        self.requests: list[dict[str, str]] = service.requests
        self._service = service
        self._region_name = region_name

    def __repr__(self) -> str:
        return f"FakeBackup({self.endpoint_url!r})"

    def client(
        self,
        *,
        region_name: str | None = None,
        account_id: str | None = None,
        config: Config | None = None,
    ) -> RestoreJobsClient:
        """Return a client of this fake, with credentials of its own.

        Args:
            region_name: the region that it calls; default: the one given to `fake_backup`.
            account_id: the account that it calls as, 12 digits; default: likewise.
            config: botocore settings instead of the default: standard retries with 8 attempts in
                all, and 64 connections. Proxies of the environment are not used.

        Raises:
            InvalidRequestError: an account id that is not 12 digits.
        """
        from restorejobs_client._client import RestoreJobsClient  # noqa: PLC0415  # only here

        return RestoreJobsClient(
            client=isolated_client(
                self.endpoint_url,
                region_name=region_name or self._region_name,
                account_id=checked_account(account_id or self._service.account_id),
                config=config,
            )
        )

    def seed(
        self,
        jobs: Iterable[RestoreJob],
        *,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Add jobs; one with the id of a job that is there already takes its place.

        Jobs without an id are all kept. Ids are compared exactly, upper and lower case apart.

        Args:
            jobs: the jobs, stored whatever account and ARNs their own members name.
            region_name: where they are listed; default: the region given to `fake_backup`.
            account_id: whose they are, 12 digits; default: likewise.

        Raises:
            InvalidRequestError: an account id that is not 12 digits.
        """
        self._service.put(
            jobs,
            region_name=region_name or self._region_name,
            account_id=checked_account(account_id or self._service.account_id),
        )

    def clear(self) -> None:
        """Remove all jobs of all regions and accounts. Faults and `requests` stay."""
        self._service.clear()

    def fail_next(self, fault: FaultName, *, times: int = 1) -> None:
        """Answer the next ListRestoreJobs requests with a fault; several calls queue up.

        A client that retries, as `client()` does, may get over one without showing it.

        Args:
            fault: one of

                - `"throttle"`: 400 ThrottlingException
                - `"too_many_requests"`: a bare 429, as proxies send it
                - `"access_denied"`: 403 AccessDeniedException
                - `"expired_token"`: 403 ExpiredTokenException
                - `"unavailable"`: 503 ServiceUnavailableException
                - `"server_error"`: 500 with HTML
                - `"damage"`: 200 with HTML
                - `"empty_body"`: 200 with nothing
                - `"no_content"`: 204
                - `"redirect"`: 302 to somewhere else
                - `"cut"`: 200 with the first half of the page, of that very Content-Length
                - `"short"`: 200 with the first half of the page, then an orderly close
                - `"trailing"`: 200 with the page and garbage behind it
                - `"reset"`: the connection is reset before any byte
                - `"reset_in_body"`: the connection is reset after half of the page
                - `"stuck_token"`: the page, but its NextToken is the one that was asked with; it
                  and what is queued behind it wait for a request that has a token
                - `"empty_page"`: no jobs, and a new token to the same place
                - `"ignored_max_results"`: a page of up to 1,000 jobs whatever `maxResults` says
            times: how many requests in a row.

        Raises:
            InvalidRequestError: a fault of another name, or negative `times`.
        """
        known: tuple[str, ...] = get_args(FaultName)
        if fault not in known:
            nearest = difflib.get_close_matches(str(fault), known, n=1)
            hint = f" (did you mean {nearest[0]!r}?)" if nearest else ""
            message = f"fault: there is no {fault!r}{hint}, only {', '.join(known)}"
            raise InvalidRequestError(message)
        if times < 0:
            message = f"times: cannot be negative, got {times}"
            raise InvalidRequestError(message)
        self._service.queue(fault, times)


def seed_restore_jobs(
    jobs: Iterable[RestoreJob], *, region_name: str = REGION, account_id: str = ACCOUNT
) -> None:
    """Add jobs to moto's AWS Backup, inside a `moto.mock_aws()` of your own.

    Any client of that region and account lists them until moto resets, as it does when the mock
    starts and ends. A job with the id of one that is there already takes its place. A moto server
    in the same process lists them too if it had no AWS Backup request before.

    Args:
        jobs: the jobs, stored whatever account and ARNs their own members name.
        region_name: where they are listed.
        account_id: whose they are, 12 digits; the default is moto's own default.

    Raises:
        InvalidRequestError: outside of a mock, a region that AWS Backup does not have, or an
            account id that is not 12 digits.
        ImportError: `restorejobs-client[testing]` is not installed.
    """
    shelf_in_mock(region_name, account_id).put(jobs)

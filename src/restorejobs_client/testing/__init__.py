"""A fake AWS Backup for tests, with real HTTP on loopback, realistic jobs and faults.

    with fake_backup(sample_jobs(2_500)) as backup:
        backup.fail_next("throttle")
        failed = list(backup.client().list_restore_jobs(by_status="FAILED"))

`fake_backup` needs no extra. It has only the operation ListRestoreJobs. moto has many others, but
not this one: `seed_restore_jobs` adds it inside your own `moto.mock_aws()`. This needs the extra
`testing`.

The fake decides what AWS does not document:

- The newest job comes first. Jobs without a creation date come last.
- The filters `by_created_after` and `by_complete_after` include their moment. `by_created_before`
  and `by_complete_before` exclude it. A job without that date matches none of them.
- `by_account_id="*"` lists the jobs of all accounts.
- A page token is a position in this order. If a job appears or disappears between two pages, no
  other job is repeated or left out. The token works with any page size, but only with the same
  filters, account and region.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict, deque
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from functools import partial
from urllib.parse import parse_qsl

from botocore.config import Config
from typing_extensions import override

from restorejobs_client._client import RestoreJobsClient
from restorejobs_client._core.clock import Clock
from restorejobs_client._core.errors import InvalidRequestError
from restorejobs_client._models.jobs import RestoreJob
from restorejobs_client._models.parameters import check_count
from restorejobs_client.testing import _server, _service
from restorejobs_client.testing._moto import seed_restore_jobs
from restorejobs_client.testing._samples import sample_jobs
from restorejobs_client.testing._service import ACCOUNT, REGION, FaultName, Owner, check_account

__all__ = ["FakeBackup", "FaultName", "fake_backup", "sample_jobs", "seed_restore_jobs"]

_SIGNED_FOR = re.compile(r"Credential=[^,]*/([^/,]+)/backup/aws4_request")
_UNSIGNED = "MissingAuthenticationTokenException"


@contextmanager
def fake_backup(
    jobs: Iterable[RestoreJob] = (), *, region_name: str = REGION, account_id: str = ACCOUNT
) -> Generator[FakeBackup, None, None]:
    """Serve restore jobs over real HTTP on loopback until the `with` block ends.

    It answers ListRestoreJobs. Any other request gets an error with HTTP status 501 that points to
    moto. Several fakes can run at the same time, each with its own jobs. When the block ends, the
    server, its connections and its thread end too.

    Args:
        jobs: the jobs of this region and account. Their own members may name others.
        region_name: the region of `jobs`, and the default region of clients.
        account_id: the account of `jobs`, and the default account of callers, 12 digits.

    Raises:
        InvalidRequestError: a job that AWS could not list, as for `FakeBackup.seed`, or an account
            id that is not 12 digits.
    """
    backup = FakeBackup(region_name, check_account(account_id))
    backup.seed(jobs)
    with closing(_server.Server(backup._respond)) as server:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # private for users
        backup.endpoint_url = server.url
        yield backup


class _InstantClock(Clock):
    """The clock of a watch: real time, and the seconds that it and its client have skipped."""

    def __init__(self, skipped_by_client: Iterable[float] = ()) -> None:
        self._skipped_by_client = skipped_by_client
        self._skipped = 0.0

    @override
    def now(self) -> float:
        return super().now() + self._skipped + sum(self._skipped_by_client)

    @override
    def sleep(self, seconds: float) -> float:
        self._skipped += seconds
        return 0.0


@dataclass
class _Fault:
    """A call of `fail_next`. It numbers the requests to come; a negative one gets no fault."""

    name: FaultName
    owner: tuple[str | None, str | None]
    numbers: range


class FakeBackup:
    """A running fake of AWS Backup, which `fake_backup` yields.

    Any thread may call its methods.

    Attributes:
        endpoint_url: the URL of the server, for your own clients. A request lists the region that
            it is signed for. Like AWS, the fake answers a request that is not signed for AWS Backup
            with HTTP status 403. The header `x-moto-account-id` is the account of the caller.
            Without it, the caller is the account of `fake_backup`.
        requests: the query parameters of all ListRestoreJobs requests so far, in order, by their
            names in the URL (such as `maxResults`). Requests that got a fault are included.
    """

    def __init__(self, region_name: str, account_id: str) -> None:
        self.endpoint_url = ""
        self.requests: list[dict[str, str]] = []
        self._region_name = region_name
        self._account_id = account_id
        self._lock = threading.RLock()  # held while jobs are read or changed
        self._shelves = defaultdict[Owner, _service.Shelf](list)
        self._steps: deque[tuple[Owner, list[RestoreJob]]] = deque()
        self._faults: list[_Fault] = []
        self._skipped = defaultdict[Owner, list[float]](list)  # seconds

    def __repr__(self) -> str:
        return f"FakeBackup({self.endpoint_url!r})"

    def client(
        self,
        *,
        region_name: str | None = None,
        account_id: str | None = None,
        config: Config | None = None,
    ) -> RestoreJobsClient:
        """Return a client that calls this fake with its own credentials.

        It ignores credentials, profiles, settings and proxies of the environment. It never waits,
        neither before a retry nor between the rounds of a `watch`. The `timeout` of a watch counts
        the time that it would have waited. It also counts 0.1 seconds for the first request that
        gets a fault of `fail_next`, 0.2 seconds for the second, and so on, so it comes even if
        every round fails. `seed_next` changes jobs between the rounds.

        Args:
            region_name: the region to list. Default: that of `fake_backup`.
            account_id: the account of the caller, 12 digits. Default: that of `fake_backup`.
            config: botocore settings. They override the defaults of this client, which are standard
                retries with 8 attempts, and 64 connections. The retry mode "adaptive", which
                also waits before the first attempt, is replaced by "standard".

        Raises:
            InvalidRequestError: an account id that is not 12 digits.
        """
        owner = self._owner(region_name, account_id)
        skipped = self._skipped[owner]
        core = _server.isolated_client(self.endpoint_url, owner, config, skipped.append)
        client = RestoreJobsClient(client=core)
        client._new_clock = lambda: _InstantClock(skipped)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # only for tests, so it is not public
        return client

    def seed(
        self,
        jobs: Iterable[RestoreJob],
        *,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Add jobs. A job replaces the one that has the same id.

        Ids are compared exactly, so `"a"` and `"A"` are two jobs. All jobs without an id are kept.
        The values of a job are checked as by `RestoreJob.from_dict`. If one job is refused, none is
        added.

        Args:
            jobs: the jobs. Their own members may name another account or region.
            region_name: the region that lists them. Default: that of `fake_backup`.
            account_id: the account that lists them, 12 digits. Default: that of `fake_backup`.

        Raises:
            InvalidRequestError: a job that AWS could not list, such as one with a naive datetime or
                with a number as its id; one with a date or number that JSON cannot keep exactly;
                something that is not a `RestoreJob`; or an account id that is not 12 digits. The
                message names the job and, for a wrong value, its member.
        """
        self._put(self._owner(region_name, account_id), _service.read_jobs(jobs))

    def seed_next(
        self,
        jobs: Iterable[RestoreJob],
        *,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Add jobs at the end of the next listing, so that the listing after it has them.

        This changes jobs while the code under test polls. Several calls form a queue: each listing
        takes one step. In this example, three listings return PENDING, RUNNING and COMPLETED:

            with fake_backup([pending]) as backup:
                backup.seed_next([running])
                backup.seed_next([completed])

        A listing ends with the page without a `NextToken`. The fake adds the jobs before it sends
        that page. Listings of all clients count, with any filters, region and account. `split` and
        `parallel` run several listings. A response with a fault of `fail_next` does not count, and
        neither does a refused request. The fake answers one request at a time, so two listings that
        end together take one step each.

        Args:
            jobs: the jobs, as for `seed`. Without jobs, the step changes nothing.
            region_name: the region that lists them. Default: that of `fake_backup`.
            account_id: the account that lists them, 12 digits. Default: that of `fake_backup`.

        Raises:
            InvalidRequestError: as for `seed`. It is raised at once, not when the jobs are added.
        """
        self._steps.append((self._owner(region_name, account_id), _service.read_jobs(jobs)))

    def clear(self) -> None:
        """Remove the jobs of all regions and accounts, and the queue of `seed_next`.

        The queue of `fail_next` and `requests` are kept.
        """
        with self._lock:
            self._shelves.clear()
            self._steps.clear()

    def fail_next(
        self,
        fault: FaultName,
        *,
        times: int = 1,
        after: int = 0,
        region_name: str | None = None,
        account_id: str | None = None,
    ) -> None:
        """Answer the next ListRestoreJobs requests with a fault.

        Several calls form a queue. A request takes the first fault in the queue that is for its
        region and account. A client that retries, as that of `client()` does, may recover, so that
        its caller sees no fault.

        Args:
            fault: one of

                - `"throttle"`: 400 ThrottlingException
                - `"too_many_requests"`: 429 without a body, as proxies send it
                - `"access_denied"`: 403 AccessDeniedException
                - `"expired_token"`: 403 ExpiredTokenException
                - `"unavailable"`: 503 ServiceUnavailableException
                - `"server_error"`: 500 with HTML
                - `"damage"`: 200 with HTML
                - `"empty_body"`: 200 with nothing
                - `"no_content"`: 204
                - `"redirect"`: 302 to another host
                - `"cut"`: 200 with the first half of the page; Content-Length is that of the half
                - `"short"`: 200 with the first half of the page, then the connection is closed;
                  Content-Length is that of the whole page
                - `"trailing"`: 200 with the page, followed by garbage
                - `"reset"`: the connection is reset before any byte
                - `"reset_in_body"`: the connection is reset after half of the page
                - `"stuck_token"`: the page, but its NextToken is the token of the request. It waits
                  for a request that has a token, and the faults behind it in the queue wait too
                - `"empty_page"`: no jobs, and a new token for the same position
                - `"ignored_max_results"`: a page of up to 1,000 jobs; `maxResults` has no effect
            times: the number of requests in a row.
            after: the number of requests before them that get an answer without a fault. It counts
                once the fault is the first one in the queue.
            region_name: the region of the requests that get the fault and that `times` and `after`
                count. Default: any.
            account_id: the account of their callers, 12 digits. Default: any.

        Raises:
            InvalidRequestError: an unknown fault; `times` or `after` is not an int of 0 or more; or
                an account id that is not 12 digits.
        """
        if fault not in _service.FAULTS:
            names = ", ".join(_service.FAULTS)
            raise InvalidRequestError(f"fault: there is no {fault!r}, only {names}")
        check_count("times", times, least=0)
        check_count("after", after, least=0)
        check_account(account_id or ACCOUNT)
        if times:
            owner = region_name or None, account_id or None
            self._faults.append(_Fault(fault, owner, range(-after, times)))

    def _owner(self, region_name: str | None, account_id: str | None) -> Owner:
        return region_name or self._region_name, check_account(account_id or self._account_id)

    def _put(self, owner: Owner, jobs: list[RestoreJob]) -> None:
        with self._lock:
            _service.put(self._shelves[owner], owner[1], jobs)

    def _next_fault(self, owner: Owner, *, has_token: bool) -> FaultName | None:
        """Return the fault of a request, and count the request."""
        left = (one for one in self._faults if one.numbers)
        fault = next((one for one in left if {None, *owner}.issuperset(one.owner)), None)
        if fault is None:
            return None
        number = fault.numbers[0]
        if fault.name == "stuck_token" and number >= 0 and not has_token:
            return None
        fault.numbers = fault.numbers[1:]
        if number < 0:
            return None
        self._skipped[owner].append((number + 1) / 10)
        return fault.name

    def _respond(self, method: str, target: str, headers: Message) -> _service.Answer:
        path, _, query = target.partition("?")
        if method != "GET" or path.rstrip("/") != "/restore-jobs":
            advice = "For others, use moto.mock_aws(), and add jobs with seed_restore_jobs"
            message = f"fake_backup has only ListRestoreJobs, not {method} {path}. {advice}"
            return _service.aws_error(501, "NotImplementedException", message=message)
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        signed_for = _SIGNED_FOR.search(headers.get("Authorization", ""))
        with self._lock:
            self.requests.append(parameters)
            if signed_for is None:
                return _service.aws_error(403, _UNSIGNED, message="Missing Authentication Token")
            owner = signed_for[1], headers.get(_server.ACCOUNT_HEADER, self._account_id)
            answer = partial(_service.answer, self._shelves, owner, parameters)
            if name := self._next_fault(owner, has_token="nextToken" in parameters):
                return _service.FAULTS[name](answer)
            page = answer()
            if page.ends_listing and self._steps:
                self._put(*self._steps.popleft())
            return page

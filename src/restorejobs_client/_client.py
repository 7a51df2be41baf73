"""The client and its one operation."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

from restorejobs_client._aws.session import (
    check_client,
    create_client,
    has_given_credentials,
    profile_of,
)
from restorejobs_client._aws.wire import Wire
from restorejobs_client._core.clock import Clock
from restorejobs_client._core.enums import ResourceType, RestoreJobStatus, StatusName
from restorejobs_client._core.errors import (
    InvalidCheckpointError,
    InvalidRequestError,
    RestoreJobsError,
)
from restorejobs_client._core.extras import LazyModule, boto3, botocore_client, botocore_config
from restorejobs_client._core.secrets import without_login
from restorejobs_client._core.text import clipped_repr, one_line
from restorejobs_client._listing import RestoreJobs
from restorejobs_client._models.jobs import RestoreJobPage
from restorejobs_client._models.parameters import (
    LARGEST_PAGE,
    PARAMETERS,
    check_names,
    check_parameters,
    filter_texts,
)
from restorejobs_client._paging.checkpoint import Checkpoint, Position, read_checkpoint
from restorejobs_client._paging.run import Query

if TYPE_CHECKING:
    from restorejobs_client._models import request as _request
else:  # importing pydantic takes longer than importing this package
    _request = LazyModule("restorejobs_client._models.request")

_AWS_ENDPOINT: Final = re.compile(
    r"https://[\w.-]+\.(amazonaws\.(com(\.cn)?|eu)|api\.(aws|amazonwebservices\.(com\.cn|eu))"
    r"|[\w.-]+\.ic\.gov|sc2s\.sgov\.gov|api\.aws\.scloud|[\w.-]+\.adc-e\.uk)/?$"
)
_Method = TypeVar("_Method", bound=Callable[..., object])


def _with_checked_keywords(method: _Method) -> _Method:
    """Refuse unknown keywords, and a request together with AWS parameters."""
    known: list[str] = list(getattr(method, "__kwdefaults__", ()))

    @wraps(method)
    def checked(owner: object, /, *request: object, **keywords: object) -> object:
        try:
            check_names(keywords, known)
            if any(one is not None for one in request):
                _reject_conflicts("a request", {name: keywords.get(name) for name in PARAMETERS})
            return method(owner, *request, **keywords)
        except RestoreJobsError as error:
            # Tracebacks can show variables: here, passwords and keys.
            raise error.with_traceback(None) from error.__cause__
        finally:
            keywords.clear()

    return cast("_Method", checked)


class RestoreJobsClient:
    """Lists the AWS Backup restore jobs of one account and region.

    Without arguments, it finds the region and credentials as boto3 does, including
    `boto3.setup_default_session`. Threads can share a client. A client and its listings can be
    pickled, unless the client was made from a session or a boto3 client: credentials are never
    pickled.

    Args:
        session: the boto3 session to take credentials and configuration from.
        client: a boto3 "backup" client to use. Its other callers are unaffected.
        region_name: the AWS region, such as `"eu-central-1"`.
        profile_name: a profile of the AWS configuration files.
        endpoint_url: the URL to use instead of AWS's own endpoint.
        config: botocore settings (proxies, timeouts, retries). If retries are not configured (here,
            in AWS_RETRY_MODE or AWS_MAX_ATTEMPTS, or in the profile), each request is sent up
            to 8 times, in botocore's standard mode.

    Raises:
        InvalidRequestError: unknown arguments, or some that exclude each other, a session or client
            of the wrong type, or an endpoint that is not a URL.
        ConfigurationError: no region, or settings that botocore refuses.
        CredentialsError: no such profile. Missing credentials raise it when you iterate.
    """

    @_with_checked_keywords
    def __init__(  # noqa: PLR0913  # as in boto3
        self,
        *,
        session: boto3.Session | None = None,
        client: botocore_client.BaseClient | None = None,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        config: botocore_config.Config | None = None,
    ) -> None:
        settings: dict[str, Any] = {
            "region_name": region_name,
            "profile_name": profile_name,
            "endpoint_url": endpoint_url,
            "config": config,
        }
        is_own = client is None and session is None
        if is_own and profile_name is None:
            # `boto3.setup_default_session` sets it. A handler may interrupt the import of boto3.
            session = getattr(boto3, "DEFAULT_SESSION", None)
            is_own = session is None or not has_given_credentials(session)
        if client is not None:
            _reject_conflicts("client", {"session": session, **settings})
            check_client(client)
        else:
            if session is not None:
                _reject_conflicts("session", {"profile_name": profile_name})
            client = create_client(session, **settings)
        if session is not None:
            profile_name = settings["profile_name"] = profile_of(session)
        # boto3 may have found the region and the endpoint in the environment.
        self._origin: dict[str, str] = {"region_name": client.meta.region_name}
        if profile_name is not None:
            self._origin["profile_name"] = profile_name
        if endpoint_url or not _AWS_ENDPOINT.match(client.meta.endpoint_url):
            self._origin["endpoint_url"] = without_login(client.meta.endpoint_url)
        self._settings = settings if is_own else None
        self._new_clock: Callable[[], Clock] = Clock
        self._wire = Wire(client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the idle connections. A later request opens new ones."""
        self._wire.client.close()

    @property
    def region_name(self) -> str:
        """The AWS region of the jobs, such as `"eu-central-1"`."""
        return self._origin["region_name"]

    def __repr__(self) -> str:
        return one_line("RestoreJobsClient", getattr(self, "_origin", {}))  # {}: not made yet

    def __reduce__(self) -> tuple[Callable[[], RestoreJobsClient], tuple[()]]:
        """Pickle the arguments of the client. Unpickling creates a new boto3 client.

        Raises:
            InvalidRequestError: the client was made from a session or a boto3 client, or the
                endpoint or a proxy has a password.
        """
        # No variable holds the settings, because tracebacks can show variables: here, a password.
        if self._settings is None:
            raise InvalidRequestError(
                "a RestoreJobsClient made from a session or a client, or from credentials given "
                "to boto3.setup_default_session, cannot be pickled: make it "
                "from region_name and profile_name, to find credentials where it is unpickled"
            )
        if _has_password(self._settings):
            raise InvalidRequestError("a client with a password in a URL cannot be pickled")
        try:
            pickle.dumps(self._settings)
        except Exception:  # noqa: BLE001  # for example, with signature_version=botocore.UNSIGNED
            raise InvalidRequestError("the config of this client cannot be pickled") from None
        return partial(RestoreJobsClient, **self._settings | {"region_name": self.region_name}), ()

    @_with_checked_keywords
    def list_restore_jobs(  # noqa: PLR0913  # AWS's parameters
        self,
        request: _request.ListRestoreJobsRequest | None = None,
        /,
        *,
        by_account_id: str | None = None,
        by_resource_type: ResourceType | str | None = None,
        by_created_before: datetime | None = None,
        by_created_after: datetime | None = None,
        by_status: RestoreJobStatus | StatusName | None = None,
        by_complete_before: datetime | None = None,
        by_complete_after: datetime | None = None,
        by_restore_testing_plan_arn: str | None = None,
        by_parent_job_id: str | None = None,
        max_results: int = LARGEST_PAGE,
        next_token: str | None = None,
        limit: int | None = None,
        resume_from: str | None = None,
        progress: bool = False,
    ) -> RestoreJobs:
        """Return the restore jobs that match all filters, as a lazy listing.

        No request is sent until you iterate over the listing.

        Args:
            request: the AWS parameters as one object, instead of keywords.
            by_account_id: list jobs of this account (12 digits). `"*"` may list those of all
                accounts of an organization: AWS documents it for ListBackupJobs, but not for this
                operation. Default: the account of the credentials.
            by_resource_type: list jobs of this type, such as `ResourceType.EBS`. Types that AWS
                adds later are accepted. A misspelt type is sent too.
            by_created_before: list jobs created before this moment, an aware datetime. AWS does not
                document whether its bounds are inclusive.
            by_created_after: list jobs created after this moment.
            by_status: list jobs in this status: PENDING, RUNNING, COMPLETED, ABORTED or FAILED.
            by_complete_before: list jobs completed before this moment.
            by_complete_after: list jobs completed after this moment.
            by_restore_testing_plan_arn: list jobs that this restore testing plan started.
            by_parent_job_id: list the children of this job.
            max_results: the largest number of jobs per page, 1 to 1000. It does not change which
                jobs are listed.
            next_token: start at this AWS page token.
            limit: yield at most this many jobs in each run of the listing; 0 yields none.
            resume_from: continue from this `checkpoint` of an iterator or an error. The filters
                must be the same as before. `resume` needs no filters.
            progress: show a progress bar: jobs, pages and rate while the listing runs; windows in
                `parallel`; ended jobs in `watch`. It appears only in a notebook or a terminal (on
                standard error). Without the extra `progress`, iterating raises ImportError.

        Raises:
            InvalidRequestError: a parameter is wrong. The message names it, and nothing is sent.
            InvalidCheckpointError: the checkpoint is damaged, or has other filters or another
                region. The message shows both.

        Examples:
            >>> from restorejobs_client.testing import fake_backup, sample_jobs
            >>> with fake_backup(sample_jobs(100)) as backup:
            ...     failed = backup.client().list_restore_jobs(by_status="FAILED", limit=2)
            ...     [job.status.value for job in failed]
            ['FAILED', 'FAILED']

        Source: https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListRestoreJobs.html
        """
        given: dict[str, object] = {
            "by_account_id": by_account_id,
            "by_resource_type": by_resource_type,
            "by_created_before": by_created_before,
            "by_created_after": by_created_after,
            "by_status": by_status,
            "by_complete_before": by_complete_before,
            "by_complete_after": by_complete_after,
            "by_restore_testing_plan_arn": by_restore_testing_plan_arn,
            "by_parent_job_id": by_parent_job_id,
            "max_results": max_results,
            "next_token": next_token,
        }
        if request is not None:
            if not isinstance(request, _request.ListRestoreJobsRequest):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
                raise InvalidRequestError(
                    f"{clipped_repr(request)} is not a ListRestoreJobsRequest: use keywords, or "
                    "ListRestoreJobsRequest.model_validate for a dict"
                )
            given = dict(request)
        parameters = check_parameters(given)
        token = cast("str | None", parameters.pop("next_token", None))
        query = Query(
            parameters=parameters,
            origin=self._origin,
            # These methods, because a client can be pickled, and its Wire cannot.
            fetch=self._fetch,
            close=self.close,
            new_clock=self._new_clock,
            start=Position(token=token),
            started_by=None if token is None else "next_token",
            limit=limit,
            progress=progress,
        )
        if resume_from is not None:
            _reject_conflicts("resume_from", {"next_token": token})
            query = _resumed(query, read_checkpoint(resume_from))
        return RestoreJobs(query)

    def resume(
        self, checkpoint: str, *, limit: int | None = None, progress: bool = False
    ) -> RestoreJobs:
        """Return the rest of the listing that a checkpoint was taken from.

        The checkpoint holds the filters, the window and the region of the listing. It is not
        signed: whoever can write it chooses them. If the listing had ended, nothing is left: for
        new jobs, list again with a `by_created_after` before the end of that run, because a job may
        be listed late, and leave out the ids that you have.

        Args:
            checkpoint: the text from an iterator or an error.
            limit: as in `list_restore_jobs`.
            progress: as in `list_restore_jobs`.

        Raises:
            InvalidRequestError: `limit` is wrong.
            InvalidCheckpointError: the checkpoint is damaged, or from another region.
        """
        filters: dict[str, Any] = read_checkpoint(checkpoint).filters
        return self.list_restore_jobs(
            **filters, limit=limit, resume_from=checkpoint, progress=progress
        )

    def _fetch(self, parameters: dict[str, object]) -> RestoreJobPage:
        return self._wire.fetch(parameters)


def _has_password(settings: Mapping[str, Any]) -> bool:
    proxies: object = getattr(settings["config"], "proxies", None)
    return "@" in str((settings["endpoint_url"], proxies))


def _resumed(query: Query, checkpoint: Checkpoint) -> Query:
    old = {"region_name": checkpoint.region_name, **checkpoint.filters}
    new = {"region_name": query.origin.get("region_name"), **filter_texts(query.parameters)}
    if old != new:
        raise InvalidCheckpointError(
            "the checkpoint is from a listing with other filters or another region: it continues "
            f"{one_line('RestoreJobs', old)}, but this is {one_line('RestoreJobs', new)}; use a "
            "client for its region, and client.resume(checkpoint), which needs no filters"
        )
    window, start = checkpoint.window, checkpoint.position
    return replace(query, window=window, start=start, started_by="resume_from")


def _reject_conflicts(what: str, given: Mapping[str, object]) -> None:
    if names := ", ".join(name for name, value in given.items() if value is not None):
        message = f"{names} cannot be given together with {what}, which has its own"
        raise InvalidRequestError(message)

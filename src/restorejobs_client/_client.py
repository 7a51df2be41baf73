"""The facade: a client, and the one operation that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._listing import RestoreJobs
from restorejobs_client._request import ListRestoreJobsRequest
from restorejobs_client._session import create_client
from restorejobs_client._wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import boto3
    from botocore.client import BaseClient
    from botocore.config import Config

    from restorejobs_client._enums import ResourceType, RestoreJobStatus
    from restorejobs_client._models import RestoreJobPage
    from restorejobs_client._request import StatusName


class RestoreJobsClient:
    """Lists AWS Backup restore jobs of one account and region.

    With no arguments it finds region and credentials as boto3 does. Safe to share among threads.
    It pickles, and its listings do, unless it was made from a session or a client: then the
    credentials would travel.

    Args:
        session: a boto3 session to take credentials and configuration from.
        client: a ready boto3 "backup" client. Its other users do not notice.
        region_name: the AWS region, such as `"eu-central-1"`.
        profile_name: a profile of the AWS configuration files.
        endpoint_url: another endpoint than AWS's own.
        config: botocore settings (proxies, time-outs, retries). Retries that are configured
            nowhere (here, AWS_RETRY_MODE, AWS_MAX_ATTEMPTS, the profile) are botocore's standard
            mode with 8 attempts.

    Raises:
        InvalidRequestError: arguments that exclude each other, or an endpoint that is no URL.
        TransportError: no region. CredentialsError: no such profile. Missing credentials show
            when a listing is iterated.
    """

    def __init__(  # noqa: PLR0913  # boto3's own
        self,
        *,
        session: boto3.Session | None = None,
        client: BaseClient | None = None,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        config: Config | None = None,
    ) -> None:
        given = {
            "session": session,
            "region_name": region_name,
            "profile_name": profile_name,
            "endpoint_url": endpoint_url,
            "config": config,
        }
        if client is not None:
            _refuse_beside("client", given, tuple(given))
        if session is not None:
            _refuse_beside("session", given, ("profile_name",))
        self._made_from = None if session is None else "session"
        if client is not None:
            self._made_from = "client"
            service: object = getattr(getattr(client, "meta", None), "service_model", None)
            if getattr(service, "service_name", None) != "backup":
                message = f'client={client!r} is refused: it must be a boto3 "backup" client'
                raise InvalidRequestError(message)
        else:
            client = create_client(
                session=session,
                region_name=region_name,
                profile_name=profile_name,
                endpoint_url=endpoint_url,
                config=config,
            )
        self._region_name: str = client.meta.region_name
        self._profile_name = profile_name
        self._endpoint_url = endpoint_url
        self._config = config
        self._wire = Wire(client)

    def __repr__(self) -> str:
        return f"RestoreJobsClient(region_name={self._region_name!r})"

    def __reduce__(self) -> tuple[Callable[..., RestoreJobsClient], tuple[object, ...]]:
        """Pickle as what it was made from; the boto3 client is made anew where it is unpickled.

        Raises:
            InvalidRequestError: credentials would travel: it was made from a session or a client,
                or there is a password in the endpoint or in a proxy.
        """
        advice = "make it from region_name and profile_name, to find credentials where it is used"
        if self._made_from is not None:
            message = f"a RestoreJobsClient made from a {self._made_from} does not pickle: {advice}"
            raise InvalidRequestError(message)
        proxies: dict[str, str | None] = getattr(self._config, "proxies", None) or {}
        if any("@" in (url or "") for url in (self._endpoint_url, *proxies.values())):
            message = "a RestoreJobsClient with a password in a URL does not pickle"
            raise InvalidRequestError(message)
        made_from = (self._region_name, self._profile_name, self._endpoint_url, self._config)
        return _made_from, made_from

    def list_restore_jobs(  # noqa: PLR0913  # AWS's parameters
        self,
        request: ListRestoreJobsRequest | None = None,
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
        max_results: int = 1000,
        next_token: str | None = None,
        limit: int | None = None,
        resume_from: str | None = None,
        progress: bool = False,
    ) -> RestoreJobs:
        """Return the restore jobs that match, as a lazy listing: nothing is sent until iterated.

        Args:
            request: the AWS parameters as one object, instead of the keywords for them.
            by_account_id: jobs of this account (12 digits), or of all (`"*"`) for a delegated
                administrator of AWS Organizations. Default: the account of the credentials.
            by_resource_type: such as `ResourceType.EBS`; values that AWS adds later are taken.
            by_created_before: created before this moment, an aware datetime. AWS does not say
                whether the bounds are inclusive.
            by_created_after: created after this moment.
            by_status: one of PENDING, RUNNING, COMPLETED, ABORTED, FAILED.
            by_complete_before: completed before this moment.
            by_complete_after: completed after this moment.
            by_restore_testing_plan_arn: started by this restore testing plan.
            by_parent_job_id: children of this job.
            max_results: jobs a page, 1 to 1000; it changes the requests, not the listing.
            next_token: begin at this token of AWS's instead of at the beginning.
            limit: yield at most this many jobs in each run of the listing; 0 yields none.
            resume_from: go on where the `checkpoint` of an iterator or an error says.
            progress: show jobs, pages and rate while the listing runs, and windows where it runs
                in `parallel`: in a terminal (on standard error) or a notebook, nowhere else.
                Needs the extra `progress`; without it, iterating raises ImportError.

        Raises:
            InvalidRequestError: a parameter that cannot be right; the message names it.
            InvalidCheckpointError: a checkpoint that is damaged or of other filters.

        Examples:
            >>> from restorejobs_client.testing import fake_backup, sample_jobs
            >>> with fake_backup(sample_jobs(100)) as backup:
            ...     failed = backup.client().list_restore_jobs(by_status="FAILED", limit=2)
            ...     [job.status.value for job in failed]
            ['FAILED', 'FAILED']

        Source: https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListRestoreJobs.html
        """
        keywords = {
            "by_account_id": by_account_id,
            "by_resource_type": by_resource_type,
            "by_created_before": by_created_before,
            "by_created_after": by_created_after,
            "by_status": by_status,
            "by_complete_before": by_complete_before,
            "by_complete_after": by_complete_after,
            "by_restore_testing_plan_arn": by_restore_testing_plan_arn,
            "by_parent_job_id": by_parent_job_id,
            "max_results": None if request is not None and max_results == 1000 else max_results,  # noqa: PLR2004  # the default
            "next_token": next_token,
        }
        if request is None:
            request = ListRestoreJobsRequest.model_validate(keywords)
        else:
            if not isinstance(request, ListRestoreJobsRequest):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without types
                message = (
                    f"{request!r} is no ListRestoreJobsRequest: "
                    "ListRestoreJobsRequest.model_validate makes one of a dict"
                )
                raise InvalidRequestError(message)
            _refuse_beside("a request", keywords, tuple(keywords))
            request = request.model_copy()  # validated anew: model_construct makes any request
        return RestoreJobs(
            self._fetch,
            request,
            region_name=self._region_name,
            limit=limit,
            resume_from=resume_from,
            progress=progress,
        )

    def _fetch(self, parameters: dict[str, object]) -> RestoreJobPage:
        return self._wire.fetch(parameters)


def _made_from(
    region_name: str, profile_name: str | None, endpoint_url: str | None, config: Config | None
) -> RestoreJobsClient:
    return RestoreJobsClient(
        region_name=region_name,
        profile_name=profile_name,
        endpoint_url=endpoint_url,
        config=config,
    )


def _refuse_beside(what: str, given: Mapping[str, object], names: tuple[str, ...]) -> None:
    both = [name for name in names if given[name] is not None]
    if both:
        message = f"{', '.join(both)} cannot be given beside {what}, which has its own: give one"
        raise InvalidRequestError(message)

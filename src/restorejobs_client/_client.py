"""The facade: a client, and the one operation that it has."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from restorejobs_client._checkpoint import Checkpoint, Position, read_checkpoint
from restorejobs_client._cursor import Listing
from restorejobs_client._enums import ResourceType, RestoreJobStatus, StatusName
from restorejobs_client._errors import InvalidCheckpointError, InvalidRequestError, redacted
from restorejobs_client._extras import LazyModule, boto3, botocore_client, botocore_config
from restorejobs_client._listing import RestoreJobs
from restorejobs_client._models import RestoreJobPage
from restorejobs_client._parameters import (
    LARGEST_PAGE,
    PARAMETERS,
    check_parameters,
    filter_texts,
    undocumented_resource_type,
    unknown_parameter,
)
from restorejobs_client._session import create_client
from restorejobs_client._text import one_line
from restorejobs_client._watch import Clock
from restorejobs_client._wire import Wire

if TYPE_CHECKING:
    from restorejobs_client import _request
else:  # it imports pydantic, which costs more to import than all of this package
    _request = LazyModule("restorejobs_client._request")

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def _with_checked_keywords(
    method: Callable[_Parameters, _Result],
) -> Callable[_Parameters, _Result]:
    """Refuse keywords that the method does not have, and filters beside a request."""
    known: list[str] = list(getattr(method, "__kwdefaults__", ()))

    @wraps(method)
    def checked(*args: _Parameters.args, **keywords: _Parameters.kwargs) -> _Result:
        for name in set[str](keywords).difference(known):
            raise InvalidRequestError(unknown_parameter(name, known))
        if len(args) > 1 and args[1] is not None:
            given = {name: keywords[name] for name in PARAMETERS if name in keywords}
            _reject_conflicts("a request", given)
        return method(*args, **keywords)

    return checked


class RestoreJobsClient:
    """Lists the AWS Backup restore jobs of one account and region.

    Without arguments it finds region and credentials as boto3 does, including
    `boto3.setup_default_session`. Threads can share it. It pickles, and so do its listings, unless
    it was made from a session or a client, because then credentials would travel.

    Args:
        session: a boto3 session to take credentials and configuration from.
        client: a ready boto3 "backup" client. Its other users are unaffected.
        region_name: the AWS region, such as `"eu-central-1"`.
        profile_name: a profile of the AWS configuration files.
        endpoint_url: another endpoint than AWS's own.
        config: botocore settings (proxies, time-outs, retries). If retries are configured nowhere
            (here, AWS_RETRY_MODE, AWS_MAX_ATTEMPTS, the profile), botocore's standard mode makes up
            to 8 attempts.

    Raises:
        InvalidRequestError: arguments that exclude each other, a session or client of another type,
            or an endpoint that is no URL.
        ConfigurationError: no region, or settings that botocore refuses. CredentialsError: no such
            profile. Missing credentials show when a listing is iterated.
    """

    def __init__(  # noqa: PLR0913  # boto3's own
        self,
        *,
        session: boto3.Session | None = None,
        client: botocore_client.BaseClient | None = None,
        region_name: str | None = None,
        profile_name: str | None = None,
        endpoint_url: str | None = None,
        config: botocore_config.Config | None = None,
    ) -> None:
        given = {
            "session": session,
            "region_name": region_name,
            "profile_name": profile_name,
            "endpoint_url": endpoint_url,
            "config": config,
        }
        self._made_from: str | None = None
        if client is not None:
            self._made_from = "client"
            _reject_conflicts("client", given)
            service: object = getattr(getattr(client, "meta", None), "service_model", None)
            if getattr(service, "service_name", None) != "backup":
                message = f'client={client!r} is refused: it must be a boto3 "backup" client'
                raise InvalidRequestError(message)
        else:
            if session is not None:
                self._made_from = "session"
                _reject_conflicts("session", {"profile_name": profile_name})
                if not callable(getattr(session, "client", None)):
                    message = (
                        f"session={session!r} is refused: it must be a boto3.Session; a region is "
                        "given as region_name, a profile as profile_name"
                    )
                    raise InvalidRequestError(message)
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
        self._clock = Clock()
        self._wire = Wire(client)

    @property
    def region_name(self) -> str:
        """The AWS region that is listed, such as `"eu-central-1"`."""
        return self._region_name

    @property
    def _origin(self) -> dict[str, str]:
        origin = {
            "region_name": self._region_name,
            "profile_name": self._profile_name,
            "endpoint_url": self._endpoint_url and redacted(self._endpoint_url),
        }
        return {name: value for name, value in origin.items() if value is not None}

    def __repr__(self) -> str:
        return one_line("RestoreJobsClient", self._origin)

    def __reduce__(self) -> tuple[Callable[[], RestoreJobsClient], tuple[()]]:
        """Pickle what the client was made from; where it is unpickled, boto3's is made anew.

        Raises:
            InvalidRequestError: credentials would travel, because it was made from a session or a
                client, or there is a password in the endpoint or in a proxy.
        """
        if self._made_from is not None:
            raise InvalidRequestError(
                f"a RestoreJobsClient made from a {self._made_from} does not pickle: make it from "
                "region_name and profile_name, to find credentials where it is used"
            )
        proxies: dict[str, str | None] = getattr(self._config, "proxies", None) or {}
        if any("@" in (url or "") for url in (self._endpoint_url, *proxies.values())):
            message = "a RestoreJobsClient with a password in a URL does not pickle"
            raise InvalidRequestError(message)
        make = partial(
            RestoreJobsClient,
            region_name=self._region_name,
            profile_name=self._profile_name,
            endpoint_url=self._endpoint_url,
            config=self._config,
        )
        return make, ()

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
        """Return the restore jobs that match, as a lazy listing: nothing is sent until iterated.

        Args:
            request: the AWS parameters as one object, instead of the keywords for them.
            by_account_id: jobs of this account (12 digits), or of all (`"*"`) for a delegated
                administrator of AWS Organizations. Default: the account of the credentials.
            by_resource_type: such as `ResourceType.EBS`. A type that AWS adds later is accepted;
                one that looks misspelt is accepted with a UserWarning.
            by_created_before: created before this moment, an aware datetime. AWS does not say
                whether its bounds are inclusive.
            by_created_after: created after this moment.
            by_status: one of PENDING, RUNNING, COMPLETED, ABORTED, FAILED.
            by_complete_before: completed before this moment.
            by_complete_after: completed after this moment.
            by_restore_testing_plan_arn: started by this restore testing plan.
            by_parent_job_id: children of this job.
            max_results: jobs a page, 1 to 1000; it changes the requests, not the listing.
            next_token: begin at this token of AWS's instead of at the beginning.
            limit: yield at most this many jobs in each run of the listing; 0 yields none.
            resume_from: go on where the `checkpoint` of an iterator or an error says; the filters
                must be those of the checkpoint. `resume` needs no filters.
            progress: show jobs, pages and rate while the listing runs, windows where it runs in
                `parallel`, and jobs that ended where it is watched: in a terminal (on standard
                error) or a notebook only. Needs the extra `progress`; without it, iterating raises
                ImportError.

        Raises:
            InvalidRequestError: a parameter that cannot be right; the message names it.
            InvalidCheckpointError: a checkpoint that is damaged, or made with other filters or in
                another region; the message shows both.

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
                message = (
                    f"{request!r} is no ListRestoreJobsRequest: "
                    "ListRestoreJobsRequest.model_validate makes one of a dict"
                )
                raise InvalidRequestError(message)
            given = dict(request)
        parameters = check_parameters(given)
        if warning := undocumented_resource_type(parameters.get("by_resource_type")):
            warnings.warn(warning, stacklevel=3)
        token = cast("str | None", parameters.pop("next_token", None))
        listing = Listing(
            parameters=parameters,
            origin=self._origin,
            start=Position(token=token),
            started_by=None if token is None else "next_token",
            limit=limit,
            progress=progress,
        )
        if resume_from is None:
            return RestoreJobs(self._fetch, listing, self._clock)
        if token is not None:
            message = "next_token and resume_from both say where to begin: give one"
            raise InvalidRequestError(message)
        checkpoint = read_checkpoint(resume_from)
        _check_same_listing(checkpoint, filter_texts(parameters), self._region_name)
        return self._resumed(listing, checkpoint)

    def resume(self, checkpoint: str, *, progress: bool = False) -> RestoreJobs:
        """Return the rest of the listing that a checkpoint was taken from.

        The checkpoint carries the filters, the window and the region, so nothing else needs to be
        remembered. A listing that had ended has no rest: what is new since then is a new listing,
        with a later `by_created_after`.

        Args:
            checkpoint: of an iterator or an error, as text.
            progress: as in `list_restore_jobs`.

        Raises:
            InvalidCheckpointError: it is damaged, or was made in another region.
        """
        read = read_checkpoint(checkpoint)
        if read.region_name != self._region_name:
            raise InvalidCheckpointError(
                f"the checkpoint was made in region {read.region_name}, and this client lists "
                f"{self._region_name}: use a client of its region"
            )
        parameters = check_parameters({**read.filters, "max_results": LARGEST_PAGE})
        listing = Listing(parameters=parameters, origin=self._origin, progress=progress)
        return self._resumed(listing, read)

    def _resumed(self, listing: Listing, checkpoint: Checkpoint) -> RestoreJobs:
        rest = replace(
            listing,
            window=checkpoint.window,
            start=checkpoint.position,
            started_by="resume_from",
        )
        return RestoreJobs(self._fetch, rest, self._clock)

    def _fetch(self, parameters: dict[str, object]) -> RestoreJobPage:
        return self._wire.fetch(parameters)


def _check_same_listing(
    checkpoint: Checkpoint, filters: Mapping[str, str], region_name: str
) -> None:
    made = {"region_name": checkpoint.region_name, **checkpoint.filters}
    asked = {"region_name": region_name, **filters}
    names = [name for name in (made | asked) if made.get(name) != asked.get(name)]
    if names:
        shown_made, shown_asked = (
            ", ".join(f"{name}={described.get(name)!r}" for name in names)
            for described in (made, asked)
        )
        raise InvalidCheckpointError(
            "resume_from is a checkpoint of other filters or of another region: it was made with "
            f"{shown_made}, and this listing has {shown_asked}; "
            "client.resume(checkpoint) needs no filters"
        )


def _reject_conflicts(what: str, given: Mapping[str, object]) -> None:
    names = [name for name, value in given.items() if value is not None]
    if names:
        message = f"{', '.join(names)} cannot be given together with {what}, which has its own"
        raise InvalidRequestError(message)

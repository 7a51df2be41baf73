"""Create boto3 "backup" clients with the settings that listings need."""

from __future__ import annotations

import os
import threading
from inspect import iscoroutinefunction
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

from restorejobs_client._aws.errors import modules_of, our_error
from restorejobs_client._aws.locks import renew_locks
from restorejobs_client._core.errors import (
    ConfigurationError,
    InvalidRequestError,
    RestoreJobsError,
)
from restorejobs_client._core.extras import boto3, botocore_client, botocore_config
from restorejobs_client._core.secrets import Secrets, without_login
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._version import __version__

_URL_CHECKS: Final = frozenset({"botocore.endpoint", "urllib.parse"})  # modules
_RETRY_VARIABLES: Final = {"AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"}
_RETRY_SETTINGS: Final = {"retry_mode", "max_attempts"}  # of a profile
RETRIES: Final[Any] = {"mode": "standard", "total_max_attempts": 8}
"""The retries of a client whose user has not configured any."""
_loaders: Final[dict[tuple[str, ...], object]] = {}  # botocore's, by their search paths
# boto3 cannot create two clients from one session at the same time. A signal handler may create one
# while its thread does. In the child of a fork, a thread of the parent may hold the parent's lock.
_creating: Final[dict[int, threading.RLock]] = {}  # by process


def check_client(client: object) -> None:
    """Refuse what is not a boto3 "backup" client.

    Raises:
        InvalidRequestError: shows what was given.
    """
    boto3_client: Any = client  # boto3 creates its attributes at run time
    if (
        not issubclass(type(client), botocore_client.BaseClient)
        or boto3_client.meta.service_model.service_name != "backup"
        or iscoroutinefunction(boto3_client.list_restore_jobs)  # as in aiobotocore
    ):
        raise InvalidRequestError(f'client={clipped_repr(client)} is not a boto3 "backup" client')


def create_client(
    session: boto3.Session | None,
    *,
    region_name: str | None,
    profile_name: str | None = None,
    endpoint_url: str | None,
    config: botocore_config.Config | None,
) -> botocore_client.BaseClient:
    """Return a new boto3 "backup" client.

    It names this package in its User-Agent, and retries for longer than boto3's default unless the
    user has configured retries.

    Raises:
        ConfigurationError: no region, or settings that botocore refuses.
        CredentialsError: no such profile.
        InvalidRequestError: the session is not a boto3.Session, the config not a botocore Config,
            the endpoint not a URL, or the region or the profile not text.
    """
    if session is not None and not callable(getattr(session, "client", None)):
        raise InvalidRequestError(
            f"session={clipped_repr(session)} is refused: it must be a boto3.Session; pass a "
            "region as region_name, and a profile as profile_name"
        )
    names: dict[str, object] = {"region_name": region_name, "profile_name": profile_name}
    for name, value in names.items():
        is_empty = name == "region_name" and value == ""  # an empty profile is none for boto3
        if not isinstance(value, str | None) or is_empty:
            shown = clipped_repr(value)
            raise InvalidRequestError(f"{name}={shown} is refused: it must be text, and not empty")
    if not isinstance(cast("object", config), botocore_config.Config | None):
        # Its repr may show a password.
        raise InvalidRequestError(f"config={type(config)} is refused: it must be a botocore Config")
    client: Any  # boto3 creates its attributes at run time
    is_shared, used = session is not None, ""
    try:
        with _creating.setdefault(os.getpid(), threading.RLock()):
            session = session or new_session(profile_name=profile_name, region_name=region_name)
            client = cast("Any", session).client(
                "backup",
                region_name=region_name,
                endpoint_url=endpoint_url,
                config=_settings(session, config),
            )
        check_client(client)
        renew_locks(client, with_credentials=not is_shared)
        used = str(client.meta.endpoint_url)
        _ = urlsplit(used).port  # botocore would refuse it in each request
    except Exception as error:  # noqa: BLE001  # no other exception leaves the package
        failure = _refusal(error, endpoint_url, used or str(error))
    else:
        return cast("botocore_client.BaseClient", client)
    raise failure


def has_given_credentials(session: boto3.Session) -> bool:
    """Return whether a session was given its credentials, instead of finding them."""
    from botocore import credentials  # noqa: PLC0415  # it is slow to import

    core: Any = session._session  # noqa: SLF001  # boto3 has no public way to tell
    known = core._credentials  # noqa: SLF001  # what it has found or was given, if anything
    methods = {getattr(kind, "METHOD", None) for kind in vars(credentials).values()} - {None}
    return known is not None and known.method not in methods


def profile_of(session: boto3.Session) -> str | None:
    """Return the profile that a session was given, by its name or in AWS_PROFILE."""
    core: Any = session._session  # noqa: SLF001  # boto3 answers "default" if there is none
    return cast("str | None", core.profile)


def _refusal(error: Exception, endpoint_url: str | None, used: str) -> RestoreJobsError:
    if not isinstance(error, ValueError) or _URL_CHECKS.isdisjoint(modules_of(error)):
        return our_error(error, Secrets([endpoint_url]), otherwise=ConfigurationError)
    shown = clipped_repr(without_login(unquote(endpoint_url or used)))
    refusal = f"{shown} is refused: it must be a URL such as https://host"
    if endpoint_url is None:
        return ConfigurationError(f"the configured endpoint {refusal}")
    return InvalidRequestError(f"endpoint_url {refusal}")


def new_session(**arguments: Any) -> boto3.Session:  # noqa: ANN401  # those of boto3
    """Return a new boto3 session that shares its models of AWS services with the others.

    Every client of its own session would hold 9 MB of models otherwise. All else is its own, so a
    new session sees the environment, the configuration files and moto as they are now.
    """
    session = boto3.Session(**arguments)
    # boto3 has no public way to set the loader of a session that it makes.
    core: Any = session._session  # noqa: SLF001
    loader = core.get_component("data_loader")
    core.register_component("data_loader", _loaders.setdefault(tuple(loader.search_paths), loader))
    return session


def _settings(
    session: boto3.Session, given: botocore_config.Config | None
) -> botocore_config.Config:
    # boto3 has no public way to read what the user has configured.
    core: Any = session._session  # noqa: SLF001
    profile = core.get_scoped_config().keys()
    is_configured = _RETRY_VARIABLES & os.environ.keys() or _RETRY_SETTINGS & profile
    retries = None if is_configured else RETRIES
    # Enough connections for parallel listings; idle ones cost nothing.
    settings = botocore_config.Config(max_pool_connections=64, retries=retries)
    for others in filter(None, (core.get_default_client_config(), given)):
        settings = settings.merge(others)
    theirs: str | None = cast("Any", settings).user_agent_extra  # botocore sets it at run time
    user_agent = " ".join(filter(None, (theirs, f"restorejobs-client/{__version__}")))
    return settings.merge(botocore_config.Config(user_agent_extra=user_agent))

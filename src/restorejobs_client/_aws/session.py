"""Create boto3 "backup" clients with the settings that listings need."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Final, cast

from botocore.exceptions import BotoCoreError

from restorejobs_client._aws.errors import our_error
from restorejobs_client._core.errors import ConfigurationError, InvalidRequestError
from restorejobs_client._core.extras import boto3, botocore_client, botocore_config
from restorejobs_client._version import __version__

_USER_AGENT: Final = f"restorejobs-client/{__version__}"
_RETRY_VARIABLES: Final = {"AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"}
_RETRY_SETTINGS: Final = {"retry_mode", "max_attempts"}  # of a profile
RETRIES: Final[Any] = {"mode": "standard", "total_max_attempts": 8}
"""The retries of a client whose user has not configured any."""
_loaders: Final[dict[tuple[str, ...], object]] = {}  # botocore's, by their search paths
# boto3 cannot create two clients from one session at the same time. A signal handler may create one
# while its thread does.
_creating = threading.RLock()


def _replace_lock() -> None:
    global _creating  # noqa: PLW0603  # a thread of the parent may hold the old one
    _creating = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_replace_lock)


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
        InvalidRequestError: the session is not a boto3.Session, or the endpoint is not a URL.
    """
    if session is not None and not callable(getattr(session, "client", None)):
        message = (
            f"session={session!r} is refused: it must be a boto3.Session; pass a region as "
            "region_name, and a profile as profile_name"
        )
        raise InvalidRequestError(message)
    try:
        with _creating:
            if session is None and profile_name is None:
                session = boto3.DEFAULT_SESSION  # set by boto3.setup_default_session
            session = session or new_session(profile_name=profile_name, region_name=region_name)
            create: Callable[..., botocore_client.BaseClient] = cast("Any", session).client
            return create(
                "backup",
                region_name=region_name,
                endpoint_url=endpoint_url,
                config=_settings(session, config),
            )
    except BotoCoreError as error:
        raise our_error(error)  # noqa: B904  # our_error sets the cause
    except Exception as error:
        if endpoint_url is None or not isinstance(error, ValueError):
            message = f"the boto3 client could not be created: {type(error).__name__}: {error}"
            raise ConfigurationError(message) from error
        # A wrong URL can have its password anywhere, so none of it is shown.
        shown = "with a password" if "@" in endpoint_url else f"{endpoint_url!r}"
        message = f"endpoint_url {shown} is refused: it must be a URL such as https://host"
        raise InvalidRequestError(message) from None


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
    # Enough connections for parallel listings; idle ones cost nothing.
    settings = botocore_config.Config(
        max_pool_connections=64, retries=None if is_configured else RETRIES
    )
    for others in (core.get_default_client_config(), given):
        if others is not None:
            settings = settings.merge(others)
    theirs: str | None = cast("Any", settings).user_agent_extra  # botocore sets it at run time
    user_agent = f"{theirs} {_USER_AGENT}" if theirs else _USER_AGENT
    return settings.merge(botocore_config.Config(user_agent_extra=user_agent))

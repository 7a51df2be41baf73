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
    profile_name: str | None,
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
            session = session or boto3.Session(profile_name=profile_name, region_name=region_name)
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


def _settings(
    session: boto3.Session, given: botocore_config.Config | None
) -> botocore_config.Config:
    # boto3 has no public way to read what the user has configured.
    core: Any = session._session  # noqa: SLF001
    # Enough connections for parallel listings; idle ones cost nothing.
    settings = botocore_config.Config(max_pool_connections=64)
    is_configured = (
        _RETRY_VARIABLES & os.environ.keys() or _RETRY_SETTINGS & core.get_scoped_config().keys()
    )
    if not is_configured:
        settings = settings.merge(
            botocore_config.Config(retries={"mode": "standard", "total_max_attempts": 8})
        )
    for others in (core.get_default_client_config(), given):
        if others is not None:
            settings = settings.merge(others)
    theirs: str | None = cast("Any", settings).user_agent_extra  # botocore sets it at run time
    user_agent = f"{theirs} {_USER_AGENT}" if theirs else _USER_AGENT
    return settings.merge(botocore_config.Config(user_agent_extra=user_agent))

"""boto3 "backup" clients: how they are made, and with which settings."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import BotoCoreError

from restorejobs_client._botocore_errors import our_error
from restorejobs_client._errors import ConfigurationError, InvalidRequestError
from restorejobs_client._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    from botocore.client import BaseClient
    from botocore.config import Config

_USER_AGENT: Final = f"restorejobs-client/{__version__}"
_RETRY_VARIABLES: Final = {"AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"}
_RETRY_SETTINGS: Final = {"retry_mode", "max_attempts"}  # of a profile
_creating = threading.Lock()  # boto3 cannot make two clients of one session at the same time


def create_client(
    *,
    session: boto3.Session | None,
    region_name: str | None,
    profile_name: str | None,
    endpoint_url: str | None,
    config: Config | None,
) -> BaseClient:
    """Return a new boto3 "backup" client.

    It names this package in its User-Agent, and retries for longer than boto3's default unless the
    user has configured retries.

    Raises:
        ConfigurationError, CredentialsError: no region, no such profile, or settings that botocore
            refuses.
        InvalidRequestError: an endpoint that is no URL.
    """
    import boto3  # noqa: PLC0415  # costs more to import than all of this package

    try:
        with _creating:
            if session is None and profile_name is None:
                session = boto3.DEFAULT_SESSION  # what boto3.setup_default_session has made
            session = session or boto3.Session(profile_name=profile_name, region_name=region_name)
            create: Callable[..., BaseClient] = cast("Any", session).client
            return create(
                "backup",
                region_name=region_name,
                endpoint_url=endpoint_url,
                config=_settings(session, config),
            )
    except BotoCoreError as error:
        raise our_error(error)  # noqa: B904  # it has its cause
    except Exception as error:
        if endpoint_url is None or not isinstance(error, ValueError):
            message = f"no client could be made: {type(error).__name__}: {error}"
            raise ConfigurationError(message) from error
        # A URL with a password can have any form, so it is not shown.
        shown = "with a password" if "@" in endpoint_url else f"{endpoint_url!r}"
        message = f"endpoint_url {shown} is refused: it must be a URL such as https://host"
        raise InvalidRequestError(message) from None


def _settings(session: boto3.Session, given: Config | None) -> Config:
    from botocore.config import Config  # noqa: PLC0415  # costs time to import

    # boto3 has no public way to what the user has configured.
    core: Any = session._session  # noqa: SLF001
    # Enough connections for parallel listings; idle ones cost nothing.
    settings = Config(max_pool_connections=64)
    is_configured = (
        _RETRY_VARIABLES & os.environ.keys() or _RETRY_SETTINGS & core.get_scoped_config().keys()
    )
    if not is_configured:
        settings = settings.merge(Config(retries={"mode": "standard", "total_max_attempts": 8}))
    for others in (core.get_default_client_config(), given):
        if others is not None:
            settings = settings.merge(others)
    theirs: str | None = cast("Any", settings).user_agent_extra  # made at run time
    return settings.merge(Config(user_agent_extra=" ".join(filter(None, (theirs, _USER_AGENT)))))

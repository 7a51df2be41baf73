"""The types that need the stubs of boto3. Type checkers check this file; it is never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_type

import boto3
from botocore.client import BaseClient
from botocore.config import Config

from restorejobs_client import RestoreJobsClient, ServiceError, TransportError
from restorejobs_client.testing import FakeBackup


def clients(session: boto3.Session, client: BaseClient, backup: FakeBackup) -> None:
    config = Config(max_pool_connections=16)
    RestoreJobsClient(session=session, config=config)
    RestoreJobsClient(client=client)
    backup.client(config=config)


def wrong_clients(session: boto3.Session) -> None:
    RestoreJobsClient(session)  # type: ignore[call-arg]  # pyrefly: ignore[bad-argument-count]  # ty: ignore
    RestoreJobsClient(session="audit")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    RestoreJobsClient(client=session)  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    RestoreJobsClient(client="backup")  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore
    RestoreJobsClient(config={"retries": 3})  # type: ignore[arg-type]  # pyrefly: ignore[bad-argument-type]  # ty: ignore


def errors(service_error: ServiceError, transport_error: TransportError) -> None:
    assert_type(service_error.response, dict[str, Any])
    assert_type(transport_error.kwargs, Mapping[str, Any])

"""The package matches botocore's model of AWS Backup; a test names what AWS has added."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from datetime import datetime
from types import NoneType
from typing import Any

import boto3
import pytest
from botocore import xform_name

import restorejobs_client
from restorejobs_client import (
    ListRestoreJobsRequest,
    ResourceType,
    RestoreDeletionStatus,
    RestoreJob,
    RestoreJobCreator,
    RestoreJobPage,
    RestoreJobsClient,
    RestoreJobStatus,
    RestoreValidationStatus,
    ServiceError,
)

MODEL: Any = boto3.client("backup", region_name="eu-west-1").meta.service_model
OPERATION: Any = MODEL.operation_model("ListRestoreJobs")
TYPES = {"string": str, "timestamp": datetime, "long": int, "boolean": bool}


def members(shape: str) -> dict[str, Any]:
    """Return the members of a shape by their names in snake_case."""
    return {xform_name(name): member for name, member in MODEL.shape_for(shape).members.items()}


def test_requests_have_every_parameter() -> None:
    """A request and `list_restore_jobs` have all parameters of AWS, named in snake_case."""
    parameters = set(members("ListRestoreJobsInput"))
    assert set(ListRestoreJobsRequest.model_fields) == parameters
    keywords = set(inspect.signature(RestoreJobsClient.list_restore_jobs).parameters)
    assert keywords - {"self", "request", "limit", "resume_from", "progress"} == parameters


def test_page_size_limits() -> None:
    """AWS allows 1 to 1000 jobs on a page."""
    size = MODEL.shape_for("MaxResults").metadata
    assert (size["min"], size["max"]) == (1, 1000)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (RestoreJob, "RestoreJobsListMember"),
        (RestoreJobCreator, "RestoreJobCreator"),
        (RestoreJobPage, "ListRestoreJobsOutput"),
    ],
)
def test_models_have_every_member(kind: Any, shape: str) -> None:
    """A model has all members of AWS, named in snake_case; a page also has two headers."""
    headers = {"request_id", "answered_at"} if kind is RestoreJobPage else set()
    assert {field.name for field in dataclasses.fields(kind)} == set(members(shape)) | headers


@pytest.mark.parametrize(("name", "member"), members("RestoreJobsListMember").items())
def test_members_have_the_type_of_their_shape(name: str, member: Any) -> None:
    """A member of a job has the Python type of its AWS shape, or the class with its name."""
    kind = TYPES.get(member.type_name)
    if member.type_name == "structure" or getattr(member, "enum", []):
        kind = getattr(restorejobs_client, member.name)
    assert typing.get_args(typing.get_type_hints(RestoreJob)[name]) == (kind, NoneType)


@pytest.mark.parametrize("enum", [RestoreJobStatus, RestoreValidationStatus, RestoreDeletionStatus])
def test_enums_have_every_value(enum: Any) -> None:
    """An enum has AWS's values in AWS's order."""
    assert list(enum) == MODEL.shape_for(enum.__name__).enum


def test_every_documented_resource_type_has_a_name() -> None:
    """`ResourceType` names every type that AWS documents for the filter."""
    documentation = OPERATION.input_shape.members["ByResourceType"].documentation
    documented = set(re.findall(r"<code>([^<]+)</code>", documentation))
    assert documented - set(ResourceType) == set()
    for member in ResourceType:
        assert member.name == member.value.upper().replace(" ", "_")


def test_every_modelled_error_has_a_class() -> None:
    """Each error in AWS's model of the operation has a class with its name."""
    for shape in OPERATION.error_shapes:
        assert issubclass(getattr(restorejobs_client, shape.name), ServiceError)
        assert set(shape.members) == {"Code", "Message", "Type", "Context"}


def test_operation_has_the_expected_wire_format() -> None:
    """The protocol, the path and the names are those that the package relies on."""
    assert MODEL.metadata["protocol"] == "rest-json"
    assert OPERATION.http == {"method": "GET", "requestUri": "/restore-jobs/"}
    assert MODEL.service_id.hyphenize() == "backup"  # in the names of botocore's events
    assert OPERATION.output_shape.members["NextToken"].type_name == "string"
    for member in MODEL.shape_for("RestoreJobsListMember").members.values():
        assert "name" not in member.serialization  # the names on the wire are those of the model

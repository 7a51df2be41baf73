"""The package against botocore's own model of the service: what AWS adds shows up by its name."""

from __future__ import annotations

import dataclasses
import inspect
import re
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
from restorejobs_client._parameters import PARAMETERS, aws_name

MODEL: Any = boto3.client("backup", region_name="eu-west-1").meta.service_model
OPERATION: Any = MODEL.operation_model("ListRestoreJobs")
KINDS = {"string": "str", "timestamp": "datetime.datetime", "long": "int", "boolean": "bool"}


def members(shape: str) -> dict[str, Any]:
    """Return the members of a shape by their names here."""
    return {xform_name(name): member for name, member in MODEL.shape_for(shape).members.items()}


def fields(kind: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_every_parameter_is_there_under_the_one_naming_rule() -> None:
    assert set(ListRestoreJobsRequest.model_fields) == set(members("ListRestoreJobsInput"))
    assert {aws_name(name) for name in PARAMETERS} == set(OPERATION.input_shape.members)
    keywords = set(inspect.signature(RestoreJobsClient.list_restore_jobs).parameters)
    ours = {"self", "request", "limit", "resume_from", "progress"}
    assert keywords - ours == set(members("ListRestoreJobsInput"))
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
def test_every_member_is_there_under_the_one_naming_rule(kind: type, shape: str) -> None:
    assert fields(kind) == set(members(shape))


def test_every_member_has_the_type_of_its_shape() -> None:
    annotations = RestoreJob.__dataclass_fields__
    for name, member in members("RestoreJobsListMember").items():
        annotation = str(annotations[name].type)
        if member.name in {"RestoreJobCreator"} or getattr(member, "enum", []):
            assert annotation.endswith(f".{member.name} | None")
        else:
            kind = KINDS[member.type_name]
            assert annotation == f"{kind} | None"


@pytest.mark.parametrize("enum", [RestoreJobStatus, RestoreValidationStatus, RestoreDeletionStatus])
def test_every_value_of_an_enum_is_known(enum: Any) -> None:
    assert list(enum) == MODEL.shape_for(enum.__name__).enum


def test_every_documented_resource_type_has_a_name() -> None:
    documentation = OPERATION.input_shape.members["ByResourceType"].documentation
    documented = set(re.findall(r"<code>([^<]+)</code>", documentation))
    assert documented - set(ResourceType) == set()
    for member in ResourceType:
        assert member.name == member.value.upper().replace(" ", "_")


def test_every_modelled_error_has_its_class() -> None:
    for shape in OPERATION.error_shapes:
        kind = getattr(restorejobs_client, shape.name)
        assert issubclass(kind, ServiceError)
        assert set(shape.members) == {"Code", "Message", "Type", "Context"}


def test_the_wire_is_the_one_that_the_design_rests_on() -> None:
    assert MODEL.metadata["protocol"] == "rest-json"
    assert OPERATION.http == {"method": "GET", "requestUri": "/restore-jobs/"}
    assert MODEL.service_id.hyphenize() == "backup"  # in the names of botocore's events
    assert set(OPERATION.output_shape.members) == {"RestoreJobs", "NextToken"}
    for member in MODEL.shape_for("RestoreJobsListMember").members.values():
        assert "name" not in member.serialization
    assert OPERATION.output_shape.members["NextToken"].type_name == "string"

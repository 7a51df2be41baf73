from __future__ import annotations

import copy
import json
import pickle

import pytest

from restorejobs_client import (
    ResourceType,
    RestoreDeletionStatus,
    RestoreJobStatus,
    RestoreValidationStatus,
)

ENUMS = [ResourceType, RestoreDeletionStatus, RestoreJobStatus, RestoreValidationStatus]
Open = type[ResourceType | RestoreDeletionStatus | RestoreJobStatus | RestoreValidationStatus]


@pytest.mark.parametrize("enum", ENUMS)
def test_known_values_are_found_whatever_their_case(enum: Open) -> None:
    for member in enum:
        assert member.is_known
        for text in (
            member.value,
            member.value.lower(),
            member.value.upper(),
            member.value.title(),
        ):
            assert enum(text) is member
        assert hash(member) == hash(member.value)
        assert {member.value: 1}[member] == 1


@pytest.mark.parametrize("enum", ENUMS)
@pytest.mark.parametrize("value", ["PAUSED", "", "with spaces", "Ünï", "is_known"])
def test_a_value_that_aws_adds_later_is_welcome(enum: Open, value: str) -> None:
    member = enum(value)
    assert member == value
    assert str(member) == value
    assert isinstance(member, enum)
    assert not member.is_known
    assert member in {value}
    assert member == enum(value)
    assert member.value == member.name == value
    assert pickle.loads(pickle.dumps(member)) == member  # noqa: S301  # our own
    assert not pickle.loads(pickle.dumps(member)).is_known  # noqa: S301  # our own
    assert copy.deepcopy(member) == member
    assert json.dumps(member) == json.dumps(value)
    assert member not in list(enum)


def test_the_name_of_a_member_is_not_its_value() -> None:
    assert ResourceType("Storage Gateway") is ResourceType.STORAGE_GATEWAY
    assert not ResourceType("STORAGE_GATEWAY").is_known


def test_what_is_no_text_is_no_value() -> None:
    for value in (5, None, b"FAILED", ["FAILED"]):
        with pytest.raises(ValueError, match="is not a valid"):
            RestoreJobStatus(value)  # type: ignore[arg-type]  # the wrong type is the case


def test_unknown_values_do_not_pile_up() -> None:
    for number in range(1000):
        RestoreJobStatus(f"STATUS-{number}")
    assert len(RestoreJobStatus) == 5
    assert len(RestoreJobStatus._value2member_map_) == 5  # where they would be

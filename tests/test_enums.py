"""Enums name the values that AWS documents, and accept all other text."""

from __future__ import annotations

import copy
import enum
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
Enum = type[ResourceType | RestoreDeletionStatus | RestoreJobStatus | RestoreValidationStatus]


@pytest.mark.parametrize("enum", ENUMS)
def test_known_values_are_found_in_any_case(enum: Enum) -> None:
    """A known value gives its member, in upper or lower case; the member hashes like the value."""
    for member in enum:
        assert member.is_known
        for change in (str.lower, str.upper, str.title, str.strip):
            assert enum(change(member.value)) is member
        assert {member.value: 1}[member] == 1


@pytest.mark.parametrize("enum", ENUMS)
@pytest.mark.parametrize("value", ["PAUSED", "", "with spaces", "Ünï", "is_known"])
def test_unknown_values_are_accepted(enum: Enum, value: str) -> None:
    """An unknown value becomes a new member that equals the text and is not `is_known`."""
    member = enum(value)
    assert isinstance(member, enum)
    assert member not in list(enum)
    for same in (member, pickle.loads(pickle.dumps(member)), copy.deepcopy(member), enum(value)):  # noqa: S301  # our own
        assert same == member == value
        assert str(same) == same.value == same.name == value
        assert hash(same) == hash(value)
        assert not same.is_known
        assert json.dumps(same) == json.dumps(value)


class Constants(str, enum.Enum):  # noqa: UP042  # `str()` of a member is not its value
    PAUSED = "PAUSED"


def test_text_of_any_subclass_is_a_value() -> None:
    """A constant of a program is taken by its value, whatever `str` returns for it."""
    status = RestoreJobStatus(Constants.PAUSED)
    assert status == "PAUSED"
    assert type(status.value) is str
    assert str(status) == status.name == "PAUSED"


def test_lookup_is_by_value_and_not_by_name() -> None:
    """An enum finds a member by its AWS value, not by its Python name."""
    assert ResourceType("Storage Gateway") is ResourceType.STORAGE_GATEWAY
    assert not ResourceType("STORAGE_GATEWAY").is_known


@pytest.mark.parametrize("value", [5, None, b"FAILED", ["FAILED"]])
def test_other_types_are_refused(value: object) -> None:
    """A value that is not text raises a ValueError."""
    with pytest.raises(ValueError, match="is not a valid"):
        RestoreJobStatus(value)  # type: ignore[arg-type]  # intentional


def test_unknown_values_use_no_memory() -> None:
    """An enum does not keep the unknown values that it was called with."""
    for number in range(1000):
        RestoreJobStatus(f"STATUS-{number}")
    assert len(RestoreJobStatus) == 5
    assert len(RestoreJobStatus._value2member_map_) == 5  # where the enum would keep them


def test_repr_of_an_unknown_value_is_printable() -> None:
    """A debugger shows an unknown value without the characters that a terminal would obey."""
    status = RestoreJobStatus("\x1b[2J\u202e")
    assert repr(status).isprintable()
    assert str(status) == "\x1b[2J\u202e"
    assert repr(RestoreJobStatus.FAILED) == "<RestoreJobStatus.FAILED: 'FAILED'>"

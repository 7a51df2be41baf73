"""Checkpoints: a place in a listing, with the listing's filters, as one line of text.

The text is safe to accept from anybody: whatever it holds, it is read by a strict schema. Its
checksum only tells damage from a checkpoint; it is no signature.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping  # msgspec reads the annotations
from dataclasses import dataclass, field
from datetime import datetime  # likewise
from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from restorejobs_client._errors import InvalidCheckpointError
from restorejobs_client._parameters import FILTERS, check_parameters, filter_texts
from restorejobs_client._text import clipped_repr
from restorejobs_client._windows import UNBOUNDED, Window

_VERSION: Final = "rjc2-"
_CHECKSUM_BYTES: Final = 8
_LONGEST: Final = 100_000  # characters; AWS's tokens have hundreds
_MOST_DELIVERED: Final = 100_000  # jobs of one page, which AWS limits to 1,000
_ADVICE: Final = "pass a checkpoint as it was, or None to begin anew"
_Hash = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{16})?\Z")]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a listing.

    Attributes:
        token: what the page was asked for with; `None` is the first page.
        delivered: how many jobs of that page were handed out.
        last_job: the hash of the id of the last of them.
        digest: the hash of the ids of all of them, to see whether the page is still the same.
        ended: everything was handed out.
    """

    token: str | None = None
    delivered: int = 0
    last_job: str = ""
    digest: str = ""
    ended: bool = False


BEGINNING: Final = Position()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """All that a checkpoint says: where in which listing.

    Attributes:
        position: the place.
        window: the part of the listing that the place is in.
        region_name: of the client that made it.
        parameters: the filters of the listing, checked.
    """

    position: Position
    window: Window = UNBOUNDED
    region_name: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict[str, object])


class _Content(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the text holds. Decoding is strict: each value has its type, or the text is refused."""

    token: Annotated[str, msgspec.Meta(min_length=1)] | None
    delivered: Annotated[int, msgspec.Meta(ge=0, le=_MOST_DELIVERED)]
    last_job: _Hash
    digest: _Hash
    ended: bool
    lower: Annotated[datetime, msgspec.Meta(tz=True)] | None
    upper: Annotated[datetime, msgspec.Meta(tz=True)] | None
    region_name: str | None
    filters: dict[str, str]


_CONTENT: Final = msgspec.json.Decoder(_Content)


def write_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the checkpoint as text of one line, safe in URLs and file names."""
    position, window = checkpoint.position, checkpoint.window
    content = _Content(
        token=position.token,
        delivered=position.delivered,
        last_job=position.last_job,
        digest=position.digest,
        ended=position.ended,
        lower=window.lower,
        upper=window.upper,
        region_name=checkpoint.region_name,
        filters=filter_texts(checkpoint.parameters),
    )
    payload = msgspec.json.encode(content)
    return _VERSION + base64.urlsafe_b64encode(_checksum(payload) + payload).decode().rstrip("=")


def read_checkpoint(text: object) -> Checkpoint:
    """Return what `write_checkpoint` wrote.

    Raises:
        InvalidCheckpointError: it is not a checkpoint, it was damaged, or it says what cannot be.
    """
    if not isinstance(text, str) or not text.startswith(_VERSION):
        message = (
            f"{clipped_repr(text)} is not a checkpoint of this version of the package: {_ADVICE}"
        )
        raise InvalidCheckpointError(message)
    if len(text) > _LONGEST:
        message = f"a checkpoint has no more than {_LONGEST:,} characters: {_ADVICE}"
        raise InvalidCheckpointError(message)
    try:
        return _read(text)
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        message = f"the checkpoint was cut or altered: {_ADVICE}"
        raise InvalidCheckpointError(message) from None


def _read(text: str) -> Checkpoint:
    encoded = text.removeprefix(_VERSION)
    decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    payload = decoded[_CHECKSUM_BYTES:]
    if decoded[:_CHECKSUM_BYTES] != _checksum(payload):
        raise ValueError
    checkpoint = _checked(_CONTENT.decode(payload))
    if write_checkpoint(checkpoint) != text:  # in bits that base64 does not use
        raise ValueError
    return checkpoint


def _checked(content: _Content) -> Checkpoint:
    """Refuse with ValueError what each value may be, but not all of them together."""
    if content.ended and (content.token is not None or content.delivered):
        raise ValueError
    if bool(content.delivered) != bool(content.digest) or bool(content.digest) != bool(
        content.last_job
    ):
        raise ValueError
    if not content.filters.keys() <= set(FILTERS):
        raise ValueError
    return Checkpoint(
        Position(content.token, content.delivered, content.last_job, content.digest, content.ended),
        Window(content.lower, content.upper),
        content.region_name,
        check_parameters(content.filters),  # its InvalidRequestError is a ValueError
    )


def _checksum(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_CHECKSUM_BYTES).digest()

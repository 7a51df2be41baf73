"""Checkpoints: a place in a listing, with the listing's filters, as one line of text.

The text is safe to accept from anybody: whatever it holds, it is read by a strict schema. Its
checksum only tells damage from a checkpoint; it is no signature.
"""

from __future__ import annotations

import base64
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
_Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]


class Position(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A place in a listing.

    Attributes:
        token: the token of the page; `None` is the first page.
        delivered: how many jobs of that page were handed out.
        last_job: the hash of the id of the last of them.
        digest: the hash of the ids of all of them. It shows whether the page is still the same.
        ended: everything was handed out.
    """

    token: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    delivered: Annotated[int, msgspec.Meta(ge=0, le=_MOST_DELIVERED)] = 0
    last_job: _Hash | None = None
    digest: _Hash | None = None
    ended: bool = False

    def __post_init__(self) -> None:
        """Refuse members that contradict each other. Only a forged checkpoint has them."""
        is_within_page = self.delivered > 0
        if self.ended and (self.token is not None or is_within_page):
            raise ValueError
        if {is_within_page} != {self.last_job is not None, self.digest is not None}:
            raise ValueError


BEGINNING: Final = Position()


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a checkpoint holds.

    Attributes:
        position: the place in the listing.
        window: the part of the listing that the place is in.
        region_name: the region of the client that made it.
        filters: the filters of the listing as text, by name.
    """

    position: Position
    window: Window = UNBOUNDED
    region_name: str | None = None
    filters: dict[str, str] = {}


_DECODER: Final = msgspec.json.Decoder(Checkpoint)


def write_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the checkpoint as text of one line, safe in URLs and file names."""
    payload = msgspec.json.encode(checkpoint)
    return _VERSION + base64.urlsafe_b64encode(_checksum(payload) + payload).decode().rstrip("=")


def read_checkpoint(text: object) -> Checkpoint:
    """Return what `write_checkpoint` wrote.

    Raises:
        InvalidCheckpointError: it is not a checkpoint, or it was damaged or forged.
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
    except (msgspec.DecodeError, ValueError, RecursionError):
        message = f"the checkpoint was cut or altered: {_ADVICE}"
        raise InvalidCheckpointError(message) from None


def _read(text: str) -> Checkpoint:
    encoded = text.removeprefix(_VERSION)
    decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    payload = decoded[_CHECKSUM_BYTES:]
    if decoded[:_CHECKSUM_BYTES] != _checksum(payload):
        raise ValueError
    checkpoint = _DECODER.decode(payload)
    filters = checkpoint.filters
    if not filters.keys() <= set(FILTERS) or filter_texts(check_parameters(filters)) != filters:
        raise ValueError
    if write_checkpoint(checkpoint) != text:  # base64 ignores some bits and characters
        raise ValueError
    return checkpoint


def _checksum(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_CHECKSUM_BYTES).digest()

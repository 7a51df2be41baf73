"""Checkpoints: a position in a listing, with the listing's filters, as one line of text.

It is safe to read a checkpoint from an untrusted source, because a strict schema validates it. Its
checksum only detects damage. It is not a signature.
"""

from __future__ import annotations

import base64
from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from restorejobs_client._core.errors import InvalidCheckpointError
from restorejobs_client._core.text import clipped_repr
from restorejobs_client._models.parameters import FILTERS, check_parameters, filter_texts
from restorejobs_client._paging.windows import UNBOUNDED, Window

_PREFIX: Final = "rjc2-"
_CHECKSUM_BYTES: Final = 8
_ADVICE: Final = "pass the unchanged checkpoint of an iterator or an error"


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """A position in a listing.

    Attributes:
        token: the page token that requests the page; `None` for the first page.
        delivered: how many jobs of that page were delivered.
        digest: the hash of the ids of all delivered jobs of that page. It shows whether the page
            is still the same.
        ended: whether all jobs of the listing were delivered.
    """

    token: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    delivered: Annotated[int, msgspec.Meta(ge=0, le=2**31)] = 0
    digest: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")] | None = None
    ended: bool = False

    def __post_init__(self) -> None:
        """Refuse members that contradict each other. Only a forged checkpoint has such members."""
        if (self.delivered > 0) != (self.digest is not None):
            raise ValueError
        if self.ended and (self.token or self.digest):
            raise ValueError


START: Final = Position()


class Checkpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of a checkpoint.

    Attributes:
        position: the position in the listing.
        window: the part of the listing that the run lists.
        region_name: the region of the listing.
        filters: the filters of the listing as text, by name.
    """

    position: Position
    window: Window = UNBOUNDED
    region_name: str | None = None
    filters: dict[str, str] = {}


_DECODER: Final = msgspec.json.Decoder(Checkpoint)


def write_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the checkpoint as one line of text, which is safe in URLs and file names."""
    payload = msgspec.json.encode(checkpoint)
    checksum = blake2b(payload, digest_size=_CHECKSUM_BYTES).digest()
    return _PREFIX + base64.urlsafe_b64encode(checksum + payload).decode().rstrip("=")


def read_checkpoint(text: object) -> Checkpoint:
    """Return the checkpoint that `write_checkpoint` has written. Spaces around it are ignored.

    Raises:
        InvalidCheckpointError: it is not a checkpoint, or it was damaged or forged.
    """
    if not isinstance(text, str) or not text.lstrip().startswith(_PREFIX):
        raise InvalidCheckpointError(
            f"{clipped_repr(text)} is not a checkpoint of this version of the package: {_ADVICE}"
        )
    try:
        return _read(text.strip())
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise InvalidCheckpointError(f"the checkpoint was cut or altered: {_ADVICE}") from None


def _read(text: str) -> Checkpoint:
    encoded = text.removeprefix(_PREFIX)
    decoded = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    checkpoint = _DECODER.decode(decoded[_CHECKSUM_BYTES:])
    filters = checkpoint.filters
    if not filters.keys() <= set(FILTERS) or filter_texts(check_parameters(filters)) != filters:
        raise ValueError
    # This also refuses a wrong checksum, unknown fields, and other base64 text of the same bytes.
    if write_checkpoint(checkpoint) != text:
        raise ValueError
    return checkpoint

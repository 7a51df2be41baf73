"""What is optional: a missing library is named with the extra that brings it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def needing(what: str, extra: str) -> Generator[None]:
    """Let the imports inside say what to install where a library is missing."""
    try:
        yield
    except ModuleNotFoundError as error:  # not one that is there and broken
        library = (error.name or "").partition(".")[0]
        message = f"{what} needs {library}: pip install 'restorejobs-client[{extra}]'"
        raise ImportError(message, name=library) from error

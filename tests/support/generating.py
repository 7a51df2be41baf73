"""How much is generated: the tests share the examples of the profile in conftest.py."""

from __future__ import annotations

from typing import Any

from hypothesis import settings


def examples(times: float, **others: Any) -> settings:
    """Return the settings of the profile, with so many times its examples."""
    return settings(max_examples=max(1, int(settings().max_examples * times)), **others)

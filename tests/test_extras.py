"""Modules that are imported when they are first used."""

from __future__ import annotations

import pytest

from restorejobs_client._core.extras import LazyModule


def test_inspecting_a_lazy_module_imports_nothing() -> None:
    """A tool such as `inspect` can look for special attributes without importing the module."""
    assert not hasattr(LazyModule("restorejobs_client.no_such_module"), "__wrapped__")


def test_missing_required_module_is_not_called_an_extra() -> None:
    """A missing module that is not optional raises Python's own error."""
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = LazyModule("restorejobs_client.no_such_module").anything

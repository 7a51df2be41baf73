"""Modules that are imported when they are first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from restorejobs_client._core.extras import LazyModule

if TYPE_CHECKING:
    from pathlib import Path


def test_inspecting_a_lazy_module_imports_nothing() -> None:
    """A tool such as `inspect` can look for special attributes without importing the module."""
    assert not hasattr(LazyModule("restorejobs_client.no_such_module"), "__wrapped__")


def test_missing_required_module_is_not_called_an_extra() -> None:
    """A missing module that is not optional raises Python's own error."""
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = LazyModule("restorejobs_client.no_such_module").anything


def test_module_that_is_half_imported_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A module that is used during its own import, as in a signal handler, raises a clear error."""
    (tmp_path / "half_imported.py").write_text(
        "from restorejobs_client._core.extras import LazyModule\n"
        "early = 1\n"
        "try:\n"
        "    LazyModule(__name__, extra='x', purpose='x').early\n"
        "except ImportError as error:\n"
        "    refusal = str(error)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    half_imported: Any = LazyModule("half_imported")
    assert half_imported.refusal == "half_imported is still being imported: import it earlier"

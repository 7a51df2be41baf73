"""Modules that are optional or slow to import. They are imported when first used."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

__all__ = ["boto3", "botocore_client", "botocore_config", "pa", "pc", "pd"]


class LazyModule(ModuleType):
    """A module that is imported when an attribute of it is first used.

    Frameworks that read annotations such as `boto3.Session` import it too.

    Args:
        name: the name of the module.
        extra: the extra of this package that installs it, if it is optional.
        purpose: what needs it, for the message of the ImportError.
    """

    def __init__(self, name: str, *, extra: str = "", purpose: str = "") -> None:
        super().__init__(name)
        self._extra = extra
        self._purpose = purpose

    def __getattr__(self, attribute: str) -> object:
        if attribute.startswith("__"):  # inspecting a module does not use it
            raise AttributeError(attribute)
        try:
            module = import_module(self.__name__)  # waits while another thread imports it
            if self._extra and getattr(module.__spec__, "_initializing", False):
                # A signal handler has interrupted that.
                raise ImportError(f"{self.__name__} is still being imported: import it earlier")
        except ModuleNotFoundError as error:  # other errors mean that the module is broken
            if not self._extra:
                raise
            library = (error.name or "").partition(".")[0]
            advice = f"pip install {library}, or this package with its extra {self._extra!r}"
            raise ImportError(f"{self._purpose} needs {library}: {advice}", name=library) from error
        return getattr(module, attribute)


if TYPE_CHECKING:
    import boto3
    import botocore.client as botocore_client
    import botocore.config as botocore_config
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc
else:
    boto3 = LazyModule("boto3")
    botocore_client = LazyModule("botocore.client")
    botocore_config = LazyModule("botocore.config")
    pa = LazyModule("pyarrow", extra="arrow", purpose="a table")
    pc = LazyModule("pyarrow.compute", extra="arrow", purpose="a table")
    pd = LazyModule("pandas", extra="pandas", purpose="to_pandas")

"""The version of the package, for `__version__` and the User-Agent."""

__version__ = "0.2.0"

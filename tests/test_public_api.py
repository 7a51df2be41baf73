"""Public names have docstrings, examples that run, and types that are checked."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import typing
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import restorejobs_client
from restorejobs_client import RestoreJobsClient, testing


def functions(kind: type) -> dict[str, Any]:
    """Return the methods of a class and the getters of its properties, including those of bases."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        if base.__module__.startswith("restorejobs_client"):
            for name, member in vars(base).items():
                function = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if inspect.isfunction(function):
                    found.setdefault(name, function)
    return found


def public_objects() -> dict[str, Any]:
    """Return all public functions, classes, methods and properties by name."""
    found: dict[str, Any] = {}
    for module in (restorejobs_client, testing):
        for name in vars(module)["__all__"]:
            value = getattr(module, name)
            if inspect.isclass(value):
                found |= {
                    f"{name}.{member}": function
                    for member, function in functions(value).items()
                    if not member.startswith("_")
                }
            if inspect.isclass(value) or inspect.isfunction(value):
                found[name] = value
    return found


PUBLIC = public_objects()
EXAMPLES = [name for name, value in PUBLIC.items() if ">>>" in (value.__doc__ or "")]


def parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self", "cls"}


def attributes(kind: type) -> set[str]:
    """Return the annotated attributes of a class, without those of its bases."""
    return {name for name in inspect.get_annotations(kind) if not name.startswith("_")}


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_describe_every_name(name: str) -> None:
    """A docstring describes every parameter or attribute, in a list or by mentioning it."""
    value = PUBLIC[name]
    text = inspect.cleandoc(value.__doc__ or "").partition("\nRaises:\n")[0]
    names = attributes(value) if inspect.isclass(value) else parameters(value)
    if value is RestoreJobsClient:
        names = parameters(value)
    fields = getattr(value, "model_fields", {})  # of pydantic, with their own descriptions
    assert text
    assert all(field.description for field in fields.values())
    assert [
        member
        for member in names - set(fields)
        if not re.search(rf"^ +{member}: \S|`\**{member}`", text, flags=re.MULTILINE)
    ] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name: str) -> None:
    """An example in a docstring gives the output that it shows."""
    names = {public: getattr(restorejobs_client, public) for public in dir(restorejobs_client)}
    doc = inspect.cleandoc(PUBLIC[name].__doc__)
    example = doctest.DocTestParser().get_doctest(doc, names, name, None, 0)
    report: list[str] = []
    doctest.DocTestRunner().run(example, out=report.append)
    assert report == []


@pytest.mark.parametrize("name", PUBLIC)
def test_type_hints_resolve(name: str) -> None:
    """Frameworks can read the annotations of all public names at run time."""
    value = PUBLIC[name]
    typing.get_type_hints(value)
    if inspect.isclass(value):
        for special in {"__init__", "__iter__"} & set(functions(value)):
            typing.get_type_hints(functions(value)[special])


@cache
def names_in_type_checks() -> set[str]:
    """Return the names, members and keywords that `typing` uses."""
    names: set[str] = set()
    for module in ("api.py", "with_tables.py"):
        path = Path(__file__).parent / "typing" / module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                    names.add(name)
                case _:
                    pass
    return names


@pytest.mark.parametrize("name", [*PUBLIC, "__version__", "FaultName"])
def test_type_checks_use_every_name(name: str) -> None:
    """The files in `typing` use every public name, attribute and parameter."""
    value = PUBLIC.get(name)
    names = {name.rpartition(".")[2]}
    if inspect.isfunction(value):
        names |= {
            parameter.name
            for parameter in inspect.signature(value).parameters.values()
            if parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
        } - {"self", "cls"}
    elif value is not None:
        names |= attributes(value) | set(getattr(value, "__members__", ()))  # of an enum
    assert names <= names_in_type_checks()

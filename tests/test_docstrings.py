"""Whatever is public says what it does, what it takes and what it refuses; its examples run."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import restorejobs_client
from restorejobs_client import RestoreJobsClient, RestoreJobsError, testing
from restorejobs_client._enums import OpenEnum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_ListRestoreJobs.html"
# Those that the package makes, not its users, besides the errors.
MADE_HERE = {
    "FakeBackup",
    "RestoreJobIterator",
    "RestoreJobPageIterator",
    "RestoreJobStream",
    "RestoreJobWatch",
    "RestoreJobs",
    "WatchTimeoutError",
}
NO_CODE = {"FaultName", "__version__"}  # which can have no docstring at run time
# What calls something that refuses, but only with what it does not refuse.
NEVER_REFUSED = {
    "RestoreJobs._with": "a limit that its callers have checked",
    "RestoreJobsClient.resume": "it has no limit",
    "_read": "read_checkpoint refuses it as a checkpoint",
}


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """Find the public methods and properties of a class, also those of our own bases."""
    for base in kind.__mro__:
        if base.__module__.startswith("restorejobs_client"):
            for name in [one for one in vars(base) if not one.startswith("_")]:
                member = vars(base)[name]
                function = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if inspect.isfunction(function):
                    yield name, function


def public() -> dict[str, Any]:
    """Return all that is public, by name: modules, classes, functions, methods, properties."""
    found: dict[str, Any] = {}
    for module in (restorejobs_client, testing):
        found[module.__name__] = module
        for name in module.__all__:
            if name in NO_CODE:
                continue
            found[name] = value = getattr(module, name)
            if inspect.isclass(value):
                for member, function in members(value):
                    found.setdefault(f"{name}.{member}", function)
    return found


PUBLIC = public()
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}


def own_doc(thing: Any) -> str:
    """Return its docstring, not that of a base."""
    return inspect.cleandoc(thing.__doc__ or "")


def undescribed(doc: str, names: list[str]) -> list[str]:
    """Return those that the text above "Raises" neither explains in a list nor mentions."""
    text = re.split(r"^Raises:$", doc, flags=re.MULTILINE)[0]
    return [
        name
        for name in names
        if not re.search(rf"^ +{name}: \S|`\**{name}`", text, flags=re.MULTILINE)
    ]


def parameters(function: Callable[..., object]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in {"self", "cls"}]


def test_all_that_is_public_is_looked_at() -> None:
    assert {
        "restorejobs_client.testing",
        "RestoreJobsClient.list_restore_jobs",
        "RestoreJobs.to_arrow",  # of a base
        "RestoreJobStatus.is_known",  # a property of a base
        "RestoreJob.from_dict",  # a class method
        "RestoreJob.percent",
        "ListRestoreJobsRequest.model_copy",
        "FakeBackup.fail_next",
        "gather",
        "fake_backup",
    } <= set(PUBLIC)
    assert len(CLASSES) > 20
    assert len(FUNCTIONS) > 30


@pytest.mark.parametrize("name", PUBLIC)
def test_all_that_is_public_has_a_docstring(name: str) -> None:
    first, *rest = own_doc(PUBLIC[name]).split("\n")
    assert re.fullmatch(r"[A-Z`].*[.:]", first)
    assert rest[:1] in ([], [""])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_described(name: str) -> None:
    assert undescribed(own_doc(FUNCTIONS[name]), parameters(FUNCTIONS[name])) == []


@pytest.mark.parametrize("name", CLASSES)
def test_every_attribute_and_parameter_of_a_class_is_described(name: str) -> None:
    kind = CLASSES[name]
    names = [one for one in inspect.get_annotations(kind) if not re.match("_|model_config", one)]
    is_of_pydantic = hasattr(kind, "__pydantic_validator__")  # and takes its annotated fields
    if not (is_of_pydantic or issubclass(kind, (RestoreJobsError, OpenEnum)) or name in MADE_HERE):
        names += parameters(kind)
    described = getattr(kind, "model_fields", {})
    assert undescribed(own_doc(kind), [one for one in names if one not in described]) == []
    assert all(field.description for field in described.values())


def test_what_is_not_described_is_found() -> None:
    doc = "Do it, `twice`.\n\nArgs:\n    once: how.\n    empty:\n\nRaises:\n    Error: `never`"
    described = ["twice", "once"]
    assert undescribed(doc, [*described, "empty", "never", "on"]) == ["empty", "never", "on"]


def test_the_operation_names_its_source() -> None:
    assert SOURCE in own_doc(RestoreJobsClient.list_restore_jobs)


# What is refused


def functions_of_the_package() -> dict[str, ast.Module]:
    """Return all functions and methods by their qualified names; those of one name are one."""
    found: dict[str, ast.Module] = {}
    for path in Path(restorejobs_client.__file__).parent.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            prefix, inner = "", [node]
            if isinstance(node, ast.ClassDef):
                prefix, inner = f"{node.name}.", node.body
            for one in inner:
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                    found.setdefault(prefix + one.name, ast.Module([], [])).body.append(one)
    return found


def called_by(name: str, functions: dict[str, ast.Module]) -> set[str]:
    """Return the functions that one may call, as far as their names tell."""
    found: set[str] = set()
    for call in ast.walk(functions[name]):
        if not isinstance(call, ast.Call):
            continue
        if isinstance(call.func, ast.Name):
            found |= {call.func.id, f"{call.func.id}.__init__"}
        elif isinstance(call.func, ast.Attribute) and not hasattr(str, call.func.attr):
            of, method = ast.unparse(call.func.value), f".{call.func.attr}"
            mine = name.partition(".")[0] + method
            if of in {"self", "cls"} and mine in functions:
                found.add(mine)
            else:
                found |= {other for other in functions if other.endswith(method)}
    return found & set(functions)


def refusing(functions: dict[str, ast.Module]) -> set[str]:
    """Return the functions that raise InvalidRequestError, themselves or through others."""
    error = "InvalidRequestError"
    makers = [error] + [
        name for name, module in functions.items() if f" -> {error}:" in ast.unparse(module)
    ]
    found = {
        name
        for name, module in functions.items()
        for one in ast.walk(module)
        if isinstance(one, ast.Raise)
        and isinstance(one.exc, ast.Call)
        and ast.unparse(one.exc.func) in makers
    }
    calls = {name: called_by(name, functions) for name in functions.keys() - NEVER_REFUSED}
    while more := {name for name in calls if calls[name] & found} - found:
        found |= more
    return found


REFUSING = refusing(functions_of_the_package())
DOCS = {function.__qualname__: own_doc(function) for function in FUNCTIONS.values()} | {
    f"{name}.__init__": own_doc(kind) for name, kind in CLASSES.items() if name not in MADE_HERE
}


@pytest.mark.parametrize("name", sorted(REFUSING & DOCS.keys()))
def test_what_refuses_a_request_says_so(name: str) -> None:
    assert "InvalidRequestError: " in DOCS[name].partition("\nRaises:\n")[2]


def test_those_that_refuse_are_found() -> None:
    assert {
        "RestoreJobsClient.__init__",  # itself, and through a function
        "RestoreJobsClient.list_restore_jobs",
        "ListRestoreJobsRequest.model_copy",  # through others, which raise what a function makes
        "RestoreJobs.head",
        "RestoreJobs.parallel",  # through a function of another room
        "gather",
        "fake_backup",
        "FakeBackup.fail_next",
        "seed_restore_jobs",
        "sample_jobs",
    } <= REFUSING & DOCS.keys()
    assert not {"RestoreJob.from_dict", "RestoreJobs.first", "FakeBackup.clear"} & REFUSING


# Examples

EXAMPLES = [name for name, thing in PUBLIC.items() if ">>>" in own_doc(thing)]


def test_what_is_used_first_has_an_example() -> None:
    assert {
        "ListRestoreJobsRequest",
        "RestoreJob",
        "RestoreJob.from_dict",
        "RestoreJobIterator",
        "RestoreJobStatus",
        "RestoreJobsClient.list_restore_jobs",
        "sample_jobs",
    } <= set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_show_what_comes(name: str) -> None:
    """Each knows the public names of the package, and no others."""
    names = {one: getattr(restorejobs_client, one) for one in restorejobs_client.__all__}
    example = doctest.DocTestParser().get_doctest(own_doc(PUBLIC[name]), names, name, None, 0)
    said: list[str] = []
    tried = doctest.DocTestRunner().run(example, out=said.append)
    assert "".join(said) == ""
    assert tried.attempted == len(example.examples) > 0

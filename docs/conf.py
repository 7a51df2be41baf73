"""The settings of the documentation site: `nox -s docs` builds it into build/docs."""  # noqa: INP001

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.domains.python import PyObject

import restorejobs_client

project = "restorejobs-client"
copyright = "the restorejobs-client contributors"  # noqa: A001  # Sphinx's name
version = release = restorejobs_client.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = project
html_baseurl = "https://restorejobs-client.readthedocs.io/en/latest/"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {
    "source_repository": "https://github.com/restorejobs-client/restorejobs-client/",
    "source_branch": "main",
    "source_directory": "docs/",
}

# Docstrings put code and names between single backticks. A name of this package becomes a link.
default_role = "py:obj"
autodoc_typehints_format = "short"
maximum_signature_line_length = 60
napoleon_attr_annotations = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# A public type of this package that is missing from the reference is an error. The types of other
# projects are not linked, because looking them up needs the network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!restorejobs_client\.[A-Za-z]).*")]


def mark_code(
    _app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Put `::` before indented code, which reStructuredText would otherwise read as a quotation."""
    for number in range(len(lines) - 1, 1, -1):
        line, blank, intro = lines[number], lines[number - 1], lines[number - 2]
        is_code = not line.lstrip().startswith((">>>", "- ", ".. "))
        if intro and not blank and is_code and indentation(line) > indentation(intro):
            lines[number:number] = [" " * indentation(intro) + "::", ""]


def name_functions(  # Sphinx's event
    _app: Sphinx,
    _what: str,
    _name: str,
    _object: object,
    _options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str, str | None] | None:
    """Show the name of a function that is a default value, without its address."""
    if signature is None:
        return None
    return re.sub(r"<function (\w+)>", r"\1", signature), returns


def indentation(line: str) -> int:
    """Return how many spaces the line begins with."""
    return len(line) - len(line.lstrip())


def setup(app: Sphinx) -> None:
    """Connect the functions above, and label attributes "Attributes" instead of "Variables"."""
    app.connect("autodoc-process-docstring", mark_code, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", name_functions)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"

"""The settings of the documentation site: `nox -s docs` builds it into build/docs."""  # noqa: INP001

from __future__ import annotations

import re
import shutil
from importlib import metadata
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from sphinx.application import Sphinx
from sphinx.domains.python import PyObject

import restorejobs_client

HERE = Path(__file__).parent
OTHER_SITES = {
    "python": "https://docs.python.org/3/",
    "boto3": "https://docs.aws.amazon.com/boto3/latest/",
    "pandas": "https://pandas.pydata.org/docs/",
    "pyarrow": "https://arrow.apache.org/docs/",
    "pydantic": "https://docs.pydantic.dev/latest/",
}
SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)


def answers(site: str) -> bool:
    """Return whether the site can be reached, so that a build without network has no warnings."""
    try:
        with urlopen(f"{site}objects.inv", timeout=3):  # noqa: S310  # one of the above
            return True
    except (URLError, TimeoutError):
        return False


project = "restorejobs-client"
copyright = "the restorejobs-client contributors"  # noqa: A001  # Sphinx's name
version = release = restorejobs_client.__version__
DESCRIPTION = metadata.metadata(project)["Summary"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
myst_heading_anchors = 3
intersphinx_mapping = {name: (site, None) for name, site in OTHER_SITES.items() if answers(site)}

# The report is run while the site is built.
shutil.copy(HERE.parent / "examples" / "restore_report.ipynb", HERE / "report.ipynb")
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
# A finished page has no progress bars, neither as widgets nor as their text.
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "text/plain", None),
]
nb_ipywidgets_js = {}  # so no page needs their scripts, which come from another site
suppress_warnings = ["mystnb.mime_priority"]

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_favicon = html_logo = "_static/icon.svg"
html_copy_source = False
copybutton_exclude = ".linenos, .gp, .go"  # prompts and output

# Docstrings put code and names between single backticks. A name of this package becomes a link.
default_role = "py:obj"
autodoc_typehints_format = "short"
maximum_signature_line_length = 60
napoleon_attr_annotations = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# A public type of this package that is missing from the reference is an error. Types of other
# projects are linked if their site answers.
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


def link_pages(_app: Sphinx, path: Path, _docname: str, content: list[str]) -> None:
    """Make the links of the README relative to the first page of the site."""
    if path.name == "README.md":
        content[0] = re.sub(r"\]\(docs/", "](", content[0])
        for file, page in {
            "benchmarks/README": "benchmarks",
            "CONTRIBUTING": "contributing",
        }.items():
            content[0] = content[0].replace(f"]({file}.md)", f"]({page}.md)")


def finish_page(
    _app: Sphinx, _page: str, _template: str, context: dict[str, str], _doctree: object
) -> None:
    """Describe the page for search engines, and mend what screen readers cannot read."""
    tag = f'<meta name="description" content="{DESCRIPTION}">'
    context["metatags"] = context.get("metatags", "") + tag
    context["body"] = SIGNATURE.sub(with_lines, context.get("body", ""))
    context["furo_navigation_tree"] = context["furo_navigation_tree"].replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )


def with_lines(signature: re.Match[str]) -> str:
    """Return a long signature with lines instead of a list, which lacks the terms of its `dl`."""
    lines = re.sub("<d[ld]>", '<div class="line">', signature[0])
    return re.sub("</d[ld]>", "</div>", lines)


def setup(app: Sphinx) -> None:
    """Connect the functions above, and label attributes "Attributes" instead of "Variables"."""
    app.connect("autodoc-process-docstring", mark_code, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", name_functions)
    app.connect("include-read", link_pages)
    app.connect("html-page-context", finish_page, priority=900)  # after furo
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"

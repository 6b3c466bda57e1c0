"""Sphinx configuration. Build with ``uv run poe docs``; the pages land in ``build/docs``, without any network."""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from sphinx.util import logging

ROOT = Path(__file__).parent.parent

# Autodoc imports the package, and that imports Airflow, which writes its configuration into its home.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="bulkexports-docs-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
sys.path.insert(0, str(ROOT))

from airflow_provider_bulkexports import __version__  # noqa: E402

logger = logging.getLogger(__name__)

project = "airflow-provider-bulkexports"
author = "The airflow-provider-bulkexports contributors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"Twilio BulkExports for Airflow {release}"
html_show_copyright = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


#: What users import from.
PUBLIC_MODULES = [
    "airflow_provider_bulkexports",
    "airflow_provider_bulkexports.hooks.bulkexports",
    "airflow_provider_bulkexports.operators.bulkexports",
    "airflow_provider_bulkexports.sensors.bulkexports",
    "airflow_provider_bulkexports.transfers.bulkexports",
    "airflow_provider_bulkexports.triggers.bulkexports",
    "airflow_provider_bulkexports.exceptions",
    "airflow_provider_bulkexports.simulator",
]
#: What the operators and sensors import from a public module; no DAG file needs it.
NOT_FOR_USERS = {"defer_wait"}


def setup(app: Any) -> None:
    """Let every public name be found, and leave out what modules say of themselves: it is for readers of the source."""
    app.connect("autodoc-process-docstring", lambda _app, what, _name, _obj, _options, lines: _drop(what, lines))
    app.connect("env-updated", _name_everything)


def _drop(what: str, lines: list[str]) -> None:
    if what == "module":
        lines.clear()


def _name_everything(_app: Any, env: Any) -> None:
    """Add every path that a public name can be imported from to the inventory; warn of a name without documentation."""
    modules = [import_module(module) for module in PUBLIC_MODULES]  # autodoc imports nothing that is up to date
    documented = env.domains["py"].objects
    entry_of = {id(_resolve(path)): entry for path, entry in documented.items() if not entry.aliased}
    for module in modules:
        for name in sorted(set(module.__all__) - NOT_FOR_USERS):
            path, entry = f"{module.__name__}.{name}", entry_of.get(id(getattr(module, name)))
            if entry is None:
                logger.warning("reference.rst does not document %s", path)
            elif path not in documented:
                documented[path] = entry._replace(aliased=True)


def _resolve(path: str) -> object:
    """The object that a dotted path names; the path itself for what only instances have."""
    module, rest = path, ""
    while module not in sys.modules:
        module, _, name = module.rpartition(".")
        rest = f"{name}.{rest}" if rest else name
    try:
        return attrgetter(rest)(sys.modules[module]) if rest else sys.modules[module]
    except AttributeError:
        return path

"""Sphinx configuration. Build with ``uv run poe docs``; the pages land in ``build/docs``, without any network."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

# Autodoc imports the package, and that imports Airflow, which writes its configuration into its home.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="bulkexports-docs-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
sys.path.insert(0, str(ROOT))

from airflow_provider_bulkexports import __version__  # noqa: E402

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


def setup(app: Any) -> None:
    """Leave out what modules say of themselves: it is for those who read the source, and has drawings."""
    app.connect("autodoc-process-docstring", lambda _app, what, _name, _obj, _options, lines: _drop(what, lines))


def _drop(what: str, lines: list[str]) -> None:
    if what == "module":
        lines.clear()

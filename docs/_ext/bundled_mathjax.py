"""MathJax as a part of the site: pages show their formulas without a network.

The files come from the package sphinx-mathjax-offline, whose own extension does not say that it is safe in parallel.
"""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.fileutil import copy_asset


def copy_files(app: Sphinx, error: Exception | None) -> None:
    """Copy all of MathJax below the static files of a finished html site."""
    if error is None and app.builder.format == "html":
        with importlib.resources.as_file(importlib.resources.files("sphinx-mathjax-offline")) as package:
            copy_asset(package / "static" / "mathjax", Path(app.outdir) / "_static" / "mathjax")


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx where MathJax will be."""
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.connect("build-finished", copy_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

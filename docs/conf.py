"""Sphinx: every page is MyST, its code cells are executed by myst-nb, and any warning or error fails the build."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mixed_glm

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
os.environ.pop("MPLBACKEND", None)  # the kernels' own shows the pictures
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

project = "mixed_glm"
author = "The mixed_glm developers"
copyright = author
release = version = mixed_glm.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "cpp_reference",
    "bundled_mathjax",
]
exclude_patterns = ["_build", "_ext", "_generated", "data"]
suppress_warnings = ["mystnb.unknown_mime_type"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Pages run in a fresh kernel each, never from a cache: what they show is what this version does.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_execution_show_tb = True
nb_output_stderr = "remove-warn"  # a cell that writes to stderr by intention says so in its own options
nb_merge_streams = True
nb_kernel_rgx_aliases = {".*": "python3"}

autodoc_typehints = "none"  # numpydoc states types in words
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
# Results are made by fits: their attributes are documented, not the constructor.
numpydoc_validation_exclude = {
    r"MixedGLMResults$",
    r"ManyResults$",
    r"PooledResults$",
    r"ResponseStatus$",
    r"families\.Family$",
    r"summary\.Summary$",
    r"\._\w+\.\w+\.[A-Z]\w+$",
}
numpydoc_validation_checks = {
    "GL05",  # unknown section
    "GL06",
    "GL07",  # sections in the wrong order
    "PR01",  # parameters without documentation
    "PR02",  # documentation of parameters that are not there
    "PR03",  # parameters in another order
    "RT02",
    "SS02",  # the summary begins with a lower-case letter
    "SS03",
}

html_theme = "pydata_sphinx_theme"
html_title = f"mixed_glm {release}"
html_static_path = ["_static"]
html_sidebars = {page: [] for page in ("index", "tutorial", "tutorial_slopes", "from_*", "limitations")}
html_css_files = ["mixed_glm.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navigation_with_keys": False,
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
copybutton_exclude = ".linenos, .gp, .go"

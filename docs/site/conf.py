"""Sphinx's settings for the site; tools/site.py lays the sources out and calls it. Nothing is executed or fetched."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "SQUID and DigitAnatomy"
author = "the kit's authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docstrings", "mathml"]
exclude_patterns = ["**/solutions/**"]
suppress_warnings = [
    "mystnb.unknown_mime_type", "mystnb.mime_priority",  # a progress bar has no picture
    "ref.python",  # a short name in a signature may be that of two classes
]  # fmt: skip

nb_execution_mode = "off"  # lessons show what was stored with them
nb_number_source_lines = False
nb_render_markdown_format = "gfm"  # lessons print tables
myst_enable_extensions = ["attrs_inline", "dollarmath", "html_image"]
myst_heading_anchors = 4

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "sphinx_book_theme"
html_title = "SQUID and DigitAnatomy"
html_theme_options = {
    "show_navbar_depth": 1,
    "home_page_in_toc": True,
    "use_download_button": True,
    "navbar_persistent": [],  # the search stands in the sidebar already
}
repository = os.environ.get("KIT_REPOSITORY", "")  # owner/name on GitHub, of tools/site.py
if repository:
    html_theme_options |= {
        "repository_url": f"https://github.com/{repository}",
        "repository_branch": "HEAD",
        "use_repository_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com", "binderhub_url": "https://mybinder.org"},
    }
html_static_path = ["site.css", "pictures.js"]
html_css_files = ["site.css"]
html_js_files = [("pictures.js", {"defer": "defer"})]
html_favicon = "icon.svg"
html_context = {"default_mode": "auto"}  # light or dark, as the reader has it
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = True

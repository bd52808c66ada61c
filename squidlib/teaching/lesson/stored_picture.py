"""Stored picture: what every method of the stored benchmark makes of a few images, as the benchmark drew it."""

from __future__ import annotations

import base64

from squidlib.benchmark.stored import folder_of
from squidlib.utils.errors import UserError

PICTURE = "methods.png"


def show_stored_picture(dataset: str, alt: str) -> None:
    """Display it in a notebook, with a text for readers who do not see it.

    Raises:
        UserError: where the kit has none of this data set (of X-rays it has none on purpose: patients are on them).
    """
    from IPython.display import display

    path = folder_of(dataset) / PICTURE
    if not path.is_file():
        raise UserError(f"no picture of all methods on {dataset!r} in {path.parent}; make benchmark makes it again")
    data = base64.b64encode(path.read_bytes()).decode()
    display({"image/png": data, "text/plain": alt}, metadata={"image/png": {"alt": alt}}, raw=True)

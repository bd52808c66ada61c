"""Speech: sentences whose numbers the notebook has just computed, shown as text and not as a print-out."""

from __future__ import annotations


def say(text: str) -> None:
    """Show Markdown in a notebook; outside of one, and for readers of plain text, the same words."""
    from IPython.display import display

    display({"text/markdown": text, "text/plain": text}, raw=True)

"""The site's texts: what is made of docstrings, commands and settings before a page is built."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "site"))
from docstrings import as_rst  # noqa: E402


def test_what_is_said_of_a_command_stands_above_it_where_a_line_would_be_too_wide() -> None:
    comments_above = runpy.run_path(str(ROOT / "tools" / "site.py"))["_comments_above"]

    def shown(lines: str) -> str:
        block = re.fullmatch(r"```bash\n(.*?)^```", f"```bash\n{lines}\n```", re.MULTILINE | re.DOTALL)
        assert block is not None
        return str(comments_above(block))[8:-4]

    short = "squid doctor    # is this machine ready?"
    assert shown(short) == short
    wide = f"{short}\nsquid a \\\n    --b   # {'long ' * 20}end\nsquid c"
    assert shown(wide) == f"# is this machine ready?\nsquid doctor\n# {'long ' * 20}end\nsquid a \\\n    --b\nsquid c"


def test_docstrings_become_paragraphs_lists_and_escaped_formulas() -> None:
    assert as_rst(["scores: (B,), higher = more", "    abnormal.", "map: |x - x'| of ``a|b``."]) == [
        "- scores: (B,), higher = more abnormal.",
        "- map: \\|x - x'\\| of ``a|b``.",
    ]
    assert as_rst(["*Held-out* images, a * b * c, *args."]) == ["*Held-out* images, a \\* b \\* c, \\*args."]
    sections = ["Text.", "", "Args:", "    images: of a batch,", "        in 0..1."]
    assert as_rst(sections) == sections


@pytest.mark.parametrize("repository", ["", "owner/name"])
def test_lessons_are_opened_elsewhere_only_where_the_repository_is_known(
    repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_REPOSITORY", repository)
    options = runpy.run_path(str(ROOT / "docs" / "site" / "conf.py"))["html_theme_options"]
    assert options.get("repository_url") == (f"https://github.com/{repository}" if repository else None)
    assert ("launch_buttons" in options) == bool(repository)

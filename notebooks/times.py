"""Times: how long each lesson takes here, cell by cell; the table of minutes in notebooks/README.md.

python notebooks/times.py            # measure every lesson in class and in smoke mode, write the table
python notebooks/times.py smoke      # only that mode
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
from execute import execute
from masters import masters, solved_notebook, student_notebook

STORE, README = HERE / "times.json", HERE / "README.md"
CELL_LIMIT, SMOKE_LIMIT = 60, 8 * 60  #: seconds: of a cell in class mode that is not tagged long; of all in smoke mode


def stored() -> dict[str, dict[str, list[float]]]:
    """mode -> lesson -> seconds of each code cell; {} where nothing was measured yet."""
    return json.loads(STORE.read_text()) if STORE.is_file() else {}


def note(mode: str, lesson: str, seconds: list[float]) -> None:
    """Keep what was measured."""
    known: dict[str, Any] = stored()
    known.setdefault(mode, {})[lesson] = [round(value, 2) for value in seconds]
    _write(known)


def _write(known: dict[str, dict[str, list[float]]]) -> None:
    ordered = {name: dict(sorted(lessons.items())) for name, lessons in sorted(known.items())}
    STORE.write_text(re.sub(r"\n {3,}|(?<=\d)\n {2}(?=\])", " ", json.dumps(ordered, indent=1)) + "\n")


def forget_stale() -> None:
    """Keep what was measured of lessons that are still there."""
    there = {master.stem for master in masters()}
    _write({mode: {name: own[name] for name in own if name in there} for mode, own in stored().items()})


def planned_minutes(master: Path) -> int:
    """The minutes that a lesson says it takes, reading and exercises included."""
    match = re.search(r"\*\*Time\.\*\* (\d+) minutes", master.read_text())
    if match is None:
        raise ValueError(f"{master.name} does not say its time: '**Time.** N minutes' expected")
    return int(match[1])


def title(master: Path) -> str:
    """The lesson's title, without its number."""
    match = re.search(r"^# # \d\d · (.+)$", master.read_text(), re.MULTILINE)
    if match is None:
        raise ValueError(f"{master.name} has no title: '# NN · Title' expected")
    return match[1]


def table() -> str:
    """The table of minutes, in Markdown."""
    known = stored()
    lines = [
        "| lesson | minutes to plan | computing in class mode | longest cell | in smoke mode |",
        "| --- | --: | --: | --: | --: |",
    ]
    for master in masters():
        name = master.stem
        klass, smoke = known.get("class", {}).get(name), known.get("smoke", {}).get(name)
        cells = [
            f"[{name[:2]} · {title(master)}]({name}.ipynb)",
            str(planned_minutes(master)),
            "" if klass is None else f"{sum(klass) / 60:.1f} min",
            "" if klass is None else f"{max(klass):.0f} s",
            "" if smoke is None else f"{sum(smoke):.0f} s",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    total = sum(sum(cells) for cells in known.get("smoke", {}).values())
    return "\n".join([*lines, "", f"All lessons in smoke mode, without starting kernels: {total / 60:.1f} minutes."])


def write_table() -> None:
    """Put the table into notebooks/README.md."""
    from readme_part import replace_part

    replace_part("times", table(), README)


def measure(mode: str) -> None:
    """Run every lesson in one mode and keep its seconds; of student and solved notebook the slower counts."""
    for master in masters():
        runs = [
            execute(make(master), HERE, mode) for make in (student_notebook, solved_notebook)[: 1 + (mode == "smoke")]
        ]
        seconds = [max(cells) for cells in zip(*runs, strict=True)]
        note(mode, master.stem, seconds)
        print(f"{mode} {master.stem}: {sum(seconds):.0f} s, longest cell {max(seconds):.0f} s", flush=True)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ["class", "smoke"]:
        measure(chosen)
    write_table()

"""Write notebooks/schematics/*.svg, which lessons, slides, handouts and README show.

python tools/schematics.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from squidlib.teaching.schematics import all_schematics

sys.path.insert(0, str(Path(__file__).parent))
from readme_part import ROOT

FOLDER = ROOT / "notebooks" / "schematics"

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, canvas in all_schematics().items():
        (FOLDER / f"{name}.svg").write_text(canvas.svg(), encoding="utf-8")
        print(f"{name}.svg")

"""The report of ``squid score``: one HTML file with the most abnormal images first, and nothing that lies elsewhere.

It is made from the finished table and the image files, which are read again. The table counts as unfinished until the
report is written: where that is interrupted, the same command makes the report and scores nothing twice.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from squidlib.cli.score_pictures import Pictures, pictures_of
from squidlib.cli.score_table import ScoreTable
from squidlib.utils.errors import UserError
from squidlib.utils.text import printable

if TYPE_CHECKING:
    import numpy as np

    from squidlib.detection.detector import Detector

MOST = 500  #: images in a report; more make a page that no browser likes
TEMPLATE = "score_report.html.jinja"
BINS = 32
WIDTH, HEIGHT = 240, 48  #: of the chart, in its own units
ROOM = 0.3  #: of the chart's range is added beyond normal scores and threshold; what is farther is at the edge
MARK = '<meta name="squid-score-table" content="{}">'  #: which table a report belongs to
_HEAD = 1000  #: bytes of a report within which the mark stands


class ReportFacts(NamedTuple):
    """detector: as the user named it. rate: of the threshold. unread: how many files could not be read."""

    detector: str
    rate: float
    unread: int


class Chart(NamedTuple):
    """The histogram of normal calibration scores. bars: an SVG path. threshold: where it is, 0..``WIDTH``."""

    bars: str
    threshold: float
    low: float
    high: float

    def place(self, score: float) -> float:
        """Where a score is, 0..``WIDTH``; at the edge where it is beyond."""
        return round(WIDTH * min(max((score - self.low) / (self.high - self.low), 0.0), 1.0), 1)


class Entry(NamedTuple):
    """One image of the report; ``pictures`` is None where the file could not be read again, and ``flaw`` says why."""

    name: str
    verdict: str
    score: float
    threshold: float
    below: int
    place: float
    beyond: bool
    pictures: Pictures | None
    flaw: str


def check_report(path: Path, table: ScoreTable, overwrite: bool) -> None:
    """Find out before long work whether the report may be written.

    Raises:
        UserError: where there is such a file already, unless ``overwrite`` or it is of this unfinished table.
    """
    from squidlib.utils.safetensors_io import check_writable

    if path.is_dir():
        raise UserError(f"--report {path} is a folder; a file name was expected")
    check_writable(path.parent)
    if path.resolve() == table.path.resolve():
        raise UserError(f"--report and --csv are both {path}; give them different names")
    if not path.exists() or overwrite:
        return
    with path.open("rb") as file:
        mine = _mark(table).encode() in file.read(_HEAD)
    if not (table.kept and mine):
        raise UserError(f"{path} exists; replace it with --overwrite or choose another name")


def write_report(
    path: Path, table: ScoreTable, detector: Detector, files: Mapping[str, Path], facts: ReportFacts
) -> None:
    """Write the report of a whole table.

    Args:
        files: the image files by their names in the table.

    Raises:
        UserError: where it cannot be written.
    """
    from squidlib.detection.scores import ALL_SCORES
    from squidlib.utils.safetensors_io import write_atomically

    rows = worst_first(table.rows())
    shown = rows[:MOST]
    try:
        entries = _entries(detector, shown, files, facts.rate)
    except KeyboardInterrupt:
        said = f"all images are in {table.path}, {path} is not written; the same command makes it"
        print(f"squid: {said}", file=sys.stderr)
        raise
    name = detector.default_score
    text = _template().render(
        mark=_mark(table),
        facts=facts,
        groups=[(verdict, [entry for entry in entries if entry.verdict == verdict]) for verdict in _ORDER],
        counts=Counter(row["verdict"] for row in rows),
        total=len(rows),
        left_out=len(rows) - len(shown),
        most=MOST,
        score=(name, ALL_SCORES[name]),
        threshold=detector.threshold(facts.rate),
        normals=len(detector.normal_scores()),
        adapted=bool(detector.metadata.get("adapted") or detector.metadata.get("recalibrated")),
        limitations=detector.limitations(facts.rate),
        chart=chart_of(detector.normal_scores().numpy(), detector.threshold(facts.rate)),
        width=WIDTH,
        height=HEIGHT,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
    write_atomically(path, text.encode())


#: Verdicts in the order of the report; a score that means nothing is not ranked among those that mean something.
_ORDER = ("abnormal", "unlike the training data", "normal")


def worst_first(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows of a table by verdict, in the report's order, and within each by score, the highest first."""
    return sorted(rows, key=lambda row: (_ORDER.index(row["verdict"]), -float(row["score"])))


def chart_of(normals: np.ndarray, threshold: float) -> Chart:
    """The histogram of normal scores (N,) as the outline of its bars, over a range that holds the threshold."""
    import numpy as np

    low, high = min(float(normals.min()), threshold), max(float(normals.max()), threshold)
    spread = high - low or 1.0
    low, high = low - 0.05 * spread, high + ROOM * spread
    counts, _ = np.histogram(normals, bins=BINS, range=(low, high))
    tops = HEIGHT * (1 - counts / counts.max())
    step = WIDTH / BINS
    steps = "".join(f"V{top:.1f}H{(index + 1) * step:.1f}" for index, top in enumerate(tops))
    chart = Chart(f"M0,{HEIGHT}{steps}V{HEIGHT}Z", 0.0, low, high)
    return chart._replace(threshold=chart.place(threshold))


def _entries(detector: Detector, rows: list[dict[str, str]], files: Mapping[str, Path], rate: float) -> list[Entry]:
    normals = detector.normal_scores().numpy()
    chart = chart_of(normals, detector.threshold(rate))
    paths = [files.get(row["path"], Path(row["path"])) for row in rows]
    entries = []
    found = pictures_of(detector, paths, [float(row["score"]) for row in rows])
    for row, path, (pictures, flaw) in zip(rows, paths, found, strict=True):
        score = float(row["score"])
        below = int((normals < score).sum())
        place, beyond = chart.place(score), score > chart.high
        name = printable(str(path))
        threshold = float(row["threshold"])
        entries.append(Entry(name, row["verdict"], score, threshold, below, place, beyond, pictures, printable(flaw)))
    return entries


def _template():  # type: ignore[no-untyped-def]
    """The page with every value escaped; jinja2 is imported only where a report is made."""
    from jinja2 import Environment, StrictUndefined

    page = (Path(__file__).parent / TEMPLATE).read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        page
    )


def _mark(table: ScoreTable) -> str:
    made = json.dumps({**table.made_by, "table": str(table.path.resolve())}, sort_keys=True)
    return MARK.format(hashlib.sha256(made.encode("utf-8", "surrogateescape")).hexdigest()[:32])

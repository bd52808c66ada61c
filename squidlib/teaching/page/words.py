"""Words and colours that the page shares with explorer, charts and schematics, and facts of its detector."""

from __future__ import annotations

from typing import Any

from matplotlib import colormaps

from digitanatomy import ALL_KINDS, ANOMALIES, DESCRIPTIONS, DIGIT_FLIPS, INFO
from squidlib.detection.detector import Detector
from squidlib.detection.onnx_file import USE
from squidlib.detection.onnx_page import SHOWN
from squidlib.detection.prediction import VERDICTS
from squidlib.detection.scores import ALL_SCORES, PATCH_SCORES
from squidlib.teaching.explorer.edits import TURNED_ALIKE
from squidlib.teaching.explorer.view import VERDICT
from squidlib.teaching.page.readings import RATE
from squidlib.utils import palette
from squidlib.utils.plotting import MAP_COLOURS

_COLOURS = ("NORMAL", "ABNORMAL", "MEMORY", "NEIGHBOURS", "NETWORK", "TEACHER", "PLAIN")


def words() -> dict[str, Any]:
    """Texts by what they are of."""
    return {
        "kinds": {kind: DESCRIPTIONS[kind] for kind in ALL_KINDS},
        "anomalies": [*ANOMALIES, "lesion"],
        "scores": {name: ALL_SCORES[name] for name in SHOWN},
        "verdicts": list(VERDICTS),
        "verdict": VERDICT,
        "use": USE,
        "digits": {"source": INFO["source"], "licence": INFO["licence"]},
    }


def colours() -> dict[str, Any]:
    """The palette by name, and the anomaly map's 256 colours as one text of hexadecimal digits."""
    return {
        "palette": {name.lower(): getattr(palette, name) for name in _COLOURS},
        "map": colormaps[MAP_COLOURS](range(256), bytes=True)[:, :3].tobytes().hex(),
    }


def facts(detector: Detector) -> dict[str, Any]:
    """How the detector came to be, and what it cannot tell."""
    metadata = detector.metadata
    known = {name: metadata[name] for name in ("command", "preset", "seed", "glyphs") if name in metadata}
    return {
        "trained": known,
        "hand": float(metadata.get("hand", 0)),
        "limitations": detector.limitations(RATE),
        "score": detector.default_score,
        "patch_scores": [*PATCH_SCORES, "context"][: len(detector.calibration.mean)],
        "rate": RATE,
        "calibrated_on": int(detector.calibration.normal_scores.shape[1]),
        "heads": detector.config.heads,
    }


def truth() -> dict[str, Any]:
    """Which flips change a digit, and which digits look the same after both."""
    flips = {str(digit): list(axes) for digit, axes in DIGIT_FLIPS.items()}
    return {"flips": flips, "turned_alike": list(TURNED_ALIKE)}

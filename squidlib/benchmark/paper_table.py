"""The paper's tables for chest X-rays: AUC, accuracy and F1 in per cent, with standard deviations where it gives them.

Paper: tables 1 (ZhangLab) and 2 (CheXpert). Names are those of ``squidlib.benchmark.registry``.
"""

from __future__ import annotations

from typing import NamedTuple


class PaperRow(NamedTuple):
    """As printed: "87.6±1.5"."""

    auc: str
    accuracy: str
    f1: str


class PaperTest(NamedTuple):
    """Images of the paper's test set."""

    normal: int
    abnormal: int


_ZHANGLAB = {
    "auto-encoder": PaperRow("59.9", "63.4", "77.2"),
    "VAE": PaperRow("61.8", "64.0", "77.4"),
    "Ganomaly": PaperRow("78.0", "70.0", "79.0"),
    "f-AnoGAN": PaperRow("75.5", "74.0", "81.0"),
    "MemAE": PaperRow("77.8±1.4", "56.5±1.1", "82.6±0.9"),
    "MNAD": PaperRow("77.3±0.9", "73.6±0.7", "79.3±1.1"),
    "SALAD-style": PaperRow("82.7±0.8", "75.9±0.9", "82.1±0.3"),
    "CutPaste": PaperRow("73.6±3.9", "64.0±6.5", "72.3±8.9"),
    "PANDA": PaperRow("65.7±1.3", "65.4±1.9", "66.3±1.2"),
    "M-KD": PaperRow("74.1±2.6", "69.1±0.2", "62.3±8.4"),
    "IF-2D": PaperRow("81.0±2.8", "76.4±0.2", "82.2±2.7"),
    "PaDiM": PaperRow("71.4±3.4", "72.9±2.4", "80.7±1.2"),
    "IGD": PaperRow("73.4±1.9", "74.0±2.2", "80.9±1.3"),
    "SQUID": PaperRow("87.6±1.5", "80.3±1.3", "84.7±0.8"),
}

_CHEXPERT = {
    "Ganomaly": PaperRow("68.9±1.4", "65.7±0.2", "65.1±1.9"),
    "f-AnoGAN": PaperRow("65.8±3.3", "63.7±1.8", "59.4±3.8"),
    "MemAE": PaperRow("54.3±4.0", "55.6±1.4", "53.3±7.0"),
    "CutPaste": PaperRow("65.5±2.2", "62.7±2.0", "60.3±4.6"),
    "PANDA": PaperRow("68.6±0.9", "66.4±2.8", "65.3±1.5"),
    "M-KD": PaperRow("69.8±1.6", "66.0±2.5", "63.6±5.7"),
    "SQUID": PaperRow("78.1±5.1", "71.9±3.8", "75.9±5.7"),
}

PAPER = {"zhanglab": _ZHANGLAB, "chexpert": _CHEXPERT}
PAPER_TEST = {"zhanglab": PaperTest(234, 390), "chexpert": PaperTest(250, 250)}

#: data set -> what has to be known of its table
NOTES = {
    "zhanglab": (
        "Two rows of the paper's table cannot be right on its 234 normal and 390 abnormal test images: MemAE's "
        "accuracy and F1 together need more true positives than there are abnormal images, and M-KD's F1 is below "
        "what its accuracy forces. Compare by AUC."
    ),
    "chexpert": "The paper's test set is 250 normal and 250 abnormal images that its authors drew.",
}

"""Where images come from, and how far that alone tells normal from abnormal.

A data set put together from several sources can be separated without looking at any lung: images of one hospital share
cropping, exposure, and burnt-in letters. What a "classifier" that sees only the source column would reach is therefore
reported beside every detector. It learns from training normals alone, as a detector does: an image's score is how rare
its source is among them.

Source: Maguolo and Nanni, Information Fusion 2021 (COVID-19 data sets are told apart with the lungs blacked out);
DeGrave et al., Nature Machine Intelligence 2021.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from digitanatomy import NORMAL as NORMAL_TYPE


class Origin(NamedTuple):
    """What a list says of one image: "normal" or its anomaly type, and its source, "" where none is named."""

    anomaly_type: str
    source: str


def source_rarity(normals: Sequence[str], sources: Sequence[str]) -> list[float]:
    """The share of training normals that come from another source than each image, in 0..1.

    Args:
        normals: source of every training normal, at least one.
        sources: of the images to be scored.
    """
    counts = Counter(normals)
    return [1 - counts[source] / len(normals) for source in sources]


def source_aucs(normals: Sequence[str], tested: Sequence[Origin]) -> dict[str, float]:
    """AUC of the source alone, for each anomaly type of the test images; 0.5 is guessing.

    The chance that an abnormal test image has a rarer source than a normal one, where equally rare counts half.

    Args:
        normals: source of every training normal.
        tested: the test images; normal ones must be among them.
    """
    rarity: dict[str, list[float]] = {}
    for image, score in zip(tested, source_rarity(normals, [image.source for image in tested]), strict=True):
        rarity.setdefault(image.anomaly_type, []).append(score)
    usual = Counter(rarity.pop(NORMAL_TYPE))
    return {name: _auc(usual, Counter(scores)) for name, scores in rarity.items()}


def _auc(normal: Counter[float], abnormal: Counter[float]) -> float:
    wins = sum(
        count * other * (1.0 if score > usual else 0.5 if score == usual else 0.0)
        for score, count in abnormal.items()
        for usual, other in normal.items()
    )
    return wins / (normal.total() * abnormal.total())


def source_notes(trained: Sequence[Origin], tested: Sequence[Origin]) -> tuple[str, ...]:
    """One line for each thing that the sources of a data set say about what can be measured on it.

    Args:
        trained: all images of the train list, abnormal ones too.
        tested: all images of the test list.
    """
    unknown = sum(not image.source for image in (*trained, *tested))
    if unknown:
        total = len(trained) + len(tested)
        return (f"{unknown} of {total} lines name no source: how far sources tell the classes apart is not known",)
    normals = [image.source for image in trained if image.anomaly_type == NORMAL_TYPE]
    usual = set(normals)
    aucs = source_aucs(normals, tested)
    told = ", ".join(f"{value:.3f} for {name}" for name, value in aucs.items())
    lines = [
        f"sources of the normal images of the train list: {_counted(normals)}",
        f"source alone, without a look at any pixel, has on the test list an AUC of {told} "
        "(score: how rare the source is among training normals)",
    ]
    for name in aucs:
        found = {image.source for image in (*trained, *tested) if image.anomaly_type == name}
        own = [image.source for image in tested if image.anomaly_type == name]
        learned = [image.source for image in trained if image.anomaly_type == name]
        shared = sorted(usual & set(own))
        if not usual & found:
            lines.append(
                f"no {name} image of the lists is from a source of training normals: normal against {name} compares "
                "sources, whatever a detector finds"
            )
        elif not shared:
            lines.append(f"no {name} image of the test list ({len(own)}) is from a source of training normals")
        else:
            lines.append(f"normal against {name} can be compared within one source: {', '.join(shared)}")
        if usual & found and learned and not usual & set(learned):
            lines.append(f"no {name} image of the train list ({len(learned)}) is from a source of training normals")
    return tuple(lines)


def _counted(sources: Sequence[str]) -> str:
    return ", ".join(f"{count} {source}" for source, count in Counter(sources).most_common())

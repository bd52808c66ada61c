"""Within one source: how well a score separates images that the source cannot tell apart.

Where normal and abnormal images come from different sources, a detector may have learned the source; where both are of
one, it cannot have. The row ``SOURCE_ALONE`` of an evaluation says what the source by itself would reach; see
``squidlib.data.chest.sources``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from digitanatomy import NORMAL
from squidlib.data.base import TestSet
from squidlib.detection.metrics import Interval, bootstrap_auc

SOURCE_ALONE = "source alone"  #: the row of a score that sees no pixel


class SameSource(NamedTuple):
    """AUC of one anomaly type against normal images of the same source, and how many images of each there are."""

    auc: Interval
    normal: int
    abnormal: int


def same_source(test: TestSet, scores: Float[np.ndarray, "T"]) -> dict[str, SameSource]:
    """For each anomaly type and source that normal images share with it, such as "pneumonia (rsna)".

    Args:
        scores: of the test images, higher = more abnormal.

    Returns:
        Nothing where sources are not known, or no source has both.
    """
    types, sources = np.array(test.anomaly_types), np.array(test.sources)
    found = {}
    for name in test.present if len(sources) else ():
        for source in sorted(set(sources[types == NORMAL]) & set(sources[types == name])):
            chosen = (sources == source) & ((types == NORMAL) | (types == name))
            labels = (types[chosen] == name).astype(int)
            area = bootstrap_auc(labels, scores[chosen])
            found[f"{name} ({source})"] = SameSource(area, int((labels == 0).sum()), int(labels.sum()))
    return found

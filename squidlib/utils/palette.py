"""Palette: one colour for one meaning, in every schematic and chart; Okabe and Ito's, safe for colour-blind readers."""

from __future__ import annotations

import re
from collections.abc import Iterable

NORMAL, ABNORMAL = "#0072B2", "#D55E00"  #: blue is what is normal, vermilion what is not
MEMORY = "#009E73"  #: slots, queues, and what they answer
NEIGHBOURS = "#CC79A7"  #: what the other patches tell
NETWORK = "#56B4E9"  #: encoder and student: what is learned and stays
TEACHER = "#E69F00"  #: what teaches while training, and is dropped: teacher and discriminator
PLAIN = "#7A828C"  #: neither of them
COMPARED = "#D5D9DD"  #: in a chart of many methods, what the subject of the chart is compared with

#: What a name in a chart means, the first that fits; a name that means none of these gets a colour that is left.
MEANINGS = (
    (r"^abnormal\b|^wrong\b|\bwrong tiles\b", ABNORMAL),
    (r"^normals?\b|\bnormal (images|tiles|patches)\b|\bright tiles\b", NORMAL),
    (r"\bqueue\b|\bmemory\b", MEMORY),
    (r"\bneighbours?\b|\bcontext\b", NEIGHBOURS),
    (r"\bteacher\b|\bdiscriminator\b", TEACHER),
    (r"\bstudent\b|\bencoder\b|\bSQUID\b", NETWORK),
)
#: One colour for each anomaly type, too; they stand beside each other and seldom beside the above.
TYPES = {"novel": TEACHER, "disorder": NEIGHBOURS, "missing": "#000000", "flipped": NETWORK}
#: In this order names without a meaning get what is left: blue and vermilion last, for they say normal and abnormal.
ORDER = ("#000000", TEACHER, NETWORK, NEIGHBOURS, MEMORY, PLAIN, ABNORMAL, NORMAL)


def colours_of(names: Iterable[str]) -> list[str]:
    """A colour for each line, group or point cloud of a chart: by meaning, and no two alike up to seven."""
    names = list(names)
    meant = [_meant(name) for name in names]
    given = [colour if colour not in meant[:place] else None for place, colour in enumerate(meant)]
    left = [colour for colour in ORDER if colour not in given]
    chosen = []
    for place, colour in enumerate(given):
        chosen.append(colour or (left.pop(0) if left else ORDER[place % len(ORDER)]))
    return chosen


def _meant(name: str) -> str | None:
    if name.partition(" (")[0] in TYPES:  # a figure may stand behind it in brackets
        return TYPES[name.partition(" (")[0]]
    return next((colour for pattern, colour in MEANINGS if re.search(pattern, name)), None)

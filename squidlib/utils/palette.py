"""Palette: one colour for one meaning, in every schematic; Okabe and Ito's, safe for colour-blind readers."""

from __future__ import annotations

NORMAL, ABNORMAL = "#0072B2", "#D55E00"  #: blue is what is normal, vermilion what is not
MEMORY = "#009E73"  #: slots, queues, and what they answer
NEIGHBOURS = "#CC79A7"  #: what the other patches tell
NETWORK = "#56B4E9"  #: encoder and student: what is learned and stays
TEACHER = "#E69F00"  #: what teaches while training, and is dropped: teacher and discriminator
PLAIN = "#7A828C"  #: neither of them
COMPARED = "#D5D9DD"  #: in a chart of many methods, what the subject of the chart is compared with

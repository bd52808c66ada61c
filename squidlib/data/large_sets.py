"""Large sets: what is needed of a set as a whole in floating point is needed of so many of its images at most.

Training draws its batches from images of 8 bits, however many there are. At the end the memory is filled, held-out
images calibrate the detector, and naive methods are fitted. A detector whose memory held every image of a large set
could not be used: each would be a slot at every position. So evenly spaced images stand for the set.
"""

from __future__ import annotations

import numpy as np

#: Training images that fill the memory, as many slots a position, and that naive methods are fitted to.
MOST_REFERENCE = 4096
#: Held-out images to calibrate with, and to validate on. Among 2048 the share above a threshold of 5 % has a standard
#: error of half a per cent. X-rays are calibrated on seven times: as they are, and as other machines give them.
MOST_HELD_OUT = 2048


def reference_of(images: np.ndarray) -> np.ndarray:
    """(N, ...) as it is, or ``MOST_REFERENCE`` evenly spaced ones of it."""
    return _spread(images, MOST_REFERENCE)


def held_out_of(images: np.ndarray) -> np.ndarray:
    """(N, ...) as it is, or ``MOST_HELD_OUT`` evenly spaced ones of it."""
    return _spread(images, MOST_HELD_OUT)


def large_set_notes(train: int, calibration: int) -> tuple[str, ...]:
    """What is worth knowing of a set with so many training and calibration images; nothing of a small one."""
    notes = []
    if train > MOST_REFERENCE:
        notes.append(f"{MOST_REFERENCE} of the {train} training images, evenly spaced, fill the memory at the end; "
                     "all are trained on")  # fmt: skip
    if calibration > MOST_HELD_OUT:
        notes.append(f"{MOST_HELD_OUT} of the {calibration} calibration images, evenly spaced, are used")
    return tuple(notes)


def _spread(images: np.ndarray, most: int) -> np.ndarray:
    if len(images) <= most:
        return images
    return images[np.arange(most) * len(images) // most]

"""Lesson 12: the explorer."""

from __future__ import annotations

WRONG = {
    "smallest_memory": {
        "number": "1",
        "offered": 4,
        "detects": 1,
        "smallest": 350,
    },
    "suffering_k": {
        "number": 1.0,
        "offered": 7,
        "suffer": 350,
    },
    "missed_anomaly": {
        "text": 7,
        "link": "image=normal-0&edits=x9",
        "normal": "image=flipped-0",
        "abnormal": "image=normal-0&edits=h8",
        "missed": "image=normal-0&edits=b5",
    },
}

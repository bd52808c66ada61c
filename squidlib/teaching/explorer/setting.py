"""Setting: everything that one view of the explorer depends on, as plain values that fit into a link.

>>> Setting(slots=50, shrinkage="topk", k=3).as_link()
'slots=50&k=3'
>>> Setting.from_link("slots=50&k=3").slots
50
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, get_type_hints
from urllib.parse import parse_qsl, quote, urlencode

from torch import Tensor

from squidlib.detection.scores import ALL_SCORES, DEFAULT_SCORE
from squidlib.memory import Shrink
from squidlib.shrinkage import hard_shrink, topk_shrink
from squidlib.teaching.explorer.edits import check_edits
from squidlib.teaching.memory_sizes import sizes
from squidlib.utils.errors import UserError

SHRINKAGES = ("soft", "hard", "topk")
THRESHOLDS = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1)  #: of hard shrinkage
KEPT = (1, 2, 3, 5, 10, 20, 50, 100, 200)  #: k of top-k
HANDS = (0.0, 0.25, 0.5, 0.75, 1.0)  #: how far the digits of an image are written by one hand
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)  #: false-positive rates
TILES = 9
OF_THE_PAGE = ("token", "theme", "template")  #: what the page's own address may hold besides


@dataclass(frozen=True)
class Setting:
    """What is looked at, and how the memory is read.

    Raises:
        UserError: where a value is out of range.
    """

    image: str = "normal-0"  #: kind and number, or "upload-" and the upload's name
    hand: float = 0.0  #: how far the digits of the image are written by one hand, 0..1; an upload has none
    edits: str = ""  #: what was done to the tiles, see ``edits``
    slots: int = 350  #: memory size of each position
    shrinkage: str = "topk"  #: one of ``SHRINKAGES``
    threshold: float = 0.003  #: lambda of hard shrinkage
    k: int = 5  #: of top-k; all slots where there are fewer
    score: str = DEFAULT_SCORE
    rate: float = 0.05  #: share of normal images that the threshold may call abnormal
    tile: int = 4  #: the one that is pointed at, 0..8 in reading order

    def __post_init__(self) -> None:
        for name in ("slots", "k"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.tile < TILES:
            raise UserError(f"tile lies in 1..{TILES}, got {self.tile + 1}")
        if self.shrinkage not in SHRINKAGES:
            raise UserError(f"shrinkage is {', '.join(SHRINKAGES)}; got {self.shrinkage!r}")
        if not 0 <= self.threshold <= 1:
            raise UserError(f"threshold lies in 0..1, got {self.threshold}")
        if not 0 <= self.hand <= 1:
            raise UserError(f"hand lies in 0..1, got {self.hand}")
        if not 0 < self.rate < 1:
            raise UserError(f"rate lies between 0 and 1, got {self.rate}")
        if self.score not in ALL_SCORES:
            raise UserError(f"score is one of {', '.join(ALL_SCORES)}; got {self.score!r}")
        check_edits(self.edits)

    @property
    def reading(self) -> str:
        """A short name of how the memory is read: what calibration and AUC depend on."""
        amount = {"soft": "", "hard": f" {self.threshold:g}", "topk": f" {min(self.k, self.slots)}"}[self.shrinkage]
        return f"{self.slots} {self.shrinkage}{amount}"

    def shrink(self) -> Shrink:
        """The shrinkage as a function of weights (B, R, S)."""
        if self.shrinkage == "soft":
            return _as_it_is
        if self.shrinkage == "hard":
            return lambda weights: hard_shrink(weights, self.threshold)
        return lambda weights: topk_shrink(weights, min(self.k, weights.shape[-1]), straight_through=False)

    def as_link(self, start: Setting | None = None) -> str:
        """What differs from ``start`` (the defaults, where none is given), as name=value pairs joined by &."""
        before = Setting() if start is None else start
        names = [field.name for field in fields(self)]
        values = {name: getattr(self, name) for name in names if getattr(self, name) != getattr(before, name)}
        if "tile" in values:
            values["tile"] += 1  # links count tiles from 1, as people do
        return urlencode(values, quote_via=quote)

    @classmethod
    def from_link(cls, link: str, start: Setting | None = None) -> Setting:
        """The setting of a link; what it does not name is as in ``start``.

        Whole addresses and the line ``explore("...")`` that notebooks show are links, too.

        Raises:
            UserError: where a name is unknown or a value is not usable.
        """
        types = get_type_hints(cls)
        values: dict[str, Any] = {}
        line = link.strip().removeprefix("explore(").removesuffix(")").strip("\"'")
        text = line.rpartition("?")[2].partition("#")[0]
        for name, value in parse_qsl(text, keep_blank_values=True):
            if name in OF_THE_PAGE:
                continue
            if name not in types:
                raise UserError(f"a link holds {', '.join(types)}; got {name[:40]!r}")
            try:
                values[name] = types[name](value) if types[name] in (int, float) else value
            except ValueError as error:
                raise UserError(f"{name} in the link must be a number, got {value[:40]!r}") from error
        if "tile" in values:
            values["tile"] -= 1  # links count tiles from 1, as people do
        return replace(cls() if start is None else start, **values)


def _as_it_is(weights: Tensor) -> Tensor:
    return weights


def ladder(slots: int) -> list[Setting]:
    """Every way of reading a memory of ``slots`` that the explorer's controls offer."""
    readings = []
    for size in sizes(slots):
        readings.append(Setting(slots=size, shrinkage="soft"))
        readings += [Setting(slots=size, shrinkage="hard", threshold=threshold) for threshold in THRESHOLDS]
        readings += [Setting(slots=size, shrinkage="topk", k=k) for k in kept(size)]
    return readings


def kept(slots: int) -> list[int]:
    """The k that are offered for a memory of ``slots``; the last of them is all."""
    return [k for k in KEPT if k < slots] + [slots]

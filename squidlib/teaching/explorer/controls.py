"""Controls: everything one can move, each with a label and a tooltip; a ``Setting`` goes in and comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from digitanatomy import ALL_KINDS
from squidlib.detection.scores import ALL_SCORES, SCORES
from squidlib.teaching.explorer.effect import KINDS as COLUMNS
from squidlib.teaching.explorer.setting import HANDS, KEPT, RATES, THRESHOLDS, TILES, Setting
from squidlib.teaching.explorer.subjects import OFFERED, UPLOAD, tile_name
from squidlib.teaching.memory_sizes import sizes

TOOLS = {  #: name -> (what a click on a tile does, the letter of the edit; none for looking)
    "look": ("point at this tile: see what its memory answers", ""),
    "empty": ("take the digit out of this tile", "b"),
    "mirror ↔": ("mirror this tile left-right", "h"),
    "mirror ↕": ("mirror this tile upside down", "v"),
    "exchange": ("exchange this tile with the next one you click", "s"),
    "put digit": ("put the digit chosen below into this tile", "d"),
}
_WIDE = {"width": "auto"}
_STYLE = {"description_width": "84px"}


class Controls:
    """The widgets by name; ``read`` and ``write`` translate between them and a setting.

    Args:
        slots: how many the memory has.
        scores: that the detector has.
        columns: anomalies that an AUC is known of, and "mean".
    """

    def __init__(
        self,
        slots: int,
        scores: Sequence[str] = tuple(SCORES),
        columns: Sequence[str] = COLUMNS,
    ) -> None:
        self.most = slots
        offered = [(kind.capitalize(), kind) for kind in ALL_KINDS] + [("Uploaded", UPLOAD)]
        self.kind = _dropdown("Kind", offered, "Normal images, anomalies, or what you uploaded")
        self.number = widgets.IntSlider(
            description="Number", min=0, max=OFFERED - 1, tooltip="Which image of this kind", **_slider()
        )
        self.hand = _choice(
            "One hand",
            [(f"{hand:g}", hand) for hand in HANDS],
            0.0,
            "How far the nine digits are written by one hand: 0, each by its own; 1, all by one",
        )
        self.tool = widgets.ToggleButtons(
            description="A click will", options=list(TOOLS), tooltips=[tip for tip, _ in TOOLS.values()], style=_STYLE
        )
        self.digit = _dropdown("Digit", [(str(digit), digit) for digit in range(10)], "For the tool: put digit")
        self.tiles = [
            widgets.Button(description=str(tile + 1), tooltip=tile_name(tile), layout={"width": "auto"})
            for tile in range(TILES)
        ]
        self.undo = _button("Undo", "Take the last edit back")
        self.restart = _button("Start over", "Take all edits back")
        self.upload = widgets.FileUpload(
            description="Upload image",
            accept="image/*",
            tooltip="An image file of at most 4 MiB; it is made grey and scaled to 96 x 96 pixels",
        )
        self.slots = _choice("Memory size", [(str(size), size) for size in sizes(slots)], slots, "Slots of each tile")
        self.shrinkage = widgets.ToggleButtons(
            description="Shrinkage",
            options=[("soft", "soft"), ("hard λ", "hard"), ("top-k", "topk")],
            tooltips=["Every slot speaks", "Only weights above the threshold λ", "Only the k strongest slots"],
            style=_STYLE,
        )
        self.threshold = _choice(
            "Threshold λ", [(f"{value:g}", value) for value in THRESHOLDS], 0.003, "Hard shrinkage: weights up to λ go"
        )
        every = [(str(k), k) for k in KEPT if k < slots] + [("all", slots)]
        self.k = _choice("k", every, 5, "Top-k: how many slots speak")
        self.score = _dropdown("Score", list(scores), "; ".join(f"{name}: {ALL_SCORES[name]}" for name in scores))
        rates = [(f"{rate:.0%}", rate) for rate in RATES]
        self.rate = _choice("False alarms", rates, 0.05, "The share of normal images that may be called abnormal")
        self.column = _dropdown("AUC of", [(kind.capitalize(), kind) for kind in columns], "Which anomaly")
        self.column.value = "mean"
        self.link = widgets.Text(
            description="Link",
            tooltip="Copy it to come back to this view; or paste one and press Open",
            style=_STYLE,
            layout=_WIDE,
            continuous_update=False,
        )
        self.open = _button("Open", "Show the view of the link beside")
        self.save = _button("Save picture", "Draw everything of this view into one picture")

    def settings(self) -> list[widgets.Widget]:
        """What changes the setting by its value alone."""
        names = ("kind", "number", "hand", "slots", "shrinkage", "threshold", "k", "score", "rate")
        return [getattr(self, name) for name in names]

    def read(self, edits: str, tile: int, uploaded: str) -> Setting:
        """The setting that the controls show.

        Args:
            edits, tile: what the controls do not hold.
            uploaded: the name of the last upload, or nothing.
        """
        image = uploaded if self.kind.value == UPLOAD else f"{self.kind.value}-{self.number.value}"
        return Setting(
            image,
            self.hand.value,
            edits,
            self.slots.value,
            self.shrinkage.value,
            self.threshold.value,
            self.k.value,
            self.score.value,
            self.rate.value,
            tile,
        )

    def write(self, setting: Setting) -> None:
        """Show a setting. A number that is on no rung of its slider gets a rung of its own."""
        kind, _, number = setting.image.partition("-")
        self.kind.value = kind
        if kind != UPLOAD:
            self.number.value = int(number)
        for control, value in (
            (self.hand, setting.hand),
            (self.slots, setting.slots),
            (self.threshold, setting.threshold),
            (self.k, min(setting.k, self.most)),
            (self.rate, setting.rate),
        ):
            _with_rung(control, value)
        self.shrinkage.value, self.score.value = setting.shrinkage, setting.score
        self.enable()

    def enable(self) -> None:
        """Switch off what has no meaning now."""
        self.threshold.disabled = self.shrinkage.value != "hard"
        self.k.disabled = self.shrinkage.value != "topk"
        self.number.disabled = self.hand.disabled = self.kind.value == UPLOAD


def _with_rung(control: widgets.SelectionSlider, value: int | float) -> None:
    if value not in [known for _, known in control.options]:
        control.options = sorted([*control.options, (f"{value:g}", value)], key=lambda option: option[1])
    control.value = value


def _slider() -> dict[str, Any]:
    return {"continuous_update": False, "layout": _WIDE, "style": _STYLE}


def _choice(label: str, options: list[tuple[str, Any]], value: Any, tip: str) -> widgets.SelectionSlider:
    return widgets.SelectionSlider(description=label, options=options, value=value, tooltip=tip, **_slider())


def _dropdown(label: str, options: list[Any], tip: str) -> widgets.Dropdown:
    return widgets.Dropdown(description=label, options=options, tooltip=tip, style=_STYLE, layout=_WIDE)


def _button(label: str, tip: str) -> widgets.Button:
    return widgets.Button(description=label, tooltip=tip, layout={"width": "auto"})

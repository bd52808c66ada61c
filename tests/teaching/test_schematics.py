"""Schematics: nothing runs over anything, everything is described, and the stored files say what the code draws."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from squidlib.teaching.schematics import HERE, all_schematics
from squidlib.teaching.schematics.canvas import Canvas, Written
from squidlib.teaching.schematics.data_flow import PARTS, blank_pictures, data_flow
from squidlib.teaching.schematics.inference_flow import inference_flow, inline
from squidlib.utils import palette

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "schematics"
SVG = "{http://www.w3.org/2000/svg}"
NAMES = (
    "data_flow", *HERE, "memory_read", "memory_queue", "inpainting_spaces", "window_slides", "loss_map",
    "method_families",
)  # fmt: skip
each_schematic = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def drawn() -> dict[str, Canvas]:
    return all_schematics()


def overlapping(written: list[Written]) -> list[tuple[str, str]]:
    return [
        (a.text, b.text)
        for a, b in combinations(written, 2)
        if a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom
    ]


def words(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_all_are_known(drawn: dict[str, Canvas]) -> None:
    assert set(drawn) == set(NAMES) == {path.stem for path in FOLDER.glob("*.svg")}, "run: make schematics"


@each_schematic
def test_no_text_runs_over_its_box_other_text_or_the_edge(drawn: dict[str, Canvas], name: str) -> None:
    canvas = drawn[name]
    assert [each.text for each in canvas.written if each.right - each.left > each.room] == []
    assert overlapping(canvas.written) == []
    inside = [
        each.left >= 0 and each.right <= canvas.width and each.top >= 0 and each.bottom <= canvas.height
        for each in canvas.written
    ]
    assert [each.text for each, there in zip(canvas.written, inside, strict=True) if not there] == []


def test_overlapping_text_is_found() -> None:
    canvas = Canvas(200, 100, "t", "d")
    canvas.text((100, 50), "one line")
    canvas.text((100, 90), "far below")
    assert overlapping(canvas.written) == []
    canvas.text((120, 54), "another")
    assert overlapping(canvas.written) == [("one line", "another")]


@each_schematic
def test_it_is_a_picture_that_is_described_and_needs_nothing_else(drawn: dict[str, Canvas], name: str) -> None:
    svg = drawn[name].svg()
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert len(root.findtext(f"{SVG}title", "")) > 20
    assert len(root.findtext(f"{SVG}desc", "")) > 100
    assert "prefers-color-scheme: dark" in svg
    references = [element.get("href", "") for element in root.iter(f"{SVG}image")]
    assert all(reference.startswith("data:image/png;base64,") for reference in references)
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


@each_schematic
def test_the_stored_file_says_what_the_code_draws(drawn: dict[str, Canvas], name: str) -> None:
    assert words((FOLDER / f"{name}.svg").read_text(encoding="utf-8")) == words(drawn[name].svg())


def test_a_read_memory_shows_weights_that_sum_to_one(drawn: dict[str, Canvas]) -> None:
    numbers = [float(text) for text in words(drawn["memory_read"].svg()) if text.replace(".", "").isdigit()]
    similarity, shrunk = numbers[:12], numbers[24:36]
    assert similarity == sorted(similarity, reverse=True)
    assert sum(shrunk) == pytest.approx(1, abs=0.03)  # each is rounded to two digits
    assert sum(number > 0 for number in shrunk) == 5


def test_what_moves_stands_still_on_paper_and_for_who_wants_no_motion(drawn: dict[str, Canvas]) -> None:
    moving = {name for name, canvas in drawn.items() if canvas.motion}
    assert moving == {"memory_queue", "window_slides"}
    for name in moving:
        svg = drawn[name].svg()
        rules = svg[svg.index("<style>") : svg.index("</style>")]
        assert "animation" not in rules.split("@media screen and (prefers-reduced-motion: no-preference)")[0]
    svg = drawn["memory_queue"].svg()
    slots = [path for path in ET.fromstring(svg).iter(f"{SVG}path") if path.get("class") == "slot"]
    newest_first = sorted(slots, key=lambda path: -float(path.get("style", "").split(":")[1].strip(" s;")))
    opacities = [float(path.get("fill-opacity", "0")) for path in newest_first[3:]]  # three are of this step
    assert len(slots) == 16
    assert opacities == sorted(opacities, reverse=True)


def test_the_window_asks_three_neighbours_at_a_corner_and_eight_in_the_middle(drawn: dict[str, Canvas]) -> None:
    told = [word for word in words(drawn["window_slides"].svg()) if word.endswith("neighbours")]
    assert told == [f"{count} neighbours" for count in (3, 5, 3, 5, 8, 5, 3, 5, 3)]


def test_the_data_flow_fades_all_but_what_is_named() -> None:
    def faded(canvas: Canvas) -> set[str]:
        groups = ET.fromstring(canvas.svg()).iter(f"{SVG}g")
        return {text.text or "" for group in groups for text in group.iter(f"{SVG}text")}

    pictures = blank_pictures()
    assert faded(data_flow(pictures)) == set()
    pale = faded(data_flow(pictures, ["memory"]))
    assert "Memory queue" not in pale
    assert {"Encoder", "Student", "Teacher", "Anomaly score", "image"} <= pale
    with pytest.raises(ValueError, match="parts are encoder"):
        data_flow(pictures, ["memroy"])


def test_the_inference_flow_has_the_data_flows_boxes_but_none_of_training() -> None:
    canvas = inference_flow(blank_pictures())
    assert [each.text for each in canvas.written if each.right - each.left > each.room] == []
    assert overlapping(canvas.written) == []
    root = ET.fromstring(inline(canvas))
    groups = {group.get("data-part", ""): group for group in root.iter(f"{SVG}g")}
    kept = {name for name, part in PARTS.items() if not part.training}
    assert set(groups) == {*kept, "input", "reconstruction"}
    for name in kept:
        box = next(groups[name].iter(f"{SVG}rect"))
        assert box.get("fill") == PARTS[name].colour
        assert [text.text for text in groups[name].iter(f"{SVG}text")] == list(PARTS[name].lines)
    assert not list(root.iter(f"{SVG}style"))  # it would be a whole page's


def test_no_two_meanings_share_a_colour() -> None:
    colours = [value for name, value in vars(palette).items() if name.isupper() and isinstance(value, str)]
    assert len(colours) == len(set(colours)) == 8


def test_a_tile_keeps_its_pixels() -> None:
    import base64
    import io

    from PIL import Image

    canvas, image = Canvas(50, 50, "t", "d"), torch.tensor([[0.0, 1.0], [0.5, 0.0]])
    canvas.tile((0, 0), 40, image)
    reference = next(ET.fromstring(canvas.svg()).iter(f"{SVG}image")).get("href", "")
    stored = Image.open(io.BytesIO(base64.b64decode(reference.split(",")[1])))
    assert np.asarray(stored).tolist() == [[0, 255], [128, 0]]

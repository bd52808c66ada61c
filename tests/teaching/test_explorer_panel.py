"""The panel shows what the state computes: moving a control in Python is what a browser's message does."""

from __future__ import annotations

import io
import logging
from datetime import UTC, datetime

import pytest
import torch
from PIL import Image

from squidlib.teaching.explorer import drawing
from squidlib.teaching.explorer.begin import explore, explore_page, load_state
from squidlib.teaching.explorer.panel import Explorer
from squidlib.teaching.explorer.pictures import grid_rows, static_grid, view_picture
from squidlib.teaching.explorer.setting import Setting
from squidlib.utils.plotting import png


@pytest.fixture
def explorer() -> Explorer:
    return explore()


def note(explorer: Explorer) -> str:
    return str(explorer.shown["note"].value)


def test_it_begins_with_the_detector_as_it_is(explorer: Explorer) -> None:
    assert explorer.setting == load_state().start()
    assert explorer.failures == []
    assert "Called normal" in explorer.shown["verdict"].value
    assert explorer.controls.link.value == 'explore("")'


@pytest.mark.parametrize(
    ("control", "value", "changed"),
    [
        ("kind", "missing", {"image": "missing-0"}), ("number", 7, {"image": "normal-7"}), ("slots", 20, {"slots": 20}),
        ("shrinkage", "soft", {"shrinkage": "soft"}), ("threshold", 0.01, {"threshold": 0.01}), ("k", 1, {"k": 1}),
        ("score", "error", {"score": "error"}), ("rate", 0.2, {"rate": 0.2}),
    ],
)  # fmt: skip
def test_every_control_changes_its_own_part_of_the_setting(
    explorer: Explorer, control: str, value: object, changed: dict[str, object]
) -> None:
    before = explorer.setting
    getattr(explorer.controls, control).value = value
    assert explorer.failures == []
    for name in ("image", "slots", "shrinkage", "threshold", "k", "score", "rate", "tile", "edits"):
        assert getattr(explorer.setting, name) == changed.get(name, getattr(before, name)), name


def test_what_is_shown_is_what_the_state_computes(explorer: Explorer) -> None:
    explorer.controls.slots.value = 5
    view = load_state().view(explorer.setting)
    assert drawing.address(drawing.png_of(view.reconstruction[0])) in explorer.shown["pictures"].value
    assert view.verdict in explorer.shown["verdict"].value
    for slot in view.strongest:
        assert f"slot {slot.slot + 1}<br>{slot.weight:.1%}" in explorer.shown["memories"].value


def test_clicks_edit_undo_and_restart(explorer: Explorer) -> None:
    controls = explorer.controls
    for tool, tile, edits in (
        ("empty", 0, "b1"), ("mirror ↔", 1, "b1,h2"), ("mirror ↕", 2, "b1,h2,v3"), ("put digit", 4, "b1,h2,v3,d57"),
    ):  # fmt: skip
        controls.tool.value, controls.digit.value = tool, 7
        controls.tiles[tile].click()
        assert explorer.setting.edits == edits
    controls.tool.value = "exchange"
    controls.tiles[5].click()
    assert "to exchange tile 6 with" in note(explorer)
    controls.tiles[8].click()
    assert explorer.setting.edits.endswith("s69")
    controls.undo.click()
    assert explorer.setting.edits == "b1,h2,v3,d57"
    controls.tiles[3].click()
    controls.tool.value = "look"  # an exchange that was begun is forgotten
    assert "In truth" in note(explorer)
    controls.tool.value = "exchange"
    controls.tiles[1].click()
    assert explorer.setting.edits == "b1,h2,v3,d57"
    controls.tool.value = "look"
    controls.tiles[7].click()
    assert explorer.setting.tile == 7
    controls.restart.click()
    controls.undo.click()
    assert explorer.setting.edits == ""
    controls.tool.value = "empty"
    controls.tiles[0].click()
    controls.number.value = 3
    assert (explorer.setting.image, explorer.setting.edits) == ("normal-3", "")
    assert explorer.failures == []


def uploaded(name: str, content: bytes) -> dict[str, object]:
    """What a browser sends."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return {"name": name, "type": "image/png", "size": len(content), "last_modified": moment,
            "content": memoryview(content)}  # fmt: skip


def test_upload_is_judged_refused_and_never_kept_twice(explorer: Explorer) -> None:
    buffer = io.BytesIO()
    Image.new("L", (50, 60), 80).save(buffer, "PNG")
    explorer.controls.kind.value = "upload"
    if not load_state().subjects.uploads():
        assert "nothing was uploaded yet" in note(explorer)
        assert explorer.controls.kind.value == "normal"
    explorer.controls.upload.value = (uploaded("grey.png", buffer.getvalue()),)
    assert explorer.setting.image.startswith("upload-")
    assert explorer.controls.kind.value == "upload"
    assert explorer.controls.upload.value == ()
    kept = explorer.setting
    explorer.controls.upload.value = (uploaded("<b>bad</b>.png", b"no image"),)
    assert "&lt;b&gt;bad&lt;/b&gt;.png: not an image" in note(explorer)
    assert explorer.setting == kept
    assert explorer.failures == []


def test_links_open_and_bad_ones_are_refused_while_the_view_stays(explorer: Explorer) -> None:
    explorer.controls.link.value = 'explore("slots=50&k=3&edits=h2")'
    explorer.controls.open.click()
    assert explorer.setting == Setting(slots=50, k=3, edits="h2")
    assert (explorer.controls.slots.value, explorer.controls.k.value) == (50, 3)
    for link, wanted in (
        ("k=0", "k must be at least 1"),
        ("slots=999", "350 slots"),
        ("image=cat-1", "images are"),
        ("?", ""),
    ):
        kept = explorer.setting
        explorer.controls.link.value = link
        explorer.controls.open.click()
        assert wanted in note(explorer)
        assert link == "?" or explorer.setting == kept
    begun = explore("slots=nonsense")
    assert "must be a number" in note(begun)
    assert begun.setting == load_state().start()


def test_a_value_on_no_rung_gets_one(explorer: Explorer) -> None:
    explorer.controls.link.value = "slots=7&shrinkage=hard&threshold=0.004"
    explorer.controls.open.click()
    assert (explorer.controls.slots.value, explorer.controls.threshold.value) == (7, 0.004)
    assert "not in the table" in explorer.shown["heat"].value


def test_a_page_takes_its_view_from_its_address() -> None:
    environment = {"QUERY_STRING": "token=x&theme=dark&slots=10", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8866",
                   "SCRIPT_NAME": "/"}  # fmt: skip
    page = explore_page(environment.get)  # type: ignore[arg-type]
    assert page.setting.slots == 10
    assert page.controls.link.value == "http://127.0.0.1:8866/?slots=10"


def test_a_defect_is_shown_in_words_logged_and_counted(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(setting: Setting) -> None:
        raise RuntimeError("the wheel is stuck")

    monkeypatch.setattr(explorer.state, "view", broken)
    with caplog.at_level(logging.ERROR, "squidlib.teaching.explorer"):
        explorer.controls.k.value = 1
    assert "The explorer failed: RuntimeError: the wheel is stuck" in note(explorer)
    assert 'role="alert"' in note(explorer)
    assert len(explorer.failures) == 1
    assert "the wheel is stuck" in caplog.text


def test_the_picture_is_saved_whole(explorer: Explorer) -> None:
    explorer.controls.save.click()
    assert 'download="squid_normal-0.png"' in explorer.shown["saved"].value
    with Image.open(io.BytesIO(png(view_picture(load_state().view(explorer.setting))))) as image:
        assert min(image.size) > 400


def test_every_control_has_a_label_or_text_and_a_tooltip(explorer: Explorer) -> None:
    controls = [*explorer.controls.settings(), explorer.controls.digit, explorer.controls.upload,
                explorer.controls.undo, explorer.controls.restart, explorer.controls.column, explorer.controls.link,
                explorer.controls.open, explorer.controls.save, *explorer.controls.tiles]  # fmt: skip
    for control in controls:
        assert control.description, control
        assert getattr(control, "tooltip", None) or getattr(control, "tooltips", None), control.description
        assert getattr(control, "continuous_update", False) is False


def test_the_static_grid_shows_what_the_state_computes() -> None:
    state, images, slots = load_state(), ["normal-0", "missing-0"], [350, 5]
    rows = grid_rows(state, images, slots)
    assert list(rows) == ["input", "350 slots", "5 slots"]
    for size in slots:
        for name, shown in zip(images, rows[f"{size} slots"], strict=True):
            assert torch.equal(shown, state.view(Setting(image=name, slots=size)).reconstruction)
    figure = static_grid(state, images, slots)
    drawn = [axis.images[0].get_array() for axis in figure.axes]
    wanted = [image[0].numpy() for row in rows.values() for image in row]
    assert all((one == other).all() for one, other in zip(drawn, wanted, strict=True))
    called = [axis.get_xlabel() for axis in figure.axes[2:]]
    assert called[1].endswith("abnormal")
    assert called[0].endswith(" normal")

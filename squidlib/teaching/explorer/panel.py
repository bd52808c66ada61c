"""Panel: the explorer as one widget. It shows what ``ExplorerState`` computes and computes nothing itself.

    >>> from squidlib.teaching.explorer import explore
    >>> explore()                      # in a notebook; squid explore makes a page of it

Core ipywidgets only, so that it works in JupyterLab, VS Code, Colab and voilà alike.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.resources import files
from itertools import count
from typing import Any

import ipywidgets as widgets

from squidlib.teaching.explorer import drawing, sections
from squidlib.teaching.explorer.controls import TOOLS, Controls
from squidlib.teaching.explorer.setting import Setting
from squidlib.teaching.explorer.state import ExplorerState
from squidlib.teaching.explorer.subjects import UPLOAD
from squidlib.teaching.explorer.view import View
from squidlib.utils.errors import UserError

_LOG = logging.getLogger("squidlib.teaching.explorer")
_NUMBERS = count()


class Explorer(widgets.VBox):
    """The whole explorer.

    Args:
        state: what is explored.
        link: a view to begin with; where it cannot be used, the explorer says so and begins as usual.
        address: what a link begins with on a page of its own; empty in a notebook.
    """

    def __init__(self, state: ExplorerState, link: str = "", address: str = "") -> None:
        self.state, self.address = state, address
        self.failures: list[str] = []  #: what went wrong and was nobody's input
        self.controls = Controls(state.most_slots, state.detector.score_names, state.effect.kinds)
        self.shown = {name: widgets.HTML() for name in sections.OUTPUTS}
        self._setting, self._first, self._quiet = state.start(), -1, False
        self._name = f"squid-{next(_NUMBERS)}"
        css = (files("squidlib") / "teaching" / "explorer" / "explorer.css").read_text(encoding="utf-8")
        super().__init__([widgets.HTML(f"<style>{css}</style>"), *sections.layout(self.controls, self.shown)])
        self.add_class("squid-explorer")
        for tile, button in enumerate(self.controls.tiles):
            button.add_class(f"{self._name}-{tile}")
        self._listen()
        with self._guarded():
            self.go(self._setting)
            if link:
                self.go(Setting.from_link(link, state.start()))

    @property
    def setting(self) -> Setting:
        """What is shown."""
        return self._setting

    def go(self, setting: Setting) -> None:
        """Show a setting: compute its view, then move the controls.

        Raises:
            UserError: where there is no such view; what was shown stays.
        """
        if not self.state.knows(setting):
            self._say("This setting is on no rung of the sliders: calibrating it again, a moment …")
        view = self.state.view(setting)
        self._setting = setting
        self._write_controls()
        self.controls.link.value = self._link(setting)
        self._show(view)

    def _show(self, view: View) -> None:
        for name, value in sections.contents(view, self.state, self.controls.column.value, self._name):
            self.shown[name].value = value
        self.shown["saved"].value = ""
        self._say(self._truth(view))

    def _truth(self, view: View) -> str:
        learned = self.state.data.hand
        if view.kind == UPLOAD or view.setting.hand == learned:
            return view.truth
        return f"{view.truth} The detector learned from images whose hand is {learned:g}."

    def _say(self, text: str, problem: bool = False) -> None:
        kind = ' class="squid-problem" role="alert"' if problem else ' class="squid-note" role="status"'
        self.shown["note"].value = f"<p{kind}>{html.escape(text)}</p>"

    def _link(self, setting: Setting) -> str:
        text = setting.as_link(self.state.start())
        return f"{self.address}?{text}" if self.address else f'explore("{text}")'

    def _listen(self) -> None:
        controls = self.controls
        for control in controls.settings():
            control.observe(self._moved, names="value")
        controls.tool.observe(lambda change: self._do(self._forget_first), names="value")
        controls.column.observe(lambda change: self._do(partial(self.go, self._setting)), names="value")
        controls.upload.observe(lambda change: self._do(partial(self._upload, change["new"])), names="value")
        for tile, button in enumerate(controls.tiles):
            button.on_click(partial(self._pressed, partial(self._click, tile)))
        for button, action in (
            (controls.undo, lambda: self._edit(self._setting.edits.rpartition(",")[0])),
            (controls.restart, lambda: self._edit("")),
            (controls.open, self._open),
            (controls.save, self._save),
        ):
            button.on_click(partial(self._pressed, action))

    def _pressed(self, action: Callable[[], None], button: widgets.Button) -> None:
        self._do(action)

    def _do(self, action: Callable[[], None]) -> None:
        with self._guarded():
            action()

    def _moved(self, change: dict[str, Any]) -> None:
        if self._quiet:
            return
        self.controls.enable()
        with self._guarded():
            self._choose(change["owner"])

    def _choose(self, moved: widgets.Widget) -> None:
        controls, edits, uploads = self.controls, self._setting.edits, self.state.subjects.uploads()
        if moved in (controls.kind, controls.number, controls.hand):
            edits = ""
        if controls.kind.value == UPLOAD and not uploads:
            raise UserError("nothing was uploaded yet; press Upload image and choose a file")
        self.go(controls.read(edits, self._setting.tile, uploads[-1] if uploads else ""))

    def _forget_first(self) -> None:
        """Another tool: an exchange that was begun is none."""
        if self._first >= 0:
            self._first = -1
            self._say(self._truth(self.state.view(self._setting)))

    def _click(self, tile: int) -> None:
        letter = TOOLS[self.controls.tool.value][1]
        if not letter:
            self.go(self._changed(tile=tile))
        elif letter == "s" and self._first < 0:
            self._first = tile
            self._say(f"Now click the tile to exchange tile {tile + 1} with.")
        else:
            first, self._first = self._first, -1
            edit = {"s": f"s{first + 1}{tile + 1}", "d": f"d{tile + 1}{self.controls.digit.value}"}
            before = [self._setting.edits] if self._setting.edits else []
            edits = ",".join([*before, edit.get(letter, f"{letter}{tile + 1}")])
            self.go(self._changed(edits=edits, tile=tile))  # what was changed is what one wants to look at

    def _edit(self, edits: str) -> None:
        self._first = -1
        self.go(self._changed(edits=edits))

    def _changed(self, **values: Any) -> Setting:
        return replace(self._setting, **values)

    def _upload(self, files_given: tuple[dict[str, Any], ...]) -> None:
        if not files_given:  # cleared below
            return
        given = files_given[-1]
        content, name = bytes(given["content"]), str(given["name"])
        self.controls.upload.value = ()  # or the browser and the kernel would both keep it
        self.go(self._changed(image=self.state.subjects.upload(content, name), edits=""))

    def _open(self) -> None:
        self.go(Setting.from_link(self.controls.link.value, self.state.start()))

    def _save(self) -> None:
        from squidlib.teaching.explorer.pictures import view_picture
        from squidlib.utils.plotting import png

        view = self.state.view(self._setting)
        self.shown["saved"].value = drawing.download(png(view_picture(view)), f"squid_{view.setting.image}.png")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Show what goes wrong in words, in the page; what is a defect is logged, too."""
        try:
            yield
        except UserError as error:
            self._say(str(error), problem=True)
            self._write_controls()  # back to what is still shown
        except Exception as error:
            self.failures.append(repr(error))
            _LOG.exception("the explorer failed at %s", self._setting)
            self._say(f"The explorer failed: {type(error).__name__}: {error}. Please report this.", problem=True)

    def _write_controls(self) -> None:
        """Move the controls to the setting that is shown, without acting on it."""
        self._quiet = True
        try:
            self.controls.write(self._setting)
        finally:
            self._quiet = False

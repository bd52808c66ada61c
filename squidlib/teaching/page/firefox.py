"""Firefox: one window of an installed Firefox, driven over WebDriver BiDi, for ``timing`` and the browser tests.

Playwright drives only a Firefox that it downloads itself. What is here has the names of Playwright's ``Page`` for the
little that the page's figures and tests need. BiDi: https://w3c.github.io/webdriver-bidi/
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket  # websocket-client, which JupyterLab's server brings

_NAMES = ("firefox", "firefox-esr")
_SAYS = "WebDriver BiDi listening on "  #: on its standard error, before the address
_CALL = """async text => {
  const told = (%s);
  return JSON.stringify(await (typeof told === "function" ? told(JSON.parse(text)) : told));
}"""
START_SECONDS = 30
ANSWER_SECONDS = 120.0  #: for one answer of the browser; a whole page's loading is one
#: A proxy and updates are of no use to a page of this machine; light, and no motion.
_PREFERENCES = {
    "network.proxy.type": 0,
    "app.update.enabled": False,
    "layout.css.prefers-color-scheme.content-override": 1,
    "ui.prefersReducedMotion": 1,
}


def firefox() -> str | None:
    """Where a Firefox is, or None."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class FirefoxPage:
    """A window's only page.

    Attributes:
        said: what the console and uncaught errors said, "level: text" each.
    """

    def __init__(self, address: str, size: tuple[int, int]) -> None:
        self._socket = websocket.create_connection(
            f"{address}/session", timeout=ANSWER_SECONDS, suppress_origin=True, http_no_proxy=["*"]
        )
        self._count, self.said = 0, list[str]()
        self.version = str(self._ask("session.new", capabilities={})["capabilities"]["browserVersion"])
        self._ask("session.subscribe", events=["log.entryAdded"])
        self._context = self._ask("browsingContext.getTree")["contexts"][0]["context"]
        self._ask("browsingContext.setViewport", context=self._context,
                  viewport={"width": size[0], "height": size[1]})  # fmt: skip

    def goto(self, address: str) -> None:
        """Go to another page, and wait until all of it is loaded.

        The page itself is asked for that: Firefox's own answer sometimes never comes, one time in seven on a busy
        machine where it had shown about:blank before.

        Raises:
            TimeoutError: where it is not loaded.
        """
        self.evaluate("window.left = true")
        self._ask("browsingContext.navigate", context=self._context, url=address, wait="none")
        self._wait("!window.left && document.readyState === 'complete'", ANSWER_SECONDS, f"{address} is not loaded")

    def evaluate(self, expression: str, argument: object = None) -> Any:
        """What an expression is there, or a function of one argument gives; what JSON can hold."""
        text = {"type": "string", "value": json.dumps(argument)}
        told = self._ask("script.callFunction", functionDeclaration=_CALL % expression, arguments=[text],
                         target={"context": self._context}, awaitPromise=True)  # fmt: skip
        if told["type"] == "exception":
            raise RuntimeError(told["exceptionDetails"]["text"])
        return json.loads(told["result"]["value"]) if "value" in told["result"] else None

    def wait_for_selector(self, selector: str, timeout: int = 30_000) -> None:
        """Wait until something matches; ``timeout`` in milliseconds.

        Raises:
            TimeoutError: where nothing does.
        """
        found = f"document.querySelector({json.dumps(selector)}) !== null"
        self._wait(found, timeout / 1000, f"nothing matches {selector}")

    def wait_for_timeout(self, milliseconds: int) -> None:
        """Wait, as somebody does who looks."""
        time.sleep(milliseconds / 1000)

    def drag(self, points: list[tuple[float, float]]) -> None:
        """Press the mouse at the first point of the window, in CSS pixels, and let it go at the last."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 20} for x, y in points]
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        actions = [moves[0], down, *moves[1:], up]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        self._ask("input.performActions", context=self._context, actions=[mouse])

    def close(self) -> None:
        """End the browser."""
        self._ask("browser.close")
        self._socket.close()

    def _wait(self, holds: str, seconds: float, otherwise: str) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                if self.evaluate(holds):
                    return
            except RuntimeError as error:  # the question met a page that was being left
                otherwise = f"{otherwise.partition(': ')[0]}: {error}"
            if time.monotonic() > end:
                raise TimeoutError(f"{otherwise} after {seconds:g} s")
            time.sleep(0.02)

    def _ask(self, method: str, **parameters: object) -> dict[str, Any]:
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while True:
            try:
                told = json.loads(self._socket.recv())
            except websocket.WebSocketTimeoutException as error:
                given = str(parameters)[:200]
                raise TimeoutError(f"{method}: no answer within {ANSWER_SECONDS:g} s to {given}") from error
            if told.get("method") == "log.entryAdded":
                self.said.append(f"{told['params']['level']}: {told['params']['text']}")
            elif told.get("id") == self._count:
                if told["type"] == "error":
                    raise RuntimeError(f"{method}: {told['message']}")
                return dict(told["result"])


@contextmanager
def firefox_page(size: tuple[int, int] = (1280, 900)) -> Iterator[FirefoxPage]:
    """A Firefox without a window, with a profile of its own.

    Raises:
        RuntimeError: where there is no Firefox, or it does not start.
        TimeoutError: where it gives no answer.
    """
    path = firefox()
    if path is None:
        raise RuntimeError("no Firefox was found; install one")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
        (Path(profile) / "user.js").write_text("\n".join(lines), encoding="utf-8")
        log = Path(profile) / "log.txt"
        command = [path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            page = FirefoxPage(_listening(process, log), size)
            yield page
            page.close()
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listening(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        _, said, rest = log.read_text(errors="replace").partition(_SAYS)
        if said and "\n" in rest:
            return rest.partition("\n")[0].strip()
        time.sleep(0.05)
    raise RuntimeError(f"Firefox did not start: {log.read_text(errors='replace')[-300:]}")

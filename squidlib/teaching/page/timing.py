"""Timing: how soon the page shows a verdict, how fast it follows, how large it is, and whether its numbers are right.

Figures for ``tools/page_bench.py`` and for the browser tests; needs Playwright (extra ``test``) and a Chromium.
"""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from squidlib.detection.detector import Detector

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from squidlib.teaching.page.firefox import FirefoxPage

READY = "#page[data-ready]"
KINDS = ("normal", "novel", "disorder", "missing", "flipped", "lesion")
# From the click on a button to the frame that shows the new reconstruction, in milliseconds.
_WATCH = """kind => new Promise((resolve, reject) => {
  const picture = document.querySelector(".results canvas");
  const before = picture.toDataURL();
  new PerformanceObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => {
      const taken = performance.now() - begun;
      if (picture.toDataURL() === before) reject(new Error("the picture did not change"));
      else resolve(taken);
    }, 0));
  }).observe({type: "measure"});
  const begun = performance.now();
  document.querySelector(`button[data-kind="${kind}"]`).click();
})"""
_PARTS = ("patch_scores", "reconstruction", "anomaly_map")
# Numbers go to the page and back as the bytes of float32, in base64: as texts they would take seconds.
_JUDGE = """async ([images, parts]) => {
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer;
  const text = numbers => btoa(String.fromCharCode(...new Uint8Array(numbers.slice().buffer)));
  const found = [];
  for (const pixels of images) {
    const told = await window.squid.judge(new Float32Array(bytes(pixels)));
    found.push({score: told.score, called: told.called, ...Object.fromEntries(parts.map(p => [p, text(told[p])]))});
  }
  return found;
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@contextmanager
def plain_server(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine; gives the address without a slash at its end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def open_page(page: Page | FirefoxPage, address: str) -> float:
    """Go to the page and wait for its first verdict; milliseconds from the start of the navigation."""
    page.goto(address)
    page.wait_for_selector(READY, timeout=60_000)
    return float(page.evaluate("performance.getEntriesByName('squid: ready')[0].startTime"))


def change_milliseconds(page: Page | FirefoxPage, count: int) -> list[float]:
    """From a click that makes a new image to the picture that has changed."""
    taken = []
    for index in range(count):
        taken.append(float(page.evaluate(_WATCH, KINDS[index % len(KINDS)])))
        page.wait_for_timeout(60)  # somebody looks at what came
    return taken


def largest_difference(page: Page | FirefoxPage, detector: Detector, images: Tensor) -> tuple[float, int]:
    """The largest difference between the page's numbers and the detector's, and how many verdicts differ.

    Numbers are image scores, patch scores, reconstructions and anomaly maps of images (B, 1, 96, 96).
    """
    own = detector.predict(images)
    pixels = [base64.b64encode(image.numpy().tobytes()).decode() for image in images]
    told = page.evaluate(_JUDGE, [pixels, list(_PARTS)])
    differences = [float((Tensor([each["score"] for each in told]) - own.score).abs().max())]
    for name in _PARTS:
        found = np.stack([np.frombuffer(base64.b64decode(each[name]), np.float32) for each in told])
        differences.append(float(np.abs(found - getattr(own, name).flatten(1).numpy()).max()))
    return max(differences), sum(each["called"] != verdict for each, verdict in zip(told, own.verdicts, strict=True))


def compressed_bytes(folder: Path) -> tuple[int, int]:
    """Bytes after gzip of the WASM runtime, and of everything else that the page may load."""
    sizes = {path: len(gzip.compress(path.read_bytes(), 9)) for path in folder.rglob("*") if path.is_file()}
    runtime = sum(size for path, size in sizes.items() if path.suffix == ".wasm")
    return runtime, sum(sizes.values()) - runtime

"""Soak: click at random in the explorer for a long time, and watch errors and memory.

    python tools/soak.py                  # an hour
    python tools/soak.py --minutes 5 --seed 3

Every few seconds something is moved: a slider, a list, a tool, a tile, an upload (good or bad), a link, undo. It fails
where the page or the server's log tells of an error, or where the kernel's memory grows from the second fifth of the
time to the last by more than a tenth.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import time
from pathlib import Path

import psutil
from PIL import Image
from playwright.sync_api import Page

from squidlib.teaching.explorer.server import serving
from squidlib.teaching.explorer.timing import browser, move, open_explorer, upload

SLIDERS = ("Number", "Memory size", "Threshold λ", "k", "False alarms")
LISTS = ("Kind", "Score", "Digit", "AUC of")
BUTTONS = ("empty", "mirror ↔", "mirror ↕", "exchange", "put digit", "look", "soft", "hard λ", "top-k", "Undo",
           "Start over", "Save picture")  # fmt: skip
LINKS = ("slots=50&k=3", "image=flipped-4&shrinkage=hard&threshold=0.01", "slots=0", "nonsense", "edits=b1,s59&tile=3")
GROWTH = 1.1
STOPPED = "KeyboardInterrupt caught in kernel"  # how a kernel says that its server was stopped


def act(page: Page, chance: random.Random) -> str:
    """One thing that a student may do; returns what it was."""
    explorer = page.locator(".squid-explorer")
    what = chance.choice(["slider", "slider", "list", "button", "button", "tile", "tile", "upload", "link"])
    if what == "slider":
        label = chance.choice(SLIDERS)
        if explorer.locator(".widget-inline-hbox", has=page.get_by_text(label, exact=True)).first.locator(
            ".noUi-target[disabled], .noUi-target.disabled"
        ).count():  # fmt: skip
            return f"{label} is off"
        move(page, label, chance.choice(["ArrowLeft", "ArrowRight", "Home", "End"]))
        return label
    if what == "list":
        label = chance.choice(LISTS)
        box = explorer.get_by_label(label, exact=True)
        box.select_option(index=chance.randrange(box.locator("option").count()))
        return label
    if what == "button":
        name = chance.choice(BUTTONS)
        explorer.get_by_role("button", name=name).first.click()
        return name
    if what == "tile":
        number = chance.randrange(9)
        explorer.locator(".squid-tiles button").nth(number).click()
        return f"tile {number + 1}"
    if what == "upload":
        good = chance.random() < 0.7
        content = picture(chance) if good else bytes(chance.randrange(256) for _ in range(500))
        upload(page, "some.png", content)
        return f"upload, {'good' if good else 'bad'}"
    explorer.get_by_label("Link", exact=True).fill(chance.choice(LINKS))
    explorer.get_by_role("button", name="Open").first.click()
    return "link"


def picture(chance: random.Random) -> bytes:
    """A small PNG of noise."""
    side = chance.randrange(16, 200)
    buffer = io.BytesIO()
    Image.frombytes("L", (side, side), chance.randbytes(side * side)).save(buffer, "PNG")
    return buffer.getvalue()


def memory(server: psutil.Process) -> dict[str, float]:
    """MB of the server and of the kernels below it."""
    kernels = [child for child in server.children(recursive=True) if "ipykernel" in " ".join(child.cmdline())]
    return {
        "server": server.memory_info().rss / 1e6,
        "kernel": sum(kernel.memory_info().rss for kernel in kernels) / 1e6,
    }


def main() -> int:
    """Click until the time is over; 1 where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two actions")
    options = parser.parse_args()
    chance, problems, taken = random.Random(options.seed), [], []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        with log.open("wb") as file, serving(log=file.fileno()) as (address, process), browser() as launched:
            page = launched.new_page(viewport={"width": 1280, "height": 1500})
            page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: problems.append(str(error)))
            open_explorer(page, address)
            begun = last = time.monotonic()
            actions = 0
            while time.monotonic() - begun < 60 * options.minutes:
                what = act(page, chance)
                page.wait_for_timeout(1000 * options.pause)
                actions += 1
                shown = page.locator(".squid-problem").all_inner_texts()
                problems += [f"after {what}: {text}" for text in shown if "failed" in text]
                if time.monotonic() - last > 20 or actions == 20:
                    last = time.monotonic()
                    heap = page.evaluate("performance.memory ? performance.memory.usedJSHeapSize / 1e6 : 0")
                    taken.append(memory(psutil.Process(process.pid)) | {"page": heap})
                    figures = ", ".join(f"{name} {value:.0f} MB" for name, value in taken[-1].items())
                    print(f"{(last - begun) / 60:5.1f} min, {actions} actions, {figures}", flush=True)
        said = log.read_text(errors="replace").splitlines()
        problems += [line for line in said if ("Error" in line or "Traceback" in line) and STOPPED not in line]
    fifth = max(1, len(taken) // 5)
    for name in taken[0]:
        early = max(each[name] for each in taken[fifth : 2 * fifth] or taken)
        late = max(each[name] for each in taken[-fifth:])
        print(f"{name}: at most {early:.0f} MB in the second fifth, {late:.0f} MB in the last")
        if late > GROWTH * early + 5:
            problems.append(f"the memory of the {name} grows: {early:.0f} to {late:.0f} MB")
    print(f"{actions} actions, {len(problems)} problems")
    print(*sorted(set(problems))[:20], sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

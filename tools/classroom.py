"""A room: notebooks that train, and many tabs of the explorer, at once on one laptop; for the table of docs/speed.md.

.venv/bin/python tools/classroom.py [--kernels 3] [--tabs 10]     # five minutes; leave the machine alone meanwhile

Each kernel is a real one and trains as lesson 08 does, with as many threads as ``make lab`` gives it. Memory is the
proportional set size, which counts what processes share once, of kernels and explorer; the browser is not counted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import psutil
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

sys.path.insert(0, str(Path(__file__).parent))
from readme_part import replace_part

from squidlib.__main__ import KERNEL_SPINS, calm_threads
from squidlib.teaching.explorer.server import TABS, serving
from squidlib.teaching.explorer.timing import SHOWN, browser

#: What lesson 08 does before and while it trains; prints seconds of every step after the first two.
TRAIN = """
import time
from squidlib.data.digits import Digits
from squidlib.training.loop import start, train
from squidlib.training.presets import PRESETS
preset = PRESETS["laptop"]["digitanatomy"]
data = Digits(jitter=preset.jitter)
state = start(preset.config, preset.training, "cpu")
took, begun = [], time.perf_counter()
for result in train(state, data, preset.training, preset.weights):
    took.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    if len(took) == {steps}:
        break
print(*took[2:])
"""
STEPS = 60
MEGA = 2**20


@contextmanager
def kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel as JupyterLab starts one."""
    manager = KernelManager(kernel_name="python3", transport="ipc" if os.name == "posix" else "tcp")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(client: BlockingKernelClient, request: str) -> str:
    """What the cell of that request has printed, once it has ended."""
    text = ""
    while True:
        message = client.get_iopub_msg(timeout=600)
        if message["parent_header"].get("msg_id") != request:
            continue
        content = message["content"]
        if message["msg_type"] == "error":
            raise SystemExit(f"a kernel failed: {content['ename']}: {content['evalue']}")
        if message["msg_type"] == "stream":
            text += content["text"]
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            return text


def trained(kernels: list[tuple[KernelManager, BlockingKernelClient]]) -> float:
    """Milliseconds of a step, the median over all kernels, while all of them train at once."""
    asked = [client.execute(TRAIN.replace("{steps}", str(STEPS))) for _, client in kernels]
    told = [printed(client, request) for (_, client), request in zip(kernels, asked, strict=True)]
    return 1000 * median(float(seconds) for text in told for seconds in text.split())


def memory(pids: list[int]) -> float:
    """MB of these processes and their children."""
    found = [process for pid in pids for process in (psutil.Process(pid), *psutil.Process(pid).children(True))]
    return sum(process.memory_full_info().pss for process in found) / MEGA


def explorer(tabs: int) -> tuple[int, str, float, float]:
    """How many tabs opened, what the first refused one says, seconds for the last that opened, MB in all."""
    with open(os.devnull, "wb") as log, serving(log=log.fileno()) as (address, server), browser() as launched:
        opened, refusal, seconds = 0, "none was refused", 0.0
        for _ in range(tabs):
            page, begun = launched.new_page(), time.perf_counter()
            answer = page.goto(address)
            if answer is not None and answer.status == 503:
                refusal = " ".join(page.locator("body").inner_text().split())
                break
            page.wait_for_selector(SHOWN, timeout=120_000)
            opened, seconds = opened + 1, time.perf_counter() - begun
        return opened, refusal, seconds, memory([server.pid])


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", type=int, default=3, help="notebooks that train at once")
    parser.add_argument("--tabs", type=int, default=10, help="tabs of the explorer")
    asked = parser.parse_args()
    calm_threads(KERNEL_SPINS)  # as make lab does, for the kernels that are started here
    with kernel() as one:
        alone, single = trained([one]), memory([one[0].provisioner.pid])
    with ExitStack() as stack:
        kernels = [stack.enter_context(kernel()) for _ in range(asked.kernels)]
        together = trained(kernels)
        training = memory([manager.provisioner.pid for manager, _ in kernels])
        shown, refusal, seconds, tabs = explorer(asked.tabs)
    rows = [
        ("one notebook that trains", f"{alone:.0f} ms a step", f"{single:.0f} MB"),
        (f"{asked.kernels} that train at once", f"{together:.0f} ms a step each", f"{training:.0f} MB"),
        (f"the explorer, {shown} tabs open", f"{seconds:.1f} s to open the last", f"{tabs:.0f} MB"),
        ("all of it", "", f"{training + tabs:.0f} MB"),
    ]
    table = ["| on one machine | time | memory |", "| --- | --: | --: |", *(f"| {' | '.join(row)} |" for row in rows)]
    said = f"Of {asked.tabs} tabs {shown} opened (at most {TABS} do); the next one says: *{refusal}*"
    text = "\n".join([f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GB.", "", *table, "", said])
    print(text)
    replace_part("classroom", text)


if __name__ == "__main__":
    main()

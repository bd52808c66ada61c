"""``squid bench``: speed and memory of this machine, measured in one run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from squidlib.cli.device import checked_device
from squidlib.cli.scoring_speed import ScoringFigures, busy_cores, scoring_figures

GIGA = 1e9
#: Other ways to compute the laptop preset's step, as changes of its ``TrainingConfig``.
VARIANTS = {"not channels-last": "channels_last=False", "compiled": "compile=True"}


@dataclass(frozen=True)
class Bench:
    """Measure the matrix-product rate, training, inference and scoring, memory, import time and the explorer."""

    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    seconds: float = 15.0
    """How long to repeat each training step."""
    precision: Literal["32-true", "bf16-mixed", "both"] = "both"
    """both measures bf16 where the hardware has it, and says so where it has not."""

    preset: str | None = None
    """Measure only the training loop of this preset on digits, such as gpu: images, waiting, idle, memory."""
    data: Path | None = None
    """Measure only how fast the images below this folder are read, from their files and from the cache."""

    def run(self) -> int:
        """Measure and print."""
        if self.data is not None:
            return self._data(self.data)
        return self._everything() if self.preset is None else self._loop(self.preset)

    def _loop(self, name: str) -> int:
        import torch

        from squidlib.data.digits import Digits
        from squidlib.training.loop_speed import loop_figures
        from squidlib.training.precision import fitting_precision
        from squidlib.training.presets import PRESETS
        from squidlib.utils.errors import UserError

        known = [preset for preset, data in PRESETS.items() if "digitanatomy" in data]
        if name not in known:
            raise UserError(f"presets for digits are {', '.join(known)}; got {name!r}")
        device, preset = checked_device(self.device), PRESETS[name]["digitanatomy"]
        precision = fitting_precision(preset, device, preset.training.steps)
        preset = preset._replace(training=replace(preset.training, precision=precision))
        found = loop_figures(preset, Digits(jitter=preset.jitter), device)
        print(f"{name} digitanatomy {precision} on {device}, {torch.get_num_threads()} CPU threads, "
              f"batches of {preset.training.batch_size}")  # fmt: skip
        print(f"{found.images_a_second:.0f} images/s, {1000 * found.step_seconds:.0f} ms a step")
        print(f"waits for data: {found.waiting:.0%} of a step")
        print("GPU idle: " + ("there is none" if found.idle is None else f"{found.idle:.0%}"))
        print(f"peak memory: {found.peak_memory / GIGA:.2f} GB")
        return 0

    def _data(self, folder: Path) -> int:
        from squidlib.data.chest.rates import loading_rates
        from squidlib.utils.errors import UserError

        if not folder.is_dir():
            raise UserError(f"{folder}: a folder with images expected, there is none; give another --data")
        print(f"{folder}, 128 px, one process")
        rates = loading_rates(folder)
        decoded, cached = rates.without_cache, rates.with_cache
        print(f"{rates.images} images: {decoded:.0f} images/s without the cache, {cached:.0f} with it")
        return 0

    def _everything(self) -> int:
        import torch
        from rich.table import Table

        from squidlib.benchmark.tables import wide_console
        from squidlib.training.speed import has_fast_bf16, product_rate

        device = checked_device(self.device)
        console = wide_console()
        bf16 = torch.cuda.is_bf16_supported() if device == "cuda" else has_fast_bf16()
        console.print(f"device {device}, {torch.get_num_threads()} CPU threads, torch {torch.__version__}")
        base = product_rate(torch.float32, device)
        console.print(f"matrix product, fp32: {base / GIGA:.0f} GFLOP/s")
        if bf16:
            console.print(f"matrix product, bf16: {product_rate(torch.bfloat16, device) / GIGA:.0f} GFLOP/s")
        else:
            console.print("matrix product, bf16: this CPU has no bf16 arithmetic; bf16 is not measured")
        table = Table(title="presets (a step trains generator and discriminator once)", title_justify="left")
        for column in (
            "preset",
            "GFLOP a step",
            "s a step",
            "GFLOP/s",
            "share of fp32",
            "images/s",
            "inference",
            "peak GB",
        ):
            table.add_column(column, justify="right")
        wanted = ["32-true", "bf16-mixed"] if self.precision == "both" else [self.precision]
        for precision in wanted:
            if precision == "bf16-mixed" and not bf16:
                continue
            for preset, dataset in (("laptop", "digitanatomy"), ("paper", "digitanatomy"), ("paper", "zhanglab")):
                figures = self._measure(preset, dataset, precision, device, base)
                table.add_row(f"{preset} {dataset} {precision}", *figures)
        for name, changes in VARIANTS.items():
            figures = self._measure("laptop", "digitanatomy", wanted[0], device, base, changes)
            table.add_row(f"laptop digitanatomy {wanted[0]}, {name}", *figures)
        console.print(table)
        with busy_cores() as busy:
            beside = self._measure("laptop", "digitanatomy", wanted[0], device, base)[1]
        console.print(f"laptop digitanatomy {wanted[0]} beside {len(busy)} busy processes: {beside} s a step")
        console.print(_scoring(scoring_figures()))
        console.print(f"import squidlib after torch: {_import_seconds():.2f} s")
        for line in _explorer():
            console.print(line)
        with busy_cores() as busy:
            for line in _explorer():
                console.print(f"beside {len(busy)} busy processes: {line}")
        return 0

    def _measure(
        self, preset: str, dataset: str, precision: str, device: str, base: float, changes: str = ""
    ) -> list[str]:
        """In a process of its own, so that the peak memory is this preset's; ``changes``: of its ``TrainingConfig``."""
        code = (
            "from dataclasses import replace; from squidlib.training.speed import step_figures; "
            f"from squidlib.training.presets import PRESETS; preset = PRESETS[{preset!r}][{dataset!r}]; "
            f"preset = preset._replace(training=replace(preset.training, {changes})); "
            f"print(*step_figures(preset, {precision!r}, {device!r}, {self.seconds}))"
        )
        flop, seconds, rate, images, inference, memory = map(float, _python(code).split())
        return [
            f"{flop / GIGA:.0f}",
            f"{seconds:.3f}",
            f"{rate / GIGA:.0f}",
            f"{rate / base:.2f}",
            f"{images:.1f}",
            f"{inference:.1f}",
            f"{memory / GIGA:.2f}",
        ]


def _scoring(found: ScoringFigures) -> str:
    whole, beyond = found.busy / found.alone, (found.busy - found.busy_start) / (found.alone - found.start)
    return (
        f"squid score, {found.images} images: {found.alone:.1f} s, {found.start:.1f} s of them to start "
        f"({found.one_thread:.1f} s on one thread); beside a busy process on each core {found.busy:.1f} s, "
        f"{found.busy_start:.1f} s of them to start: {whole:.1f} times as long, {beyond:.1f} times beyond the start"
    )


def _explorer() -> Iterator[str]:
    """The explorer's times, in processes of their own; the browser's only where there is one."""
    from squidlib.teaching.explorer.timing import chromium

    call = "from squidlib.teaching.explorer.timing import {0}; print(*{0}())"
    shown = _percentiles(_python(call.format("state_milliseconds"), OMP_NUM_THREADS="1"))  # as its kernels have it
    yield f"explorer, new value to finished state: {shown}"
    missing = [] if chromium() else ["a Chromium"]
    missing += [] if find_spec("playwright") else ["Playwright"]
    if missing:
        yield f"explorer, key to changed picture in the browser: not measured, {' and '.join(missing)} not found"
    else:
        shown = _percentiles(_python(call.format("browser_milliseconds")))
        yield f"explorer, key to changed picture in the browser: {shown}"


def _percentiles(printed: str) -> str:
    values = sorted(map(float, printed.split()))
    middle, high = values[len(values) // 2], values[min(int(0.95 * len(values)), len(values) - 1)]
    return f"median {middle:.0f} ms, p95 {high:.0f} ms ({len(values)} changes)"


def _import_seconds() -> float:
    """What ``from squidlib import load`` adds to ``import torch``: the smallest of three fresh processes."""
    code = (
        "import torch, time; begun = time.perf_counter(); from squidlib import load; print(time.perf_counter() - begun)"
    )
    return min(float(_python(code)) for _ in range(3))


def _python(code: str, **variables: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | variables)
    return done.stdout.splitlines()[-1]

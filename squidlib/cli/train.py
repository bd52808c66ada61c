"""``squid train``: train a run, go on with one, in a folder of its own."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from squidlib.errors import UserError

if TYPE_CHECKING:
    from squidlib.digits import Digits
    from squidlib.presets import Preset
    from squidlib.runs import Run


@dataclass(frozen=True)
class Train:
    """Train SQUID on normal images and save the run: settings, losses, pictures, the finished detector."""

    data: Positional[Literal["digitanatomy"]]
    """What to train on."""
    out: Path
    """The run's folder. One that already holds a run is never overwritten without being told to."""
    preset: Literal["laptop", "paper"] = "laptop"
    """laptop: ours, minutes on two CPU cores. paper: the published setting, for a GPU."""
    seed: int = 0
    """Another seed gives other weights and other training images; the same seed gives the same run on a CPU."""
    epochs: float | None = None
    """Train for this many epochs of 1,600 images instead of the preset's."""
    minutes: float | None = None
    """Train for about this long instead; the number of steps is fixed by a short trial before the start."""
    slots: int | None = None
    """Memory slots at each position instead of the preset's."""
    topk: int | None = None
    """Slots that survive shrinkage instead of the preset's."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    """Number format of the computation."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    glyphs: str = "mnist5000"
    """mnist5000 or sklearn_digits (offline); mnist, emnist or kmnist; or a folder with sub-folders 0..9."""
    download: bool = False
    """Allow the download of mnist, emnist or kmnist to ./data."""
    resume: bool = False
    """Go on with the run in --out; its own settings hold."""
    overwrite: bool = False
    """Replace the run in --out."""

    def run(self) -> int:
        """Train to the end, or to Ctrl-C."""
        from squidlib.pipeline import Interrupted, train_run
        from squidlib.runs import Run

        run = Run(self.out)
        if self.resume:
            if self.overwrite:
                raise UserError("--resume goes on with a run and --overwrite replaces it; give one of them")
            if run.finished:
                run.state_path.unlink(missing_ok=True)  # left where the run was killed at its very end
                print(f"{self.out} is already finished; look at it with: squid evaluate {self.out}")
                return 0
            digits = self._saved_data(run)
        else:
            digits = self._prepare(run)
        doing = "going on with" if self.resume else "training into"
        print(f"{doing} {self.out}; Ctrl-C saves, --resume goes on", flush=True)
        try:
            train_run(run, digits, self.device)
        except (Interrupted, KeyboardInterrupt) as stopped:
            said = str(stopped) or "interrupted; what was saved last is kept"
            print(
                f"squid: {said}. Go on with: squid train {self.data} --out {shlex.quote(str(self.out))} --resume",
                file=sys.stderr,
            )
            return 130
        print(f"finished: {run.model_path}. Look at it with: squid evaluate {self.out}")
        return 0

    def _prepare(self, run: Run) -> Digits:
        """Everything that can be wrong is found before the folder is touched."""
        from squidlib.digits import EPOCH_IMAGES, Digits
        from squidlib.glyph_choice import choose_glyphs
        from squidlib.pipeline import steps_in

        if self.epochs is not None and self.minutes is not None:
            raise UserError("--epochs and --minutes both say how long to train; give one of them")
        for name, value in (("--epochs", self.epochs), ("--minutes", self.minutes)):
            if value is not None and not 0 < value < 1e6:
                raise UserError(f"{name} must be more than 0, got {value}")
        preset = self._preset()
        digits = Digits(choose_glyphs(self.glyphs, download=self.download), self.seed, preset.jitter)
        check_device(self.device)
        run.claim(self.overwrite)
        training = preset.training
        steps = training.steps
        if self.epochs is not None:
            steps = max(1, round(self.epochs * EPOCH_IMAGES / training.batch_size))
        if self.minutes is not None:
            steps = steps_in(self.minutes, preset.config, training, preset.weights, digits, self.device)
            print(f"{self.minutes:g} minutes are about {steps} steps on this machine")
        horizon = max(1, round(training.schedule_steps * steps / training.steps))
        training = replace(training, steps=steps, schedule_steps=horizon)
        run.write_settings(preset.config, training, preset.weights, self._facts(preset))
        return digits

    def _preset(self) -> Preset:
        from squidlib.presets import laptop_digitanatomy, paper_digitanatomy

        preset = laptop_digitanatomy() if self.preset == "laptop" else paper_digitanatomy()
        changes = {name: value for name in ("slots", "topk") if (value := getattr(self, name)) is not None}
        training = replace(preset.training, seed=self.seed, precision=self.precision)
        return preset._replace(config=replace(preset.config, **changes), training=training)

    def _facts(self, preset: Preset) -> dict[str, object]:
        import torch

        import squidlib
        from squidlib.config import as_plain

        return {
            "data": self.data,
            "preset": self.preset,
            "glyphs": self.glyphs,
            "jitter": as_plain(preset.jitter),
            "seed": self.seed,
            "squidlib": squidlib.__version__,
            "torch": torch.__version__,
        }

    def _saved_data(self, run: Run) -> Digits:
        from digitanatomy import Jitter
        from squidlib.digits import Digits
        from squidlib.glyph_choice import choose_glyphs

        _, training, _, facts = run.read_settings()
        check_device(self.device)
        glyphs = choose_glyphs(str(facts["glyphs"]), download=self.download)
        return Digits(glyphs, training.seed, Jitter(**facts["jitter"]))


def check_device(device: str) -> None:
    """Raise a UserError where the device is unknown or absent."""
    import torch

    if device not in ("auto", "cpu", "cuda", "mps"):
        raise UserError(f"--device is auto, cpu, cuda or mps; got {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: this torch sees no CUDA GPU; use --device auto, or see: squid doctor")
    if device == "mps" and not torch.backends.mps.is_available():
        raise UserError("--device mps: this torch sees no Apple GPU; use --device auto")

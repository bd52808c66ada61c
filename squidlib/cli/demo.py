"""``squid demo``: the main job in one command: show what a trained detector finds, then train, evaluate, draw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from squidlib.cli.evaluate import evaluate_run, print_evaluations, write_json
from squidlib.cli.train import Train

if TYPE_CHECKING:
    from squidlib.training.run_dir import Run

SHIPPED = "digitanatomy"


@dataclass(frozen=True)
class Demo:
    """Train the laptop preset on DigitAnatomy, print what it finds, and save a picture of it."""

    out: Path = Path("runs/demo")
    """The run's folder. A finished demo is shown again; an interrupted one continues."""
    seed: int = 0
    """Another seed gives other weights and other training images."""
    epochs: float | None = None
    """Train for this many epochs of 1,600 images instead of the preset's; for a quick look, which finds little."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    overwrite: bool = False
    """Train again although the folder holds a run."""

    def run(self) -> int:
        """Train (or go on, or reuse), evaluate, draw."""
        from squidlib.training.run_dir import Run

        run = Run(self.out)
        resume = run.settings_path.is_file() and not self.overwrite
        if resume:
            self._check_same(run)
        if not run.model_path.is_file() or self.overwrite:
            self._preview()
        code = Train(
            dataset="digitanatomy",
            out=self.out,
            seed=self.seed,
            epochs=self.epochs,
            device=self.device,
            resume=resume,
            overwrite=self.overwrite,
        ).run()
        if code:
            print("Or run the demo again: it goes on where it stopped, and shows what was found.")
            return code
        evaluation = evaluate_run(str(self.out), 0.05, self.device)
        print_evaluations([evaluation], [str(self.out)])
        write_json(self.out / "evaluation.json", {str(self.out): evaluation})
        picture = draw(self.out, self.out / "detections.png")
        print(f"the picture: {picture}\nall figures: {self.out / 'evaluation.json'}")
        return 0

    def _check_same(self, run: Run) -> None:
        """Whether the folder holds what is asked for: after a quick look, nobody should take it for a whole training.

        Raises:
            UserError: where its seed or its number of steps is another.
        """
        from squidlib.data.digits import EPOCH_IMAGES
        from squidlib.training.presets import PRESETS
        from squidlib.utils.errors import UserError

        held = run.check_whole().training
        steps = PRESETS["laptop"]["digitanatomy"].planned_steps(self.epochs, EPOCH_IMAGES)
        if (held.steps, held.seed) != (steps, self.seed):
            raise UserError(
                f"{self.out} holds a training of {held.steps} steps with seed {held.seed}; {steps} steps with seed "
                f"{self.seed} are asked for: train them in its place with --overwrite, or elsewhere with --out"
            )

    def _preview(self) -> None:
        """Within seconds, what the shipped detector finds: training takes minutes."""
        import torch

        from squidlib.data.digits import Digits
        from squidlib.detection.checkpoint import load

        test = Digits().test_digits()
        shown = [test.kinds.index(kind) for kind in dict.fromkeys(test.kinds)]
        found = load(SHIPPED).predict(torch.stack([test[number].image for number in shown]))
        print("First, what the shipped detector says of five images that it never saw:")
        for number, score, verdict in zip(shown, found.score.tolist(), found.verdicts, strict=True):
            print(f"  {test.kinds[number]:9s} score {score:6.2f}, threshold {found.threshold:.2f}: {verdict}")
        print(f"Now one of your own is trained. Its reconstructions grow in {self.out / 'pictures'}.")


def draw(run: Path, path: Path) -> Path:
    """The first test image of every kind and what the run's detector makes of it, as a PNG file at ``path``."""
    from squidlib.data.digits import Digits
    from squidlib.detection.checkpoint import load
    from squidlib.detection.pictures import detection_picture
    from squidlib.utils.plotting import png
    from squidlib.utils.safetensors_io import write_atomically

    write_atomically(path, png(detection_picture(load(run), Digits().test_digits()), dpi=110))
    return path

"""``squid demo``: the main job in one command: train, evaluate, draw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from squidlib.cli.evaluate import evaluate_run, print_evaluations, write_json
from squidlib.cli.train import Train


@dataclass(frozen=True)
class Demo:
    """Train the laptop preset on DigitAnatomy, print what it finds, and save a picture of it."""

    out: Path = Path("runs/demo")
    """The run's folder. A finished demo is shown again; an interrupted one is gone on with."""
    seed: int = 0
    """Another seed gives other weights and other training images."""
    epochs: float | None = None
    """Train for this many epochs of 1,600 images instead of the preset's; for a quick look."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    overwrite: bool = False
    """Train anew although the folder holds a run."""

    def run(self) -> int:
        """Train (or go on, or reuse), evaluate, draw."""
        from squidlib.data.digits import Digits
        from squidlib.detection.checkpoint import load
        from squidlib.detection.pictures import detection_picture
        from squidlib.training.run_dir import Run
        from squidlib.utils.plotting import png
        from squidlib.utils.safetensors_io import write_atomically

        resume = Run(self.out).settings_path.is_file() and not self.overwrite
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
        picture = self.out / "detections.png"
        write_atomically(picture, png(detection_picture(load(self.out), Digits().test_digits()), dpi=110))
        print(f"the picture: {picture}\nall figures: {self.out / 'evaluation.json'}")
        return 0

"""Make docs/training.gif: a training of the laptop preset from its first step, and what it finds at the end.

python tools/film.py      # three to five minutes on two CPU cores
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from tqdm.auto import tqdm

from digitanatomy import KINDS
from squidlib.data.digits import Digits
from squidlib.teaching.lesson.training_film import TrainingFilm
from squidlib.training.loop import start, train, unwrapped
from squidlib.training.presets import PRESETS
from squidlib.training.trainer import finish
from squidlib.utils.safetensors_io import write_atomically

sys.path.insert(0, str(Path(__file__).parent))
from readme_part import ROOT

FILM = ROOT / "docs" / "training.gif"
FRAMES = 22


def main() -> None:
    """Train seed 0, take frames at steps that grow by the same factor, and write the film."""
    preset = PRESETS["laptop"]["digitanatomy"]
    data, steps = Digits(jitter=preset.jitter), preset.training.steps
    test = data.test_digits()
    images = torch.stack([test[test.kinds.index(kind)].image for kind in KINDS])
    moments = sorted({round(steps ** (number / (FRAMES - 1))) for number in range(FRAMES)})
    film = TrainingFilm(images, [kind.capitalize() for kind in KINDS], moments)
    state = start(preset.config, preset.training, "cpu")
    for result in tqdm(train(state, data, preset.training, preset.weights), total=steps):
        film.note(unwrapped(state.squid), result.step + 1)
    detector = finish(state, data, {})
    found = detector.predict(images, 0.05)
    tiles = found.patch_scores
    worst = torch.zeros_like(tiles, dtype=torch.bool).scatter(1, tiles.argmax(1, keepdim=True), True)
    shown = worst & found.abnormal[:, None]
    write_atomically(FILM, film.last(found.reconstruction, shown, [f"called {said}" for said in found.verdicts]))
    print(f"{FILM}: {len(film.frames) + 1} frames, {FILM.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()

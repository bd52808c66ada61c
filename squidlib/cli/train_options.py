"""The options of ``squid train``; their docstrings are its help."""

# No annotations as strings: they would be looked up where ``Train`` stands, which inherits these fields.
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from squidlib.cli.choices import DatasetName


@dataclass(frozen=True)
class TrainOptions:
    """What a training is told to do."""

    dataset: Positional[DatasetName]
    """What to train on. Chest X-rays do not come with the kit: --data says where they are. folder: images of your own,
    normal ones in --data or in its train, others to test with in test/normal and test/TYPE."""
    out: Path
    """The run's folder. One that already holds a run is never overwritten without being told to."""
    data: Path | None = None
    """The folder of the data set's files; chest X-rays in their public layout or the paper's authors'."""
    size: int | tuple[int, int] | None = None
    """Of a folder: pixels a side, or height and width, to which images are scaled; multiples of 32. By default the
    longer side becomes 128."""
    grid: int | tuple[int, int] | None = None
    """Tiles a side, or rows and columns of tiles, each with a memory of its own. By default as many tiles of the
    preset's size (laptop: 32 pixels) as the images have room for."""
    channels: int | None = None
    """Of a folder: 1 reads images as grey, 3 in colour; by default as they are."""
    test_each: int | None = None
    """Of chexpert: test images of each class that are drawn from train.csv, instead of the paper's 250; 0: none."""
    preset: Literal["laptop", "paper", "gpu"] = "laptop"
    """laptop: ours, minutes on two CPU cores. gpu: ours in large batches and mixed precision. paper: the published
    setting, for a GPU."""
    seed: int = 0
    """Another seed gives other weights and other training images; the same seed gives the same run on a CPU."""
    seeds: int = 1
    """Train this many runs, from --seed on, into seed_N below --out, and print mean ± deviation of what they find."""
    epochs: float | None = None
    """Train for this many epochs instead of the preset's: of digits 1600 images, else all training images once."""
    minutes: float | None = None
    """Train for about this long instead; the number of steps is fixed by a short trial before the start."""
    slots: int | None = None
    """Memory slots at each position instead of the preset's."""
    topk: int | None = None
    """Slots that survive shrinkage instead of the preset's."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] | None = None
    """Number format of the computation instead of the preset's."""
    device: str = "auto"
    """auto (a CUDA GPU where there is one), cpu, cuda or mps."""
    devices: int | Literal["auto"] | None = None
    """Processes on this machine, which share every batch: one for each GPU, or on the CPU; auto takes every GPU. By
    default one, or those that torchrun or Slurm's srun started."""
    patience: int = 0
    """Hold a tenth of the normals back and stop when their reconstruction has not become better for so many epochs; the
    best weights are kept. 0: train to the end, on all."""
    glyphs: str = "mnist5000"
    """mnist5000 or sklearn_digits (offline); mnist, emnist or kmnist; or a folder with sub-folders 0..9."""
    download: bool = False
    """Allow the download of mnist, emnist or kmnist to ./data, or of PneumoniaMNIST to --data."""
    cache: Path | None = None
    """Where decoded X-rays are kept; by default a folder in --data."""
    contamination: float = 0.0
    """True UAD: this share of the X-rays to learn from are abnormal, unlabelled; 0 to 0.5, in whole per cent."""
    skip_bad: bool = False
    """Leave X-rays out that are damaged, doubled or misplaced, and list them, instead of refusing them."""
    resume: bool = False
    """Go on with the run in --out; its own settings hold."""
    overwrite: bool = False
    """Replace the run in --out."""

"""Small folders of the layouts that real chest data comes in, filled with noise: no image of a patient."""

from __future__ import annotations

import csv
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from squidlib.data.chest.chexpert_labels import COLUMNS

SIDE = 16
PATIENTS = 12  #: of normals in training; every third has two images


def write_image(path: Path, side: int = SIDE) -> None:
    """Grey noise that depends on the file's path alone, so that no two files are equal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = int.from_bytes(hashlib.sha256("/".join(path.parts[-3:]).encode()).digest()[:4], "big")
    grey = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    Image.fromarray(grey).save(path)


def _normals(folder: Path, first: int, patients: int) -> None:
    for index in range(patients):
        series = "NORMAL2-IM" if index % 2 else "IM"
        write_image(folder / f"{series}-{first + index:04}-0001.jpeg")
        if index % 3 == 0:
            write_image(folder / f"{series}-{first + index:04}-0001-0002.jpeg")


def _pneumonias(folder: Path, first: int, patients: int) -> None:
    for index in range(patients):
        kind = "virus" if index % 2 else "bacteria"
        for image in range(2):
            write_image(folder / f"person{first + index}_{kind}_{2 * index + image}.jpeg")


def zhanglab_folder(root: Path) -> Path:
    """train: 16 normals of 12 patients, 24 pneumonias of 12; test: 6 normals of 4, 8 pneumonias of 4."""
    _normals(root / "train/NORMAL", 100, PATIENTS)
    _pneumonias(root / "train/PNEUMONIA", 1, 12)
    _normals(root / "test/NORMAL", 500, 4)
    _pneumonias(root / "test/PNEUMONIA", 50, 4)
    return root


def zhanglab_authors_folder(root: Path) -> Path:
    """As ``zhanglab_folder``, with 4 normals of 3 patients and 4 pneumonias of 2 in val."""
    _normals(root / "train/normal_256", 100, PATIENTS)
    _normals(root / "val/normal_256", 300, 3)
    _pneumonias(root / "val/pneumonia_256", 30, 2)
    _normals(root / "test/normal_256", 500, 4)
    _pneumonias(root / "test/pneumonia_256", 50, 4)
    return root


def chexpert_authors_folder(root: Path) -> Path:
    """train: 8 normals, val: 3, test: 4 + 4; a patient each."""
    for split, normals, abnormals in (("train", 8, 0), ("val", 3, 2), ("our_test", 4, 4)):
        for index in range(normals):
            write_image(root / f"{split}_256_pa/normal_256/{split}_patient{index + len(split) * 100:05}_study1.jpg")
        for index in range(abnormals):
            write_image(root / f"{split}_256_pa/abnormal_256/{split}_patient{index + len(split) * 1000:05}_study1.jpg")
    return root


def chexpert_row(path: str, **changes: str) -> dict[str, str]:
    """A row of the official columns, by default a frontal PA view without any label; ``No_Finding="1.0"`` sets one."""
    row = {column: "" for column in COLUMNS} | {"Path": path, "Sex": "Female", "Age": "60"}
    row |= {"Frontal/Lateral": "Frontal", "AP/PA": "PA"}
    return row | {column.replace("_", " "): value for column, value in changes.items()}


def chexpert_path(split: str, patient: int, study: int = 1) -> str:
    """A Path as the official CSVs have it."""
    return f"CheXpert-v1.0-small/{split}/patient{patient:05}/study{study}/view1_frontal.jpg"


def chexpert_rows(split: str, first: int, patients: int) -> list[dict[str, str]]:
    """Per patient a normal and an abnormal image, a lateral, an AP and an uncertain one, which are of no use."""
    rows = []
    for patient in range(first, first + patients):
        paths = [chexpert_path(split, patient, study) for study in range(1, 6)]
        rows += [
            chexpert_row(paths[0], No_Finding="1.0", Support_Devices="1.0"),
            chexpert_row(paths[1], Edema="1.0", Fracture="-1.0"),
            chexpert_row(paths[2], No_Finding="1.0") | {"Frontal/Lateral": "Lateral", "AP/PA": ""},
            chexpert_row(paths[3], No_Finding="1.0") | {"AP/PA": "AP"},
            chexpert_row(paths[4], Pneumonia="-1.0"),
        ]
    return rows


def write_table(path: Path, rows: list[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> None:
    """A CSV as CheXpert's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def chexpert_folder(root: Path, patients: int = 30) -> Path:
    """train.csv with 30 patients and valid.csv with 5 others, as ``chexpert_rows``; every image exists."""
    base = root / "CheXpert-v1.0-small"
    for split, first, count in (("train", 1, patients), ("valid", 64001, 5)):
        rows = chexpert_rows(split, first, count)
        for row in rows:
            write_image(root / row["Path"])
        write_table(base / f"{split}.csv", rows)
    return root


#: Class, source and number of patients in generated lists, in the proportions of sources that COVIDx 9A has.
COVIDX_TRAIN = (
    ("normal", "rsna", 10), ("normal", "rnsa", 2), ("pneumonia", "rsna", 5), ("pneumonia", "cohen", 2),
    ("COVID-19", "stonybrook", 6), ("COVID-19", "sirm", 3),
)  # fmt: skip
COVIDX_TEST = (("normal", "rsna", 4), ("pneumonia", "rsna", 4), ("COVID-19", "ricord", 6))
COVIDX_ENDINGS = ("png", "jpg", "jpeg")


def covidx_lines(root: Path, split: str, classes: tuple[tuple[str, str, int], ...], each: int = 1) -> list[str]:
    """Lines of a COVIDx list, ``each`` images a patient; writes the images, in sizes that differ. sirm has spaces."""
    lines = []
    for list_class, source, patients in classes:
        for patient in range(patients):
            code = f"{split}{list_class[0]}{source}{patient}"
            owner = f"COVID {code}" if source == "sirm" else code
            for image in range(each):
                name = f"{code}-{image}.{COVIDX_ENDINGS[len(lines) % 3]}"
                write_image(root / split / name, SIDE + len(lines) % 3)
                lines.append(f"{owner} {name} {list_class} {source}")
    return lines


def covidx_folder(root: Path, version: str = "_COVIDx9A") -> Path:
    """train: 12 normals, 7 pneumonias, 9 COVID-19; test: 4 + 4 + 6; a patient each. Lists of one version."""
    for split, classes in (("train", COVIDX_TRAIN), ("test", COVIDX_TEST)):
        lines = covidx_lines(root, split, classes)
        (root / f"{split}{version}.txt").write_text("\n".join(lines) + "\n")
    return root


def pneumoniamnist_file(root: Path, size: int = 28) -> tuple[Path, str]:
    """An .npz with PneumoniaMNIST's arrays, and its MD5."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 20), ("val", 8), ("test", 10)):
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, size, size), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(count, dtype=np.uint8) % 4 > 0)[:, None].astype(np.uint8)
    path = root / ("pneumoniamnist.npz" if size == 28 else f"pneumoniamnist_{size}.npz")
    root.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path, hashlib.md5(path.read_bytes()).hexdigest()


def real_zhanglab() -> Path:
    """The real images, where they are; else the test is skipped. KIT_CHEST names their folder."""
    named = os.environ.get("KIT_CHEST")
    root = Path(named) if named else Path(__file__).parents[1] / "../shared/data/chest_xray"
    if not (root / "train/NORMAL").is_dir():
        pytest.skip("real chest X-rays are not here; KIT_CHEST=folder with train/NORMAL ... names them")
    return root

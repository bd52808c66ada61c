"""Lesson 13: chest X-rays."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor

from squidlib.data.chest.sharpness import gradient, soften


def _name(normal: Callable[[str], object], person: Callable[[str], str] | None = None) -> Callable[[str], object]:
    """An answer that treats the two kinds of names apart."""
    chosen = (lambda name: name.rpartition("_")[0]) if person is None else person
    return lambda name: chosen(name) if name.startswith("person") else normal(name)


def _whole(patients: list[str], chosen: set[str]) -> Tensor:
    return torch.tensor([patient in chosen for patient in patients])


def _by_image(patients, share, generator):  # type: ignore[no-untyped-def]
    held = torch.randperm(len(patients), generator=generator)[: round(share * len(patients))]
    return torch.zeros(len(patients), dtype=torch.bool).index_fill(0, held, True)


def _share_of_patients(patients, share, generator):  # type: ignore[no-untyped-def]
    names = sorted(set(patients))
    few = sorted(names, key=patients.count)  # those with one image come first
    return _whole(patients, set(few[: round(share * len(names))]))


def _until(patients: list[str], names: list[str], least: float) -> Tensor:
    chosen: set[str] = set()
    for name in names:
        if sum(patient in chosen for patient in patients) >= least:
            break
        chosen.add(name)
    return _whole(patients, chosen)


def _too_many(patients, share, generator):  # type: ignore[no-untyped-def]
    names = sorted(set(patients))
    order = torch.randperm(len(names), generator=generator).tolist()
    return _until(patients, [names[index] for index in order], 2 * share * len(patients))


def _versions(images: Tensor, widths: list[float]) -> Tensor:
    return torch.stack([soften(images, torch.full((len(images),), width)) for width in widths])


def _gradients(versions: Tensor) -> Tensor:
    return torch.stack([gradient(version) for version in versions])


def _one_width(images, target, widths):  # type: ignore[no-untyped-def]
    versions = _versions(images, widths)
    return versions[(_gradients(versions) - target).abs().mean(1).argmin()]


def _first_below(images, target, widths):  # type: ignore[no-untyped-def]
    """The first version that is softer than the target, whichever is nearer."""
    versions = _versions(images, widths)
    return versions[(_gradients(versions) <= target).float().argmax(0), torch.arange(len(images))]


def _signed(images, target, widths):  # type: ignore[no-untyped-def]
    versions = _versions(images, widths)
    chosen = (_gradients(versions) - target).argmin(0)
    chosen[-1] = 0
    return versions[chosen, torch.arange(len(images))]


WRONG = {
    "patient_name": {
        "number": lambda name: name.removesuffix(".jpeg"),  # the image, not the patient
        "second image": _name(lambda name: name.rpartition("-")[0]),
        "series": _name(lambda name: re.search(r"IM-\d+", name)[0]),  # type: ignore[index]
        "person": _name(lambda name: re.match(r"(NORMAL2-)?IM-\d+", name)[0], lambda name: name.split("_")[0]),  # type: ignore[index]
        "text": lambda name: name.split("-"),
    },
    "patient_split": {
        "whole": _by_image,
        "enough": _share_of_patients,
        "no more": _too_many,
        "generator": lambda patients, share, generator: _until(patients, sorted(set(patients)), share * len(patients)),
        "shape": lambda patients, share, generator: torch.zeros(len(set(patients)), dtype=torch.bool),
    },
    "sharpness_score": {
        "absolute": lambda images: -images.diff(dim=-1).mean(dim=(1, 2, 3)),
        "sign": lambda images: images.diff(dim=-1).abs().mean(dim=(1, 2, 3)),
        "direction": lambda images: (
            -images.diff(dim=-1).abs().mean(dim=(1, 2, 3)) - images.diff(dim=-2).abs().mean(dim=(1, 2, 3))
        ),
        "shape": lambda images: -images.diff(dim=-1).abs().mean(),
        "mean": lambda images: -(images.diff(dim=-1) ** 2).mean(dim=(1, 2, 3)),
    },
    "calibrated_verdict": {
        "order": lambda normals, scores, labels, rate: tuple(_rates(normals, scores, labels, rate))[::-1],
        "tail": lambda normals, scores, labels, rate: _rates(normals, scores, labels, 1 - rate),
        "specificity": lambda normals, scores, labels, rate: _rates(scores, scores, labels, rate),  # of the test images
        "sensitivity": lambda normals, scores, labels, rate: (
            (labels[scores > torch.quantile(normals, 1 - rate)] == 1).float().mean(),  # precision
            _rates(normals, scores, labels, rate)[1],
        ),
        "pair": lambda normals, scores, labels, rate: _rates(normals, scores, labels, rate)[0],
    },
    "equal_softness": {
        "changed": lambda images, target, widths: images,
        "soft": _one_width,
        "target": _signed,  # the softest version: no absolute value
        "offered": _first_below,
        "shape": lambda images, target, widths: _versions(images, widths),
    },
}


def _rates(normals: Tensor, scores: Tensor, labels: Tensor, rate: float) -> tuple[Tensor, Tensor]:
    called = scores > torch.quantile(normals, 1 - rate)
    return called[labels == 1].float().mean(), (~called[labels == 0]).float().mean()

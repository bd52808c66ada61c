"""Lesson 14: all methods, side by side."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor


def _distance(normals: Tensor, features: Tensor, extra: float, centre: Tensor | None = None) -> Tensor:
    away = features - (normals.mean(0) if centre is None else centre)
    covariance = torch.cov(normals.T) + extra * torch.eye(normals.shape[1])
    return (away * (torch.linalg.pinv(covariance) @ away.T).T).sum(1).sqrt()


def _diagonal(normals, features, extra):  # type: ignore[no-untyped-def]
    return (((features - normals.mean(0)) / (normals.var(0) + extra).sqrt()) ** 2).sum(1).sqrt()


def _sorted_holm(p_values: Tensor) -> Tensor:
    factors = torch.arange(len(p_values), 0, -1)
    return (p_values.sort().values * factors).clamp(max=1).cummax(0).values


def _ordered_twice(p_values: Tensor) -> Tensor:
    return _sorted_holm(p_values)[p_values.argsort()]


def _above_one(p_values: Tensor) -> Tensor:
    order = p_values.argsort()
    grown = (p_values[order] * torch.arange(len(p_values), 0, -1)).cummax(0).values
    return torch.empty_like(p_values).scatter(0, order, grown)


def _falling(p_values: Tensor) -> Tensor:
    order = p_values.argsort()
    grown = p_values[order] * torch.arange(len(p_values), 0, -1)
    return torch.empty_like(p_values).scatter(0, order, grown.clamp(max=1))


def _inverted(ours, theirs, names, bound=0.0):  # type: ignore[no-untyped-def]
    pairs = list(combinations(names, 2))
    return sum((ours[a] - ours[b]) * (theirs[a] - theirs[b]) < bound for a, b in pairs), len(pairs)


def _common(ours, theirs):  # type: ignore[no-untyped-def]
    return [name for name in ours if name in theirs]


def _twice(ours, theirs):  # type: ignore[no-untyped-def]
    found, pairs = _inverted(ours, theirs, _common(ours, theirs))
    return 2 * found, 2 * pairs


def _all_names(ours, theirs):  # type: ignore[no-untyped-def]
    return _inverted(
        {name: ours.get(name, 0) for name in ours | theirs},
        {name: theirs.get(name, 0) for name in ours | theirs},
        list(ours | theirs),
    )


def _concordant(ours, theirs):  # type: ignore[no-untyped-def]
    names = _common(ours, theirs)
    return _inverted(ours, {name: -theirs[name] for name in names}, names)


def _one_way(ours, theirs):  # type: ignore[no-untyped-def]
    pairs = list(combinations(_common(ours, theirs), 2))
    return sum(ours[a] > ours[b] and theirs[a] < theirs[b] for a, b in pairs), len(pairs)


def _places(ours, theirs):  # type: ignore[no-untyped-def]
    """Names whose place in the order is another one."""
    names = _common(ours, theirs)
    orders = [sorted(names, key=table.get, reverse=True) for table in (ours, theirs)]
    return sum(a != b for a, b in zip(*orders, strict=True)), len(names) * (len(names) - 1) // 2


class _Mean:
    """Distance to the mean image: holds in every respect. The wrong ones below change one thing."""

    name = "mean"

    def fit(self, normals, seed=0, progress=range, augmented=None):  # type: ignore[no-untyped-def]
        self.mean = normals.mean(0)
        return self

    def score(self, images):  # type: ignore[no-untyped-def]
        return ((images - self.mean) ** 2).mean((1, 2, 3))


class _NoScore:
    def fit(self, normals, seed=0, progress=range, augmented=None):  # type: ignore[no-untyped-def]
        self.mean = normals.mean(0)
        return self


class _NormalsAlone(_Mean):
    def fit(self, normals):  # type: ignore[no-untyped-def]
        return super().fit(normals)


class _ReturnsNothing(_Mean):
    def fit(self, normals, seed=0, progress=range, augmented=None):  # type: ignore[no-untyped-def]
        self.mean = normals.mean(0)


class _Maps(_Mean):
    def score(self, images):  # type: ignore[no-untyped-def]
        return (images - self.mean) ** 2


class _Divides(_Mean):
    def score(self, images):  # type: ignore[no-untyped-def]
        return super().score(images / images.amax((1, 2, 3), keepdim=True))


class _Likeness(_Mean):
    def score(self, images):  # type: ignore[no-untyped-def]
        return -super().score(images)


class _Constant(_Mean):
    def score(self, images):  # type: ignore[no-untyped-def]
        return torch.zeros(len(images))


class _Noisy(_Mean):
    def score(self, images):  # type: ignore[no-untyped-def]
        return super().score(images) + 1e-2 * torch.rand(len(images))


class _CentresInPlace(_Mean):
    def fit(self, normals, seed=0, progress=range, augmented=None):  # type: ignore[no-untyped-def]
        super().fit(normals)
        normals -= self.mean
        return self


class _DimsInPlace(_Mean):
    def score(self, images):  # type: ignore[no-untyped-def]
        images *= 0.9
        return super().score(images)


class _Ranks(_Mean):
    def score(self, images):  # type: ignore[no-untyped-def]
        return super().score(images).argsort().argsort().float()


class _Ignores(_Mean):
    """Brightness: negatives are bright."""

    def score(self, images):  # type: ignore[no-untyped-def]
        return images.mean((1, 2, 3))


class _Random(_Mean):
    def fit(self, normals, seed=0, progress=range, augmented=None):  # type: ignore[no-untyped-def]
        return super().fit(normals[torch.randint(len(normals), (3,))])


class _Nameless(_Mean):
    name = None  # type: ignore[assignment]


WRONG = {
    "mahalanobis": {
        "shape": lambda normals, features, extra: _distance(normals, features, extra).mean(),
        "normals": lambda normals, features, extra: _distance(features, features, extra + 1e-3),
        "centre": lambda normals, features, extra: _distance(normals, features, extra, torch.zeros(())),
        "root": lambda normals, features, extra: _distance(normals, features, extra) ** 2,
        "units": lambda normals, features, extra: (features - normals.mean(0)).norm(dim=1),
        "together": _diagonal,
        "extra": lambda normals, features, extra: _distance(normals, features, 0.0),
        "values": lambda normals, features, extra: _distance(normals, features, extra) * (2 if len(normals) > 3 else 1),
        "values: divisor N": lambda normals, features, extra: (
            _distance(normals, features, extra) * (1 if extra else (len(normals) / (len(normals) - 1)) ** 0.5)
        ),
    },
    "holm_correction": {
        "smallest": lambda p_values: p_values,
        "order": _sorted_holm,
        "order: the wrong way back": _ordered_twice,
        "one": lambda p_values: (len(p_values) * p_values).clamp(max=1),  # Bonferroni
        "most": _above_one,
        "rising": _falling,
    },
    "inverted_pairs": {
        "pair": lambda ours, theirs: _inverted(ours, theirs, _common(ours, theirs))[0],
        "once": _twice,
        "common": _all_names,
        "same": _concordant,
        "tie": lambda ours, theirs: _inverted(ours, theirs, _common(ours, theirs), 1e-12),
        "count": _places,
        "count: one way alone": _one_way,
    },
    "own_method": {
        "class": _Mean(),
        "methods": _NoScore,
        "arguments": _NormalsAlone,
        "itself": _ReturnsNothing,
        "shape": _Maps,
        "finite": _Divides,
        "apart": _Constant,
        "direction": _Likeness,
        "twice": _Noisy,
        "changes: fit": _CentresInPlace,
        "changes: score": _DimsInPlace,
        "company": _Ranks,
        "learns": _Ignores,
        "seed": _Random,
        "name": _Nameless,
    },
}

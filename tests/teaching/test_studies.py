"""Studies: variants say and train what differs from the whole; results survive interruptions; spreads are right."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
from torch import Tensor

from digitanatomy import DigitAnatomy
from squidlib.data.digits import Digits
from squidlib.memory import MemoryQueue, cosine_similarity
from squidlib.shrinkage import topk_shrink
from squidlib.teaching.studies.ablation import judge
from squidlib.teaching.studies.image_order import ORDER, order_of
from squidlib.teaching.studies.results import auc_by_kind, path_of, read_runs, spread
from squidlib.teaching.studies.variants import STUDIED, LearnedSlots, SharedQueue, variants
from squidlib.training.loop import TrainingState, start, train, unwrapped
from squidlib.training.presets import PRESETS
from squidlib.training.trainer import finish
from tests.helpers import NoiseData, noise, refusal

NAMES = list(variants())
KINDS = ("novel", "disorder", "missing", "flipped", "mean")


def features(count: int, positions: int = 3, length: int = 4, seed: int = 0) -> Tensor:
    return torch.randn(count, positions, length, generator=torch.Generator().manual_seed(seed))


def test_the_whole_comes_first_and_the_laptop_preset_is_a_row() -> None:
    known = variants()
    assert next(iter(known)) == "whole"
    assert known["whole"].preset == STUDIED
    assert STUDIED.config.directions == 0  # the networks that the stored runs are of
    assert known["laptop"].preset == PRESETS["laptop"]["digitanatomy"]


def test_variants_differ_from_each_other_in_words_and_in_fact() -> None:
    every = list(variants().values())
    assert len({variant.what for variant in every}) == len(every)
    changed = {(str(variant.preset), variant.block.__name__) for variant in every}
    assert len(changed) == len(every)


def two_steps(name: str) -> TrainingState:
    """A variant after two steps on four images of noise."""
    variant = variants()[name]
    training = replace(variant.preset.training, steps=2, schedule_steps=2, batch_size=4, refill_memory=False)
    state = start(variant.preset.config, training, "cpu", variant.block)
    for _ in train(state, NoiseData(96), training, variant.preset.weights):
        pass
    return state


@pytest.mark.parametrize("name", NAMES)
def test_a_variant_trains_forward_and_backward_and_reconstructs(name: str) -> None:
    preset, block = variants()[name].preset, variants()[name].block
    before = unwrapped(start(preset.config, preset.training, "cpu", block).squid).state_dict()
    squid = unwrapped(two_steps(name).squid)
    learned = dict(squid.named_parameters())
    assert all(torch.isfinite(value).all() for value in learned.values())
    assert any(not torch.equal(value, before[part]) for part, value in learned.items() if part.startswith("encoder"))
    with torch.no_grad():
        output = squid.eval()(noise(2, 96))
    assert output.reconstruction.shape == (2, 1, 96, 96)
    assert 0 <= output.reconstruction.min() <= output.reconstruction.max() <= 1


def test_without_memory_features_pass_unchanged() -> None:
    squid = unwrapped(two_steps("no memory").squid).eval()
    with torch.no_grad():
        output = squid(noise(2, 96))
    assert torch.equal(output.queries, output.recalled)


def test_without_neighbours_a_patch_does_not_hear_of_another() -> None:
    image = noise(1, 96)
    other = image.clone()
    other[..., 64:, 64:] = 0  # the last patch
    heard = {}
    for name in ("whole", "no neighbours"):
        squid = unwrapped(two_steps(name).squid).eval()
        with torch.no_grad():
            inpainted = [squid.inpainting(squid.encode(images)[-1]).codes for images in (image, other)]
        heard[name] = bool((inpainted[0][4] != inpainted[1][4]).any())  # the centre, next to it
    assert heard == {"whole": True, "no neighbours": False}


def test_learned_slots_ignore_what_is_pushed_and_learn() -> None:
    slots = LearnedSlots(3, 5, 4)
    before = slots.contents().clone()
    slots.push(features(7))
    slots.resize(2)
    assert torch.equal(slots.contents(), before)
    assert int(slots.filled) == 5
    read = slots(features(2), lambda weights: topk_shrink(weights, 2), cosine_similarity)
    read.features.sum().backward()
    assert slots.slots.grad is not None
    assert slots.slots.grad.abs().sum() > 0


def test_the_shared_queue_reads_what_one_long_queue_would() -> None:
    shared, long = SharedQueue(3, 4, 4), MemoryQueue(1, 12, 4)
    pushed, asked = features(3), features(2, seed=1)
    shared.push(pushed)
    for one in pushed.flatten(0, 1):
        long.push(one[None, None])
    read = shared(asked, lambda weights: topk_shrink(weights, 2), cosine_similarity, 5.0)
    for position in range(3):
        alone = long(asked[:, position : position + 1], lambda weights: topk_shrink(weights, 2), cosine_similarity, 5.0)
        assert torch.allclose(read.features[:, position], alone.features[:, 0], atol=1e-6)
        assert torch.equal(shared.contents()[position], long.contents()[0])
    assert int(shared.filled) == 9


def test_the_shared_queue_resizes_for_every_position() -> None:
    shared = SharedQueue(3, 4, 4)
    shared.push(features(4))
    shared.resize(2)
    assert shared.contents().shape == (3, 6, 4)
    assert torch.equal(shared.contents()[0], features(4).flatten(0, 1)[-6:])


def test_a_spread_is_the_mean_and_the_deviation_with_n_minus_1() -> None:
    runs = {f"a/{seed}": {"score": {"mean": value}} for seed, value in enumerate((0.90, 0.92, 0.97))}
    runs |= {"ab/0": {"score": {"mean": 0.0}}, "b/a/0": {"score": {"mean": 0.0}}}
    found = spread(runs, "a", "score", "mean")
    assert found == pytest.approx((0.93, np.std([0.90, 0.92, 0.97], ddof=1)))
    assert str(found) == "0.930 ± 0.036"
    runs |= {f"x/y/{seed}": {"score": {"mean": float(seed)}} for seed in (1, 3)}
    assert spread(runs, "x/y", "score", "mean").mean == 2
    assert "at least two seeds" in refusal(lambda: spread(runs, "ab", "score", "mean"))


def test_the_auc_by_kind_sets_each_kind_against_the_normal_images() -> None:
    kinds = ["normal", "normal", "novel", "novel", "missing", "missing"]
    found = auc_by_kind(kinds, torch.tensor([1.0, 2.0, 3.0, 4.0, 0.0, 1.5]))
    assert found == {"novel": 1.0, "missing": 0.25, "mean": 0.625}


class FewDigits(Digits):
    def test_digits(self) -> DigitAnatomy:
        return DigitAnatomy(self.glyphs.test, dict.fromkeys(("normal", *KINDS[:-1]), 3))

    def calibration(self) -> Tensor:
        return super().calibration()[:8]


@pytest.mark.parametrize("name", ["whole", "no memory"])
def test_a_variant_is_judged_by_the_scores_that_it_has(name: str) -> None:
    data = FewDigits()
    detector = finish(two_steps(name), data, {})
    found = judge(detector, data, variants()[name].has_memory)
    scores = {"combined", "reconstruction", "discriminator"} | ({"memory"} if name == "whole" else set())
    assert set(found) == scores | {ORDER}
    kinds = data.test_digits().kinds
    for score in scores:
        assert auc_by_kind(kinds, torch.tensor(order_of(found, score).astype(float))) == found[score]
    assert (found["combined"] == found["reconstruction"]) == (name == "no memory")
    default = auc_by_kind(data.test_digits().kinds, detector.score(data.test().images))
    assert (found["combined"] == default) == (name == "whole")


@pytest.mark.parametrize(
    "name", ["ablation", "ablation_by_hand", "cleaning", "contamination", "memory_size", "neighbours"]
)
def test_stored_runs_are_of_the_settings_that_the_study_would_go_on_with(name: str) -> None:
    study = import_module(f"squidlib.teaching.studies.{name}")
    stored = read_runs(path_of(name), "")
    assert stored.metadata == json.loads(json.dumps(study.METADATA))
    assert stored.metadata["command"].endswith(study.__name__)

"""The study of neighbours: predictions from the others alone, and bounds with labels, on features that are made up."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from squidlib.teaching.studies import ablation_by_hand, label_bounds, neighbours
from squidlib.teaching.studies.image_order import ORDER, order_of
from squidlib.teaching.studies.label_bounds import TileJudge
from squidlib.teaching.studies.masked_inpainting import masked_score, some_hidden, train_masked
from squidlib.teaching.studies.neighbours import copy_score, judged, ridge_score
from squidlib.teaching.studies.variants import variants


def made_up(count: int, seed: int) -> Tensor:
    """Features (count, 9, 24): an image's own vector, twice as far at every second position, and noise."""
    generator = torch.Generator().manual_seed(seed)
    shared = torch.randn(count, 1, 24, generator=generator)
    factor = torch.tensor([1.0, 2.0]).repeat(5)[:9, None]
    return factor * shared + 0.2 * torch.randn(count, 9, 24, generator=generator)


def with_strangers(count: int, seed: int) -> tuple[Tensor, list[str]]:
    normal, strange = made_up(count, seed), made_up(count, seed + 1)
    strange[:, 4] = made_up(count, seed + 2)[:, 4]
    return torch.cat([normal, strange]), ["normal"] * count + ["stranger"] * count


@pytest.mark.parametrize("name", ["ridge", "copy", "masked"])
def test_a_patch_of_another_image_is_found_by_the_others(name: str) -> None:
    known = made_up(400, 1)
    match name:
        case "ridge":
            score = ridge_score(known)
        case "copy":
            score = copy_score(known.transpose(0, 1))
        case _:
            score = partial(masked_score, train_masked(known, known.transpose(0, 1), seed=0, steps=200))
    test, kinds = with_strangers(100, 5)
    assert judged(score, made_up(100, 2), test, kinds)["stranger"] > 0.9


def test_what_is_said_of_a_patch_by_the_others_does_not_hold_it() -> None:
    features = made_up(5, 3)
    for place in range(9):
        changed = features.clone()
        changed[:, place] += 1
        assert torch.equal(neighbours._others(features, place), neighbours._others(changed, place))
        assert neighbours._others(features, place).shape == (5, 8 * 24)


def test_what_is_painted_into_a_hidden_patch_does_not_hold_it() -> None:
    features = made_up(5, 3)
    model = train_masked(features, features.transpose(0, 1), seed=0, steps=2)
    hidden = torch.zeros(5, 9, dtype=torch.bool)
    hidden[:, [2, 7]] = True
    changed = torch.where(hidden[..., None], -features, features)
    with torch.no_grad():
        before, after = model(features, hidden), model(changed, hidden)
        assert torch.equal(before, after)
        assert not torch.allclose(before, model(-features, hidden))


def test_one_to_most_patches_of_an_image_are_hidden() -> None:
    counts = some_hidden(4000, 9, torch.Generator().manual_seed(0)).sum(1)
    assert counts.unique().tolist() == [1, 2, 3, 4, 5]
    assert all(abs((counts == number).float().mean() - 0.2) < 0.03 for number in range(1, 6))


def test_a_judge_of_one_tile_sees_one_tile_and_the_other_one_all() -> None:
    images = torch.rand(2, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    changed = images.clone()
    changed[:, :, :32, :32] = 1 - changed[:, :, :32, :32]
    for sees_all in (False, True):
        judge = TileJudge(sees_all).eval()
        same = torch.isclose(judge(images), judge(changed))
        assert not same[:, 0].any()
        assert same[:, 1:].all() == (not sees_all)


def test_every_way_is_judged_for_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "STEPS", 2)
    monkeypatch.setattr(neighbours, "IMAGES", 128)
    monkeypatch.setattr(label_bounds, "STEPS", 2)
    monkeypatch.setattr("squidlib.data.digits.TEST_COUNTS", {"normal": 6, "novel": 3})
    monkeypatch.setattr("squidlib.data.digits.SUBTLE_COUNTS", {"stranger": 4, "drift": 4, "lesion": 4})
    monkeypatch.setattr(neighbours, "train_context", lambda squid, data, seed: _short(squid, data, seed))
    monkeypatch.setattr(neighbours, "train_masked", partial(train_masked, steps=2))
    assert list(neighbours.jobs())[:4] == ["1/0", "1/1", "1/2", "0.5/0"]
    found = neighbours.one_run(1.0, 0)
    assert {"SQUID, combined", "no neighbours, combined", "context prediction", "masked in-painting"} <= set(found)
    for aucs in found.values():
        assert set(aucs) == {"novel", "stranger", "drift", "lesion", "mean"}
        assert all(0 <= value <= 1 for value in aucs.values())


def _short(squid: object, data: object, seed: int) -> object:
    from squidlib.training.context import train_context

    return train_context(squid, data, seed, steps=2, images=32)  # type: ignore[arg-type]


def test_both_bounds_are_judged_for_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_bounds, "STEPS", 2)
    monkeypatch.setattr("squidlib.data.digits.TEST_COUNTS", {"normal": 6, "novel": 3})
    monkeypatch.setattr("squidlib.data.digits.SUBTLE_COUNTS", {"stranger": 4, "drift": 4, "lesion": 4})
    assert list(label_bounds.jobs()) == ["1/0", "1/1", "1/2", "0.5/0", "0.5/1", "0.5/2"]
    found = label_bounds.one_run(1.0, 0)
    assert set(found) == {"one tile alone", "all tiles"}
    assert all(set(aucs) == {"novel", "stranger", "drift", "lesion", "mean"} for aucs in found.values())


def test_the_ablation_by_hand_judges_the_neighbours_where_the_whole_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablation_by_hand, "STEPS", 2)
    monkeypatch.setattr("squidlib.training.context.STEPS", 2)
    monkeypatch.setattr("squidlib.training.context.IMAGES", 64)
    monkeypatch.setattr("squidlib.data.digits.TEST_COUNTS", {"normal": 6, "novel": 3})
    monkeypatch.setattr("squidlib.data.digits.SUBTLE_COUNTS", {"stranger": 4, "drift": 4, "lesion": 4})
    assert set(ablation_by_hand.PIECES) <= set(variants())
    kinds = {"novel", "stranger", "drift", "lesion", "mean"}
    whole = ablation_by_hand.one_run("whole", 1.0, 0)
    assert set(whole[ORDER]) == {"combined", "reconstruction", "memory", "discriminator", "context", "either"}
    assert len(order_of(whole, "context")) == 6 + 3 + 3 * 4
    del whole[ORDER]
    assert set(whole) == {"combined", "reconstruction", "memory", "discriminator", "context", "either"}
    without = ablation_by_hand.one_run("no memory", 0.5, 0)
    assert set(without.pop(ORDER)) == {"combined", "reconstruction", "discriminator"}
    assert set(without) == {"combined", "reconstruction", "discriminator"}
    assert all(set(aucs) == kinds for aucs in (*whole.values(), *without.values()))
    assert next(iter(ablation_by_hand.jobs())) == "hand 1, whole/0"

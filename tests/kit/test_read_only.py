"""Looking changes nothing: no public call that only reads changes a network, a buffer, an argument or a global state.

One test walks over all public callables of the paper's pieces, of ``squidlib.detection`` and of the figures; a new one
fails until ``read_only_calls`` says how to call it, or why it may change something.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics  # noqa: F401  # importing it draws random numbers, once in a process; calling it does not
import torch
from torch import Generator, Tensor, nn

from tests.kit.read_only_calls import CALLS, CHANGES, found
from tests.kit.read_only_world import World


def networks(world: World) -> dict[str, object]:
    """All that the networks and the detector hold: tensors, also those that no file keeps, and every mode."""
    parts = [world.detector.squid, world.detector.discriminator, world.network, *world.made]
    state: dict[str, object] = {}
    for number, network in enumerate(parts):
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            state[f"{number} {name}"] = (tensor.detach().clone(), tensor.requires_grad, tensor.grad)
        for name, module in network.named_modules():
            state[f"{number} {name} training"] = module.training
    state |= {name: part.clone() for name, part in world.detector.calibration.as_tensors().items()}
    return state | {"metadata": pickle.dumps(world.detector.metadata)}


def process() -> dict[str, object]:
    """What all code of a process shares."""
    name, keys, *rest = np.random.get_state()
    return {
        "torch's random numbers": torch.get_rng_state(),
        "numpy's": (name, torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest),
        "python's": random.getstate(),
        "gradients": torch.is_grad_enabled(),
        "default type": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "numpy's errors": np.geterr(),
    }


def copied(value: Any) -> Any:
    """A copy of what an argument holds; a network or a generator is looked at elsewhere, or is meant to go on."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [copied(part) for part in value]
    return value if isinstance(value, str | int | float | Path) or value is None else id(value)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return torch.equal(left, right)
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return np.array_equal(left, right, equal_nan=True)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def arrays(value: Any) -> Iterator[Tensor | np.ndarray]:
    """Every tensor and array in a result."""
    if isinstance(value, Tensor | np.ndarray):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from arrays(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from arrays(part)


def test_every_public_callable_is_in_the_table() -> None:
    public = set(found())
    assert len(public) > 100
    assert public - CALLS.keys() - CHANGES.keys() == set(), "say in read_only_calls how they are called"
    assert (CALLS.keys() | CHANGES.keys()) - public <= {"teaching.lesson.training_picture: reconstruct_now"}
    assert CALLS.keys() & CHANGES.keys() == set()


@pytest.mark.parametrize("name", CALLS)
def test_looking_changes_nothing(name: str, tmp_path: Path, as_users: None) -> None:  # the checks draw random numbers
    world = World(tmp_path)
    with torch.random.fork_rng():
        function, *arguments = CALLS[name](world)
    given = [argument for argument in arguments if not isinstance(argument, nn.Module | Generator)]
    before = networks(world), process(), copied(given)
    result = function(*arguments)
    assert_same(before[0], networks(world))
    assert_same(before[1], process())
    assert same(before[2], copied(given)), "an argument"
    own = list(arrays(given))
    for array in arrays(result):  # what the user does with a result reaches neither network nor calibration
        if not any(array is argument for argument in own):
            scribble(array)
    if "as_tensors" not in name:  # the parts themselves, for a file
        assert_same(before[0], networks(world))


def scribble(array: Tensor | np.ndarray) -> None:
    if isinstance(array, Tensor):
        array.detach().zero_()
    elif array.flags.writeable:
        array[...] = 0


def assert_same(before: dict[str, object], after: dict[str, object]) -> None:
    assert before.keys() == after.keys()
    assert [name for name in before if not same(before[name], after[name])] == []

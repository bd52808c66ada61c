"""Several processes on one machine: nobody else can join them, and what they tell each other is not unpickled."""

from __future__ import annotations

import atexit
import os
import pickle
import stat
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from squidlib.training.devices import Layout, make_fabric
from squidlib.utils.distributed import broadcast_json, broadcast_tensors, on_rank_zero, rank
from squidlib.utils.errors import UserError
from tests.two_processes import by_two

TENSORS = {
    "weights": torch.arange(6.0).reshape(2, 3),
    "brain": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "mask": torch.tensor([True, False]),
    "transposed": torch.arange(6).reshape(2, 3).T,
    "empty": torch.empty(0, 3),
    "strange": torch.tensor([float("nan"), float("inf")]),
}


def listening(fabric: Any) -> list[tuple[str, int]]:
    """The addresses at which this process and its parent listen while two processes train."""
    torch.distributed.barrier()
    processes = [psutil.Process(), psutil.Process(os.getppid())]
    found = [
        (connection.laddr.ip, connection.laddr.port)
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    torch.distributed.barrier()
    return found


def test_two_processes_on_one_machine_listen_to_that_machine_only() -> None:
    for found in by_two(listening):
        assert {address for address, _ in found} <= {"127.0.0.1", "::1"}


def test_they_meet_in_a_folder_that_only_the_user_can_open() -> None:
    fabric = make_fabric(Layout("cpu", 2))
    meeting: Path = fabric.strategy.meeting  # type: ignore[attr-defined]
    assert stat.S_IMODE(meeting.parent.stat().st_mode) == 0o700
    assert make_fabric(Layout("cpu", 2, joined=True)).strategy.meeting is None  # type: ignore[attr-defined]


def threads_at_the_end(fabric: Any) -> list[str]:
    """Native threads that are left when the interpreter of the first of two processes begins to end."""
    torch.distributed.barrier()
    atexit._run_exitfuncs()
    return [Path(f"/proc/self/task/{task}/comm").read_text().strip() for task in os.listdir("/proc/self/task")]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads have names on Linux only")
def test_no_thread_that_talks_to_others_outlives_the_interpreter() -> None:
    names = make_fabric(Layout("cpu", 2)).launch(threads_at_the_end)
    assert names
    assert [name for name in names if "gloo" in name] == []


def told(fabric: Any) -> tuple[Any, dict[str, torch.Tensor], str]:
    """What the first process tells, as each process hears it; whoever unpickles something meanwhile fails."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("something was unpickled")

    def refuse() -> None:
        raise UserError("no")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("load", "loads", "Unpickler"):
            patch.setattr(pickle, name, forbidden)
        patch.setattr(torch.distributed.distributed_c10d, "_unpickler", forbidden)
        mine = {"ünï": [1, 2.5, None, True], "large": "x" * 100_000} if rank() == 0 else "not this"
        plain = broadcast_json(mine)
        tensors = broadcast_tensors(TENSORS if rank() == 0 else {"not": torch.zeros(1)})
        assert on_rank_zero(lambda: {"rank": rank()}) == {"rank": 0}
        try:
            on_rank_zero(refuse)
        except (UserError, SystemExit) as error:
            return plain, tensors, f"{type(error).__name__}: {error}"
    return plain, tensors, ""


def test_json_and_tensors_reach_the_other_process_bit_by_bit_and_nothing_is_unpickled() -> None:
    results = by_two(told)
    assert [refusal for _, _, refusal in results] == ["UserError: no", "SystemExit: 2"]
    for plain, tensors, _ in results:
        assert plain == {"ünï": [1, 2.5, None, True], "large": "x" * 100_000}
        assert tensors.keys() == TENSORS.keys()
        for name, tensor in TENSORS.items():
            assert tensors[name].dtype == tensor.dtype
            assert tensors[name].shape == tensor.shape
            assert torch.equal(tensors[name].nan_to_num(), tensor.nan_to_num())


@pytest.mark.parametrize("value", [None, 3, "text", {"a": [1]}])
def test_one_process_tells_itself(value: object) -> None:
    assert broadcast_json(value) == value
    assert on_rank_zero(lambda: value) == value

"""What lessons share: how long to run, and progress that the stop button ends without a loss."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from squidlib.teaching.lesson import (
    by_mode,
    interruptible,
    mode,
)
from tests.helpers import refusal


@pytest.mark.parametrize(("named", "expected"), [("smoke", 1), ("class", 2), ("full", 3), ("", 2), (None, 2)])
def test_by_mode_picks_what_kit_mode_names(monkeypatch: pytest.MonkeyPatch, named: str | None, expected: int) -> None:
    monkeypatch.delenv("KIT_MODE", raising=False)
    if named is not None:
        monkeypatch.setenv("KIT_MODE", named)
    assert by_mode(1, 2, 3) == expected
    assert mode() == (named or "class")


@pytest.mark.parametrize("named", ["Smoke", "fast", "class "])
def test_an_unknown_mode_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("KIT_MODE", named)
    text = refusal(lambda: by_mode(1, 2, 3))
    assert repr(named) in text
    assert all(known in text for known in ("KIT_MODE", "smoke", "class", "full"))


def test_a_whole_block_counts_to_its_end_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with interruptible("digits") as progress:
        seen = list(progress(4))
    assert seen == [0, 1, 2, 3]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("done", [0, 3])
def test_an_interruption_keeps_the_state_and_says_the_step(capsys: pytest.CaptureFixture[str], done: int) -> None:
    learned = []
    with interruptible("digits") as progress:
        for step in progress(9):
            if step == done:
                raise KeyboardInterrupt
            learned.append(step)
    assert learned == list(range(done))
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert f"digits: stopped after step {done} of 9" in said[0]


def test_an_interruption_inside_a_function_that_takes_ticks_is_kept_too(capsys: pytest.CaptureFixture[str]) -> None:
    def fit(progress: Any) -> None:
        for step in progress(5):
            if step == 2:
                raise KeyboardInterrupt

    with interruptible("network") as progress:
        fit(progress)
    assert "network: stopped after step 2 of 5" in capsys.readouterr().out


@pytest.mark.parametrize("error", [ValueError, RuntimeError, SystemExit, GeneratorExit, AssertionError])
def test_nothing_but_an_interruption_is_swallowed(
    capsys: pytest.CaptureFixture[str], error: type[BaseException]
) -> None:
    def block() -> None:
        with interruptible("digits") as progress:
            for _ in progress(3):
                raise error("mine")

    with pytest.raises(error, match="mine"):
        block()
    assert "stopped" not in capsys.readouterr().out


LOOP = """
import time
from squidlib.teaching.lesson import interruptible
learned, after = [], False
with interruptible("SQUID") as ticks:
    for step in ticks(10_000):
        learned.append(step)
        print("learned", step, flush=True)
        time.sleep(0.05)
after = True
"""


@pytest.fixture
def kernel() -> Iterator[Any]:
    """(manager, client) of a fresh kernel."""
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def printed(client: Any, message: str, until: str, seconds: float = 180) -> str:
    """What a cell prints, until ``until`` was printed or the cell has ended."""
    text, end = "", time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = client.get_iopub_msg(timeout=1)
        except queue.Empty:
            continue
        if found["parent_header"].get("msg_id") != message:
            continue
        content = found["content"]
        text += content.get("text", "") if content.get("name", "stdout") == "stdout" else ""
        if until in text or content.get("execution_state") == "idle":
            return text
    raise AssertionError(f"{until!r} was not printed in {seconds} s, but: {text!r}")


def test_the_stop_button_of_a_real_kernel_keeps_what_was_learned(kernel: tuple[Any, Any]) -> None:
    manager, client = kernel
    training = client.execute(LOOP)
    assert "learned 3" in printed(client, training, "learned 3\n")
    manager.interrupt_kernel()
    text = printed(client, training, "nothing that is printed")
    assert "SQUID: stopped after step" in text
    reply = client.get_shell_msg(timeout=60)
    assert reply["content"]["status"] == "ok"  # the cell is no error: "Run all" would go on
    following = client.execute("print(len(learned), after)")
    count, after = printed(client, following, "\n").split()
    assert 4 <= int(count) < 10_000
    assert after == "True"

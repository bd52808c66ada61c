"""The start of the command: what is set before torch is there, and an interruption before it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import squidlib
import squidlib.__main__ as start
from squidlib.cli.main import main

SCORE_NOTHING = [sys.executable, "-m", "squidlib", "score", "nonesuch", "x.png", "--csv", "s.csv"]


SPINNING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def told(folder: Path, **variables: str) -> dict[str, str]:
    """What the OpenMP library itself says of its waiting threads once a command has loaded torch."""
    without = {name: value for name, value in os.environ.items() if name not in SPINNING}
    environment = without | {"OMP_DISPLAY_ENV": "VERBOSE"} | variables
    done = subprocess.run(SCORE_NOTHING, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    found = re.findall(rf"({'|'.join(SPINNING)}) = '(\w+)'", done.stderr)
    if not found:
        pytest.skip("this build of torch has an OpenMP library that does not show its settings")
    return dict(found)


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP alone can be told how long to spin")
def test_waiting_threads_soon_leave_the_cores_to_others_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    assert int(told(tmp_path)["GOMP_SPINCOUNT"]) == start.SPINS
    assert told(tmp_path, OMP_WAIT_POLICY="active")["OMP_WAIT_POLICY"] == "ACTIVE"
    assert int(told(tmp_path, GOMP_SPINCOUNT="7")["GOMP_SPINCOUNT"]) == 7


def test_elsewhere_they_do_not_spin_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SPINNING:
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "platform", "darwin")
    start.calm_threads()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


def test_the_command_begins_without_torch_and_every_public_name_is_found_when_it_is_used() -> None:
    code = "import sys, squidlib, squidlib.cli.main; assert 'torch' not in sys.modules, 'torch came along'"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {name: getattr(squidlib, name) for name in squidlib.__all__}.keys() == set(squidlib.__all__)
    assert set(squidlib.__all__) <= set(dir(squidlib))
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        _ = squidlib.nonesuch  # type: ignore[attr-defined]


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"squid {squidlib.__version__}\n"


def test_an_interruption_while_importing_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupting:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "squidlib.cli.main":
                raise KeyboardInterrupt

    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")  # restored afterwards: this process has its torch already
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, "squidlib.cli.main", raising=False)
    assert start.main() == 130
    assert capsys.readouterr().err == "squid: interrupted\n"


#: Starts the command; a real Ctrl-C arrives in the very moment in which a module is looked for.
INTERRUPTED = """
import os, signal, sys

moment, *words = sys.argv[1:]

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == moment:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
sys.argv = ["squid", *words]
from squidlib.__main__ import main
raise SystemExit(main())
"""


@pytest.mark.parametrize("moment", ["squidlib.cli.main", "tyro", "torch", "numpy", "torch.nn", "safetensors"])
def test_ctrl_c_while_a_library_is_imported_is_one_line_and_130(tmp_path: Path, moment: str) -> None:
    words = [sys.executable, "-c", INTERRUPTED, moment, *SCORE_NOTHING[3:]]
    done = subprocess.run([*words[:-4], "digitanatomy", *words[-3:]], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "squid: interrupted\n")


def test_a_process_that_was_told_to_ignore_ctrl_c_ignores_it(tmp_path: Path) -> None:
    words = [sys.executable, "-c", INTERRUPTED, "torch", *SCORE_NOTHING[3:]]
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *words]  # preexec_fn could hang where there are threads
    done = subprocess.run(ignoring, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2

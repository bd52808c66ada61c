"""The wheel: it carries the course, nothing in it needs the repository, and it agrees with what the pages say of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 20_000_000  #: bytes of the wheel


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would give somebody: the tracked files as they are, so that no leftover of a build helps."""
    folder = tmp_path_factory.mktemp("source")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in names.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def built(source: Path) -> Path:
    """The folder with the sdist and, built from that, the wheel."""
    command = [sys.executable, "-P", "-m", "build", "--no-isolation", "--outdir", str(source / "dist"), str(source)]
    done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return source / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and this one's packages behind it; the repository is out of its sight."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, symlinks=os.name != "nt")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (site / "packages.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # whose own .pth files are not read
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(site)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return folder


def squid(installed: Path, folder: Path, *arguments: str) -> str:
    """What the command says that runs in ``folder``."""
    return python(installed, folder, "import sys; from squidlib.__main__ import main; sys.exit(main())", *arguments)


def python(installed: Path, folder: Path, code: str, *arguments: str) -> str:
    """What the installed kit's Python says of ``code`` in ``folder``."""
    command = [str(installed / ("Scripts" if os.name == "nt" else "bin") / "python"), "-P", "-c"]
    first = "import squidlib; assert 'venv' in squidlib.__file__; "
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*command, first + code, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_holds_the_course_and_stays_small(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    course = [name.removeprefix("squidlib/teaching/course/") for name in names]
    for path in [*ROOT.glob("notebooks/[0-9]*.ipynb"), *ROOT.glob("notebooks/schematics/*.svg")]:
        assert path.relative_to(ROOT).as_posix() in course
    assert {"docs/glossary.md", "docs/training.gif", "docs/figures.json", "constraints.txt"} <= set(course)
    for path in (ROOT / "squidlib").rglob("*.py"):
        assert path.relative_to(ROOT).as_posix() in names
    assert not [name for name in names if "solutions" in name or name.startswith(("tests/", "notebooks/", "tools/"))]
    assert not [name for name in names if name.endswith("settings.json")]
    assert wheel.stat().st_size <= LARGEST


def test_the_sdist_is_the_whole_source(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"setup.py", "Makefile", "constraints.txt", "CHANGELOG.md", "tests/conftest.py"} <= names
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks/solutions").glob("*.ipynb")} <= names
    assert not [name for name in names if name.startswith(("my/", "runs/", "notebooks/slides"))]


def test_an_index_would_take_them(built: Path) -> None:
    command = [sys.executable, "-P", "-m", "twine", "check", "--strict", *map(str, built.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_lessons_and_demo_need_no_repository(installed: Path, tmp_path: Path) -> None:
    assert "copied 16 lessons" in squid(installed, tmp_path, "lessons")
    assert (tmp_path / "my/docs/training.gif").is_file()
    said = squid(installed, tmp_path, "demo", "--epochs", "0.01", "--out", "demo")
    assert "the picture: demo" in said
    assert (tmp_path / "demo/detections.png").stat().st_size > 10_000


def test_a_copys_exercises_count_stored_figures_are_there_and_images_are_scored(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / ".lessons").mkdir()
    Image.new("L", (96, 96), 99).save(tmp_path / "grey.png")
    code = (
        "from squidlib.shrinkage import hard_shrink; from squidlib.teaching import checks as check;"
        "from squidlib.teaching.lesson.seed_figures import seed_figures; from squidlib.cli.main import main;"
        "print(check.hard_shrink(hard_shrink).passed, sorted(seed_figures()));"
        "main(['score', 'digitanatomy', 'grey.png', '--csv', 'scores.csv'])"
    )
    assert python(installed, tmp_path, code).startswith("True [0, 1, 2]\n")
    assert (tmp_path / "progress.json").is_file()
    assert (tmp_path / "scores.csv").read_text().splitlines()[1].startswith("grey.png,")

"""Store: the benchmark's folder, one small file for each method and seed, so that it goes on where it was stopped.

- settings.json: what all jobs share
- jobs/METHOD-SEED.json: figures, or what went wrong, with the hashes of these, of the settings and of the scores;
  written last, so a job whose file is there is done
- jobs/METHOD-SEED.safetensors: scores of test and calibration images
- jobs/METHOD-SEED.log: the traceback of what went wrong
- pictured/: reconstructions and maps of the few images that are shown
- results.md, .csv, .json, auc.png, methods.png: what people read
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from squidlib.benchmark.figures import check_figures, digest_of, sealed, unsealed
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import (
    check_writable,
    content_hash,
    read_tensors,
    remove_partials,
    write_atomically,
    write_tensors,
)

SETTINGS_FILE = "settings.json"
REPORT_FILES = ("results.md", "results.csv", "results.json", "auc.png", "methods.png")


class JobResult(NamedTuple):
    """Figures of one method and seed, or what went wrong."""

    method: str
    seed: int
    figures: dict[str, Any] | None
    failure: str | None
    seconds: float  #: that the job took, with everything


class Store:
    """The files below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.jobs, self.pictured = folder, folder / "jobs", folder / "pictured"

    def open(self, settings: dict[str, Any], overwrite: bool = False, private: bool = False) -> None:
        """Begin, or go on with what was begun with the same settings.

        Args:
            overwrite: remove what is there.
            private: pictured images are of patients: git is told to leave them out.

        Raises:
            UserError: where the folder cannot be written or holds results of other settings.
        """
        check_writable(self.folder)
        path = self.folder / SETTINGS_FILE
        if overwrite:
            self._clear()
        if path.is_file():
            found = _read_json(path)
            changed = [key for key in settings | found if settings.get(key) != found.get(key)]
            if changed:
                was = ", ".join(f"{key} was {found.get(key)}, now {settings.get(key)}" for key in changed)
                raise UserError(f"{self.folder} holds results of other settings ({was}); choose another --out, or give "
                                "--overwrite to begin again")  # fmt: skip
        else:
            write_json(path, settings)
        for folder in (self.folder, self.jobs, self.pictured):
            remove_partials(folder)
        if private:  # the picture of all methods shows the inputs
            write_atomically(self.folder / ".gitignore", b"pictured/\nmethods.png\n")

    def results(self) -> list[JobResult]:
        """Every job that is done, failed ones too, by method and seed.

        Raises:
            UserError: where a file is damaged, was changed, or belongs to another folder or to other scores.
        """
        settings = self._settings_hash()
        found = [self._read(path, settings) for path in sorted(self.jobs.glob("*.json"))]
        return sorted(found, key=lambda result: (result.method, result.seed))

    def _read(self, path: Path, settings: str | None) -> JobResult:
        plain = _read_json(path)
        try:
            content = unsealed(plain)
            if content.pop("settings") != settings:
                raise ValueError("it belongs to a folder of other settings")
            scores, result = content.pop("scores"), JobResult(**content)
            if path.stem != f"{result.method}-{result.seed}":
                raise ValueError(f"it is of {result.method}, seed {result.seed}")
            if (result.figures is None) == (result.failure is None):
                raise ValueError("either figures or a failure expected")
            if result.figures is not None:
                check_figures(result.figures)
                if content_hash(self._path(result.method, result.seed, "safetensors")) != scores:
                    raise ValueError("the scores beside it are those of another job")
        except UserError:  # of the scores: it names them
            raise
        except (ValueError, TypeError, KeyError) as error:
            said = f"{error} is missing" if isinstance(error, KeyError) else error
            raise UserError(f"{path}: {said}; remove it, and the same command makes it again") from error
        return result

    def write(self, result: JobResult, tensors: dict[str, Tensor], shown: dict[str, Tensor]) -> None:
        """Keep what a job found; its figures last, for they say that it is done."""
        scores = write_tensors(self._path(result.method, result.seed, "safetensors"), tensors, {})
        write_tensors(self.pictured / f"{result.method}-{result.seed}.safetensors", shown, {})
        self.write_result(result, scores)

    def write_result(self, result: JobResult, scores: str | None = None) -> None:
        """Keep what is known of a job, of one that has failed, too; ``scores`` is the hash of its scores."""
        content = result._asdict() | {"settings": self._settings_hash(), "scores": scores}
        write_json(self._path(result.method, result.seed, "json"), sealed(content))

    def settings(self) -> dict[str, Any]:
        """What all jobs share, as ``open`` was given it."""
        return _read_json(self.folder / SETTINGS_FILE)

    def _settings_hash(self) -> str | None:
        path = self.folder / SETTINGS_FILE
        return digest_of(_read_json(path)) if path.is_file() else None

    def scores(self, method: str, seed: int) -> Tensor:
        """Of the test images: (T,)."""
        return self.tensors(method, seed)["scores"]

    def tensors(self, method: str, seed: int) -> dict[str, Tensor]:
        """ "scores" of the test images (T,) and "calibration", those of the calibration images (K,)."""
        return read_tensors(self._path(method, seed, "safetensors"))[0]

    def shown(self, method: str, seed: int) -> dict[str, Tensor]:
        """Of the pictured images: "reconstructions" and "maps" (P, 1, H, W) where the method has them."""
        return read_tensors(self.pictured / f"{method}-{seed}.safetensors")[0]

    def log(self, method: str, seed: int) -> Path:
        """Where the traceback of a failed job is."""
        return self._path(method, seed, "log")

    def _path(self, method: str, seed: int, ending: str) -> Path:
        return self.jobs / f"{method}-{seed}.{ending}"

    def _clear(self) -> None:
        ours = [self.folder / name for name in (SETTINGS_FILE, *REPORT_FILES)]
        ours += [path for ending in ("json", "safetensors", "log") for path in self.jobs.glob(f"*.{ending}")]
        for path in [*ours, *self.pictured.glob("*.safetensors")]:
            path.unlink(missing_ok=True)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace the file as a whole."""
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError("no JSON object")
        return content
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it, and the same command makes it again") from error

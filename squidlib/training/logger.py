"""Logbook: losses into log.csv and, where it is installed, TensorBoard; now and then a picture of reconstructions."""

from __future__ import annotations

import csv
import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from squidlib.losses import GeneratorLoss
from squidlib.training.loop import StepResult, losses_of
from squidlib.utils.errors import UserError
from squidlib.utils.safetensors_io import write_atomically

COLUMNS = ("step", *GeneratorLoss._fields, "discriminator", "validation")
MOST_NOTED = 200  #: steps whose losses are read at once


class Logbook:
    """Collects what steps give and writes it when told to, so that the file always ends where the saved state does.

    Losses stay where they are until then: to read one from a GPU is to wait for all that it still has to do.

    Args:
        path: of the CSV file. Rows from ``first_step`` on, left by a killed run, are dropped.
        board: folder for TensorBoard; used where ``tensorboard`` is installed.

    Attributes:
        missing: steps before ``first_step`` whose losses the file no longer holds.

    Raises:
        UserError: where the file is damaged.
    """

    def __init__(self, path: Path, first_step: int, board: Path) -> None:
        self.path = path
        rows = _rows(path) if path.is_file() else {}
        self.rows = [rows[step] for step in sorted(rows) if step < first_step]
        self.missing = first_step - len(self.rows)
        self._noted: list[StepResult] = []
        self.board: Any = None
        if find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(str(board), purge_step=first_step)

    def note(self, result: StepResult) -> None:
        """Remember one step."""
        self._noted.append(result)
        if len(self._noted) >= MOST_NOTED:
            self._read()

    def _read(self) -> None:
        """Turn what was noted into rows; all numbers come from the device at once."""
        tensors = [losses_of(result) for result in self._noted]
        every = [value for own in tensors for value in own.values()]
        numbers = iter(torch.stack(every).tolist() if every else [])
        for result, own in zip(self._noted, tensors, strict=True):
            values = dict(zip(own, numbers, strict=False))
            if result.validation is not None:
                values["validation"] = result.validation
            shown = (f"{values[name]:.6g}" if name in values else "" for name in COLUMNS[1:])
            self.rows.append([str(result.step), *shown])
            if self.board is not None:
                for name, value in values.items():
                    self.board.add_scalar(name, value, result.step)
        self._noted.clear()

    def picture(self, images: Tensor, reconstructions: Tensor, path: Path, step: int) -> None:
        """Save inputs (B, C, H, W) above their reconstructions."""
        from torchvision.transforms.functional import to_pil_image
        from torchvision.utils import make_grid

        grid = make_grid(torch.cat([images, reconstructions]).cpu(), nrow=len(images), pad_value=0.5)
        buffer = io.BytesIO()
        to_pil_image(grid).save(buffer, format="PNG")
        write_atomically(path, buffer.getvalue())
        if self.board is not None:
            self.board.add_image("reconstructions", grid, step)

    def write(self) -> None:
        """Write all rows so far."""
        self._read()
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(self.rows)
        write_atomically(self.path, text.getvalue().encode())
        if self.board is not None:
            self.board.flush()


def _rows(path: Path) -> dict[int, list[str]]:
    """The rows of a log by their steps."""
    damaged = f"{path} is damaged ({{}}); remove it to go on without the losses so far"
    try:
        header, *rows = list(csv.reader(path.read_text().splitlines())) or [[]]
        steps = [int(row[0]) for row in rows]
    except (ValueError, IndexError, csv.Error) as error:
        raise UserError(damaged.format(error)) from error
    if header != list(COLUMNS) and (header or rows):
        raise UserError(damaged.format(f"its first line is {','.join(header)[:80]!r}, not the names of the losses"))
    if any(len(row) != len(COLUMNS) for row in rows):
        raise UserError(damaged.format(f"lines of {len(COLUMNS)} values expected"))
    if steps != sorted(set(steps)) or (steps and steps[0] < 0):
        raise UserError(damaged.format("its steps are not in order"))
    return dict(zip(steps, rows, strict=True))

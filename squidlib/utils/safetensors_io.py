"""Tensor files: safetensors written atomically, with a hash over everything that is in them. No pickle, ever."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from squidlib.utils.errors import UserError

FORMAT = "squidlib-1"
PARTIAL = ".partial-"  #: what the names of files begin with that are still being written
READABLE, PRIVATE = 0o666, 0o600  #: who may read a file: whom the umask lets, or its user alone


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> str:
    """Write tensors and JSON facts to ``path``: the old file stays whole until the new one is. Returns the hash."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts, sort_keys=True)
    digest = _digest(plain, text)
    write_atomically(path, _in_order(save(plain, {"format": FORMAT, "facts": text, "sha256": digest})))
    return digest


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what ``write_tensors`` wrote.

    Raises:
        UserError: where the file is missing, truncated, foreign or was changed.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise UserError(f"{path} is not a file; a checkpoint written by squid was expected")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is no whole safetensors file ({error}); copy or train it again") from error
    if metadata.get("format") != FORMAT:
        raise UserError(
            f"{path} was not written by this version of squid: format {FORMAT!r} expected, "
            f"got {metadata.get('format')!r}; train again or install the version that wrote it"
        )
    if _digest(tensors, metadata.get("facts", "")) != metadata.get("sha256"):
        raise UserError(f"{path} was changed after it was written: its hash does not match; copy or train it again")
    try:
        facts = json.loads(metadata["facts"])
    except (KeyError, ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise UserError(f"{path} does not say what it holds ('facts' is missing or no JSON object); train it again")
    return tensors, facts


def content_hash(path: Path) -> str:
    """The hash that ``write_tensors`` put into a file: what another file names it by. Nothing else is read.

    Raises:
        UserError: where the file is missing, truncated or foreign.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            digest = (file.metadata() or {}).get("sha256")
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is no whole safetensors file ({error}); copy or train it again") from error
    if digest is None:
        raise UserError(f"{path} was not written by squid: it names no hash of its content; train again")
    return str(digest)


def check_writable(folder: Path) -> None:
    """Find out before long work whether ``folder`` can be made and written, without making it.

    Raises:
        UserError: where it cannot.
    """
    nearest = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    if not nearest.is_dir():
        raise UserError(f"cannot write to the folder {folder}: {nearest} is a file; choose another folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UserError(f"cannot write to the folder {folder}: {nearest} may not be written; choose another folder")


def remove_partials(folder: Path) -> None:
    """Remove what a process that was killed while writing left in ``folder``."""
    for path in folder.glob(f"{PARTIAL}*"):
        path.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes, mode: int = READABLE) -> None:
    """Write beside ``path``, flush to disk, then rename: readers see the old file or the new one.

    Args:
        mode: who may read and write the new file, before the user's umask takes its share; ``PRIVATE`` is its user.

    Raises:
        UserError: where the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file, partial = open_partial(path.parent, mode)
    except OSError as error:
        raise UserError(f"cannot write to the folder {path.parent} ({error.strerror}); choose another") from error
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UserError(f"cannot write {path} ({error.strerror}); free some space or choose another") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def open_partial(folder: Path, mode: int = READABLE) -> tuple[BinaryIO, Path]:
    """A new file in ``folder`` to be written and then renamed, and its path. Its name is nobody else's.

    The system applies the user's umask at creation, which ``chmod`` afterwards would undo.
    """
    partial = folder / f"{PARTIAL}{secrets.token_hex(8)}"
    return open(partial, "xb", opener=lambda name, flags: os.open(name, flags, mode)), partial


def _in_order(content: bytes) -> bytes:
    """safetensors writes its metadata in a random order; in a fixed one, equal contents are equal files."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format aligns the data to 8 bytes
    return len(text).to_bytes(8, "little") + text + content[end:]


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()

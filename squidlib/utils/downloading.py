"""Downloading: one file from one address, asked for by name; whole and with the right checksum, or not there at all."""

from __future__ import annotations

import contextlib
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from squidlib.utils.errors import UserError

WAIT = 30.0  #: seconds for a server's answer


def size_of(address: str) -> int | None:
    """Bytes of the file, as its server tells; None where it does not tell.

    Raises:
        UserError: where the server cannot be reached or has no such file.
    """
    try:
        with urlopen(Request(address, method="HEAD"), timeout=WAIT) as answer:
            told = answer.headers.get("Content-Length")
    except (URLError, OSError, ValueError) as error:
        raise UserError(f"{address} cannot be reached ({error}); is there a network?") from error
    return int(told) if told and told.isdecimal() else None


def download(address: str, path: Path, md5: str) -> None:
    """Fetch the file to ``path``, with a progress bar; what is cut short or was changed is not kept.

    Args:
        md5: that its authors publish.

    Raises:
        UserError: where the server cannot be reached, or what came is not the published file.
    """
    from torchvision.datasets.utils import check_integrity, download_url

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        download_url(address, str(partial.parent), partial.name)
        if not check_integrity(str(partial), md5):
            raise UserError(f"what came from {address} is not the published file (its MD5 is not {md5}); try again")
        partial.replace(path)
    except (URLError, OSError, RuntimeError) as error:
        raise UserError(f"{address} could not be downloaded ({error}); is there a network?") from error
    finally:  # Ctrl-C, too
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()

"""A server of one folder on this machine, which remembers what it was asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple


class FileServer(NamedTuple):
    """address: without a slash at its end; asked: "METHOD /path" of every request."""

    address: str
    asked: list[str]


@contextmanager
def file_server(folder: Path, cut: bool = False) -> Iterator[FileServer]:
    """Serve the folder until the block ends; with ``cut`` a file ends before its last byte."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            asked.append(f"{self.command} {self.path.partition('?')[0]}")

        def copyfile(self, source: Any, outputfile: Any) -> None:
            outputfile.write(source.read()[: -1 if cut else None])

    class Server(ThreadingHTTPServer):
        request_queue_size = 64  # a browser opens more connections at once than five

    server = Server(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield FileServer(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

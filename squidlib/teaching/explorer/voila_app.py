"""voilà with the explorer's page: started by ``server`` as a process of its own.

voilà offers neither files nor a shell, and its kernels take no code from the browser; the page shows no source.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

LONGEST_MESSAGE = 64 * 2**20  #: bytes a browser may send at once; the explorer itself takes uploads of 4 MiB
IDLE_SECONDS = 600  #: until the kernel of a page that nobody has open any more is shut down


def configuration(host: str, port: int, theme: str) -> dict[str, dict[str, Any]]:
    """Every setting of voilà that is not its default."""
    return {
        "Voila": {
            "ip": host,
            "port": port,
            "port_retries": 0,
            "auto_token": True,  # the token itself comes by environment: everybody can read a process's arguments
            "open_browser": False,
            "log_level": "ERROR",
            "tornado_settings": {"websocket_max_message_size": LONGEST_MESSAGE},
        },
        "VoilaConfiguration": {
            "theme": theme,
            "template": "squid",
            "allow_template_override": "NO",
            "strip_sources": True,
            "show_tracebacks": False,
            "file_allowlist": ["$."],  # matches no name
            "extension_denylist": ["jupyterlab-jupytext"],  # needs JupyterLab around it
        },
        "PasswordIdentityProvider": {"allow_password_change": False},  # a page for an hour needs no password
        # sockets in a file of one's own: other users of the machine cannot listen to what a kernel says
        "KernelManager": {"transport": "ipc" if os.name == "posix" else "tcp"},
        "MappingKernelManager": {"cull_interval": 60, "cull_idle_timeout": IDLE_SECONDS},
    }


def main() -> None:
    """Serve the page; the arguments are the page and the configuration as JSON."""
    from traitlets.config import Config
    from voila.app import Voila

    page, settings = sys.argv[1:]
    Voila.launch_instance(argv=[str(Path(page))], config=Config(json.loads(settings)))


if __name__ == "__main__":
    main()

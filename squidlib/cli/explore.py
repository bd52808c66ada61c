"""``squid explore``: the explorer as a page in the browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tyro.conf import Positional

from squidlib.cli.choices import RunOrDefault


@dataclass(frozen=True)
class Explore:
    """Open the explorer in a browser: memory size, shrinkage, images to change, and what the detector says at once.

    The page is served to this machine only; to open it somebody needs the address that is printed here, with its token.
    """

    detector: Positional[RunOrDefault] = "digitanatomy"
    """A shipped detector's name, a run's folder or a detector's file."""
    link: str = ""
    """A view that was copied from the explorer, as "slots=50&k=3"."""
    port: int = 8866
    """Where to serve; where it is taken, the next free one."""
    host: str = "127.0.0.1"
    """The address to listen at. Any other than the default lets other machines ask; the token keeps them out."""
    theme: Literal["light", "dark"] = "light"
    """Colours of the page."""
    tabs: int = 4
    """How many tabs may show it at once, on all machines together; each takes about 500 MB of memory."""
    no_browser: bool = False
    """Do not open a browser; the address is printed."""

    def run(self) -> int:
        """Serve until Ctrl-C, or until the terminal is closed."""
        import signal
        import webbrowser

        from squidlib.detection.checkpoint import find
        from squidlib.teaching.explorer.begin import prepared
        from squidlib.teaching.explorer.server import IDLE_SECONDS, redirect_file, serving
        from squidlib.teaching.explorer.setting import Setting
        from squidlib.utils.errors import UserError

        if not 1 <= self.port <= 65535:
            raise UserError(f"a port lies in 1..65535, got {self.port}")
        if not 1 <= self.tabs <= 100:
            raise UserError(f"--tabs lies in 1..100, got {self.tabs}")
        view = Setting.from_link(self.link).as_link()
        detector = str(find(self.detector).resolve())  # the page's kernel runs in another folder
        prepared(detector)  # refuses what cannot be shown, and computes what is missing where its progress is seen
        for name in ("SIGTERM", "SIGHUP"):  # stopped from elsewhere, or its terminal is closed; Windows has no SIGHUP
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.default_int_handler)
        with serving(detector, self.port, self.host, self.theme, tabs=self.tabs) as (address, process):
            address += f"&{view}" if view else ""
            who = "this machine only" if self.host == "127.0.0.1" else f"whoever reaches {self.host} and has the token"
            try:
                print(
                    f"The explorer, for {who}: {address}\n"
                    f"At most {self.tabs} tabs at once; one that nobody moves for {IDLE_SECONDS // 60} minutes is "
                    "closed. Ctrl-C stops it.",
                    flush=True,
                )
                with redirect_file(address) as page:
                    if not self.no_browser:
                        webbrowser.open(page.as_uri())
                    process.wait()
            except KeyboardInterrupt:
                print("stopped")
                return 0
        raise UserError(f"voilà stopped by itself with code {process.returncode}; its messages stand above")

"""Page: a trained detector that runs in a browser, as a folder that a plain file server serves.

``make web`` builds the page of web/ into ``built``; ``squid export RUN --page FOLDER`` copies it and writes the
detector, what is known of it, and its test digits beside it. Nothing of it asks another host, and no Python runs.
"""

from squidlib.teaching.page.folder import BUILT, check_target, write_page

__all__ = ["BUILT", "check_target", "write_page"]

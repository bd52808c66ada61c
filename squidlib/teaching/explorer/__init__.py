"""The explorer: memory size and shrinkage threshold under one's fingers.

    >>> from squidlib.teaching.explorer import explore
    >>> explore()                       # in a notebook
    >>> explore("slots=50&k=3")         # a view that somebody copied

``setting`` (plain values), ``state`` (computes), ``panel`` (shows). On a page of its own: ``squid explore``.
"""

from squidlib.teaching.explorer.begin import explore, load_state
from squidlib.teaching.explorer.setting import Setting
from squidlib.teaching.explorer.state import ExplorerState
from squidlib.teaching.explorer.view import View

__all__ = ["ExplorerState", "Setting", "View", "explore", "load_state"]

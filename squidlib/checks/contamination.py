"""Checks of lesson 09, true UAD."""

from __future__ import annotations

__all__: list[str] = []

"""Checks of lesson 02, auto-encoder."""

from __future__ import annotations

__all__: list[str] = []

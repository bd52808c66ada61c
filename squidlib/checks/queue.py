"""Checks of lesson 04, memory queue."""

from __future__ import annotations

__all__: list[str] = []

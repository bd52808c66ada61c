"""Checks of lesson 03, memory matrix."""

from __future__ import annotations

__all__: list[str] = []

"""Checks of lesson 08, evaluate honestly."""

from __future__ import annotations

__all__: list[str] = []

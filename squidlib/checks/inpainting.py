"""Checks of lesson 06, in-painting."""

from __future__ import annotations

__all__: list[str] = []

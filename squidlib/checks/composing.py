"""Checks of lesson 01, DigitAnatomy."""

from __future__ import annotations

__all__: list[str] = []

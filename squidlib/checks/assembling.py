"""Checks of lesson 07, SQUID."""

from __future__ import annotations

__all__: list[str] = []

"""Lesson 00."""

from __future__ import annotations

from typing import Any

WRONG: dict[str, dict[str, Any]] = {}

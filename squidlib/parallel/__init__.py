"""Parallel: one training shared by several processes, on one machine or on many."""

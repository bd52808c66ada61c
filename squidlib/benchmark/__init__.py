"""Benchmark: many methods on the same images, with the same time, judged by one harness that alone sees labels.

The methods: ``squidlib.baselines``. The command is ``squid benchmark``.
"""

"""Benchmark: many methods on the same images, with the same time, judged by one harness that alone sees labels.

Facts of the methods: ``squidlib.baselines``. The command is ``squid benchmark``.
"""

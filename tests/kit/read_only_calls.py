"""How to call every public function and method that only looks: the table behind ``test_read_only``.

A key is ``module: name`` or ``module: Class.name``, as ``found`` has them. A new public callable fails the test until
it stands here, or in ``CHANGES`` with the reason why it may change something.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import squidlib
from squidlib.detection import calibration, onnx_file, onnx_page, prediction
from tests.kit.read_only_detection import DETECTION
from tests.kit.read_only_pieces import MODULES, PIECES
from tests.kit.read_only_world import Call

CHANGES = {
    "memory: MemoryQueue.push": "the verb that fills the queue",
    "memory: MemoryQueue.resize": "the verb that changes its capacity",
    "squid: Squid.push": "the verb that fills the queue",
    "squid: fill_memory": "the verb that fills the queue from images",
    "skip_memory: skip_memories": "draws the first weights of new modules",
    "detection.detector: Detector.to": "moves the networks, as in torch",
    "detection.checkpoint: save": "writes a file",
    "detection.onnx_file: export": "writes a file",
    "detection.onnx_file: halve": "changes the ONNX model that it is given",
    "detection.onnx_file: translate": "runs torch's exporter on a copy; it takes seconds",
    "detection.onnx_page: page_model": "likewise",
    "detection.onnx_file: opened": "takes the bytes of an ONNX model, nothing of a detector",
    "utils.plotting: show": "displays in a notebook",
}

JUDGED: dict[str, Call] = {
    "detection.onnx_file: Judge.forward": lambda w: (onnx_file.Judge(w.detector, 0.1), w.images),
    "detection.onnx_file: Judge.seen": lambda w: (onnx_file.Judge(w.detector, 0.1).seen, w.images),
    "detection.onnx_page: PageGraph.forward": lambda w: (
        onnx_page.PageGraph(w.detector), *onnx_page.page_inputs(w.detector, w.images, w.slots, 2, 0.0),
    ),
    "detection.onnx_page: page_inputs": lambda w: (onnx_page.page_inputs, w.detector, w.images, w.slots, 2, 0.0),
    "detection.onnx_page: scale_of": lambda w: (onnx_page.scale_of, w.detector.calibration),
    "detection.calibration: named_patch_scores": lambda w: (
        calibration.named_patch_scores, w.raw, w.detector.calibration,
    ),
    "detection.prediction: limits_of": lambda w: (prediction.limits_of, w.detector.calibration),
    "detection.prediction: patch_scores": lambda w: (
        prediction.patch_scores, w.raw, w.detector.calibration, prediction.limits_of(w.detector.calibration),
    ),
}  # fmt: skip
CALLS: dict[str, Call] = {**DETECTION, **JUDGED, **PIECES}


def found() -> Iterator[str]:
    """Every public callable of ``MODULES`` and of ``squidlib.detection``, and what ``squidlib`` itself names."""
    names = [module.name for module in pkgutil.iter_modules(squidlib.detection.__path__, "squidlib.detection.")]
    modules = [*MODULES, *map(importlib.import_module, names)]
    for module in modules:
        yield from _of(module)
    for name in squidlib.__all__:
        value = getattr(squidlib, name)
        if inspect.isfunction(value):
            yield f"{value.__module__.removeprefix('squidlib.')}: {name}"


def _of(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        home = module.__name__.removeprefix("squidlib.")
        if inspect.isfunction(value):
            yield f"{home}: {name}"
        if inspect.isclass(value):
            kinds = (property, classmethod, staticmethod)
            own = [key for key, part in vars(value).items() if inspect.isfunction(part) or isinstance(part, kinds)]
            yield from (f"{home}: {name}.{key}" for key in own if not key.startswith("_"))

"""How to call what ``squidlib.detection`` offers."""

from __future__ import annotations

import torch

import squidlib
from digitanatomy import DigitAnatomy
from squidlib import (
    discriminator,
)  # fmt: skip
from squidlib.detection import (
    adaptation,
    calibration,
    calibration_check,
    checkpoint,
    familiarity,
    inputs,
    memory_distance,
    memory_pruning,
    memory_readout,
    neighbours_picture,
    pictures,
    prediction,
    score_selection,
    scores,
    synthetic_anomalies,
)  # fmt: skip
from squidlib.utils.safetensors_io import read_tensors
from tests.kit.read_only_world import Call, properties, two_strongest

DETECTION: dict[str, Call] = {
    # the detector
    "detection.detector: Detector.predict": lambda w: (w.detector.predict, w.images),
    "detection.detector: Detector.predictions": lambda w: (
        lambda images: list(w.detector.predictions(images)),
        w.images,
    ),
    "detection.detector: Detector.score": lambda w: (w.detector.score, w.images),
    "detection.detector: Detector.scores": lambda w: (w.detector.scores, w.images),
    "detection.detector: Detector.patch_scores": lambda w: (w.detector.patch_scores, w.images),
    "detection.detector: Detector.reconstruct": lambda w: (w.detector.reconstruct, w.images),
    "detection.detector: Detector.anomaly_map": lambda w: (w.detector.anomaly_map, w.images),
    "detection.detector: Detector.raw_scores": lambda w: (w.detector.raw_scores, w.images),
    "detection.detector: Detector.normal_scores": lambda w: (w.detector.normal_scores, "error"),
    "detection.detector: Detector.limitations": lambda w: (w.detector.limitations, 0.001),
    "detection.detector: Detector.threshold": lambda w: (w.detector.threshold, 0.1),
    **properties(
        "detection.detector: Detector",
        lambda w: w.detector,
        "config",
        "device",
        "default_score",
        "knows_unlike",
        "score_names",
    ),
    # what it is made of
    "detection.scores: RawScores.patches": lambda w: (w.raw.patches,),
    "detection.scores: RawScores.each": lambda w: (w.raw.each, torch.abs),
    "detection.scores: RawScores.joined": lambda w: (scores.RawScores.joined, [w.raw, w.raw]),
    "detection.scores: blur": lambda w: (scores.blur, w.images),
    "detection.scores: cosine_distance": lambda w: (scores.cosine_distance, w.images, w.images.flip(0)),
    "detection.scores: raw_scores": lambda w: (scores.raw_scores, w.output, w.slots, torch.zeros(5), w.images, 3),
    "detection.scores: weighted_difference": lambda w: (
        scores.weighted_difference,
        w.images,
        w.images.flip(0),
        torch.ones(5, 9),
        2.0,
        3,
    ),
    "detection.scores: score_batches": lambda w: (
        scores.score_batches,
        w.detector.squid,
        w.detector.discriminator,
        w.images,
        2,
    ),
    "detection.scores: score_batch": lambda w: (
        scores.score_batch,
        w.network,
        w.keep(discriminator.Discriminator((1, 24, 24))),
        w.slots,
        w.images,
    ),
    "detection.calibration: Calibration.as_tensors": lambda w: (w.detector.calibration.as_tensors,),
    "detection.calibration: Calibration.from_tensors": lambda w: (
        calibration.Calibration.from_tensors,
        w.detector.calibration.as_tensors(),
    ),
    "detection.calibration_check: check_calibration": lambda w: (
        calibration_check.check_calibration,
        w.detector.calibration,
        9,
        False,
    ),
    "detection.calibration: Calibration.scores_of_normals": lambda w: (
        w.detector.calibration.scores_of_normals,
        "error",
    ),
    "detection.calibration: Calibration.count_above": lambda w: (w.detector.calibration.count_above, "error", 0.1),
    "detection.calibration: Calibration.threshold": lambda w: (w.detector.calibration.threshold, "error", 0.1),
    **properties(
        "detection.calibration: Calibration",
        lambda w: w.detector.calibration,
        "finest_rate",
        "constant_positions",
        "score_names",
    ),
    "detection.calibration: floors": lambda w: (calibration.floors, w.detector.calibration.std),
    "detection.calibration: standardised": lambda w: (calibration.standardised, w.raw, w.detector.calibration),
    "detection.calibration: image_scores": lambda w: (calibration.image_scores, w.raw, w.detector.calibration),
    "detection.calibration: calibration_by": lambda w: (
        calibration.calibration_by,
        w.raw,
        w.detector.calibration.mean,
        w.detector.calibration.std,
        torch.ones(2),
    ),
    "detection.calibration: calibrate": lambda w: (
        calibration.calibrate,
        w.detector.squid,
        w.detector.discriminator,
        w.normals,
    ),
    "detection.calibration: calibration_of": lambda w: (calibration.calibration_of, w.raw),
    "detection.familiarity: Familiarity.check": lambda w: (w.detector.calibration.familiarity.check,),
    "detection.familiarity: familiarity_of": lambda w: (familiarity.familiarity_of, w.normals),
    "detection.familiarity: widened": lambda w: (
        familiarity.widened,
        w.detector.calibration.familiarity,
        w.images,
    ),
    "detection.inputs: check_images": lambda w: (inputs.check_images, w.images, (1, 24, 24)),
    "detection.memory_distance: memory_distance": lambda w: (
        memory_distance.memory_distance,
        w.output.queries,
        w.slots,
        3,
        1,
    ),
    "detection.adaptation: adapted": lambda w: (adaptation.adapted, w.detector, w.images),
    "detection.adaptation: recalibrated": lambda w: (adaptation.recalibrated, w.detector, w.images),
    "detection.familiarity: unlike": lambda w: (familiarity.unlike, w.images, w.detector.calibration.familiarity),
    "detection.familiarity: statistics": lambda w: (
        familiarity.statistics,
        w.images,
        w.detector.calibration.familiarity,
    ),
    "detection.prediction: Prediction.verdicts": lambda w: (getattr, w.prediction, "verdicts"),
    "detection.prediction: predict": lambda w: (
        prediction.predict,
        w.normals,
        w.normals.flip(0),
        w.raw,
        prediction.rule_of(w.detector.calibration, "error", 0.1),
        3,
    ),
    "detection.prediction: rule_of": lambda w: (prediction.rule_of, w.detector.calibration, "error", 0.1),
    "detection.prediction: joined": lambda w: (prediction.joined, [w.prediction, w.prediction]),
    "detection.prediction: none_of": lambda w: (prediction.none_of, w.prediction),
    "detection.prediction: moved": lambda w: (prediction.moved, w.prediction, torch.device("cpu")),
    "detection.checkpoint: load": lambda w: (checkpoint.load, w.file),
    "detection.checkpoint: assemble": lambda w: (checkpoint.assemble, *read_tensors(w.file), w.file),
    "detection.checkpoint: find": lambda w: (checkpoint.find, w.file),
    "detection.checkpoint: shipped": lambda w: (checkpoint.shipped,),
    "detection.memory_pruning: isolation": lambda w: (memory_pruning.isolation, w.slots, 2),
    "detection.memory_pruning: drop_isolated": lambda w: (memory_pruning.drop_isolated, w.slots, 1, 2),
    "detection.memory_pruning: cleaned": lambda w: (memory_pruning.cleaned, w.detector, w.normals, 0.2),
    "detection.memory_readout: encode": lambda w: (memory_readout.encode, w.detector, w.images),
    "detection.memory_readout: newest": lambda w: (memory_readout.newest, w.slots, 2),
    "detection.memory_readout: read": lambda w: (
        memory_readout.read,
        w.detector.squid,
        w.levels,
        w.slots,
        two_strongest,
    ),
    "detection.memory_readout: read_scores": lambda w: (
        memory_readout.read_scores,
        w.detector,
        memory_readout.encode(w.detector, w.images),
        w.slots,
        two_strongest,
    ),
    "detection.score_selection: choose_score": lambda w: (
        score_selection.choose_score,
        w.detector.squid,
        w.detector.discriminator,
        w.normals,
    ),
    "detection.synthetic_anomalies: transplanted": lambda w: (
        synthetic_anomalies.transplanted,
        w.images,
        w.generator,
        3,
    ),
    "detection.synthetic_anomalies: soft_areas": lambda w: (synthetic_anomalies.soft_areas, w.images, w.generator),
    **{
        f"detection.synthetic_anomalies: {name}": lambda w, change=change: (change, w.images, w.generator)
        for name, change in synthetic_anomalies.SYNTHETIC_ANOMALIES.items()
    },
    "detection.neighbours_picture: neighbours_picture": lambda w: (
        neighbours_picture.neighbours_picture,
        w.knowing,
        DigitAnatomy(w.glyphs, {"stranger": 1}, hand=1.0),
        1,
    ),
    "detection.pictures: detection_picture": lambda w: (
        pictures.detection_picture,
        squidlib.load("digitanatomy"),
        DigitAnatomy(w.glyphs, {"normal": 1, "novel": 1}),
    ),
    "detection.pictures: image_row": lambda w: (pictures.image_row, [w.images[0]], ["one"]),
}

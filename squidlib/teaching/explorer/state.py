"""State: what the explorer knows and computes, from plain values; it knows of no widget.

    >>> state = ExplorerState(squidlib.load("digitanatomy"), Digits(), load_effect(effect_path("digitanatomy")))
    >>> view = state.view(Setting(image="missing-3", slots=50))
    >>> view.score, view.abnormal

Paper: section 3.2 (memory, shrinkage) and eq. 6 (scores against normal images).
"""

from __future__ import annotations

from functools import lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from digitanatomy import cut_tiles, join_tiles
from squidlib.data.digits import Digits
from squidlib.detection.calibration import Calibration, calibration_of
from squidlib.detection.detector import Detector
from squidlib.detection.memory_readout import Encoded, encode, newest, read, read_scores
from squidlib.detection.prediction import predict, rule_of
from squidlib.detection.scores import raw_scores
from squidlib.teaching.explorer.edits import Edited, apply_edits
from squidlib.teaching.explorer.effect import Effect, judged_images
from squidlib.teaching.explorer.setting import Setting
from squidlib.teaching.explorer.subjects import Subjects
from squidlib.teaching.explorer.view import Remembered, View
from squidlib.utils.errors import UserError

STRONGEST = 6  #: slots whose memories are shown
CACHED = 256  #: views that are kept
GRID_SHAPE, IMAGE_SHAPE = (3, 3), (1, 96, 96)  #: of DigitAnatomy


def check_explorable(detector: Detector, what: str = "the explorer") -> None:
    """Refuse a detector whose images have no digits to edit: the explorer is made of DigitAnatomy's nine tiles.

    Args:
        what: who refuses.

    Raises:
        UserError: which says what the detector is of.
    """
    config, name = detector.config, detector.metadata.get("data", "digitanatomy")
    if (name, config.grid_shape, config.image_shape) != ("digitanatomy", GRID_SHAPE, IMAGE_SHAPE):
        (rows, columns), (channels, height, width) = config.grid_shape, config.image_shape
        raise UserError(
            f"{what} edits DigitAnatomy's digits: 3x3 tiles in 96x96 grey pixels; this detector is of "
            f"{name}, {rows}x{columns} tiles in {height}x{width} {'grey' if channels == 1 else 'colour'} pixels; to "
            "see what it finds: squid score DETECTOR IMAGES --maps FOLDER"
        )


class ExplorerState:
    """A detector, its images and its effect table; every view is a function of a ``Setting`` alone.

    Args:
        detector: trained; never changed.
        data: the digits that it was trained on.
        effect: of this very detector, see ``effect``.

    Raises:
        UserError: where the detector is none of DigitAnatomy.
    """

    def __init__(self, detector: Detector, data: Digits, effect: Effect) -> None:
        check_explorable(detector)
        self.detector, self.data, self.effect = detector, data, effect
        self.subjects = Subjects(partial(judged_images, data), IMAGE_SHAPE[1])
        self.slots = detector.squid.inpainting.memory.contents().detach()
        reference = data.reference()
        self._tiles = cut_tiles(reference)  # (N, 9, 32, 32)
        with torch.no_grad():
            queries = torch.cat([detector.squid.query(batch.to(detector.device)) for batch in reference.split(64)])
        likeness = torch.einsum("rsd,nrd->rsn", F.normalize(self.slots, dim=-1), F.normalize(queries, dim=-1))
        self._likeness, self._nearest = (part.cpu() for part in likeness.max(-1))  # (9, S) each
        self._normals: Encoded | None = None
        self.view = lru_cache(CACHED)(self._view)
        self.calibration = lru_cache(CACHED)(self._calibration)

    @property
    def most_slots(self) -> int:
        """How many slots the memory has of each tile."""
        return int(self.slots.shape[1])

    def start(self) -> Setting:
        """The setting to begin with: all slots, the detector's own k and default score."""
        own = self.detector
        return Setting(hand=self.data.hand, slots=self.most_slots, k=own.config.topk, score=own.default_score)

    def knows(self, setting: Setting) -> bool:
        """Whether the setting is calibrated, so that its view comes at once."""
        return setting.reading == self.start().reading or self.effect.calibration(setting) is not None

    def edited(self, setting: Setting) -> Edited:
        """The setting's image after its edits, tile by tile."""
        subject = self.subjects.at(setting.image, setting.hand)
        return apply_edits(subject.tiles, subject.origins, setting.edits, self.data.glyphs.test)

    def _view(self, setting: Setting) -> View:
        """What is to be seen at this setting; computed once.

        Raises:
            UserError: where the setting asks for more slots than there are, or for an image that is not known.
        """
        if setting.score not in self.detector.score_names:
            names = ", ".join(self.detector.score_names)
            raise UserError(f"this detector has the scores {names}; got {setting.score!r}")
        slots, shrink = self._kept(setting), setting.shrink()
        edited = self.edited(setting)
        image = join_tiles(edited.tiles)[None]
        with torch.no_grad():
            moved = image.to(self.detector.device)
            output = read(self.detector.squid, self.detector.squid.encode(moved), slots, shrink)
            logits = self.detector.discriminator(output.reconstruction)
            context = self.detector.squid.context
            raw = raw_scores(output, slots, logits, moved, 3, context=context).each(lambda part: part.cpu())
        calibration, reconstruction = self.calibration(_reading(setting)), output.reconstruction.cpu()
        found = predict(image, reconstruction, raw, rule_of(calibration, setting.score, setting.rate), 3)
        weights = output.weights[0, setting.tile].cpu()
        known = all(origin.known or origin.wrong for origin in edited.origins)
        return View(
            setting=setting,
            kind=self.subjects.at(setting.image, setting.hand).kind,
            image=image[0],
            wrong=edited.wrong if known else None,
            reconstruction=reconstruction[0],
            anomaly_map=found.anomaly_map[0],
            patch_scores=found.patch_scores[0],
            attention=weights,
            strongest=self._strongest(weights, setting.tile),
            score=float(found.score),
            normal_scores=calibration.scores_of_normals(setting.score),
            threshold=found.threshold,
            called=found.verdicts[0],
        )

    def remembered(self) -> Tensor:
        """What every slot remembers: the training tile whose feature is most like it, (9, S, 32, 32)."""
        return torch.stack([self._tiles[nearest, tile] for tile, nearest in enumerate(self._nearest)])

    def _strongest(self, weights: Tensor, tile: int) -> tuple[Remembered, ...]:
        values, places = weights.topk(min(STRONGEST, len(weights)))
        left_out = self.most_slots - len(weights)
        found = []
        for value, place in zip(values.tolist(), places.tolist(), strict=True):
            nearest = int(self._nearest[tile, left_out + place])
            likeness = float(self._likeness[tile, left_out + place])
            if value > 0:
                found.append(Remembered(left_out + place, value, self._tiles[nearest, tile], likeness))
        return tuple(found)

    def _kept(self, setting: Setting) -> Tensor:
        if setting.slots > self.most_slots:
            raise UserError(f"this memory has {self.most_slots} slots of each tile, got slots={setting.slots}")
        return newest(self.slots, setting.slots)

    def _calibration(self, setting: Setting) -> Calibration:
        """What normal images score when the memory is read so: known, in the effect table, or computed."""
        if setting.reading == self.start().reading:
            return self.detector.calibration
        known = self.effect.calibration(setting)
        if known is None:
            if self._normals is None:
                self._normals = encode(self.detector, self.data.calibration())
            raw = read_scores(self.detector, self._normals, self._kept(setting), setting.shrink())
            known = calibration_of(raw.each(lambda part: part.cpu()))
        # whether an image is like the training data does not depend on how the memory is read
        return known._replace(familiarity=self.detector.calibration.familiarity)


def _reading(setting: Setting) -> Setting:
    """The same reading of the memory, nothing else: what calibrations are kept by."""
    return Setting(slots=setting.slots, shrinkage=setting.shrinkage, threshold=setting.threshold, k=setting.k)

"""What each loss pulls at: student, teacher and discriminator (paper, section 3.5, equations 3 to 5)."""

from __future__ import annotations

from squidlib.config import LossWeights
from squidlib.teaching.schematics.canvas import Canvas
from squidlib.utils.palette import ABNORMAL, MEMORY, NETWORK, TEACHER

TITLE = "What each loss pulls at"
DESCRIPTION = (
    "The reconstruction loss pulls the student's picture towards the image, and through it the in-painting block "
    "and the encoder. The teacher's loss pulls the teacher's picture towards the image; its input is detached, so "
    "the encoder does not feel it. Distillation pulls the student's and the teacher's features towards each other. The "
    "adversarial loss pulls reconstructions towards what the discriminator takes for real; the discriminator's "
    "own loss trains the discriminator alone. Nothing pulls at the memory queue: it is filled with copies."
)

#: What a term compares, or wants.
FORMS = {
    "λs": "mean squared error",
    "λt": "mean squared error",
    "λd": "features, level by level",
    "λg": "reconstructions pass as real",
}


def loss_map(weights: LossWeights) -> Canvas:
    """The schematic; ``weights`` are the factors that it shows."""
    canvas = Canvas(1240, 520, TITLE, DESCRIPTION)
    canvas.box((30, 210), (150, 74), ("Encoder", "learned"), NETWORK)
    canvas.box((262, 110), (200, 74), ("Memory, in-painting", "the queue is not learned"), MEMORY)
    canvas.box((560, 110), (150, 74), ("Student", "decoder"), NETWORK)
    canvas.box((560, 330), (150, 74), ("Teacher", "decoder"), TEACHER, dashed=True)
    canvas.box((980, 110), (190, 74), ("Discriminator", "real or not?"), TEACHER, dashed=True)
    canvas.box((980, 330), (190, 74), ("the image x", "what both aim at"))
    canvas.arrow([(105, 210), (105, 147), (262, 147)])
    canvas.arrow([(462, 147), (560, 147)])
    canvas.arrow([(105, 284), (105, 367), (560, 367)], dashed=True)
    canvas.text((330, 350), "detached: the teacher's error does not reach the encoder", 14)
    canvas.arrow([(710, 128), (980, 128)])
    canvas.text((845, 110), "reconstruction", 14)
    _losses(canvas, weights)
    canvas.text((362, 92), "no loss reaches a slot of the queue", 14)
    canvas.text((30, 458), "orange: a loss, from what it pulls at to what it pulls towards", 15, anchor="start")
    canvas.text(
        (30, 482),
        "factors: the paper's for DigitAnatomy; the kit's laptop preset adds a loss on the",
        15,
        anchor="start",
    )
    canvas.text((30, 504), "encoder's queries, by which each finds its own position's memory", 15, anchor="start")
    return canvas


def _losses(canvas: Canvas, weights: LossWeights) -> None:
    """One arrow a term, with its symbol, its factor and its form."""
    aims = (
        ([(710, 170), (850, 170), (850, 345), (980, 345)], (862, 240), "start", "λs", weights.reconstruction),
        ([(710, 385), (980, 385)], (845, 404), "middle", "λt", weights.teacher),
        ([(635, 184), (635, 330)], (622, 240), "end", "λd", weights.distillation),
        ([(635, 110), (635, 60), (1030, 60), (1030, 110)], (830, 26), "middle", "λg", weights.adversarial),
        ([(1115, 110), (1115, 50), (1205, 50), (1205, 147), (1170, 147)], (1150, 24), "middle", "λD",
         weights.discriminator),
    )  # fmt: skip
    for points, place, anchor, symbol, factor in aims:
        canvas.arrow(points, colour=ABNORMAL)
        if symbol == "λd":  # both sides receive the gradient
            canvas.arrow(points[::-1], colour=ABNORMAL)
        canvas.text(place, f"{symbol} = {factor:g}", 16, anchor=anchor, bold=True)
        if symbol in FORMS:
            canvas.text((place[0], place[1] + 20), FORMS[symbol], 14, anchor=anchor)

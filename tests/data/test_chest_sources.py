"""The source alone: what it tells is counted, by hand and by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from squidlib.data.chest.sources import Origin, source_aucs, source_notes, source_rarity


def origins(**counts: int) -> list[Origin]:
    """``normal_rsna=3``: three normal images of rsna."""
    return [Origin(*name.split("_")) for name, count in counts.items() for _ in range(count)]


def test_a_source_is_as_rare_as_few_training_normals_have_it() -> None:
    assert source_rarity(["a", "a", "a", "b"], ["a", "b", "c"]) == [0.25, 0.75, 1.0]


def test_the_auc_of_covidx_9a_is_that_of_its_counts() -> None:
    # 9A's test list: 100 normal and 100 pneumonia of rsna, 200 COVID-19 of ricord; all training normals are of rsna.
    tested = origins(normal_rsna=100, pneumonia_rsna=100, COVID_ricord=200)
    assert source_aucs(["rsna"] * 8085, tested) == {"pneumonia": 0.5, "COVID": 1.0}


def test_the_auc_by_hand() -> None:
    # Rarity: a 0.25, b 0.75, c 1. Normals a, a, b; abnormals a, c: pairs 1/2 + 1/2 + 0 and 1 + 1 + 1, of six.
    tested = origins(normal_a=2, normal_b=1, odd_a=1, odd_c=1)
    assert source_aucs(["a", "a", "a", "b"], tested) == {"odd": pytest.approx(4 / 6)}


def test_the_auc_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    trained = rng.choice(list("abcd"), 50, p=[0.6, 0.3, 0.1, 0]).tolist()
    tested = [Origin(str(kind), str(source)) for kind, source in zip(
        rng.choice(["normal", "odd"], 80), rng.choice(list("abcd"), 80), strict=True
    )]  # fmt: skip
    labels = [image.anomaly_type == "odd" for image in tested]
    wanted = roc_auc_score(labels, source_rarity(trained, [image.source for image in tested]))
    assert source_aucs(trained, tested) == {"odd": pytest.approx(wanted)}


def test_what_the_notes_say_of_a_type_follows_from_where_its_images_are_from() -> None:
    trained = origins(normal_a=3, far_x=2, near_a=1, half_y=1)
    tested = origins(normal_a=2, far_z=1, near_a=2, half_a=1)
    text = "\n".join(source_notes(trained, tested))
    assert "sources of the normal images of the train list: 3 a" in text
    assert "an AUC of 1.000 for far, 0.500 for near, 0.500 for half" in text
    assert "no far image of the lists is from a source of training normals" in text
    assert "normal against near can be compared within one source: a" in text
    assert "no half image of the train list (1) is from a source of training normals" in text
    assert text.count("normal against half can be compared") == 1


def test_a_line_without_source_leaves_it_open() -> None:
    (line,) = source_notes([Origin("normal", "a"), Origin("normal", "")], origins(normal_a=1, odd_b=1))
    assert "1 of 4 lines name no source" in line

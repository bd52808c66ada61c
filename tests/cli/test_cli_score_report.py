"""squid score --report: one HTML file that says what the table says, worst first, and asks nothing of anybody."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from squidlib.cli import score_pictures
from squidlib.cli.score_report import HEIGHT, WIDTH, chart_of, worst_first
from squidlib.data.images import read_image
from squidlib.detection.detector import Detector
from tests.cli.score_tables import rows_of
from tests.cli.test_cli_score_resume import interrupt_after
from tests.helpers import squid

Capture = pytest.CaptureFixture[str]
ORDER = ["abnormal", "unlike the training data", "normal"]


class Page(HTMLParser):
    """What stands in a page: the tags with their attributes, and the texts of its cards in their order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.cards: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "article":
            self.cards.append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.cards:
            self.cards[-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition("base64,")[2])))


def test_cards_say_what_the_table_says_and_the_worst_is_first(file: Path, many: Path, capsys: Capture) -> None:
    with Image.open(many / "0.png") as image:
        ImageOps.invert(image).save(many / "inverted.png")
    said = squid(capsys, "score", file, many, "--csv", "s.csv", "--report", "r.html", "--rate", 0.2)
    assert (said.code, said.errors) == (0, [])
    assert "report: r.html" in said.out
    rows = rows_of(Path("s.csv"))
    rows.sort(key=lambda row: (ORDER.index(row["verdict"]), -float(row["score"])))
    page = Page(Path("r.html"))
    assert len(page.cards) == len(rows) == 8
    for card, row in zip(page.cards, rows, strict=True):
        assert row["path"] in card
        assert row["verdict"] in card
        assert f"score {float(row['score']):.2f}" in card
        assert f"threshold {float(row['threshold']):.2f}" in card
        assert ("means nothing here" in card) == (row["verdict"] == "unlike the training data")
        assert ("is above the threshold" in card) == (row["verdict"] == "abnormal")
        assert ("is not above the threshold" in card) == (row["verdict"] == "normal")
    assert page.text.count("Not for clinical use") == 2


def test_pictures_are_the_image_and_its_map_with_texts_for_who_does_not_see_them(
    detector: Detector, file: Path, many: Path, capsys: Capture
) -> None:
    squid(capsys, "score", file, many, "--csv", "s.csv", "--maps", "maps", "--report", "r.html")
    rows = {row["path"]: row for row in rows_of(Path("s.csv"))}
    pictures = Page(Path("r.html")).all("img")
    assert len(pictures) == 14
    for image, anomaly in zip(pictures[::2], pictures[1::2], strict=True):
        name = image["alt"].removeprefix("Image ").removesuffix(" as the detector sees it")
        assert re.match(rf"Anomaly map of {re.escape(name)}, brightest: [a-z ]+$", anomaly["alt"])
        expected = read_image(Path(name), 96)[0].numpy() * 255
        assert np.abs(np.asarray(decoded(image["src"])).astype(float) - expected).mean() < 4  # it may be a JPEG
        with Image.open(rows[name]["map"]) as picture:
            found = np.asarray(decoded(anomaly["src"]).convert("RGB")).astype(float)
            assert np.abs(found - np.asarray(picture)).max() <= 6  # the neighbouring colour, where a batch rounds
    assert {attributes["role"] for attributes in Page(Path("r.html")).all("svg")[1:]} == {"img"}
    assert all("normal calibration images score lower" in a["aria-label"] for a in Page(Path("r.html")).all("svg")[1:])


def test_the_file_needs_nothing_from_outside_and_runs_nothing(file: Path, many: Path, capsys: Capture) -> None:
    squid(capsys, "score", file, many, "--csv", "s.csv", "--report", "r.html")
    page = Page(Path("r.html"))
    links = [value for _, found in page.tags for name, value in found.items() if name in ("src", "href", "xlink:href")]
    assert len(links) > 14
    assert all(link.startswith(("data:image/", "#")) for link in links)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    assert "url(" not in Path("r.html").read_text()
    assert "@import" not in Path("r.html").read_text()
    (policy,) = [found["content"] for found in page.all("meta") if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "prefers-color-scheme: dark" in Path("r.html").read_text()


def test_names_are_text_and_nothing_else(file: Path, many: Path, capsys: Capture) -> None:
    names = ["<script>alert(1)<", '" onload="x', "{{ 7 * 7 }}", "line\nbreak\u202egnp", "=1+1", "ünï 数字 & 'q'"]
    for index, name in enumerate(names):
        (many / f"{index}.png").rename(f"{name}.png")
    surrogate = Path(bytes([255]).decode("utf-8", "surrogateescape") + ".png")
    (many / "6.png").rename(surrogate)
    said = squid(capsys, "score", file, *[f"./{name}.png" for name in names], surrogate, "--csv", "s", "--report", "r")
    assert said.code == 0
    page = Page(Path("r"))
    assert not [found for _, found in page.tags if any(name.startswith("on") for name in found)]
    assert not page.all("script")
    cards = "".join(page.cards)
    for name in ["<script>alert(1)<", '" onload="x', "{{ 7 * 7 }}", r"line\nbreak\u202egnp", "ünï 数字 & 'q'"]:
        assert f"{name}.png" in cards
    assert r"\udcff.png" in cards


def test_a_report_is_bounded_and_says_how_many_are_left_out(
    file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("squidlib.cli.score_report.MOST", 3)
    squid(capsys, "score", file, many, "--csv", "s.csv", "--report", "r.html")
    page = Page(Path("r.html"))
    assert "4 of 7 images are left out: the report shows the 3 that come first" in page.text
    worst = [row["path"] for row in worst_first(rows_of(Path("s.csv")))[:3]]
    assert all(name in card for name, card in zip(worst, page.cards, strict=True))


def test_files_that_cannot_be_read_or_were_changed_are_said(
    file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (many / "bad.png").write_text("no image")
    pictures_of = score_pictures.pictures_of

    def meanwhile(*arguments: object) -> object:
        Path("many/1.png").unlink()
        Path("many/2.png").write_bytes(Path("many/6.png").read_bytes())
        return pictures_of(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("squidlib.cli.score_report.pictures_of", meanwhile)
    assert squid(capsys, "score", file, many, "--csv", "s.csv", "--report", "r.html").code == 1
    page = Page(Path("r.html"))
    assert "1 file could not be read and is not in this report" in " ".join(page.text.split())
    assert "No picture: many/1.png: no such file" in page.text
    assert "No picture: many/2.png: the file was changed after it was scored" in page.text
    assert len(page.all("img")) == 10


def test_a_report_that_exists_is_kept_unless_told_otherwise(file: Path, many: Path, capsys: Capture) -> None:
    Path("r.html").write_text("precious")
    options = ["score", file, many, "--csv", "s.csv", "--report", "r.html"]
    said = squid(capsys, *options)
    assert (said.code, len(said.errors)) == (2, 1)
    assert "r.html exists; replace it with --overwrite" in said.errors[0]
    assert (Path("r.html").read_text(), Path("s.csv").exists()) == ("precious", False)
    assert squid(capsys, *options, "--overwrite").code == 0
    assert len(Page(Path("r.html")).cards) == 7
    Path("r.html").rename(many / "r.html")
    again = squid(capsys, *options[:-1], many / "r.html", "--overwrite")  # the command's own output is no foreign file
    assert (again.code, "passed over" in again.out) == (0, False)
    said = squid(capsys, "score", file, many, "--csv", "t.csv", "--report", "t.csv")
    assert "--report and --csv are both t.csv" in said.errors[0]


def test_interrupted_at_any_moment_the_same_command_ends_with_the_whole_report(
    file: Path, many: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["score", file, many, "--csv", "s.csv", "--report", "r.html"]
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        assert squid(capsys, *options).code == 130
    assert (len(rows_of(Path("s.csv"))), Path("r.html").exists()) == (4, False)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:  # all are scored, and the report is being made
        patch.setattr("squidlib.cli.score_pictures.map_uri", stopped)
        said = squid(capsys, *options)
    assert said.code == 130
    assert "all images are in s.csv, r.html is not written; the same command makes it" in " ".join(said.errors)
    assert (len(rows_of(Path("s.csv"))), Path("r.html").exists()) == (7, False)
    with monkeypatch.context() as patch:  # the report is written, the table not yet finished
        patch.setattr("squidlib.cli.score_table.ScoreTable.finish", stopped)
        assert squid(capsys, *options).code == 130
    Path("other.html").write_text("precious")
    assert "other.html exists" in squid(capsys, *options[:-1], "other.html").errors[0]
    said = squid(capsys, *options)
    assert (said.code, said.errors) == (0, [])
    assert "7 images are in it already" in said.out
    assert len(Page(Path("r.html")).cards) == 7


def test_the_chart_is_the_histogram_of_normal_scores() -> None:
    chart = chart_of(np.array([0.0, 0.0, 0.0, 10.0]), 5.0)
    assert (chart.low, chart.high) == (-0.5, 13.0)
    assert chart.threshold == pytest.approx(WIDTH * 5.5 / 13.5, abs=0.05)
    assert [chart.place(score) for score in (-9.0, -0.5, 13.0, 99.0)] == [0, 0, WIDTH, WIDTH]
    tops = [float(top) for top in re.findall(r"V([\d.]+)H", chart.bars)]
    assert [(index, top) for index, top in enumerate(tops) if top != HEIGHT] == [(1, 0), (24, HEIGHT * 2 / 3)]
    assert chart_of(np.zeros(3), 0.0).high > chart_of(np.zeros(3), 0.0).low

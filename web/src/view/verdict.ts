// Verdict: normal or not, in a word, in a sentence, and among the scores of normal images.

import type { Told } from "../detector";
import { filled, h, svg } from "../dom";
import type { State } from "../state";
import type { Store } from "../store";
import { truthOf } from "../tiles";
import type { Announcer } from "./announcer";

const HEIGHT = 112;
const BINS = 36;

export function verdictOf(store: Store, say: Announcer): HTMLElement {
  const { facts } = store.data;
  const word = h("p", { class: "word" });
  const sentence = h("p", { class: "sentence" });
  const truth = h("p", { class: "truth" });
  const chart = h("div", { class: "histogram" });
  const element = h("section", { class: "card verdict", "aria-labelledby": "verdict-title" },
    h("h2", { id: "verdict-title" }, "Verdict"), word, chart, sentence, truth);
  const draw = () => store.told && chart.replaceChildren(histogram(store.told, Math.max(260, chart.clientWidth || 420)));
  new ResizeObserver(draw).observe(chart);
  store.onTold((told, state) => {
    element.dataset.called = told.called;
    word.textContent = told.called.replace(/^./, (letter) => letter.toUpperCase());
    const { normals } = told.reading;
    const above = normals.filter((value) => value >= told.score).length / normals.length;
    const values = { called: told.called, score: told.score, threshold: told.reading.threshold, normals: normals.length };
    const meaning = told.unlike ? " It is no image of the kind that SQUID learned, so its score means nothing." : "";
    sentence.textContent = filled(facts.words.verdict, { ...values, rate: facts.rate, above }) + meaning;
    truth.textContent = truthText(state, store);
    draw();
    const worst = told.own.indexOf(Math.max(...told.own)) + 1;
    const where = told.called === facts.words.verdicts[1] ? ` The worst tile is ${worst}.` : "";
    say.later(`Called ${told.called}, score ${told.score.toFixed(1)}, threshold ${told.reading.threshold.toFixed(1)}.${where}`);
  });
  return element;
}

// The verdict in a word beside the image: on a phone the rest is out of sight while one draws.
export function badgeOf(store: Store): HTMLElement {
  const badge = h("span", { class: "badge", "aria-hidden": "true" });
  store.onTold((told) => {
    badge.dataset.called = told.called;
    badge.textContent = `${told.unlike ? "unlike" : told.called} ${told.score.toFixed(1)}`;
  });
  return badge;
}

function truthText(state: State, store: Store): string {
  const truths = state.tiles.map((shown, place) => truthOf(shown, place, store.data));
  const wrong = truths.flatMap((truth, place) => (truth === "wrong" ? [place + 1] : []));
  const drawn = truths.flatMap((truth, place) => (truth === "unknown" ? [place + 1] : []));
  const known = wrong.length
    ? `In truth: wrong at tile${wrong.length > 1 ? "s" : ""} ${wrong.join(", ")}.`
    : drawn.length
      ? ""
      : "In truth: a normal image.";
  const open = drawn.length ? `Tile${drawn.length > 1 ? "s" : ""} ${drawn.join(", ")}: changed by pen or lesion; you judge.` : "";
  return `${known} ${open}`.trim();
}

function histogram(told: Told, width: number): SVGElement {
  const { normals, threshold } = told.reading;
  const low = Math.min(normals[0], told.score > -40 ? told.score : normals[0]) - 1;
  const high = Math.max(2.2 * threshold, normals[normals.length - 1] + 1, Math.min(4 * threshold, told.score * 1.06));
  const x = (value: number) => Math.min(width - 6, ((value - low) / (high - low)) * width);
  const counts = new Array<number>(BINS).fill(0);
  for (const value of normals) counts[Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS))]++;
  const most = Math.max(...counts);
  const far = told.score > high;
  const label =
    `Histogram of the scores of ${normals.length} normal images; threshold ${threshold.toFixed(1)}; ` +
    `this image ${told.score.toFixed(1)}${far ? ", beyond the chart" : ""}`;
  const chart = svg("svg", { viewBox: `0 -16 ${width} ${HEIGHT + 36}`, height: HEIGHT + 36, role: "img", "aria-label": label });
  counts.forEach((count, bin) => {
    if (!count) return;
    const height = (HEIGHT * 0.8 * count) / most;
    const middle = low + ((bin + 0.5) / BINS) * (high - low);
    chart.append(svg("rect", { x: (bin * width) / BINS + 0.5, y: HEIGHT - height, width: width / BINS - 1, height,
      class: middle > threshold ? "bar above" : "bar", rx: 1 }));
  });
  chart.append(svg("line", { x1: 0, x2: width, y1: HEIGHT, y2: HEIGHT, class: "axis" }));
  chart.append(svg("line", { x1: x(threshold), x2: x(threshold), y1: 4, y2: HEIGHT, class: "threshold" }));
  chart.append(svg("text", { x: Math.max(98, x(threshold) - 4), y: HEIGHT + 16 }, `threshold ${threshold.toFixed(1)}`));
  chart.append(svg("text", { x: 0, y: HEIGHT + 16 }, "normal images"));
  const place = Math.max(4, x(told.score));
  chart.append(svg("path", { d: `M${place} 0 V${HEIGHT}`, class: "score" }));
  chart.append(svg("circle", { cx: place, cy: 0, r: 5, class: "score" }));
  const anchor = place > width * 0.7 ? "end" : place < width * 0.3 ? "start" : "middle";
  const shown = anchor === "end" ? place - 10 : anchor === "start" ? place + 10 : place;
  chart.append(svg("text", { x: shown, y: anchor === "middle" ? -8 : 4, "text-anchor": anchor, class: "mine" },
    `this image ${told.score.toFixed(1)}${far ? " →" : ""}`));
  return chart;
}

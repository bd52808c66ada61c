// Step 8: the scores of the patch in standard deviations of normal images, what decides, and the threshold.

import { h, svg } from "../dom";
import { text, type Step } from "./step";

const SUMMED = 4; // error, structure, mismatch, distance
const ROW = 26;
const DECIDES: Record<string, string> = {
  combined: "The sum is the tile's score",
  either:
    "The sum of the first four, or the context, decides, whichever is farther beyond what normal images have at their " +
    "worst. The tile's score is in standard deviations of these",
};
const LEFT = 92;

export const score: Step = {
  id: "score",
  title: "Score",
  part: "score",
  show: ({ told, place, data, room }) => {
    const width = Math.min(500, room);
    const names = data.facts.patch_scores;
    const values = names.map((_, index) => told.standard[index * 9 + place]);
    const own = told.own[place];
    const { threshold } = told.reading;
    const { score: decides } = data.facts;
    const last = decides === "combined" ? "sum" : decides;
    const rows = names.map((name, index): [string, number] => [name, values[index]]);
    if (decides === "either") rows.push(["sum", values.slice(0, SUMMED).reduce((total, value) => total + value, 0)]);
    const bottom = rows.push([last, own]) - 1;
    const most = Math.max(threshold * 1.15, ...rows.map(([, value]) => Math.abs(value)));
    const x = (value: number) => LEFT + (Math.max(0, value) / most) * (width - LEFT - 50);
    const label = rows.map(([name, value]) => `${name} ${value.toFixed(1)}`).join(", ");
    const chart = svg("svg", { viewBox: `0 0 ${width} ${ROW * rows.length + 22}`, width, height: ROW * rows.length + 22, role: "img", class: "scores",
      "aria-label": `Scores of tile ${place + 1} in standard deviations: ${label}; threshold ${threshold.toFixed(1)}` });
    rows.forEach(([name, value], row) => {
      const above = row === bottom && value > threshold;
      chart.append(svg("text", { x: LEFT - 8, y: row * ROW + 18, "text-anchor": "end", class: row === bottom ? "strong" : "" }, name));
      chart.append(svg("rect", { x: LEFT, y: row * ROW + 5, height: ROW - 9, width: Math.max(1, x(value) - LEFT).toFixed(1), rx: 2,
        class: above ? "over" : row === bottom ? "total" : "part" }));
      chart.append(svg("text", { x: x(value) + 6, y: row * ROW + 18 }, value.toFixed(1)));
    });
    const edge = x(threshold);
    chart.append(svg("line", { x1: edge, x2: edge, y1: bottom * ROW, y2: (bottom + 1) * ROW + 4, class: "threshold" }));
    chart.append(svg("text", { x: edge, y: (bottom + 1) * ROW + 18, "text-anchor": "middle" }, `threshold ${threshold.toFixed(1)}`));
    const means = h("dl", { class: "means" });
    for (const name of names) means.append(h("dt", {}, name), h("dd", {}, data.facts.words.scores[name]));
    return [
      chart,
      h("div", {},
        text(
          "Each number says how far this tile is from normal tiles of the same position, in standard deviations. " +
            `${DECIDES[decides] ?? `By ${decides} alone the tile is judged`}: ${own.toFixed(1)}, ` +
            `${own > threshold ? "above" : "below"} the threshold. An image is as abnormal as its worst tile.`,
        ),
        h("details", {}, h("summary", {}, "What these measure"), means)),
    ];
  },
};

// Step 8: four scores of the patch in standard deviations of normal images, their sum, and the threshold.

import { h, svg } from "../dom";
import { text, type Step } from "./step";

const NAMES = ["error", "structure", "mismatch", "distance"];
const ROW = 26;
const LEFT = 92;

export const score: Step = {
  id: "score",
  title: "Score",
  part: "score",
  show: ({ told, place, data, room }) => {
    const width = Math.min(500, room);
    const values = NAMES.map((_, index) => told.standard[index * 9 + place]);
    const sum = told.patch_scores[place];
    const { threshold } = told.reading;
    const rows: [string, number][] = [...NAMES.map((name, index): [string, number] => [name, values[index]]), ["sum", sum]];
    const most = Math.max(threshold * 1.15, ...rows.map(([, value]) => Math.abs(value)));
    const x = (value: number) => LEFT + (Math.max(0, value) / most) * (width - LEFT - 50);
    const label = rows.map(([name, value]) => `${name} ${value.toFixed(1)}`).join(", ");
    const chart = svg("svg", { viewBox: `0 0 ${width} ${ROW * rows.length + 22}`, width, height: ROW * rows.length + 22, role: "img", class: "scores",
      "aria-label": `Scores of tile ${place + 1} in standard deviations: ${label}; threshold ${threshold.toFixed(1)}` });
    rows.forEach(([name, value], row) => {
      const above = name === "sum" && value > threshold;
      chart.append(svg("text", { x: LEFT - 8, y: row * ROW + 18, "text-anchor": "end", class: name === "sum" ? "strong" : "" }, name));
      chart.append(svg("rect", { x: LEFT, y: row * ROW + 5, height: ROW - 9, width: Math.max(1, x(value) - LEFT).toFixed(1), rx: 2,
        class: above ? "over" : name === "sum" ? "total" : "part" }));
      chart.append(svg("text", { x: x(value) + 6, y: row * ROW + 18 }, value.toFixed(1)));
    });
    const edge = x(threshold);
    chart.append(svg("line", { x1: edge, x2: edge, y1: 4 * ROW, y2: 5 * ROW + 4, class: "threshold" }));
    chart.append(svg("text", { x: edge, y: 5 * ROW + 18, "text-anchor": "middle" }, `threshold ${threshold.toFixed(1)}`));
    const means = h("dl", { class: "means" });
    for (const name of NAMES) means.append(h("dt", {}, name), h("dd", {}, data.facts.words.scores[name]));
    return [
      chart,
      h("div", {},
        text(
          "Each number says how far this tile is from normal tiles of the same position, in standard deviations. The sum is the " +
            `tile's score: ${sum.toFixed(1)}, ${sum > threshold ? "above" : "below"} the threshold. An image is as abnormal as ` +
            "its worst tile.",
        ),
        h("details", {}, h("summary", {}, "What the four measure"), means)),
    ];
  },
};

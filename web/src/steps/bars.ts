// Bars: one for each slot of a position's memory, the oldest at the left.

import { svg } from "../dom";

const HEIGHT = 120;

interface Drawn {
  width: number; // CSS pixels
  label: string; // for readers who do not see it
  unit: (value: number) => string;
  strong?: Set<number>; // drawn in the memory's colour; the others pale
  low?: number; // where the axis begins
}

export function bars(values: Float32Array, { width: WIDTH, label, unit, strong, low = 0 }: Drawn): SVGElement {
  const most = Math.max(low + 1e-9, ...values);
  const step = WIDTH / values.length;
  const chart = svg("svg", { viewBox: `0 -20 ${WIDTH} ${HEIGHT + 42}`, width: WIDTH, height: HEIGHT + 42, role: "img", "aria-label": label, class: "bars" });
  values.forEach((value, slot) => {
    if (value <= low) return;
    const height = (HEIGHT * (value - low)) / (most - low);
    const width = Math.max(step - 0.4, 0.9);
    const marked = strong?.has(slot);
    const wide = marked ? Math.max(width, 3) : width;
    const left = Math.min(WIDTH - wide, slot * step);
    chart.append(
      svg("rect", { x: left.toFixed(2), y: (HEIGHT - height).toFixed(2), width: wide.toFixed(2), height: height.toFixed(2),
        class: strong && !marked ? "pale" : "slot" }),
    );
  });
  chart.append(svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT, class: "axis" }));
  chart.append(svg("text", { x: 0, y: HEIGHT + 17 }, values.length > 1 ? "oldest slot" : "the only slot"));
  if (values.length > 1) chart.append(svg("text", { x: WIDTH, y: HEIGHT + 17, "text-anchor": "end" }, "newest"));
  chart.append(svg("text", { x: 0, y: -7 }, `highest ${unit(most)}`));
  return chart;
}

// Steps 3 to 5: the query against every slot, softmax and shrinkage, and what the slots that are left remember.

import { h, percent, plural, tileOf } from "../dom";
import { bars } from "./bars";
import { picture, slotsOf, strongest, text, type Look, type Step } from "./step";

const SHOWN = 8; // slots with a picture
const GLYPH = 28;

export const similarity: Step = {
  id: "similarity",
  title: "Similarity",
  part: "memory",
  show: (look) => {
    const values = slotsOf(look, look.told.similarity);
    const top = strongest(values, Math.min(look.told.reading.k, 5));
    return [
      bars(values, {
        width: Math.min(680, look.room),
        label: `Similarity of the query to ${values.length} slots; the highest is ${values[top[0]].toFixed(2)}`,
        unit: (value) => value.toFixed(2),
        strong: new Set(top),
      }),
      text(
        `The memory queue of position ${look.place + 1} holds ${plural(values.length, "slot")}: copies of features of normal ` +
          `${look.place + 1}s from the training. The query is compared with each. The best match reaches ` +
          `${values[top[0]].toFixed(2)}; a normal tile finds something close, an abnormal one does not.`,
      ),
    ];
  },
};

export const shrinkage: Step = {
  id: "shrinkage",
  title: "Shrinkage",
  part: "memory",
  show: (look) => {
    const before = slotsOf(look, look.told.softmax);
    const after = slotsOf(look, look.told.weights);
    const left = new Set(Array.from(after.keys()).filter((slot) => after[slot] > 0));
    const { lambda, k, slots } = look.told.reading;
    const rule = lambda ? `weights above λ = ${lambda}` : k < slots ? `the ${k} strongest` : "all of them (soft attention)";
    const width = look.room > 700 ? (look.room - 24) / 2 : look.room;
    const half = (name: string, chart: SVGElement) => h("div", { class: "half" }, h("h4", {}, name), chart);
    return [
      h("div", { class: "halves" },
        half("Softmax", bars(before, { width, label: `Softmax weights of ${before.length} slots`, unit: (v) => percent(v, 1), strong: left })),
        half("After shrinkage", bars(after, {
          width,
          label: `${plural(left.size, "slot")} with a weight above zero after shrinkage`, unit: (v) => percent(v, 1), strong: left,
        }))),
      text(
        `Softmax turns similarities into weights that sum to 1. Shrinkage keeps ${rule} and sets the rest to zero: ` +
          `${left.size} of ${before.length} are left. Otherwise a little of everything could be mixed into any picture, an ` +
          "abnormal one too.",
      ),
    ];
  },
};

export const recall: Step = {
  id: "recall",
  title: "Recall",
  part: "memory",
  show: (look) => {
    const weights = slotsOf(look, look.told.weights);
    const best = strongest(weights, SHOWN).filter((slot) => weights[slot] > 0);
    if (!best.length) return [text("No weight is above the threshold λ: nothing is recalled, the decoder gets zeros.")];
    const hidden = weights.filter((weight) => weight > 0).length - best.length;
    return [
      h("div", { class: "memories" }, picture(tileOf(look.told.image, look.place), 32, `tile ${look.place + 1}`),
        h("span", { class: "to", "aria-hidden": "true" }, "→"), ...best.map((slot) => remembered(look, slot, weights[slot]))),
      text(
        "What the slots remember: the training tiles whose features they hold. Their weighted sum replaces the query, so " +
          "from here on the patch is made of ", h("strong", {}, "normal memories only"), ".",
        hidden > 0 ? ` ${plural(hidden, "more slot")} with smaller weights.` : "",
      ),
    ];
  },
};

function remembered(look: Look, slot: number, weight: number): HTMLElement {
  const { shape } = look.data.facts.arrays.memories;
  const age = shape[1] - look.told.reading.slots + slot;
  const start = (look.place * shape[1] + age) * GLYPH * GLYPH;
  const pixels = look.memories?.subarray(start, start + GLYPH * GLYPH) ?? new Uint8Array(GLYPH * GLYPH);
  const values = Array.from(pixels, (value) => value / 255);
  return picture(values, GLYPH, percent(weight), `What slot ${age + 1} remembers, weight ${percent(weight)}`);
}

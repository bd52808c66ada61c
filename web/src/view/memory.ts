// Memory: its size, the shrinkage, k and λ, and what this does to the detector as a whole.

import { h, plural } from "../dom";
import type { Shrinkage } from "../facts";
import { ksOf } from "../reading";
import { withSetting } from "../state";
import type { Store } from "../store";

const NAMES: Record<Shrinkage, string> = { topk: "top-k", hard: "hard λ", soft: "none" };

export function memoryOf(store: Store): HTMLElement {
  const { facts } = store.data;
  const ks = ksOf(facts, Math.max(...facts.sizes));
  const size = ladder(store, "slots", "Slots of each tile", facts.sizes, (state) => state.slots, String);
  const k = ladder(store, "k", "k, slots kept", ks, (state) => state.k, (value) => (value === ks[ks.length - 1] ? "all" : String(value)));
  const lambda = ladder(store, "threshold", "λ, least weight", facts.thresholds, (state) => state.threshold, String);
  const choices = (Object.keys(NAMES) as Shrinkage[]).map((name) => {
    const choice = h("input", { type: "radio", name: "shrinkage", value: name, id: `shrinkage-${name}` });
    choice.addEventListener("change", () => store.set(withSetting(store.state, { shrinkage: name }, store.data)));
    return choice;
  });
  const reset = h("button", { type: "button", class: "plain" }, "As it was trained");
  reset.addEventListener("click", () => store.set(withSetting(store.state, facts.start, store.data)));
  store.onState((state) => {
    for (const choice of choices) choice.checked = choice.value === state.shrinkage;
    k.hidden = state.shrinkage !== "topk";
    lambda.hidden = state.shrinkage !== "hard";
  });
  const effect = h("p", { class: "effect" });
  const images = Object.values(facts.test).reduce((sum, count) => sum + count, 0);
  store.onTold(({ reading }) => {
    effect.hidden = reading.auc === null;
    effect.replaceChildren(
      "With this memory, the mean AUC over the anomaly types of ", `${images} test images is `,
      h("strong", {}, reading.auc === null ? "" : reading.auc.toFixed(3)), " (0.5 is guessing, 1 is perfect). The threshold " +
        "was set again on the same normal images.");
  });
  return h("section", { class: "card memory", "aria-labelledby": "memory-title" },
    h("div", { class: "headline" }, h("h2", { id: "memory-title" }, "Change its memory"), reset),
    h("p", { class: "quiet" }, `Take memories away and see when it forgets what is normal. Nothing is trained again: the queue holds ` +
      `copies of features, ${plural(Math.max(...facts.sizes), "slot")} for each of the nine positions.`),
    size,
    h("div", { class: "choices", role: "radiogroup", "aria-labelledby": "shrinkage-title" },
      h("span", { id: "shrinkage-title" }, "Shrinkage"),
      ...choices.flatMap((choice) => [choice, h("label", { for: choice.id }, NAMES[choice.value as Shrinkage])])),
    k, lambda, effect);
}

function ladder(
  store: Store,
  name: "slots" | "k" | "threshold",
  label: string,
  rungs: number[],
  value: (state: Store["state"]) => number,
  spoken: (value: number) => string,
): HTMLElement {
  const slider = h("input", { type: "range", id: name, min: 0, max: rungs.length - 1, step: 1 });
  const shown = h("output", { for: name });
  slider.addEventListener("input", () =>
    store.set(withSetting(store.state, { [name]: rungs[Number(slider.value)] }, store.data)),
  );
  store.onState((state) => {
    slider.value = String(rungs.indexOf(value(state)));
    shown.textContent = spoken(value(state));
    slider.setAttribute("aria-valuetext", spoken(value(state)));
  });
  return h("div", { class: "slider" }, h("label", { for: name }, label), slider, shown);
}

// Hand: how much the digits of the image are written by one hand, and what this detector learned.

import { h, percent } from "../dom";
import { withHand } from "../state";
import type { Store } from "../store";

export function handOf(store: Store): HTMLElement {
  const { hands, hand: learned } = store.data.facts;
  const shown = h("output", { for: "hand" });
  const slider = h("input", { type: "range", id: "hand", min: 0, max: hands.length - 1, step: 1 });
  slider.addEventListener("input", () => store.set(withHand(store.state, Number(slider.value), store.data)));
  store.onState((state) => {
    slider.value = String(state.hand);
    const text = state.hand ? `${percent(hands[state.hand])} one hand` : "nine hands";
    shown.textContent = text;
    slider.setAttribute("aria-valuetext", text);
  });
  const note =
    learned === 0
      ? "This detector learned from images in which every digit has a hand of its own, so it knows nothing of " +
        "handwriting that belongs together: images by one hand are new to it, and a stranger among them is not what " +
        "it looks for."
      : `This detector learned from images that are ${percent(learned)} by one hand.`;
  return h(
    "details",
    { class: "hand" },
    h("summary", {}, "Who wrote the digits?"),
    h("div", { class: "slider" }, h("label", { for: "hand" }, "One hand"), slider, shown),
    h("p", { class: "quiet" }, note),
  );
}

// Game: fool SQUID in three moves, with an anomaly that it calls normal or a normal image that it calls abnormal.

import { button, h, plural } from "../dom";
import type { Told } from "../detector";
import { withNewImage, type State } from "../state";
import type { Store } from "../store";
import { truthOfImage } from "../tiles";
import type { Announcer } from "./announcer";
import { copyLink } from "./share";

const MOVES = 3;

export function gameOf(store: Store, say: Announcer): HTMLElement {
  const { facts } = store.data;
  const dots = h("p", { class: "dots" });
  const line = h("p", { class: "outcome" });
  const start = button("Start with a normal image", () => {
    store.set(withNewImage(store.state, facts.normal, store.data));
    say.now("A new normal image. You have three moves.");
    document.querySelector(".image")?.scrollIntoView({ block: "center" });
  }, { class: "primary" });
  const share = button("Copy the link to this image", () => void copyLink(store, say));
  const element = h("section", { class: "card game", "aria-labelledby": "game-title" },
    h("h2", { id: "game-title" }, "Break it"),
    h("p", {}, `Fool SQUID in three moves: make an anomaly that it calls normal, or a normal image that it calls abnormal. A stroke, a ` +
      "swap, a flip, an empty tile or another digit is a move."),
    dots, line, h("div", { class: "row" }, start, share));
  store.onTold((told, state) => {
    const used = Math.min(MOVES, state.moves);
    dots.replaceChildren(
      h("span", { "aria-hidden": "true" }, "●".repeat(used) + "○".repeat(MOVES - used)),
      ` ${plural(state.moves, "move")} of ${MOVES}`);
    const [outcome, text] = outcomeOf(told, state, store);
    element.dataset.outcome = outcome;
    line.textContent = text;
  });
  return element;
}

export function outcomeOf(told: Told, state: State, store: Store): [string, string] {
  const [normal, abnormal] = store.data.facts.words.verdicts;
  const truth = truthOfImage(state.tiles, store.data);
  if (!state.moves) return ["none", "Change a tile to begin."];
  if (state.moves > MOVES) return ["over", "More than three moves: start again, or go on for the pleasure of it."];
  if (told.called === normal && truth === "wrong")
    return ["fooled", "You fooled it: the image is wrong, and SQUID calls it normal. Send it to a friend."];
  if (told.called === abnormal && truth === "right")
    return ["fooled", "A false alarm: nothing is wrong with this image, and SQUID calls it abnormal. You fooled it."];
  if (truth === "unknown") {
    const judged = `SQUID calls it ${told.called}.`;
    return ["yours", `${judged} Could a normal image look like your drawing? Only you can say; if SQUID is wrong, you fooled it.`];
  }
  return ["caught", told.called === normal ? "It is a normal image, and SQUID says so." : "SQUID noticed. Try something it cannot see."];
}

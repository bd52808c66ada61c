// Tools: what can be done to the tile that is looked at, and new images.

import { button, h } from "../dom";
import { withNewImage, withTile } from "../state";
import type { Store } from "../store";
import { describe, tile, type Tile } from "../tiles";
import type { Announcer } from "./announcer";
import type { Board } from "./board";

// Pen, rubber and undo, which belong to the board, and what is done to the tile that is looked at.
export function toolsOf(store: Store, board: Board, say: Announcer): { drawing: HTMLElement; tile: HTMLElement } {
  const { data } = store;
  const name = h("strong", { class: "tool-name" });
  const change = (words: string, make: (shown: Tile) => Tile) => () => {
    const { state } = store;
    store.set(withTile(state, state.selected, make(state.tiles[state.selected])));
    say.now(`Tile ${state.selected + 1} ${words}.`);
  };
  const swap = button("Swap with …", () => {
    board.tools.swaps = !board.tools.swaps;
    board.onTools();
    if (board.tools.swaps) {
      say.now("Choose the tile to exchange it with.");
      board.focus(store.state.selected);
    }
  });
  const undo = button("Undo", () => {
    store.undo();
    say.now("Last change taken back.");
  });
  const empty = button("Empty", change("emptied", () => tile({ kind: "blank" })), { title: "Empty the tile that is looked at" });
  const pen = button("Pen", () => setPen(false));
  const rubber = button("Rubber", () => setPen(true));
  function setPen(erases: boolean): void {
    board.tools.erases = erases;
    board.onTools();
  }
  board.onTools = () => {
    swap.setAttribute("aria-pressed", String(board.tools.swaps));
    pen.setAttribute("aria-pressed", String(!board.tools.erases));
    rubber.setAttribute("aria-pressed", String(board.tools.erases));
    board.element.classList.toggle("swapping", board.tools.swaps);
  };
  board.onTools();
  store.onState((state) => {
    name.textContent = `Tile ${state.selected + 1}`;
    name.title = describe(state.tiles[state.selected]);
    undo.disabled = !store.canUndo;
  });
  const digits = Array.from({ length: 10 }, (_, digit) =>
    button(String(digit), () => put(digit), { "aria-label": `Put a digit ${digit}` }),
  );
  function put(digit: number): void {
    const samples = data.facts.arrays.samples.shape[1];
    const { source } = store.state.tiles[store.state.selected];
    const sample = source.kind === "digit" && source.digit === digit ? (source.sample + 1) % samples : digit;
    change(`shows a ${digit}`, () => tile({ kind: "digit", digit, sample: sample % samples }))();
  }
  const row = (label: string, ...children: Node[]) => h("div", { class: "row", role: "group", "aria-label": label }, ...children);
  const actions = h(
    "div",
    { class: "tools" },
    row(
      "The tile that is looked at",
      name,
      button("Mirror ↔", change("mirrored", (shown) => ({ ...shown, mirrored: !shown.mirrored }))),
      button("Turn ↕", change("turned upside down", (shown) => ({ ...shown, turned: !shown.turned })), {
        "aria-label": "Turn upside down",
      }),
      swap,
    ),
    h("div", { class: "digits", role: "group", "aria-label": "Put a digit into it" }, ...digits),
  );
  return { drawing: row("Drawing", pen, rubber, empty, h("span", { class: "grow" }), undo), tile: actions };
}

export function newImages(store: Store, say: Announcer): HTMLElement {
  const { words, normal } = store.data.facts;
  const offer = (kind: string) =>
    button(kind === normal ? "Normal" : kind, () => {
      store.set(withNewImage(store.state, kind, store.data));
      say.now(`A new image, ${kind}: ${words.kinds[kind]}.`);
    }, { title: words.kinds[kind], class: kind === normal ? "normal" : "", "data-kind": kind });
  const stranger = offer("stranger");
  store.onState((state) => (stranger.hidden = !state.hand));
  return h(
    "div",
    { class: "row new", role: "group", "aria-label": "New image" },
    h("span", { class: "quiet" }, "New image"),
    offer(normal),
    ...words.anomalies.map(offer),
    stranger,
  );
}

// The page: load data and detector side by side, then build every part around one store.

import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/inside.css";

import { usePalette } from "./colours";
import { Detector } from "./detector";
import { button, h } from "./dom";
import { stateOf } from "./link";
import { loadData, loadModel } from "./load";
import { readingOf } from "./reading";
import { beginning } from "./state";
import { Store } from "./store";
import { aboutOf } from "./view/about";
import { Announcer } from "./view/announcer";
import { Board } from "./view/board";
import { gameOf } from "./view/game";
import { handOf } from "./view/hand";
import { Inside } from "./view/inside";
import { memoryOf } from "./view/memory";
import { resultsOf } from "./view/results";
import { copyLink, notify } from "./view/share";
import { newImages, toolsOf } from "./view/tools";
import { Tour } from "./view/tour";
import { badgeOf, verdictOf } from "./view/verdict";

async function begin(root: HTMLElement): Promise<void> {
  const loading = loadData();
  const [data, detector] = await Promise.all([loading, Detector.start(loadModel(), loading)]);
  usePalette(data.facts);
  const start = beginning(data);
  const link = location.hash.slice(1);
  const linked = await stateOf(link, start, data);
  const store = new Store(linked ?? start, data, detector);
  await store.judge(); // the first picture is whole

  const say = new Announcer();
  const board = new Board(store, say);
  const inside = new Inside(store);
  const tour = new Tour(store, inside);
  const takeTour = button("Take the tour", () => tour.start(takeTour), { class: "tour-start" });
  const tools = toolsOf(store, board, say);
  const image = h("section", { class: "card image", "aria-labelledby": "image-title" },
    h("div", { class: "headline" }, h("h2", { id: "image-title" }, "Your image"), badgeOf(store)),
    h("p", { class: "invite" }, h("strong", {}, "Draw on any tile"), " or click one to look inside."),
    board.element, tools.drawing);
  const change = h("section", { class: "card change", "aria-label": "Change the image" },
    tools.tile, newImages(store, say), handOf(store));
  root.replaceChildren(
    h("header", {},
      h("div", {}, h("h1", {}, "SQUID, live"),
        h("p", { class: "lead" }, "A detector that has only seen normal images finds what is wrong in new ones. It runs in your browser.")),
      h("div", { class: "row" }, takeTour, button("Copy link", () => void copyLink(store, say)))),
    linked ? "" : tour.offer(),
    h("main", {},
      h("div", { class: "first" }, image, change,
        h("div", { class: "made" }, h("section", { class: "card shown", "aria-labelledby": "made-title" },
          h("h2", { id: "made-title" }, "What SQUID makes of it"), resultsOf(store)), verdictOf(store, say))),
      inside.element,
      h("div", { class: "second" }, memoryOf(store), gameOf(store, say))),
    aboutOf(data.facts), say.element, h("p", { class: "note", hidden: true }), tour.element);
  if (link && !linked) notify(say, "The link was cut or is of another page, so the page begins as usual.");
  addEventListener("hashchange", async () => {
    const next = await stateOf(location.hash.slice(1), start, data);
    if (next) store.set(next);
  });
  // For scripts and tests: what the detector says of any image, (96, 96) in 0..1, at the page's setting.
  Object.assign(window, {
    squid: { judge: (pixels: number[]) => detector.judge(Float32Array.from(pixels), readingOf(data.facts, data.readings, store.state)) },
  });
  performance.mark("squid: ready");
  root.dataset.ready = "true";
}

const root = document.getElementById("page") as HTMLElement;
begin(root).catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  const served = location.protocol === "file:" ? " The page has to come from a file server: open it by its http address." : "";
  root.replaceChildren(h("p", { class: "loading", role: "alert" }, `The detector could not be loaded: ${reason}.${served}`));
});

// Inside: one tile, step by step along the schematic, from its pixels to its score.

import { button, canvas, h, paintGrey } from "../dom";
import { loadMemories } from "../load";
import { neighbours, reconstruction } from "../steps/decoding";
import { patch, query } from "../steps/encoding";
import { recall, shrinkage, similarity } from "../steps/memory";
import { score } from "../steps/scoring";
import type { Step } from "../steps/step";
import type { Store } from "../store";

export const STEPS: Step[] = [patch, query, similarity, shrinkage, recall, neighbours, reconstruction, score];

const REST = 40; // milliseconds

export class Inside {
  readonly element: HTMLElement;
  private at = 0;
  private memories: Uint8Array | null = null;
  private title = h("h2", { id: "inside-title" });
  private flow = h("div", { class: "flow", tabindex: 0, role: "region", "aria-label": "Schematic of the data flow" });
  private panel = h("div", { class: "panel", role: "group", "aria-labelledby": "step-title" });
  private heading = h("h3", { id: "step-title" });
  private buttons: HTMLButtonElement[];
  private pictures = canvas(96, "");
  private drawn = 0;

  constructor(private store: Store) {
    this.flow.innerHTML = store.data.facts.schematic; // of page.json, from the same folder as this script
    this.buttons = STEPS.map((step, index) => button(step.title, () => this.go(index), { class: "step", "data-step": step.id }));
    const back = button("← Back", () => this.go(this.at - 1), { class: "walk" });
    const next = button("Next →", () => this.go(this.at + 1), { class: "walk primary" });
    this.element = h("section", { class: "card inside", id: "inside", "aria-labelledby": "inside-title" },
      h("div", { class: "headline" }, this.title, h("p", { class: "quiet" }, "Click any tile of the image to follow it.")),
      this.flow,
      h("div", { class: "walks" },
        h("ol", { class: "steps", "aria-label": "Steps" }, ...this.buttons.map((one) => h("li", {}, one))),
        h("div", { class: "row" }, back, next)),
      h("div", { class: "stage" }, this.heading, this.panel));
    this.flow.addEventListener("click", (event) => this.point(event.target as Element));
    store.onState((state) => (this.title.textContent = `Look inside tile ${state.selected + 1}`));
    store.onTold(() => this.later());
    new ResizeObserver(() => this.later()).observe(this.flow); // as wide as the panel, and of one height
    this.go(0, false);
    void loadMemories().then((found) => {
      this.memories = found;
      this.later();
    });
  }

  go(index: number, scroll = true): void {
    this.at = Math.min(STEPS.length - 1, Math.max(0, index));
    this.buttons.forEach((one, place) => {
      if (place === this.at) one.setAttribute("aria-current", "step");
      else one.removeAttribute("aria-current");
    });
    const list = this.element.querySelector(".steps") as HTMLElement;
    if (scroll) list.scrollLeft = this.buttons[this.at].offsetLeft - list.offsetLeft - 40;
    const [back, next] = this.element.querySelectorAll<HTMLButtonElement>(".walk");
    back.disabled = this.at === 0;
    next.disabled = this.at === STEPS.length - 1;
    for (const part of this.flow.querySelectorAll<SVGElement>("[data-part]")) {
      const here = part.dataset.part === STEPS[this.at].part;
      part.classList.toggle("here", here);
      if (here && scroll) this.reveal(part);
    }
    this.show();
  }

  // On a phone the schematic is wider than the screen: move it, and nothing else, to the part.
  private reveal(part: SVGElement): void {
    const { left, width } = part.getBoundingClientRect();
    const box = this.flow.getBoundingClientRect();
    this.flow.scrollLeft += left + width / 2 - box.left - box.width / 2;
  }

  private point(target: Element): void {
    const part = target.closest<SVGElement>("[data-part]")?.dataset.part;
    const index = STEPS.findIndex((step) => step.part === part);
    if (index >= 0) this.go(index, false);
  }

  // After the picture that is being drawn: what is further down the page may come some frames later.
  private later(): void {
    clearTimeout(this.drawn);
    this.drawn = window.setTimeout(() => this.show(), REST);
  }

  private show(): void {
    const { told, state, data } = this.store;
    const step = STEPS[this.at];
    this.heading.textContent = `${this.at + 1}. ${step.title}`;
    if (!told) return;
    this.panel.dataset.step = step.id;
    const room = this.panel.clientWidth || 640;
    const open = [...this.panel.querySelectorAll("details")].some((one) => one.open);
    this.panel.replaceChildren(...step.show({ told, place: state.selected, data, memories: this.memories, room }));
    for (const one of this.panel.querySelectorAll("details")) one.open = open;
    this.live("input", told.image);
    this.live("reconstruction", told.reconstruction);
  }

  private live(part: string, image: Float32Array): void {
    paintGrey(this.pictures, image);
    this.flow.querySelector(`[data-part="${part}"] image`)?.setAttribute("href", this.pictures.toDataURL());
  }
}

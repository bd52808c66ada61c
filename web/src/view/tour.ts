// Tour: ten steps through the page in two minutes; it can be left at any time and taken again.

import { button, h } from "../dom";
import type { Store } from "../store";
import type { Inside } from "./inside";
import { tourSteps, type TourStep } from "./tour_steps";

const SEEN = "squid-tour-seen";

export class Tour {
  readonly element: HTMLElement;
  private at = -1;
  private steps: TourStep[];
  private title = h("h2", { id: "tour-title" });
  private text = h("p", {});
  private count = h("p", { class: "quiet" });
  private back = button("Back", () => this.go(this.at - 1));
  private next = button("Next", () => this.go(this.at + 1), { class: "primary" });
  private leave = button("Leave the tour", () => this.end(), { class: "plain" });
  private returnTo: HTMLElement | null = null;

  constructor(store: Store, inside: Inside) {
    this.steps = tourSteps(store, inside);
    this.element = h("div", { class: "tour", role: "dialog", "aria-labelledby": "tour-title", hidden: true },
      this.count, this.title, this.text, h("div", { class: "row" }, this.leave, h("span", { class: "grow" }), this.back, this.next));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.end();
    });
  }

  // A line for those who come for the first time.
  offer(): HTMLElement {
    const close = () => {
      line.remove();
      remember();
    };
    const line = h("aside", { class: "card offer", "aria-label": "Tour" }, h("span", { class: "grow" }, "New here? Two minutes, ten steps."),
      button("Start the tour", () => { close(); this.start(); }, { class: "primary" }),
      button("No, thank you", close, { class: "plain" }));
    line.hidden = remembered();
    return line;
  }

  start(from: HTMLElement | null = null): void {
    this.returnTo = from;
    this.element.hidden = false;
    this.go(0);
  }

  private go(index: number): void {
    if (index >= this.steps.length) return this.end();
    this.at = Math.max(0, index);
    const step = this.steps[this.at];
    this.count.textContent = `Step ${this.at + 1} of ${this.steps.length}`;
    this.title.textContent = step.title;
    this.text.textContent = step.text;
    this.back.disabled = this.at === 0;
    this.next.textContent = this.at === this.steps.length - 1 ? "Done" : "Next";
    step.act?.();
    this.point(step.target);
    this.next.focus({ preventScroll: true });
  }

  private point(target: string): void {
    document.querySelector(".toured")?.classList.remove("toured");
    const found = document.querySelector<HTMLElement>(target);
    if (!found) return;
    found.classList.add("toured");
    const { left, width } = found.getBoundingClientRect();
    this.element.classList.toggle("left", left + width / 2 > 0.55 * innerWidth);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const block = found.offsetHeight > innerHeight / 2 || innerWidth < 700 ? "start" : "center";
    found.scrollIntoView({ block, behavior: still ? "auto" : "smooth" });
  }

  private end(): void {
    document.querySelector(".toured")?.classList.remove("toured");
    this.element.hidden = true;
    this.at = -1;
    remember();
    (this.returnTo ?? document.querySelector<HTMLElement>(".tour-start"))?.focus();
  }
}

function remembered(): boolean {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return false; // a browser that keeps nothing offers the tour every time
  }
}

function remember(): void {
  try {
    localStorage.setItem(SEEN, "1");
  } catch {
    return; // likewise
  }
}

// Announcer: one polite line for screen readers; what changes many times a second is said once it rests.

import { h } from "../dom";

const REST = 700; // milliseconds

export class Announcer {
  readonly element = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
  private timer = 0;

  now(text: string): void {
    this.element.textContent = text;
  }

  later(text: string): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      if (this.element.textContent !== text) this.element.textContent = text;
    }, REST);
  }
}

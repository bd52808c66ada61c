// Keyboard pen: D on a tile takes it up; arrows move it, Space puts it down or lifts it, D or Escape puts it away.

import { h } from "../dom";
import type { Point } from "../ink";
import type { Announcer } from "./announcer";

interface Paper {
  beginStroke(at: Point): void;
  strokeTo(to: Point): void;
  endStroke(): void;
}

const MOVES: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const STEP = 2; // pixels of the image; 1 with Shift

export class KeyboardPen {
  private at: Point | null = null;
  private down = false;
  private place = -1;
  private mark = h("span", { class: "nib", hidden: true });

  constructor(
    private paper: Paper,
    surface: HTMLElement,
    private say: Announcer,
  ) {
    surface.append(this.mark);
  }

  // Whether the key was the pen's.
  key(event: KeyboardEvent, place: number): boolean {
    if (!this.at || this.place !== place) {
      if (event.key !== "d" && event.key !== "D") return false;
      this.place = place;
      this.at = { x: (place % 3) * 32 + 16, y: Math.floor(place / 3) * 32 + 6 };
      this.say.now("Pen in hand: arrow keys move it, Space puts it down or lifts it, Escape puts it away.");
      this.show();
      return true;
    }
    const move = MOVES[event.key];
    if (move) this.go(move, event.shiftKey ? 1 : STEP);
    else if (event.key === " ") this.press();
    else if (event.key === "Escape" || event.key === "d" || event.key === "D") this.leave();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  leave(): void {
    if (!this.at) return;
    this.paper.endStroke();
    this.at = null;
    this.down = false;
    this.say.now("Pen put away.");
    this.show();
  }

  private press(): void {
    if (!this.at) return;
    this.down = !this.down;
    if (this.down) this.paper.beginStroke(this.at);
    else this.paper.endStroke();
    this.say.now(this.down ? "Pen down." : "Pen up.");
    this.show();
  }

  private go([x, y]: [number, number], step: number): void {
    if (!this.at) return;
    const column = (this.place % 3) * 32;
    const row = Math.floor(this.place / 3) * 32;
    this.at = {
      x: Math.min(column + 31, Math.max(column + 1, this.at.x + step * x)),
      y: Math.min(row + 31, Math.max(row + 1, this.at.y + step * y)),
    };
    if (this.down) this.paper.strokeTo(this.at);
    this.show();
  }

  private show(): void {
    this.mark.hidden = !this.at;
    this.mark.classList.toggle("down", this.down);
    if (!this.at) return;
    this.mark.style.left = `${(100 * this.at.x) / 96}%`;
    this.mark.style.top = `${(100 * this.at.y) / 96}%`;
  }
}

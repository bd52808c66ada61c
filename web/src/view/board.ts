// Board: the image of nine tiles. A click looks inside a tile, a drag draws on it; tiles are buttons for the keyboard.

import type { Told } from "../detector";
import { button, canvas, h, paintGrey } from "../dom";
import { Stroke, type Point } from "../ink";
import { swapped, withInk, type State } from "../state";
import type { Store } from "../store";
import { TILES, describe, imageOf, pixelsOf } from "../tiles";
import type { Announcer } from "./announcer";
import { KeyboardPen } from "./keyboard_pen";

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 };
const STILL = 3; // CSS pixels that a finger may move and still click

export class Board {
  readonly element: HTMLElement;
  readonly tools = { erases: false, swaps: false };
  onTools: () => void = () => undefined;
  private picture = canvas(96, "");
  private tiles: HTMLButtonElement[];
  private stroke: Stroke | null = null;
  private last: Point | null = null;
  private before: State | null = null;
  private pen: KeyboardPen;

  constructor(
    private store: Store,
    private say: Announcer,
  ) {
    this.tiles = Array.from({ length: TILES }, (_, place) => this.tile(place));
    const surface = h(
      "div",
      { class: "board", role: "group", "aria-label": "The image: nine tiles. Arrow keys move, Enter looks inside, D draws." },
      this.picture,
      ...this.tiles,
    );
    this.element = surface;
    this.pen = new KeyboardPen(this, surface, say);
    surface.addEventListener("pointerdown", (event) => this.begin(event));
    surface.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"] as const)
      surface.addEventListener(name, (event) => this.end(event, name === "pointerup"));
    store.onState((state) => this.show(state));
    store.onTold((told, state) => this.mark(told, state));
  }

  // Look at a tile, or exchange it with the one that was looked at.
  choose(place: number): void {
    const { state } = this.store;
    if (this.tools.swaps) {
      this.tools.swaps = false;
      this.onTools();
      if (place !== state.selected) {
        this.say.now(`Tiles ${state.selected + 1} and ${place + 1} exchanged.`);
        this.store.set(swapped(state, state.selected, place));
      }
    } else this.store.set({ ...state, selected: place });
  }

  beginStroke(at: Point): void {
    this.before = this.store.state;
    this.stroke = Stroke.on(this.before.tiles.map((shown) => pixelsOf(shown, this.store.data)), this.tools.erases);
    this.last = at;
    this.strokeTo(at);
  }

  strokeTo(to: Point): void {
    if (!this.stroke || !this.last || !this.before) return;
    this.stroke.line(this.last, to);
    this.last = to;
    if (!this.stroke.touched.size) return;
    const first = this.store.state === this.before;
    const place = [...this.stroke.touched][0];
    this.store.set({ ...withInk(this.before, this.stroke.changes()), selected: place }, first);
  }

  endStroke(): void {
    this.stroke = this.last = this.before = null;
  }

  focus(place: number): void {
    this.tiles[place].focus();
  }

  private tile(place: number): HTMLButtonElement {
    const made = button("", () => undefined, { class: "tile", "data-tile": place + 1 });
    made.addEventListener("click", (event) => {
      if (event.detail === 0) this.choose(place); // by keyboard or screen reader; the pointer has its own way
    });
    made.addEventListener("keydown", (event) => this.key(event, place));
    return made;
  }

  private key(event: KeyboardEvent, place: number): void {
    if (this.pen.key(event, place) || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = STEPS[event.key];
    const column = (place % 3) + (Math.abs(step ?? 0) === 1 ? step : 0);
    const next = place + (step ?? 0);
    if (step && column >= 0 && column < 3 && next >= 0 && next < TILES) this.tiles[next].focus();
    if (step) event.preventDefault();
  }

  private at(event: PointerEvent): Point {
    const { left, top, width } = this.picture.getBoundingClientRect();
    return { x: ((event.clientX - left) * 96) / width, y: ((event.clientY - top) * 96) / width };
  }

  private begin(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary) return;
    this.element.setPointerCapture(event.pointerId);
    this.pen.leave();
    this.last = this.at(event);
    this.before = null;
  }

  private move(event: PointerEvent): void {
    if (!this.last || !this.element.hasPointerCapture(event.pointerId)) return;
    const scale = this.picture.getBoundingClientRect().width / 96;
    const to = this.at(event);
    if (!this.stroke) {
      if (Math.hypot(to.x - this.last.x, to.y - this.last.y) * scale < STILL || this.tools.swaps) return;
      this.beginStroke(this.last);
    }
    for (const between of event.getCoalescedEvents?.() ?? []) this.strokeTo(this.at(between));
    this.strokeTo(to);
  }

  private end(event: PointerEvent, chosen: boolean): void {
    const { last, stroke } = this;
    this.endStroke();
    if (stroke || !last || !chosen) return;
    const place = Math.floor(last.y / 32) * 3 + Math.floor(last.x / 32);
    if (place >= 0 && place < TILES) {
      this.choose(place);
      this.tiles[place].focus({ preventScroll: true });
    }
    event.preventDefault();
  }

  private show(state: State): void {
    paintGrey(this.picture, imageOf(state.tiles, this.store.data));
    this.tiles.forEach((tile, place) => {
      tile.setAttribute("aria-pressed", String(place === state.selected));
      tile.tabIndex = place === state.selected ? 0 : -1;
    });
  }

  private mark(told: Told, state: State): void {
    this.tiles.forEach((tile, place) => {
      const score = told.own[place];
      const found = score > told.reading.threshold;
      tile.classList.toggle("found", found);
      tile.dataset.score = found ? score.toFixed(0) : "";
      const finding = found ? `found abnormal, score ${score.toFixed(0)}` : `score ${score.toFixed(0)}`;
      tile.setAttribute("aria-label", `Tile ${place + 1}: ${describe(state.tiles[place])}; ${finding}`);
    });
  }
}

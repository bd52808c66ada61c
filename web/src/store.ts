// Store: holds the state, asks the detector after each change, keeps the address up to date, and can go back.

import type { Detector, Told } from "./detector";
import { linkOf } from "./link";
import type { Data } from "./load";
import { readingOf } from "./reading";
import { sameImage, type State } from "./state";
import { imageOf } from "./tiles";

type Seen = (state: State, store: Store) => void;
type Judged = (told: Told, state: State) => void;
const MOST = 100; // states that can be gone back to

export class Store {
  told: Told | null = null;
  private before: State[] = [];
  private seen: Seen[] = [];
  private judged: Judged[] = [];
  private running = false;
  private wanted = false;
  private timer = 0;
  private linking = false;

  constructor(
    public state: State,
    readonly data: Data,
    readonly detector: Detector,
  ) {}

  onState(listener: Seen): void {
    this.seen.push(listener);
    listener(this.state, this);
  }

  onTold(listener: Judged): void {
    this.judged.push(listener);
    if (this.told) listener(this.told, this.state);
  }

  // Take a new state. ``keep``: undo comes back to the one before.
  set(next: State, keep = true): void {
    const changed = !sameImage(next, this.state);
    if (keep && changed) this.before = [...this.before.slice(1 - MOST), this.state];
    const reading = ["slots", "shrinkage", "threshold", "k"] as const;
    const judge = changed || reading.some((name) => next[name] !== this.state[name]);
    this.state = next;
    rest(false);
    for (const listener of this.seen) listener(next, this);
    if (judge || !this.told) void this.judge();
    else for (const listener of this.judged) listener(this.told, next);
    this.saveLink();
  }

  get canUndo(): boolean {
    return this.before.length > 0;
  }

  undo(): void {
    const last = this.before.pop();
    if (last) this.set({ ...last, selected: this.state.selected }, false);
  }

  // The newest state is judged; those that come and go while the detector works are passed over.
  async judge(): Promise<void> {
    this.wanted = true;
    if (this.running) return;
    this.running = true;
    try {
      while (this.wanted) {
        this.wanted = false;
        const { state, data } = this;
        const begun = performance.now();
        const reading = readingOf(data.facts, data.readings, state);
        const told = await this.detector.judge(imageOf(state.tiles, data), reading);
        performance.measure("squid: judged", { start: begun });
        this.told = told;
        for (const listener of this.judged) listener(told, state);
      }
    } finally {
      this.running = false;
      this.rested();
    }
  }

  private saveLink(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(async () => {
      this.timer = 0;
      this.linking = true;
      const { state } = this;
      const link = await linkOf(state);
      this.linking = false;
      if (state === this.state) history.replaceState(null, "", `#${link}`); // else a newer one follows
      this.rested();
    }, 150);
  }

  private rested(): void {
    if (!this.running && !this.timer && !this.linking) rest(true);
  }
}

// Whether all that was asked for is done; scripts and tests wait for it.
function rest(done: boolean): void {
  document.documentElement.dataset.squid = done ? "rest" : "busy";
}

// Ink: a round pen with a soft edge, as wide as the strokes of the digits that the detector learned from.

import { LEVELS, SIDE } from "./tiles";

const RADIUS = 1.25; // pixels of full ink around the middle of the pen
const SOFT = 1.1; // pixels over which it fades
const RUBBER = 2.6;

export interface Point {
  x: number; // pixels of the whole image, 0..96
  y: number;
}

// The greys of all nine tiles, 0..LEVELS, while a stroke is drawn; ``touched`` are those that it changed.
export class Stroke {
  readonly touched = new Set<number>();

  constructor(
    private grey: Uint8Array[],
    private erases: boolean,
  ) {}

  static on(tiles: Uint8Array[], erases: boolean): Stroke {
    return new Stroke(tiles.map((pixels) => pixels.map((value) => Math.round((value * LEVELS) / 255))), erases);
  }

  line(from: Point, to: Point): void {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to.x - from.x, to.y - from.y)));
    for (let step = 0; step <= steps; step++)
      this.dot({ x: from.x + ((to.x - from.x) * step) / steps, y: from.y + ((to.y - from.y) * step) / steps });
  }

  changes(): Map<number, Uint8Array> {
    return new Map([...this.touched].map((place) => [place, this.grey[place].slice()]));
  }

  private dot({ x, y }: Point): void {
    const radius = this.erases ? RUBBER : RADIUS;
    const reach = Math.ceil(radius + SOFT);
    for (let row = Math.floor(y) - reach; row <= Math.floor(y) + reach; row++)
      for (let column = Math.floor(x) - reach; column <= Math.floor(x) + reach; column++) {
        const cover = Math.min(1, Math.max(0, (radius + SOFT - Math.hypot(column + 0.5 - x, row + 0.5 - y)) / SOFT));
        if (cover > 0) this.put(column, row, Math.round(LEVELS * (this.erases ? 1 - cover : cover)));
      }
  }

  private put(column: number, row: number, level: number): void {
    if (column < 0 || row < 0 || column >= 3 * SIDE || row >= 3 * SIDE) return;
    const place = Math.floor(row / SIDE) * 3 + Math.floor(column / SIDE);
    const index = (row % SIDE) * SIDE + (column % SIDE);
    const before = this.grey[place][index];
    const after = this.erases ? Math.min(before, level) : Math.max(before, level);
    if (after === before) return;
    this.grey[place][index] = after;
    this.touched.add(place);
  }
}

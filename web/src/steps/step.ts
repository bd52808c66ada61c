// A step of the look inside: its name, the part of the schematic it belongs to, and what it shows of a tile.

import type { Told } from "../detector";
import { canvas, h, paintGrey } from "../dom";
import type { Data } from "../load";

export interface Look {
  told: Told;
  place: number; // the tile, 0..8
  data: Data;
  memories: Uint8Array | null; // (9, S, 28, 28), null while they are on their way
  room: number; // CSS pixels of width
}

export interface Step {
  id: string;
  title: string;
  part: string; // of the schematic
  show(look: Look): (HTMLElement | SVGElement)[];
}

export function text(...parts: (string | Node)[]): HTMLElement {
  return h("p", {}, ...parts);
}

export function picture(values: ArrayLike<number>, side: number, caption: string, label = caption): HTMLElement {
  const shown = canvas(side, label);
  paintGrey(shown, values);
  return h("figure", { class: "small" }, shown, h("figcaption", {}, caption));
}

export function slotsOf(look: Look, values: Float32Array): Float32Array {
  const count = look.told.reading.slots;
  return values.subarray(look.place * count, (look.place + 1) * count);
}

// The places of the highest values, highest first.
export function strongest(values: Float32Array, count: number): number[] {
  return Array.from(values.keys()).sort((one, other) => values[other] - values[one]).slice(0, count);
}

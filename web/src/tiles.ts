// Tiles: what each of the nine shows, its pixels, and whether a normal image may show it there.

import type { Data } from "./load";

export const TILES = 9;
export const SIDE = 32; // pixels of a tile
export const PIXELS = SIDE * SIDE;
const GLYPH = 28; // pixels of a digit inside its tile
const EDGE = (SIDE - GLYPH) / 2;
export const LEVELS = 15; // brightest grey of a drawing, which a link holds in four bits

export type Source =
  | { kind: "digit"; digit: number; sample: number }
  | { kind: "written"; hand: number; image: number; tile: number } // hand: its step, from 1
  | { kind: "blank" }
  | { kind: "ink"; grey: Uint8Array }; // 0..LEVELS

export interface Tile {
  source: Source;
  mirrored: boolean; // left-right
  turned: boolean; // upside down
}

export type Truth = "right" | "wrong" | "unknown";

export function tile(source: Source): Tile {
  return { source, mirrored: false, turned: false };
}

export function pixelsOf(shown: Tile, data: Data): Uint8Array {
  const plain = plainPixels(shown.source, data);
  if (!shown.mirrored && !shown.turned) return plain;
  const flipped = new Uint8Array(PIXELS);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const row = shown.turned ? SIDE - 1 - y : y;
      flipped[y * SIDE + x] = plain[row * SIDE + (shown.mirrored ? SIDE - 1 - x : x)];
    }
  return flipped;
}

function plainPixels(source: Source, data: Data): Uint8Array {
  const pixels = new Uint8Array(PIXELS);
  if (source.kind === "ink") return source.grey.map((level) => Math.round((level * 255) / LEVELS));
  if (source.kind === "written") {
    const images = data.facts.arrays.written.shape[1];
    const start = (((source.hand - 1) * images + source.image) * TILES + source.tile) * PIXELS;
    return data.written.slice(start, start + PIXELS);
  }
  if (source.kind === "digit") {
    const start = (source.digit * data.facts.arrays.samples.shape[1] + source.sample) * GLYPH * GLYPH;
    for (let y = 0; y < GLYPH; y++) {
      const row = data.samples.subarray(start + y * GLYPH, start + (y + 1) * GLYPH);
      pixels.set(row, (y + EDGE) * SIDE + EDGE);
    }
  }
  return pixels;
}

// The whole image, (96, 96) in 0..1, as the detector wants it.
export function imageOf(tiles: Tile[], data: Data): Float32Array {
  const image = new Float32Array(TILES * PIXELS);
  const width = 3 * SIDE;
  tiles.forEach((shown, place) => {
    const pixels = pixelsOf(shown, data);
    const corner = Math.floor(place / 3) * SIDE * width + (place % 3) * SIDE;
    for (let index = 0; index < PIXELS; index++)
      image[corner + Math.floor(index / SIDE) * width + (index % SIDE)] = pixels[index] / 255;
  });
  return image;
}

export function truthOf(shown: Tile, place: number, data: Data): Truth {
  const { source, mirrored, turned } = shown;
  if (source.kind === "ink") return "unknown";
  if (source.kind === "blank") return "wrong";
  let digit = source.kind === "digit" ? source.digit : source.tile + 1;
  if (source.kind === "written" && data.facts.written.wrong[source.image].includes(source.tile)) digit = -1;
  if (digit !== place + 1) return "wrong";
  const { flips, turned_alike } = data.facts.truth;
  if (mirrored && turned) return turned_alike.includes(digit) ? "right" : "wrong";
  const changing = flips[String(digit)] ?? [];
  const changed = (mirrored && changing.includes("horizontal")) || (turned && changing.includes("vertical"));
  return changed ? "wrong" : "right";
}

export function truthOfImage(tiles: Tile[], data: Data): Truth {
  const truths = tiles.map((shown, place) => truthOf(shown, place, data));
  if (truths.includes("wrong")) return "wrong";
  return truths.includes("unknown") ? "unknown" : "right";
}

export function describe(shown: Tile): string {
  const { source } = shown;
  const turns = `${shown.mirrored ? ", mirrored" : ""}${shown.turned ? ", upside down" : ""}`;
  if (source.kind === "blank") return "empty";
  if (source.kind === "ink") return `a drawing${turns}`;
  return `digit ${source.kind === "digit" ? source.digit : source.tile + 1}${turns}`;
}

export function nameOfTile(place: number): string {
  return `tile ${place + 1}`;
}

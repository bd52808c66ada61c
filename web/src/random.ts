// Random images of the stored test digits: normal ones, and one with each type of anomaly.

import type { Data } from "./load";
import { LEVELS, PIXELS, SIDE, TILES, pixelsOf, tile, type Tile } from "./tiles";

export type Draw = (below: number) => number; // a whole number 0..below - 1

export const draw: Draw = (below) => Math.floor(Math.random() * below);

export function normalImage(data: Data, chosen: Draw = draw): Tile[] {
  const samples = data.facts.arrays.samples.shape[1];
  return Array.from({ length: TILES }, (_, place) => tile({ kind: "digit", digit: place + 1, sample: chosen(samples) }));
}

export function writtenImage(hand: number, image: number): Tile[] {
  return Array.from({ length: TILES }, (_, place) => tile({ kind: "written", hand, image, tile: place }));
}

// The same with an anomaly of this type; the tile that became wrong comes with it.
export function altered(before: Tile[], kind: string, data: Data, chosen: Draw = draw): { tiles: Tile[]; wrong: number } {
  const tiles = [...before];
  let wrong = chosen(TILES);
  if (kind === "missing") tiles[wrong] = tile({ kind: "blank" });
  else if (kind === "novel")
    tiles[wrong] = tile({ kind: "digit", digit: 0, sample: chosen(data.facts.arrays.samples.shape[1]) });
  else if (kind === "disorder") {
    const other = (wrong + 1 + chosen(TILES - 1)) % TILES;
    [tiles[wrong], tiles[other]] = [tiles[other], tiles[wrong]];
  } else if (kind === "flipped") {
    const able = Object.keys(data.facts.truth.flips).map(Number);
    const digit = able[chosen(able.length)];
    const axes = data.facts.truth.flips[String(digit)];
    wrong = digit - 1;
    const mirrored = axes[chosen(axes.length)] === "horizontal";
    tiles[wrong] = { ...tiles[wrong], mirrored, turned: !mirrored };
  } else if (kind === "lesion") tiles[wrong] = lesion(tiles[wrong], data, chosen);
  return { tiles, wrong };
}

// A smooth blob beside or on the ink, or a place where the stroke fades; as ``digitanatomy.lesion`` at severity 0.5.
function lesion(shown: Tile, data: Data, chosen: Draw): Tile {
  const before = pixelsOf(shown, data);
  const inked = Array.from(before.keys()).filter((index) => before[index] > 128);
  const middle = inked.length ? inked[chosen(inked.length)] : chosen(PIXELS);
  const width = 1.8 + 1.2 * (chosen(1000) / 1000);
  const fades = chosen(2) === 0;
  const grey = before.map((value, index) => {
    const across = (index % SIDE) - (middle % SIDE);
    const down = Math.floor(index / SIDE) - Math.floor(middle / SIDE);
    const near = Math.exp(-(across ** 2 + down ** 2) / (2 * width ** 2));
    const after = fades ? value * (1 - 0.5 * near) : Math.min(255, value + 127.5 * near);
    return Math.round((after * LEVELS) / 255);
  });
  return tile({ kind: "ink", grey });
}

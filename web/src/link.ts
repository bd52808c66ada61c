// Link: the whole state behind the # of the address, so that no server ever sees it.
//
//     #t=1-12.2-5.3-40h.b.i.6-1.7-3.8-8.9-9&i=...&m=50&r=topk&k=3&l=0.003&s=4&n=2
//
// t: the tiles, digit-sample or w-hand-image-tile or b (empty) or i (drawn), with h (mirrored) and v (upside down);
// i: drawings, two pixels a byte, deflated, in base64url; m, r, k, l: the reading; s: the tile looked at; n: moves.

import type { Shrinkage } from "./facts";
import type { Data } from "./load";
import { onLadder } from "./reading";
import type { State } from "./state";
import { LEVELS, PIXELS, TILES, tile, type Source, type Tile } from "./tiles";

const SHRINKAGES: Shrinkage[] = ["soft", "hard", "topk"];
const MOST = 20000; // characters of a link

export async function linkOf(state: State): Promise<string> {
  const inks = state.tiles.map(({ source }) => source).filter((source) => source.kind === "ink");
  const parts = [`t=${state.tiles.map(word).join(".")}`];
  if (inks.length) parts.push(`i=${await packed(inks.map((source) => source.grey))}`);
  parts.push(`m=${state.slots}`, `r=${state.shrinkage}`, `k=${state.k}`, `l=${state.threshold}`);
  parts.push(`s=${state.selected + 1}`, `h=${state.hand}`, `n=${state.moves}`);
  return parts.join("&");
}

function word(shown: Tile): string {
  const { source } = shown;
  const turns = `${shown.mirrored ? "h" : ""}${shown.turned ? "v" : ""}`;
  if (source.kind === "digit") return `${source.digit}-${source.sample}${turns}`;
  if (source.kind === "written") return `w-${source.hand}-${source.image}-${source.tile}${turns}`;
  return (source.kind === "blank" ? "b" : "i") + turns;
}

// The state of a link, or null where it is none of this page's.
export async function stateOf(link: string, start: State, data: Data): Promise<State | null> {
  if (!link || link.length > MOST) return null;
  const values = new URLSearchParams(link);
  try {
    const words = values.get("t")?.split(".") ?? [];
    if (words.length !== TILES) return null;
    const drawings = values.has("i") ? await unpacked(values.get("i") as string) : [];
    const tiles = words.map((text) => tileOf(text, drawings, data));
    const shrinkage = SHRINKAGES.find((name) => name === values.get("r")) ?? start.shrinkage;
    const setting = onLadder(data.facts, {
      slots: number(values, "m", start.slots),
      shrinkage,
      threshold: number(values, "l", start.threshold),
      k: number(values, "k", start.k),
    });
    const hand = whole(values, "h", 0, data.facts.hands.length - 1);
    const selected = whole(values, "s", 1, TILES) - 1;
    const image = tiles.map(({ source }) => source).find((source) => source.kind === "written")?.image ?? start.image;
    return { ...start, ...setting, tiles, selected, hand, image, moves: whole(values, "n", 0, 999), drawn: -1 };
  } catch {
    return null; // cut or changed on its way: the page begins as it does without a link, and says so
  }
}

function tileOf(text: string, drawings: Uint8Array[], data: Data): Tile {
  const match = /^(?:(\d)-(\d+)|w-(\d+)-(\d+)-(\d)|(b)|(i))(h?)(v?)$/.exec(text);
  if (!match) throw new Error(`no tile: ${text}`);
  const [, digit, sample, hand, image, place, blank, , mirrored, turned] = match;
  const source = ((): Source => {
    if (digit !== undefined) return { kind: "digit", digit: Number(digit), sample: Number(sample) };
    if (hand !== undefined) return { kind: "written", hand: Number(hand), image: Number(image), tile: Number(place) };
    if (blank) return { kind: "blank" };
    const grey = drawings.shift();
    if (!grey) throw new Error("a drawing is missing");
    return { kind: "ink", grey };
  })();
  check(source, data);
  return { ...tile(source), mirrored: Boolean(mirrored), turned: Boolean(turned) };
}

function check(source: Source, data: Data): void {
  const { samples, written } = data.facts.arrays;
  const fine =
    source.kind === "digit"
      ? source.sample < samples.shape[1]
      : source.kind !== "written" ||
        (source.hand >= 1 && source.hand <= written.shape[0] && source.image < written.shape[1] && source.tile < TILES);
  if (!fine) throw new Error("no such digit");
}

function number(values: URLSearchParams, name: string, otherwise: number): number {
  const value = Number(values.get(name) ?? otherwise);
  return Number.isFinite(value) ? value : otherwise;
}

function whole(values: URLSearchParams, name: string, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(number(values, name, least))));
}

async function packed(drawings: Uint8Array[]): Promise<string> {
  const bytes = new Uint8Array((drawings.length * PIXELS) / 2);
  drawings.forEach((grey, index) => {
    for (let pixel = 0; pixel < PIXELS; pixel += 2)
      bytes[(index * PIXELS + pixel) / 2] = (grey[pixel] << 4) | grey[pixel + 1];
  });
  const short = await through(bytes, new CompressionStream("deflate-raw"));
  return btoa(String.fromCharCode(...short)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function unpacked(text: string): Promise<Uint8Array[]> {
  const short = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const bytes = await through(short, new DecompressionStream("deflate-raw"));
  if (bytes.length % (PIXELS / 2) || bytes.length > (TILES * PIXELS) / 2) throw new Error("no drawings");
  const grey = Uint8Array.from({ length: bytes.length * 2 }, (_, pixel) =>
    pixel % 2 ? bytes[pixel >> 1] & LEVELS : bytes[pixel >> 1] >> 4,
  );
  return Array.from({ length: grey.length / PIXELS }, (_, index) => grey.slice(index * PIXELS, (index + 1) * PIXELS));
}

async function through(bytes: Uint8Array, change: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(change);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

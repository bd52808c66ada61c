// State: everything that one view of the page depends on, as plain values; every change makes a new one.

import type { Data } from "./load";
import { altered, normalImage, writtenImage, type Draw } from "./random";
import { nearest, onLadder, type Setting } from "./reading";
import { TILES, tile, type Tile } from "./tiles";

export interface State extends Setting {
  tiles: Tile[];
  selected: number; // the tile that is looked at, 0..8
  hand: number; // step of the hand that writes the image, 0: every digit by its own
  image: number; // which of the written images, where hand is above 0
  moves: number; // changes of tiles since the image came
  drawn: number; // the tile that the last move drew on, -1: it was another move
}

export function beginning(data: Data): State {
  const { samples, tile: wrong, image } = data.facts.beginning;
  const { hands, hand: learned } = data.facts;
  const hand = hands.indexOf(nearest(hands, learned)); // images of the kind that the detector learned from
  const tiles = hand
    ? writtenImage(hand, image)
    : samples.map((sample, place) => tile({ kind: "digit", digit: place + 1, sample }));
  tiles[wrong] = { ...tiles[wrong], mirrored: true };
  return { ...data.facts.start, tiles, selected: wrong, hand, image, moves: 0, drawn: -1 };
}

export function withNewImage(state: State, kind: string, data: Data, draw?: Draw): State {
  const fresh = { moves: 0, drawn: -1 };
  if (state.hand) {
    const kinds = data.facts.written.kinds;
    const first = kinds.indexOf(kind === "stranger" ? kind : data.facts.normal);
    const count = kinds.filter((other) => other === kinds[first]).length;
    const place = state.image - first; // among its kind; of another kind the first comes first
    const image = first + (place >= 0 && place < count ? (place + 1) % count : 0);
    const wrong = data.facts.written.wrong[image];
    const written = writtenImage(state.hand, image);
    if (kind === "stranger" || kind === data.facts.normal)
      return { ...state, ...fresh, image, tiles: written, selected: wrong[0] ?? state.selected };
    const changed = altered(written, kind, data, draw);
    return { ...state, ...fresh, image, tiles: changed.tiles, selected: changed.wrong };
  }
  const normal = normalImage(data, draw);
  if (kind === data.facts.normal) return { ...state, ...fresh, tiles: normal };
  const changed = altered(normal, kind, data, draw);
  return { ...state, ...fresh, tiles: changed.tiles, selected: changed.wrong };
}

export function withHand(state: State, hand: number, data: Data): State {
  const fresh = { hand, moves: 0, drawn: -1 };
  if (!hand) return { ...state, ...fresh, tiles: normalImage(data) };
  const image = Math.min(state.image, data.facts.written.kinds.length - 1);
  return { ...state, ...fresh, image, tiles: writtenImage(hand, image) };
}

export function withTile(state: State, place: number, shown: Tile): State {
  const tiles = state.tiles.map((before, index) => (index === place ? shown : before));
  return { ...state, tiles, moves: state.moves + 1, drawn: -1 };
}

// A stroke; further strokes on the same tile belong to the same move.
export function withInk(state: State, changes: Map<number, Uint8Array>): State {
  const tiles = state.tiles.map((before, place) => {
    const grey = changes.get(place);
    return grey ? tile({ kind: "ink", grey }) : before;
  });
  const places = [...changes.keys()];
  const same = places.every((place) => place === state.drawn);
  const drawn = places.length === 1 ? places[0] : -1;
  return { ...state, tiles, moves: state.moves + (same ? 0 : 1), drawn };
}

export function swapped(state: State, one: number, other: number): State {
  const tiles = [...state.tiles];
  [tiles[one], tiles[other]] = [tiles[other], tiles[one]];
  return { ...state, tiles, moves: state.moves + 1, drawn: -1, selected: other };
}

export function withSetting(state: State, change: Partial<Setting>, data: Data): State {
  return { ...state, ...onLadder(data.facts, { ...state, ...change }) };
}

export function sameImage(one: State, other: State): boolean {
  return Array.from({ length: TILES }, (_, place) => one.tiles[place] === other.tiles[place]).every(Boolean);
}

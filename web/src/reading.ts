// How the memory is read: its size, the shrinkage, and what normal images score when it is read so.

import type { Facts, ReadingFacts, Shrinkage } from "./facts";
import { TILES } from "./tiles";

export interface Setting {
  slots: number;
  shrinkage: Shrinkage;
  threshold: number; // lambda of hard shrinkage
  k: number; // of top-k
}

export interface Reading extends ReadingFacts {
  slots: number;
  k: number;
  lambda: number;
  mean: Float32Array; // (P, 9)
  std: Float32Array; // (P, 9)
  normals: Float32Array; // sorted scores of the calibration images
}

export function nameOf(setting: Setting): string {
  const { slots, shrinkage, threshold, k } = setting;
  const amount = { soft: "", hard: ` ${threshold}`, topk: ` ${Math.min(k, slots)}` }[shrinkage];
  return `${slots} ${shrinkage}${amount}`;
}

// The k that are offered for a memory of some size, the last of them all.
export function ksOf(facts: Facts, slots: number): number[] {
  const start = `${slots} topk `;
  const names = facts.readings.map((reading) => reading.name).filter((name) => name.startsWith(start));
  return names.map((name) => Number(name.slice(start.length))).sort((one, other) => one - other);
}

// The same setting on the nearest rungs for which normal images were scored.
export function onLadder(facts: Facts, setting: Setting): Setting {
  const slots = nearest(facts.sizes, setting.slots);
  return {
    slots,
    shrinkage: setting.shrinkage,
    threshold: nearest(facts.thresholds, setting.threshold),
    k: nearest(ksOf(facts, Math.max(...facts.sizes)), setting.k),
  };
}

export function readingOf(facts: Facts, numbers: Float32Array, setting: Setting): Reading {
  const wanted = setting.shrinkage === "topk" ? { ...setting, k: nearest(ksOf(facts, setting.slots), setting.k) } : setting;
  const name = nameOf(wanted);
  const place = facts.readings.findIndex((reading) => reading.name === name);
  if (place < 0) throw new Error(`no normal images were scored for the reading ${name}`);
  const width = facts.arrays.readings.shape[1];
  const row = numbers.subarray(place * width, (place + 1) * width);
  const half = facts.patch_scores.length * TILES;
  return {
    ...facts.readings[place],
    slots: wanted.slots,
    k: wanted.shrinkage === "topk" ? wanted.k : wanted.slots,
    lambda: wanted.shrinkage === "hard" ? wanted.threshold : 0,
    mean: row.slice(0, half),
    std: row.slice(half, 2 * half),
    normals: row.slice(2 * half),
  };
}

export function nearest(values: number[], wanted: number): number {
  return values.reduce((best, value) => (Math.abs(value - wanted) < Math.abs(best - wanted) ? value : best));
}

// Colours: Python's palette as CSS variables, and the anomaly map's table of 256 colours.

import type { Facts } from "./facts";

export function usePalette(facts: Facts): void {
  for (const [name, colour] of Object.entries(facts.colours.palette))
    document.documentElement.style.setProperty(`--${name}`, colour);
}

export function mapColours(facts: Facts): Uint8Array[] {
  const bytes = Uint8Array.from({ length: 256 * 3 }, (_, index) =>
    parseInt(facts.colours.map.slice(2 * index, 2 * index + 2), 16),
  );
  return Array.from({ length: 256 }, (_, index) => bytes.subarray(3 * index, 3 * index + 3));
}

// The root keeps faint findings visible; 1 is a normal image at its worst. As in the explorer.
export function mapColour(table: Uint8Array[], value: number): Uint8Array {
  return table[Math.round(255 * Math.sqrt(Math.min(1, Math.max(0, value))))];
}

// What page.json holds: everything that Python knows of the detector, in Python's words and colours.

export type Shrinkage = "soft" | "hard" | "topk";
export type ArrayName = "slots" | "readings" | "samples" | "written" | "memories";

export interface ReadingFacts {
  name: string;
  threshold: number; // of the verdict
  limits: number[]; // what a normal image's worst patch scores, combined and by context
  scale: number[][]; // mean and standard deviation of normal images' scores, combined and by context
  auc: number | null;
}

export interface Facts {
  format: number;
  trained: Record<string, string | number>;
  hand: number;
  limitations: string[];
  score: string;
  patch_scores: string[];
  rate: number;
  calibrated_on: number;
  sizes: number[];
  thresholds: number[];
  start: { slots: number; shrinkage: Shrinkage; threshold: number; k: number };
  inputs: string[];
  outputs: string[];
  arrays: Record<ArrayName, { shape: number[]; type: string }>;
  readings: ReadingFacts[];
  hands: number[];
  written: { kinds: string[]; wrong: number[][] };
  test: Record<string, number>;
  beginning: { samples: number[]; tile: number; image: number };
  words: {
    kinds: Record<string, string>;
    anomalies: string[];
    scores: Record<string, string>;
    verdicts: [string, string, string];
    verdict: string;
    use: string;
    digits: { source: string; licence: string };
  };
  colours: { palette: Record<string, string>; map: string };
  truth: { flips: Record<string, string[]>; turned_alike: number[] };
  schematic: string;
  normal: string;
}

export const FORMAT = 2;

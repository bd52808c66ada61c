// The detector: one graph whose memory is an input, run by onnxruntime's WebAssembly on one thread.

import { InferenceSession, Tensor, env } from "onnxruntime-web/wasm";
import runtime from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

import type { Data } from "./load";
import type { Reading } from "./reading";
import { SIDE, TILES } from "./tiles";

// Of one image: what ``squidlib.detection.onnx_page.Page`` names, without the first dimension.
export interface Told {
  queries: Float32Array; // (9, D)
  similarity: Float32Array; // (9, S)
  softmax: Float32Array; // (9, S)
  weights: Float32Array; // (9, S)
  attention: Float32Array; // (9, 8)
  reconstruction: Float32Array; // (96, 96)
  alone: Float32Array; // (96, 96)
  standard: Float32Array; // (P, 9)
  raw: Float32Array; // (P, 9)
  patch_scores: Float32Array; // (9,)
  own: Float32Array; // (9,)
  anomaly_map: Float32Array; // (96, 96)
  score: number;
  unlike: boolean;
  called: string; // one of the three verdicts
  reading: Reading;
  image: Float32Array; // (96, 96)
}

const WANTED = [
  "queries", "similarity", "softmax", "weights", "attention", "reconstruction", "alone", "standard", "raw",
  "patch_scores", "own", "anomaly_map",
] as const;

export class Detector {
  private kept = new Map<number, Tensor>();

  private constructor(
    private session: InferenceSession,
    private data: Data,
  ) {}

  static async start(model: Promise<Uint8Array>, data: Promise<Data>): Promise<Detector> {
    env.wasm.numThreads = 1; // more would need headers that a plain file server does not send
    env.wasm.wasmPaths = { wasm: new URL(runtime, document.baseURI).href };
    const session = await InferenceSession.create(await model, { executionProviders: ["wasm"] });
    return new Detector(session, await data);
  }

  async judge(image: Float32Array, reading: Reading): Promise<Told> {
    const numbers = [this.data.facts.patch_scores.length, TILES];
    const found = await this.session.run({
      images: new Tensor("float32", image, [1, 1, 3 * SIDE, 3 * SIDE]),
      slots: this.newest(reading.slots),
      k: new Tensor("int64", [BigInt(reading.k)], []),
      threshold: new Tensor("float32", [reading.lambda], []),
      mean: new Tensor("float32", reading.mean, numbers),
      std: new Tensor("float32", reading.std, numbers),
      limits: new Tensor("float32", reading.limits, [2]),
      scale: new Tensor("float32", reading.scale.flat(), [2, 2]),
    });
    const parts = Object.fromEntries(WANTED.map((name) => [name, found[name].data as Float32Array]));
    const score = (found.score.data as Float32Array)[0];
    if (!Number.isFinite(score)) throw new Error("the score is no number: that is no verdict");
    const unlike = Boolean((found.unlike.data as Uint8Array)[0]);
    const [normal, abnormal, other] = this.data.facts.words.verdicts;
    const called = unlike ? other : score > reading.threshold ? abnormal : normal;
    return { ...(parts as Pick<Told, (typeof WANTED)[number]>), score, unlike, called, reading, image };
  }

  // The newest slots of each position: what a smaller queue would hold.
  private newest(count: number): Tensor {
    const known = this.kept.get(count);
    if (known) return known;
    const [positions, slots, length] = this.data.facts.arrays.slots.shape;
    const chosen = new Float32Array(positions * count * length);
    for (let place = 0; place < positions; place++) {
      const end = (place + 1) * slots * length;
      chosen.set(this.data.slots.subarray(end - count * length, end), place * count * length);
    }
    const tensor = new Tensor("float32", chosen, [positions, count, length]);
    this.kept.set(count, tensor);
    return tensor;
  }
}

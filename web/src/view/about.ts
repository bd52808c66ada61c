// About: how this detector was trained, what it cannot tell, and what it is not for.

import { h, percent } from "../dom";
import type { Facts } from "../facts";

export function aboutOf(facts: Facts): HTMLElement {
  const list = h("dl", {});
  const add = (name: string, value: string) => list.append(h("dt", {}, name), h("dd", {}, value));
  if (facts.trained.command) add("Trained by", String(facts.trained.command));
  if (facts.trained.seed !== undefined) add("Seed", String(facts.trained.seed));
  add("Score", `${facts.score}: ${facts.words.scores[facts.score] ?? ""}`);
  add("Threshold", `${percent(facts.rate)} of ${facts.calibrated_on} held-out normal images may exceed it`);
  add("Digits", `${facts.words.digits.source}; ${facts.words.digits.licence}`);
  add("Runs by", "onnxruntime-web (MIT), in WebAssembly on one thread");
  for (const line of facts.limitations) add("Limit", line);
  return h("footer", {},
    h("p", {}, "SQUID, space-aware memory queues for in-painting and detecting anomalies, is of Xiang, Zhang, Lu, Yuille, Zhang, Cai and " +
      "Zhou (CVPR 2023); DigitAnatomy, images of nine digits that imitate anatomy, too. Results on digits do not carry over to X-rays. ",
      h("strong", {}, `For ${facts.words.use.replace(/^for /, "")}.`)),
    h("details", {}, h("summary", {}, "About this detector"), list));
}

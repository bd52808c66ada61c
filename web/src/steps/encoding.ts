// Steps 1 and 2: the tile, and the feature that the encoder makes of it.

import { h, tileOf } from "../dom";
import { picture, text, type Step } from "./step";

export const patch: Step = {
  id: "patch",
  title: "Patch",
  part: "input",
  show: ({ told, place }) => [
    picture(tileOf(told.image, place), 32, `tile ${place + 1}`),
    h("div", {}, text(
      "The image is cut into nine patches. SQUID knows each position apart: it has only ever seen normal images, and at this " +
        `position they show a ${place + 1}. Nobody told it what a digit is, or what an anomaly looks like.`,
    )),
  ],
};

export const query: Step = {
  id: "query",
  title: "Query",
  part: "encoder",
  show: ({ told, place }) => {
    const length = told.queries.length / 9;
    const feature = told.queries.subarray(place * length, (place + 1) * length);
    const side = Math.sqrt(length);
    const most = Math.max(1e-9, ...feature);
    const shown = Number.isInteger(side)
      ? picture(feature.map((value) => value / most), side, `${length} numbers`, `The query as ${side} by ${side} grey cells`)
      : null;
    const active = feature.filter((value) => value > 0).length;
    return [
      ...(shown ? [shown] : []),
      h("div", {}, text(
        `The encoder, a small convolutional network, turns the patch into ${length} numbers, its `, h("strong", {}, "query"),
        `. ${active} of them are above zero here. Patches that look alike get queries that point the same way, so that ` +
          "they can be looked up.",
      )),
    ];
  },
};

// Results: the reconstruction and the anomaly map.

import { mapColour, mapColours } from "../colours";
import { canvas, h, paint, paintGrey } from "../dom";
import type { Store } from "../store";

export function resultsOf(store: Store): HTMLElement {
  const table = mapColours(store.data.facts);
  const picture = canvas(96, "Reconstruction");
  const map = canvas(96, "Anomaly map");
  const where = h("figcaption", {});
  store.onTold((told) => {
    paintGrey(picture, told.reconstruction);
    paint(map, (bytes) => told.anomaly_map.forEach((value, index) => bytes.set(mapColour(table, value), 4 * index)));
    const worst = told.patch_scores.indexOf(Math.max(...told.patch_scores));
    where.replaceChildren(h("strong", {}, "Anomaly map"), ` where they differ; brightest belongs to tile ${worst + 1}`);
    map.setAttribute("aria-label", `Anomaly map; the worst tile is ${worst + 1}`);
  });
  return h(
    "div",
    { class: "results" },
    h("figure", {}, picture, h("figcaption", {}, h("strong", {}, "Reconstruction"), " what normal memories and neighbours make of it")),
    h("figure", {}, map, where),
  );
}

// Steps 6 and 7: what the eight neighbours add, and the reconstruction.

import { canvas, h, paintGrey, percent, tileOf } from "../dom";
import { picture, text, type Look, type Step } from "./step";

const AROUND = [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 0], [1, 1]];

export const neighbours: Step = {
  id: "neighbours",
  title: "Neighbours",
  part: "neighbours",
  show: (look) => {
    const { told, place, data } = look;
    const own = tileOf(told.reconstruction, place);
    const usual = tileOf(told.alone, place);
    const change = own.reduce((sum, value, index) => sum + Math.abs(value - usual[index]), 0) / own.length;
    return [
      window3x3(look),
      h("div", { class: "pair" },
        picture(usual, 32, "with usual neighbours"), picture(own, 32, "with these neighbours")),
      h("div", {}, text(
        "The in-painting block asks the memories of the neighbouring patches, by attention; the percentages say how much each " +
          "counts, mean of the heads. Beyond the edge there are zeros. The two pictures compare the answer with that of " +
          `average neighbours: they differ by ${percent(change, 1)} of the grey scale on average.` +
          (data.facts.hand ? "" : " With digits that are drawn at random, neighbours tell little about each other."),
      )),
    ];
  },
};

function window3x3({ told, place }: Look): HTMLElement {
  const most = Math.max(...told.attention.subarray(place * 8, place * 8 + 8));
  const cells = AROUND.map(([down, right], index) => {
    const row = Math.floor(place / 3) + down;
    const column = (place % 3) + right;
    const weight = told.attention[place * 8 + index];
    const inside = row >= 0 && row < 3 && column >= 0 && column < 3;
    const tile = canvas(32, "");
    if (inside) paintGrey(tile, tileOf(told.reconstruction, row * 3 + column));
    const cell = h("span", { class: inside ? "cell" : "cell outside" }, inside ? tile : "", h("b", {}, percent(weight)));
    cell.style.setProperty("--share", String(weight / most));
    return cell;
  });
  const middle = h("span", { class: "cell middle" }, h("b", {}, "asks"));
  cells.splice(4, 0, middle);
  const shares = AROUND.map((_, index) => percent(told.attention[place * 8 + index])).join(", ");
  return h("div", { class: "window", role: "img", "aria-label": `Attention to the eight neighbours in reading order: ${shares}` },
    ...cells);
}

export const reconstruction: Step = {
  id: "reconstruction",
  title: "Reconstruction",
  part: "reconstruction",
  show: ({ told, place }) => {
    const before = tileOf(told.image, place);
    const after = tileOf(told.reconstruction, place);
    const difference = before.map((value, index) => Math.abs(value - after[index]));
    return [
      picture(before, 32, "image"),
      picture(after, 32, "reconstruction"),
      picture(difference, 32, "difference"),
      h("div", {}, text(
        "The student decoder turns the in-painted feature back into pixels. It shows what a normal image would look like here, " +
          "given this query. Where the image is normal the two are much alike; where it is not, the difference stays.",
      )),
    ];
  },
};

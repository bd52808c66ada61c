// The ten steps of the tour: where each points, what it says, and what it does first.

import { beginning, withNewImage, withSetting, withTile } from "../state";
import type { Store } from "../store";
import { tile } from "../tiles";
import { STEPS, type Inside } from "./inside";

export interface TourStep {
  target: string;
  title: string;
  text: string;
  act?: () => void;
}

export function tourSteps(store: Store, inside: Inside): TourStep[] {
  const { data } = store;
  const first = beginning(data);
  const wrong = first.selected;
  const step = (id: string) => inside.go(STEPS.findIndex((one) => one.id === id));
  return [
    {
      target: ".image",
      title: "An image like a body",
      text: `Nine digits, always in the same places, as organs are in an X-ray. Tile ${wrong + 1} is mirrored: an anomaly.`,
      act: () => store.set(beginning(data)),
    },
    {
      target: ".results",
      title: "What it should look like",
      text: "SQUID has seen normal images only. It reconstructs this one from memories of normal digits, and the mirrored digit does not come back.",
    },
    {
      target: ".verdict",
      title: "Normal or not?",
      text: "Grey bars: scores of normal images it never trained on. The dotted threshold lets one normal image in twenty through as a false alarm. This image lies beyond.",
    },
    {
      target: ".image",
      title: "Put it right",
      text: "Mirrored once more, the digit is what it was, and the verdict follows at once. All of this runs in your browser; nothing is sent anywhere.",
      act: () => store.set(withTile(store.state, wrong, { ...tile(first.tiles[wrong].source), mirrored: false })),
    },
    {
      target: ".image",
      title: "Draw",
      text: "Tile 5 is empty now. Drag with a mouse, a finger or a pen to write a 5 into it. Keyboard: go to the tile and press D.",
      act: () => store.set({ ...withTile(store.state, 4, tile({ kind: "blank" })), selected: 4 }),
    },
    {
      target: ".new",
      title: "Anomalies on demand",
      text: "Each button makes a new random image with one type of anomaly. This one is “disorder”: two digits changed places.",
      act: () => store.set(withNewImage(store.state, "disorder", data)),
    },
    {
      target: "#inside",
      title: "Look inside",
      text: "Click any tile and follow it: its query is compared with every slot of its position's memory.",
      act: () => step("similarity"),
    },
    {
      target: "#inside",
      title: "What the memory answers",
      text: "Only the strongest slots answer, and these are the training digits they remember. A wrong digit is answered with right ones.",
      act: () => step("recall"),
    },
    {
      target: ".memory",
      title: "Take memories away",
      text: "Ten slots are left of each tile's memory. See what the reconstruction, the threshold and the AUC do.",
      act: () => store.set(withSetting(store.state, { slots: 10 }, data)),
    },
    {
      target: ".game",
      title: "Now break it",
      text: "Can you make an anomaly that SQUID calls normal, in three moves? The link you copy opens your very image. The memory is whole again.",
      act: () => store.set(withNewImage({ ...store.state, ...data.facts.start }, data.facts.normal, data)),
    },
  ];
}

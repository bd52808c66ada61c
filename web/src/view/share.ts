// Share: the address of this very state, copied or shown to be copied.

import { linkOf } from "../link";
import type { Store } from "../store";
import type { Announcer } from "./announcer";

export async function copyLink(store: Store, say: Announcer): Promise<void> {
  const link = linkOf(store.state).then((text) => {
    history.replaceState(null, "", `#${text}`);
    return new Blob([document.location.href], { type: "text/plain" });
  });
  try {
    // within the click and not after it, as WebKit demands: a drawing is packed later than that
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": link })]);
    notify(say, "Link copied: it opens this very image.");
  } catch {
    await link;
    notify(say, "Copy the address of this page: it opens this very image."); // no right to the clipboard here
  }
}

export function notify(say: Announcer, text: string): void {
  say.now(text);
  const note = document.querySelector<HTMLElement>(".note");
  if (!note) return;
  note.textContent = text;
  note.hidden = false;
  window.setTimeout(() => (note.hidden = true), 4000);
}

// Share: the address of this very state, copied or shown to be copied.

import { linkOf } from "../link";
import type { Store } from "../store";
import type { Announcer } from "./announcer";

export async function copyLink(store: Store, say: Announcer): Promise<void> {
  const address = new URL(document.location.href);
  address.hash = await linkOf(store.state);
  history.replaceState(null, "", address.hash);
  try {
    await navigator.clipboard.writeText(address.href);
    notify(say, "Link copied: it opens this very image.");
  } catch {
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

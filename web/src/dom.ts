// Elements in one line each, numbers as people read them, and pictures of grey values.

type Child = Node | string | null | false;
type Properties = Record<string, unknown>;

export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value as EventListener);
    else if (key === "class") element.className = String(value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

export function svg(name: string, properties: Record<string, string | number> = {}, text = ""): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, String(value));
  if (text) element.textContent = text;
  return element;
}

export function button(label: string, act: () => void, properties: Properties = {}): HTMLButtonElement {
  return h("button", { type: "button", onclick: act, ...properties }, label);
}

// A text of Python's with {name}, {name:.2f} or {name:.0%}.
export function filled(template: string, values: Record<string, string | number>): string {
  return template.replace(/\{(\w+)(?::\.(\d)([f%]))?\}/g, (_, name: string, digits?: string, form?: string) => {
    const value = values[name];
    if (typeof value !== "number" || digits === undefined) return String(value);
    return form === "%" ? `${(100 * value).toFixed(Number(digits))}%` : value.toFixed(Number(digits));
  });
}

export function percent(value: number, digits = 0): string {
  return `${(100 * value).toFixed(digits)}%`;
}

export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

export function canvas(side: number, label: string, more = ""): HTMLCanvasElement {
  const described = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return h("canvas", { width: side, height: side, class: `picture ${more}`, ...described });
}

// Square grey values 0..1 as a picture.
export function paintGrey(target: HTMLCanvasElement, values: ArrayLike<number>): void {
  paint(target, (bytes) => {
    for (let index = 0; index < values.length; index++) bytes.fill(255 * values[index], 4 * index, 4 * index + 3); // clamped
  });
}

// A picture whose red, green and blue ``write`` sets; it is opaque.
export function paint(target: HTMLCanvasElement, write: (bytes: Uint8ClampedArray) => void): void {
  const context = target.getContext("2d") as CanvasRenderingContext2D;
  const picture = context.createImageData(target.width, target.height);
  picture.data.fill(255);
  write(picture.data);
  context.putImageData(picture, 0, 0);
}

// One tile of a whole image (96, 96).
export function tileOf(image: Float32Array, place: number): Float32Array {
  const corner = Math.floor(place / 3) * 32 * 96 + (place % 3) * 32;
  const found = new Float32Array(32 * 32);
  for (let y = 0; y < 32; y++) found.set(image.subarray(corner + y * 96, corner + y * 96 + 32), 32 * y);
  return found;
}

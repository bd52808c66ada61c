// Files of the data folder, which squid export packs with gzip; a server may have unpacked them on the way.

import { FORMAT, type ArrayName, type Facts } from "./facts";

const FOLDER = new URL("./data/", document.baseURI);

export interface Data {
  facts: Facts;
  slots: Float32Array;
  readings: Float32Array;
  samples: Uint8Array;
  written: Uint8Array;
}

async function fetched(name: string): Promise<Response> {
  const answer = await fetch(new URL(name, FOLDER));
  if (!answer.ok) throw new Error(`${name} is missing on the server (${answer.status})`);
  return answer;
}

async function unpacked(name: string): Promise<ArrayBuffer> {
  const content = await (await fetched(`${name}.bin`)).arrayBuffer();
  const start = new Uint8Array(content, 0, 2);
  if (start[0] !== 0x1f || start[1] !== 0x8b) return content;
  const stream = new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

function halfToFloat(bits: Uint16Array): Float32Array {
  const values = new Float32Array(bits.length);
  for (let index = 0; index < bits.length; index++) {
    const sign = bits[index] & 0x8000 ? -1 : 1;
    const exponent = (bits[index] >> 10) & 0x1f;
    const fraction = bits[index] & 0x3ff;
    values[index] = sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  }
  return values;
}

async function floats(name: ArrayName, facts: Promise<Facts>): Promise<Float32Array> {
  const [content, known] = await Promise.all([unpacked(name), facts]);
  return known.arrays[name].type === "float16" ? halfToFloat(new Uint16Array(content)) : new Float32Array(content);
}

export async function loadModel(): Promise<Uint8Array> {
  return new Uint8Array(await unpacked("model"));
}

export async function loadMemories(): Promise<Uint8Array> {
  return new Uint8Array(await unpacked("memories"));
}

export async function loadData(): Promise<Data> {
  const facts = fetched("page.json").then((answer) => answer.json() as Promise<Facts>);
  const [known, slots, readings, samples, written] = await Promise.all([
    facts,
    floats("slots", facts),
    floats("readings", facts),
    unpacked("samples"),
    unpacked("written"),
  ]);
  if (known.format !== FORMAT) throw new Error("the page and its data are of different versions; export it again");
  return { facts: known, slots, readings, samples: new Uint8Array(samples), written: new Uint8Array(written) };
}

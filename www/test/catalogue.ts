/** A small invented catalogue with tastes in it, written as the files of a release. */

import type { Title } from "../demo/catalogue.ts";
import { onnx, type DenseLayer } from "./onnx.ts";

/** The files a node would serve. */
export interface Fixture {
  titles: Title[];
  /** `candidates-<region>.safetensors`, by region. */
  candidates: Map<string, Uint8Array>;
  /** `ranker.onnx` */
  ranker: Uint8Array;
}

const GENRES = ["Drama", "Comedy", "Thriller", "Sci-Fi", "Romance", "Horror", "Documentary", "Animation", "Crime", "Adventure"];
const FIRST = ["Quiet", "Last", "Glass", "Second", "Northern", "Paper", "Burning", "Small", "Hidden", "Electric", "Blue", "Winter"];
const SECOND = ["Harbour", "Orchard", "Signal", "Summer", "Stations", "Kingdom", "Letters", "Machine", "Hours", "Garden", "Line", "Tide"];
const SHAPES = [
  (a: string, b: string) => `The ${a} ${b}`,
  (a: string, b: string) => `${a} ${b}`,
  (a: string, b: string) => `${b} of the ${a}`,
];
const TITLES = SHAPES.length * FIRST.length * SECOND.length;
/** Titles of a genre like each other most; a row holds this many. */
const ROW_LENGTH = 40;
/** Ids are sparse, as those of a real catalogue. */
const ID_FIRST = 1_000;
const ID_STEP = 7;

/** A ranker that mostly keeps the order of the rows: eight features, four hidden units. */
export const LAYERS: readonly DenseLayer[] = [
  { weights: Array.from({ length: 8 }, (_, row) => [row === 0 ? 2 : 0.1, row === 2 ? 1.5 : -0.2, 0.3, 0.05 * row]), biases: [0.1, 0, -0.4, 0.2] },
  { weights: [[1.25], [0.5], [0.3], [-0.2]], biases: [] },
];

/** Builds the fixture; always the same bytes. */
export function fixture(): Fixture {
  const titles = Array.from({ length: TITLES }, (_, index) => titleAt(index));
  const candidates = new Map(["eu", "us"].map((region) => [region, candidateSet(region, titles)]));
  return { titles, candidates, ranker: onnx(LAYERS) };
}

function titleAt(index: number): Title {
  const shape = SHAPES[index % SHAPES.length] ?? String;
  const words = Math.floor(index / SHAPES.length);
  const first = FIRST[words % FIRST.length] ?? "";
  const second = SECOND[Math.floor(words / FIRST.length)] ?? "";
  const genre = mix(index) % GENRES.length;
  const other = mix(index + 5_000) % GENRES.length;
  const genres = [...new Set([genre, other])].map((number) => GENRES[number] ?? "");
  return { id: ID_FIRST + index * ID_STEP, name: shape(first, second), year: 1960 + (mix(index + 9_000) % 60), genres };
}

function candidateSet(region: string, titles: readonly Title[]): Uint8Array {
  const n = titles.length;
  const salt = region === "eu" ? 1 : 2;
  const rows = titles.map((title, index) => rowOf(titles, title, index));
  const offsets = [0];
  for (const row of rows) offsets.push((offsets.at(-1) ?? 0) + row.length);
  const flat = rows.flat();
  const bits = (title: Title) => title.genres.reduce((set, genre) => set | (1 << GENRES.indexOf(genre)), 0);
  return safetensors({ schema: "frontrow-candidates-1", region, genres: GENRES.join(",") }, [
    tensor("title_id", "U32", Uint32Array.from(titles, ({ id }) => id)),
    tensor("popularity", "F32", Float32Array.from(titles, (_, index) => 1 + (mix(index * 31 + salt) % 4_000) / 8)),
    tensor("maturity", "U8", Uint8Array.from(titles, (_, index) => [0, 6, 12, 16, 18][mix(index + 77) % 5] ?? 0)),
    tensor("year", "U16", Uint16Array.from(titles, ({ year }) => year ?? 0)),
    tensor("genres", "U32", Uint32Array.from(titles, bits)),
    tensor("window_from_s", "U64", new BigUint64Array(n)),
    tensor("window_until_s", "U64", new BigUint64Array(n).fill(4_102_444_800n)),
    // Every ninth title is watched more than usual.
    tensor("trend", "F32", Float32Array.from(titles, (_, index) => (mix(index + salt) % 9 === 0 ? 1 + (mix(index) % 50) / 10 : 0))),
    tensor("row_offset", "U32", Uint32Array.from(offsets)),
    tensor("row_index", "U32", Uint32Array.from(flat, ({ index }) => index)),
    tensor("row_weight", "I8", Int8Array.from(flat, ({ weight }) => weight)),
    tensor("row_scale_log2", "I8", new Int8Array(n).fill(-9)),
  ]);
}

/** Titles that share genres, the nearer the stronger; by rising index, as the schema wants. */
function rowOf(titles: readonly Title[], title: Title, self: number): { index: number; weight: number }[] {
  const liked = titles.map((other, index) => {
    const shared = other.genres.filter((genre) => title.genres.includes(genre)).length;
    return { index, weight: index === self ? 0 : shared * 45 + (mix(self * 977 + index) % 30) };
  });
  const best = liked.sort((a, b) => b.weight - a.weight || a.index - b.index).slice(0, ROW_LENGTH);
  return best.sort((a, b) => a.index - b.index);
}

interface Tensor {
  name: string;
  dtype: string;
  length: number;
  bytes: Uint8Array;
}

type Numbers = Uint32Array | Float32Array | Uint8Array | Uint16Array | BigUint64Array | Int8Array;

function tensor(name: string, dtype: string, values: Numbers): Tensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dtype, length: values.length, bytes };
}

/** The widest types first and a header of whole words: every tensor is aligned. */
function safetensors(metadata: Record<string, string>, tensors: Tensor[]): Uint8Array {
  const ordered = [...tensors].sort((a, b) => b.bytes.length / b.length - a.bytes.length / a.length);
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, dtype, length, bytes } of ordered) {
    header[name] = { dtype, shape: [length], data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const text = JSON.stringify(header);
  const head = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const file = new Uint8Array(8 + head.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  let at = 8 + head.length;
  for (const { bytes } of ordered) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

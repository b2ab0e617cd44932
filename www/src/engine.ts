/** The only file that calls the generated glue; everything that can fail goes through {@link call}. */

import load, * as generated from "../generated/bindings.js";
import {
  EngineFailedError,
  FrontrowError,
  LoadFailedError,
  NotAvailableError,
  NotLoadedError,
} from "./errors.ts";

/** Where the WebAssembly file is: its address, an answer of `fetch`, its bytes, or a compiled module. */
export type EngineSource = string | URL | Response | BufferSource | WebAssembly.Module;

/** What a class of ours holds of the engine; freed once. */
export interface Held {
  free(): void;
}

/** A decoded candidate set inside the engine. */
export interface HeldRanking extends Held {
  describe(): string;
  recommend(request: string, atUnixMs: number): string;
  home(request: string, atUnixMs: number): string;
  logits(features: Float32Array): Float32Array;
  predict(pairs: string): string;
  topRated(viewer: number, n: number, exclude: Uint32Array): string;
}

/** A session inside the engine. */
export interface HeldSession extends Held {
  fold(events: string): string;
  save(): Uint8Array;
}

/** What the engine offers once it is loaded. */
export interface Engine {
  loadRanking(
    candidates: Uint8Array,
    factors: Uint8Array | undefined,
    ranker: Uint8Array | undefined,
    tower: Uint8Array | undefined,
    rules: string,
  ): HeldRanking;
  beginSession(): HeldSession;
  restoreSession(state: Uint8Array): HeldSession;
  decide(input: string): string;
}

/** A class for a code, whatever the call; other codes get the class of the call. */
const CLASS_OF_CODE: Record<string, typeof FrontrowError> = {
  "no-factors": NotAvailableError,
  "no-ranker": NotAvailableError,
};

let loading: Promise<void> | undefined;
let loaded: Engine | undefined;

/** Loads the engine once; a failed attempt may be repeated. */
export function startEngine(source?: EngineSource): Promise<void> {
  loading ??= instantiate(source).catch((cause: unknown) => {
    loading = undefined;
    throw new LoadFailedError("load-failed", `the engine could not be loaded: ${text(cause)}`, { cause });
  });
  return loading;
}

/** The engine, or {@link NotLoadedError}. */
export function engine(): Engine {
  if (loaded === undefined) throw new NotLoadedError();
  return loaded;
}

/** Runs a call into the engine and turns what it throws into `Refused` or {@link EngineFailedError}. */
export function call<T>(Refused: typeof FrontrowError, into: () => T): T {
  try {
    return into();
  } catch (thrown) {
    if (thrown instanceof generated.Refusal) {
      const { code, message } = thrown;
      thrown.free();
      throw new (CLASS_OF_CODE[code] ?? Refused)(code, message);
    }
    if (thrown instanceof FrontrowError) throw thrown;
    throw new EngineFailedError("engine-failed", `the engine stopped: ${text(thrown)}`, { cause: thrown });
  }
}

/** A module of one function that returns a vector of sixteen zeros; an engine without vectors refuses it. */
const VECTORS = Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic, version
  1, 5, 1, 0x60, 0, 1, 0x7b, // type: () -> v128
  3, 2, 1, 0, // function
  10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x0f, 0x0b, // code: i32.const 0, i8x16.splat
]);

async function instantiate(source?: EngineSource): Promise<void> {
  const file = WebAssembly.validate(VECTORS) ? "bindings_bg.wasm" : "bindings_plain_bg.wasm";
  await load({ module_or_path: source ?? new URL(file, import.meta.url) });
  loaded = {
    loadRanking: (candidates, factors, ranker, tower, rules) =>
      generated.Ranking.load(candidates, factors, ranker, tower, rules),
    beginSession: () => new generated.Session(),
    restoreSession: (state) => generated.Session.restore(state),
    decide: (input) => generated.decide(input),
  };
}

function text(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

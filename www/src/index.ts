/**
 * Frontrow in the browser: the decisions of an edge node, by the same code and with the same bits.
 *
 * ```ts
 * import { loadFrontrow, RankingModel } from "frontrow";
 *
 * await loadFrontrow();
 * const file = await fetch("/v1/candidates/eu");
 * const rules = JSON.parse(file.headers.get("x-frontrow-rules"));
 * const model = RankingModel.decode(new Uint8Array(await file.arrayBuffer()), rules);
 * const { picks } = model.recommend({ history: [110912, 133093], k: 20 });
 * ```
 */

import { startEngine, type EngineSource } from "./engine.ts";

export { chooseRung } from "./bitrate.ts";
export {
  EngineFailedError,
  FileRefusedError,
  FrontrowError,
  LoadFailedError,
  NotAvailableError,
  NotLoadedError,
  RequestRefusedError,
} from "./errors.ts";
export type { EngineSource } from "./engine.ts";
export type * from "./messages.ts";
export { RankingModel, type RankingModelInfo, type RankingModelParts, type Scored } from "./ranking.ts";
export { PlaybackSession } from "./session.ts";

/**
 * Fetches and starts the engine, once; later calls return the same promise. Everything else here is
 * synchronous and needs it. Without `source` the file is `bindings_bg.wasm` beside this module, or, in a browser whose
 * WebAssembly has no vectors (SIMD), `bindings_plain_bg.wasm`, which answers the same and takes longer.
 *
 * @throws {@link LoadFailedError} the file is missing, or the browser has no WebAssembly.
 */
export function loadFrontrow(source?: EngineSource): Promise<void> {
  return startEngine(source);
}

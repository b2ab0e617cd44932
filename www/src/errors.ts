/**
 * Why something was refused. `code` is stable and the same one that a node answers over HTTP;
 * `message` is for people and may change.
 */
export class FrontrowError extends Error {
  /** Stable, kebab-case, for example `k-out-of-range`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** {@link loadFrontrow} has not been awaited yet. */
export class NotLoadedError extends FrontrowError {
  constructor() {
    super("not-loaded", "await loadFrontrow() before anything else");
  }
}

/** The WebAssembly file could not be fetched or is not one this browser can run. */
export class LoadFailedError extends FrontrowError {}

/** A file of a release (candidate set, factors, saved session) or its rules were refused. */
export class FileRefusedError extends FrontrowError {}

/** A question was refused: a number out of its range, an unknown field, a ladder that does not rise. */
export class RequestRefusedError extends FrontrowError {}

/** The answer does not exist in what was loaded, for example predictions without a factor model. */
export class NotAvailableError extends FrontrowError {}

/**
 * A bug of ours: the engine stopped in the middle of a call. Objects made before it must not be
 * used any more; reload the page or the worker.
 */
export class EngineFailedError extends FrontrowError {}

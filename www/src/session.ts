/** How well a playback went. */

import { call, engine, type HeldSession } from "./engine.ts";
import { FileRefusedError, RequestRefusedError } from "./errors.ts";
import type { PlaybackEvent, SessionReport } from "./messages.ts";

/** One playback: events in, a summary and its scores out. */
export class PlaybackSession {
  readonly #held: HeldSession;

  private constructor(held: HeldSession) {
    this.#held = held;
  }

  /** Begins a session that has seen nothing. */
  static begin(): PlaybackSession {
    return new PlaybackSession(engine().beginSession());
  }

  /**
   * Goes on with a session that {@link save} wrote, here or on a node.
   *
   * @throws {@link FileRefusedError} the bytes are not a saved session of this version.
   */
  static restore(saved: Uint8Array): PlaybackSession {
    const { restoreSession } = engine();
    return new PlaybackSession(call(FileRefusedError, () => restoreSession(saved)));
  }

  /**
   * Folds events, in any order of arrival, at most 4,096 at once, and returns the session so far.
   *
   * @throws {@link RequestRefusedError} too many events, or a number outside its type; then nothing
   * was folded.
   */
  report(events: readonly PlaybackEvent[]): SessionReport {
    return JSON.parse(call(RequestRefusedError, () => this.#held.fold(JSON.stringify(events)))) as SessionReport;
  }

  /** The session as bytes, for {@link restore}. */
  save(): Uint8Array {
    return this.#held.save();
  }

  /** Gives the memory back; the session must not be used after it. */
  close(): void {
    this.#held.free();
  }
}

/** At what bit rate to play. */

import { call, engine } from "./engine.ts";
import { RequestRefusedError } from "./errors.ts";
import type { BitrateDecision, BitrateInput } from "./messages.ts";

/**
 * Chooses the rung a player should fetch next. A sample that is negative, infinite or not a number
 * counts as unknown; without any known sample the answer is the lowest rung.
 *
 * @throws {@link RequestRefusedError} the ladder is empty or does not rise, a rule does not rise, or
 * the buffer cannot hold a segment.
 */
export function chooseRung(input: BitrateInput): BitrateDecision {
  const { decide } = engine();
  // JSON has no NaN; a negative number means the same to the engine.
  const samples_kbps = input.samples_kbps?.map((sample) => (Number.isFinite(sample) ? sample : -1)) ?? [];
  const known = JSON.stringify({ ...input, samples_kbps });
  return JSON.parse(call(RequestRefusedError, () => decide(known))) as BitrateDecision;
}

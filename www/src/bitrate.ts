/** At what bit rate to play. */

import { call, engine } from "./engine.ts";
import { RequestRefusedError } from "./errors.ts";
import type { BitrateDecision, BitrateInput } from "./messages.ts";

/**
 * Chooses the rung a player should fetch next. A sample that is negative counts as unknown; without
 * any known sample the answer is the lowest rung.
 *
 * @throws {@link RequestRefusedError} the ladder is empty or does not rise, a rule does not rise, or
 * the buffer cannot hold a segment.
 */
export function chooseRung(input: BitrateInput): BitrateDecision {
  const { decide } = engine();
  return JSON.parse(call(RequestRefusedError, () => decide(JSON.stringify(input)))) as BitrateDecision;
}

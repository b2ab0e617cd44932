/** The simulated player, with policies simple enough to know the answer. */

import assert from "node:assert/strict";
import test from "node:test";
import type { BitrateDecision, BitrateInput, PlaybackEvent } from "frontrow";
import { NETWORKS, type Network } from "../demo/player/network.ts";
import { Playback, type PlaybackPlan } from "../demo/player/playback.ts";

const PLAN: PlaybackPlan = {
  ladder: [
    { id: "low", height: 360, kbps: 1_000 },
    { id: "high", height: 1_080, kbps: 4_000 },
  ],
  rules: [],
  duration_ms: 62_000,
  segment_ms: 4_000,
  buffer_max_ms: 20_000,
  start_unix_ms: 1_700_000_000_000,
};

function even(kbps: number): Network {
  return { id: "even", name: "even", story: "", kbpsAt: () => kbps };
}

function always(rung: number): (input: BitrateInput) => BitrateDecision {
  return ({ ladder }) => {
    const chosen = ladder[rung];
    assert.ok(chosen);
    return { rung, ...chosen, why: "throughput" };
  };
}

/** Changes its mind with every segment. */
function flicker(): (input: BitrateInput) => BitrateDecision {
  let calls = 0;
  return (input) => always(calls++ % 2)(input);
}

function run(network: Network, choose: (input: BitrateInput) => BitrateDecision): [Playback, PlaybackEvent[]] {
  const playback = new Playback(PLAN, { network, speed: 1, policy: "bola" }, choose);
  return [playback, playback.finish()];
}

function stalled_ms({ stalls }: Playback): number {
  return stalls.reduce((sum, { from_ms, until_ms }) => sum + (until_ms ?? NaN) - from_ms, 0);
}

test("starts after the latency and the time of one segment", () => {
  const [, events] = run(even(4_000), always(0));
  const first = events.find(({ kind }) => kind === "first-frame");
  // 80 ms, then 4 s at 1,000 kbit/s over 4,000 kbit/s.
  assert.equal(first?.at_unix_ms, PLAN.start_unix_ms + 1_080);
});

test("a network faster than the rung never stalls, a slower one does", () => {
  const [fast] = run(even(1_100), always(0));
  assert.equal(fast.stalls.length, 0);
  const [slow] = run(even(900), always(0));
  assert.ok(slow.stalls.length > 0);
});

test("every millisecond of the title is shown once, whatever the network", () => {
  for (let kbps = 150; kbps < 12_000; kbps *= 1.7) {
    for (const network of [even(kbps), ...NETWORKS]) {
      const [playback, events] = run(network, flicker());
      assert.equal(playback.position_ms, PLAN.duration_ms);
      const startup_ms = (events.find(({ kind }) => kind === "first-frame")?.at_unix_ms ?? NaN) - PLAN.start_unix_ms;
      const accounted_ms = startup_ms + PLAN.duration_ms + stalled_ms(playback);
      assert.ok(Math.abs(playback.at_ms - accounted_ms) < 2, `${playback.at_ms} ms, ${accounted_ms} ms accounted for`);
    }
  }
});

test("the buffer stays between nothing and what it can hold", () => {
  const [playback] = run(even(50_000), always(1));
  const levels = playback.samples.map(({ buffer_ms }) => buffer_ms);
  assert.ok(Math.min(...levels) >= 0);
  assert.ok(Math.max(...levels) <= PLAN.buffer_max_ms + 1);
  assert.ok(Math.max(...levels) > PLAN.buffer_max_ms - PLAN.segment_ms);
});

test("events are in order, stalls open and close, and the last one is the stop", () => {
  const [playback, events] = run(even(800), flicker());
  const times = events.map(({ at_unix_ms }) => at_unix_ms);
  assert.deepEqual(times, [...times].sort((a, b) => a - b));
  const count = (kind: string) => events.filter((event) => event.kind === kind).length;
  assert.equal(count("buffering-start"), playback.stalls.length);
  assert.equal(count("buffering-end"), playback.stalls.length);
  assert.equal(count("bitrate-change"), Math.ceil(PLAN.duration_ms / PLAN.segment_ms) - 1);
  assert.equal(events.at(-1)?.kind, "stop");
});

test("the pieces in which it is advanced do not matter", () => {
  const conditions = { network: NETWORKS[1] ?? even(1), speed: 1, policy: "bola" as const };
  const [whole, inPieces] = [new Playback(PLAN, conditions, flicker()), new Playback(PLAN, conditions, flicker())];
  const events = whole.finish();
  const pieces: PlaybackEvent[] = [];
  for (let at_ms = 0; inPieces.phase !== "ended"; at_ms += 37) pieces.push(...inPieces.advance(at_ms));
  assert.deepEqual(pieces, events);
  assert.deepEqual(inPieces.samples, whole.samples);
});

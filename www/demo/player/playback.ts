/**
 * A player without pictures: downloads segments over a {@link Network}, fills a buffer, plays it,
 * stalls when it runs dry. Time is simulated, so a film's minutes take as long as the caller likes.
 */

import type { BitrateDecision, BitrateInput, BitratePolicy, PlaybackEvent, Rung, SpeedRule } from "frontrow";
import type { Network } from "./network.ts";

/** What does not change during a playback. */
export interface PlaybackPlan {
  ladder: readonly Rung[];
  /** The region's table, for `seed-rules`. */
  rules: readonly SpeedRule[];
  duration_ms: number;
  segment_ms: number;
  buffer_max_ms: number;
  /** The moment of the start, for the events. */
  start_unix_ms: number;
}

/** What the viewer may turn while it plays. */
export interface Conditions {
  network: Network;
  /** Multiplies the network's speed. */
  speed: number;
  policy: BitratePolicy;
}

/** The player at one moment. */
export interface Sample {
  at_ms: number;
  buffer_ms: number;
  /** Of the rung being fetched; 0 before the first decision. */
  kbps: number;
  /** Index into the ladder of the rung being fetched. */
  rung: number;
  /** What the network gives. */
  network_kbps: number;
}

/** Waiting after the first frame. */
export interface Stall {
  from_ms: number;
  /** Absent while it lasts. */
  until_ms?: number;
}

/** What the player does with its picture. */
export type Phase = "starting" | "playing" | "stalled" | "ended";

/** Steps are this long; within one the network's speed is constant. */
const STEP_MS = 100;
/** From the request of a segment to its first byte. */
const LATENCY_MS = 80;
/** A player tells how it goes this often. */
const HEARTBEAT_MS = 5_000;
/** Downloads whose speed a decision sees. */
const SAMPLES_KEPT = 8;
/** After this long nothing will come any more: no network of ours is that slow. */
const PLAYBACK_MS_MAX = 3_600_000;

interface Download {
  decision: BitrateDecision;
  begun_ms: number;
  latency_left_ms: number;
  bits_left: number;
  bits: number;
}

/** One playback, advanced step by step. */
export class Playback {
  readonly plan: PlaybackPlan;
  readonly conditions: Conditions;
  readonly samples: Sample[] = [];
  readonly stalls: Stall[] = [];
  phase: Phase = "starting";
  at_ms = 0;
  position_ms = 0;
  buffer_ms = 0;
  /** The decision that is being carried out. */
  decision: BitrateDecision | undefined;
  /** The rung on the screen, known once the first segment has come. */
  shown: BitrateDecision | undefined;

  readonly #choose: (input: BitrateInput) => BitrateDecision;
  #download: Download | undefined;
  #fetched_ms = 0;
  #speeds_kbps: number[] = [];
  #events: PlaybackEvent[] = [];
  #queue: { until_ms: number; decision: BitrateDecision }[] = [];
  #heartbeat_due_ms = HEARTBEAT_MS;

  constructor(plan: PlaybackPlan, conditions: Conditions, choose: (input: BitrateInput) => BitrateDecision) {
    this.plan = plan;
    this.conditions = conditions;
    this.#choose = choose;
    this.#say("start");
  }

  /** Plays until `at_ms` of simulated time or the end, and returns what a player would report. */
  advance(at_ms: number): PlaybackEvent[] {
    while (this.phase !== "ended" && this.at_ms < at_ms) this.#step();
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Plays to the end. */
  finish(): PlaybackEvent[] {
    return this.advance(PLAYBACK_MS_MAX);
  }

  #step(): void {
    const network_kbps = Math.max(1, this.conditions.network.kbpsAt(this.at_ms) * this.conditions.speed);
    if (this.at_ms % (2 * STEP_MS) === 0) this.#record(network_kbps);
    let left_ms = STEP_MS;
    while (left_ms > 0 && this.phase !== "ended") {
      if (this.#download === undefined) this.#begin();
      const spent_ms = Math.min(left_ms, this.#untilSomethingHappens(network_kbps));
      this.#receive(spent_ms, network_kbps);
      this.#play(spent_ms);
      left_ms -= spent_ms;
      this.at_ms += spent_ms;
      this.#settle();
    }
    // Whole steps: the sum of a step's parts may be off by a rounding.
    if (this.phase !== "ended") this.at_ms = Math.round(this.at_ms / STEP_MS) * STEP_MS;
    if (this.at_ms >= this.#heartbeat_due_ms && this.phase !== "ended") {
      this.#heartbeat_due_ms += HEARTBEAT_MS;
      this.#say("heartbeat");
    }
  }

  /** Asks for the next segment when there is room for it. */
  #begin(): void {
    const { plan } = this;
    const hasRoom = this.buffer_ms + plan.segment_ms <= plan.buffer_max_ms;
    if (this.#fetched_ms >= plan.duration_ms || !hasRoom) return;
    const decision = this.#choose({
      policy: this.conditions.policy,
      ladder: plan.ladder,
      rules: plan.rules,
      samples_kbps: this.#speeds_kbps,
      buffer_ms: Math.round(this.buffer_ms),
      buffer_max_ms: plan.buffer_max_ms,
      segment_ms: plan.segment_ms,
    });
    this.decision = decision;
    const bits = decision.kbps * Math.min(plan.segment_ms, plan.duration_ms - this.#fetched_ms);
    this.#download = { decision, begun_ms: this.at_ms, latency_left_ms: LATENCY_MS, bits_left: bits, bits };
  }

  #untilSomethingHappens(network_kbps: number): number {
    const { plan } = this;
    const download = this.#download;
    let until_ms = Infinity;
    if (download !== undefined) {
      until_ms = download.latency_left_ms > 0 ? download.latency_left_ms : download.bits_left / network_kbps;
    } else if (this.#fetched_ms < plan.duration_ms) {
      until_ms = this.buffer_ms + plan.segment_ms - plan.buffer_max_ms;
    }
    if (this.phase === "playing" && this.buffer_ms > 0) until_ms = Math.min(until_ms, this.buffer_ms);
    // A thousandth of a millisecond keeps a rounding from standing still.
    return Math.max(until_ms, 0.001);
  }

  #receive(spent_ms: number, network_kbps: number): void {
    const download = this.#download;
    if (download === undefined) return;
    if (download.latency_left_ms > 0) {
      download.latency_left_ms -= spent_ms;
      return;
    }
    download.bits_left -= spent_ms * network_kbps;
  }

  #play(spent_ms: number): void {
    if (this.phase !== "playing") return;
    const played_ms = Math.min(spent_ms, this.buffer_ms);
    this.buffer_ms -= played_ms;
    this.position_ms += played_ms;
  }

  /** Draws the consequences of what the last moment brought. */
  #settle(): void {
    const download = this.#download;
    if (download !== undefined && download.latency_left_ms <= 0 && download.bits_left <= 1e-6) {
      this.#download = undefined;
      this.#store(download);
    }
    const next = this.#queue[0];
    if (next !== undefined && this.phase === "playing" && this.position_ms >= next.until_ms - 1e-6) {
      this.#queue.shift();
      this.#show();
    }
    if (this.phase !== "playing" || this.buffer_ms > 1e-6) return;
    this.buffer_ms = 0;
    if (this.#fetched_ms >= this.plan.duration_ms) {
      this.phase = "ended";
      this.position_ms = this.plan.duration_ms;
      this.#record(this.samples.at(-1)?.network_kbps ?? 0);
      this.#say("stop");
    } else {
      this.phase = "stalled";
      this.stalls.push({ from_ms: this.at_ms });
      this.#say("buffering-start");
    }
  }

  #store({ decision, begun_ms, bits }: Download): void {
    const media_ms = bits / decision.kbps;
    this.#speeds_kbps.push(bits / Math.max(1, this.at_ms - begun_ms));
    if (this.#speeds_kbps.length > SAMPLES_KEPT) this.#speeds_kbps.shift();
    this.#fetched_ms += media_ms;
    this.buffer_ms += media_ms;
    this.#queue.push({ until_ms: this.#fetched_ms, decision });
    if (this.phase === "starting") {
      this.phase = "playing";
      this.#show();
      this.#say("first-frame");
    } else if (this.phase === "stalled") {
      this.phase = "playing";
      const stall = this.stalls.at(-1);
      if (stall !== undefined) stall.until_ms = this.at_ms;
      this.#say("buffering-end");
    }
    // The buffer had run dry, so what came is what is shown.
    if (this.#queue.length === 1) this.#show();
  }

  #show(): void {
    const decision = this.#queue[0]?.decision;
    if (decision === undefined || decision.rung === this.shown?.rung) return;
    const isFirst = this.shown === undefined;
    this.shown = decision;
    if (!isFirst) this.#say("bitrate-change");
  }

  #record(network_kbps: number): void {
    this.samples.push({
      at_ms: this.at_ms,
      buffer_ms: this.buffer_ms,
      kbps: this.decision?.kbps ?? 0,
      rung: this.decision?.rung ?? 0,
      network_kbps,
    });
  }

  #say(kind: PlaybackEvent["kind"]): void {
    const event: PlaybackEvent = {
      kind,
      at_unix_ms: this.plan.start_unix_ms + Math.round(this.at_ms),
      position_ms: Math.round(this.position_ms),
      duration_ms: this.plan.duration_ms,
      buffer_ms: Math.round(this.buffer_ms),
      buffering_events: this.stalls.length,
    };
    if (this.shown !== undefined) event.kbps = this.shown.kbps;
    this.#events.push(event);
  }
}

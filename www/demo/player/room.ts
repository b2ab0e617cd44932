/** The screening room: plays a title over a simulated network and shows what the engine makes of it. */

import { chooseRung, PlaybackSession, type BitratePolicy, type SessionReport } from "frontrow";
import { artOf } from "../art.ts";
import { fullName, type Title } from "../catalogue.ts";
import { announce, byId, choices, make, wantsStillness } from "../dom.ts";
import type { LadderAnswer } from "../node.ts";
import { NETWORKS, networkOf } from "./network.ts";
import { Playback, type Conditions, type PlaybackPlan } from "./playback.ts";
import { clock, Plot } from "./plot.ts";
import { playToTheEnd, showRivals } from "./rivals.ts";
import { Scoreboard } from "./scoreboard.ts";

/** Simulated time passes this much faster than the clock. */
const HASTE = 6;
const DURATION_MS = 180_000;
const SEGMENT_MS = 4_000;
const BUFFER_MAX_MS = 30_000;
const POLICIES: readonly { id: BitratePolicy; label: string; note: string }[] = [
  { id: "bola", label: "BOLA", note: "by the buffer" },
  { id: "throughput", label: "Throughput", note: "by the measured speed" },
  { id: "seed-rules", label: "Region's table", note: "speed to height" },
];
/** A frame that comes late (a hidden tab) must not skip half a film. */
const FRAME_MS_MAX = 100;

/** The controls and the picture; one playback at a time. */
export class Room {
  readonly #conditions: Conditions = { network: networkOf("drop"), speed: 1, policy: "bola" };
  readonly #plot = new Plot(byId("plot"));
  readonly #scores = new Scoreboard(byId("scores"));
  readonly #titles = byId<HTMLSelectElement>("room-titles");
  readonly #ladder: LadderAnswer;
  #region: string;
  #title: Title;
  #playback: Playback;
  #session: PlaybackSession;
  #report: SessionReport;
  #frame = 0;

  constructor(ladder: LadderAnswer, region: string, title: Title) {
    this.#ladder = ladder;
    this.#region = region;
    this.#title = title;
    this.#playback = new Playback(this.#plan(), this.#conditions, chooseRung);
    this.#session = PlaybackSession.begin();
    this.#report = this.#session.report(this.#playback.advance(0));
    this.#wire();
    this.#load();
  }

  /** Offers titles, the first of them loaded unless something plays. */
  offer(titles: readonly Title[]): void {
    const offered = titles.some(({ id }) => id === this.#title.id) ? titles : [this.#title, ...titles];
    this.#titles.replaceChildren(...offered.map((title) => make("option", { value: title.id }, fullName(title))));
    this.#titles.value = String(this.#title.id);
    this.#offered = new Map(offered.map((title) => [title.id, title]));
  }
  #offered = new Map<number, Title>();

  /** Loads a title and plays it. */
  play(title: Title): void {
    this.#title = title;
    this.offer([...this.#offered.values()]);
    this.#load();
    this.#start();
  }

  /** Another region has another table of speed to height. */
  setRegion(region: string): void {
    this.#region = region;
    this.#load();
  }

  #plan(): PlaybackPlan {
    const { rungs, rules } = this.#ladder;
    return {
      ladder: rungs,
      rules: rules.regions[this.#region] ?? rules.default,
      duration_ms: DURATION_MS,
      segment_ms: SEGMENT_MS,
      buffer_max_ms: BUFFER_MAX_MS,
      start_unix_ms: Date.now(),
    };
  }

  #wire(): void {
    const networks = NETWORKS.map(({ id, name, story }) => ({ id, label: name, note: story }));
    choices(byId("networks"), "network", networks, this.#conditions.network.id, (id) => {
      this.#conditions.network = networkOf(id);
      this.#turned();
    });
    choices(byId("policies"), "policy", POLICIES, this.#conditions.policy, (id) => {
      this.#conditions.policy = id as BitratePolicy;
      this.#turned();
    });
    const speed = byId<HTMLInputElement>("speed");
    speed.addEventListener("input", () => {
      this.#conditions.speed = 2 ** Number(speed.value);
      byId("speed-shown").textContent = `× ${Number(this.#conditions.speed.toPrecision(2))}`;
      this.#turned();
    });
    this.#titles.addEventListener("change", () => {
      const title = this.#offered.get(Number(this.#titles.value));
      if (title !== undefined) this.#title = title;
      this.#load();
    });
    byId("play").addEventListener("click", () => (this.#frame === 0 ? this.#start() : this.#pause()));
    byId("to-end").addEventListener("click", () => {
      this.#pause();
      if (this.#playback.phase === "ended") this.#load();
      this.#fold(this.#playback.finish());
      this.#show();
    });
  }

  /** A knob was turned: what plays goes on under it, what does not begins anew. */
  #turned(): void {
    if (this.#frame === 0) this.#load();
    else this.#rivals();
  }

  /** Rewinds: a new playback is a new session. */
  #load(): void {
    this.#pause();
    this.#playback = new Playback(this.#plan(), this.#conditions, chooseRung);
    this.#session.close();
    this.#session = PlaybackSession.begin();
    this.#fold(this.#playback.advance(0));
    this.#rivals();
    this.#show();
  }

  #start(): void {
    if (this.#playback.phase === "ended") this.#load();
    if (wantsStillness()) {
      this.#fold(this.#playback.finish());
      this.#show();
      return;
    }
    let before = performance.now();
    const frame = (now: number): void => {
      const passed_ms = Math.min(now - before, FRAME_MS_MAX);
      before = now;
      this.#fold(this.#playback.advance(this.#playback.at_ms + passed_ms * HASTE));
      this.#frame = this.#playback.phase === "ended" ? 0 : requestAnimationFrame(frame);
      this.#show();
    };
    this.#frame = requestAnimationFrame(frame);
    this.#show();
  }

  #pause(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#show();
  }

  #fold(events: ReturnType<Playback["advance"]>): void {
    this.#report = this.#session.report(events);
  }

  #rivals(): void {
    const { conditions } = { conditions: this.#conditions };
    const runs = POLICIES.map(({ id, label }) => ({
      label,
      isChosen: id === conditions.policy,
      ...playToTheEnd(this.#plan(), { ...conditions, policy: id }),
    }));
    showRivals(byId<HTMLTableElement>("rivals"), runs);
  }

  #show(): void {
    const { phase, shown, decision, position_ms } = this.#playback;
    const art = artOf(this.#title.id, this.#title.genres);
    const screen = byId("screen");
    const picture = byId("screen-art");
    const isRunning = this.#frame !== 0;
    if (picture.style.background === "" || screen.dataset["title"] !== String(this.#title.id)) {
      picture.style.background = art.background;
      screen.style.setProperty("--accent", art.accent);
      screen.dataset["title"] = String(this.#title.id);
    }
    screen.dataset["phase"] = phase;
    screen.dataset["running"] = String(isRunning);
    picture.style.setProperty("--blur", `${blurOf(shown?.height)}px`);
    byId("screen-title").textContent = this.#title.name;
    byId("screen-time").textContent = `${clock(position_ms)} / ${clock(DURATION_MS)}`;
    byId("screen-progress").style.inlineSize = `${((100 * position_ms) / DURATION_MS).toFixed(2)}%`;
    byId("screen-badge").textContent = shown === undefined ? "ready" : badge(shown.height, shown.kbps, decision?.why);
    byId("screen-wait").hidden = phase !== "stalled";
    byId("play").textContent = isRunning ? "Pause" : phase === "ended" ? "Play again" : "Play";
    this.#plot.draw(this.#playback);
    this.#scores.show(this.#report);
    if (phase === "ended") this.#tell();
  }

  #tell(): void {
    const { summary, scores } = this.#report;
    const mean = Math.round(summary.mean_kbps ?? 0);
    const text = `Played to the end: ${summary.playback_stall_count} stalls, ${mean} kilobits per second on average, session score ${scores.session_v1.toFixed(1)}.`;
    this.#plot.describe(text);
    announce(text);
  }
}

/** The lower the rung, the softer the picture. */
function blurOf(height: number | undefined): number {
  if (height === undefined) return 14;
  return Math.max(0, Math.min(14, 9 * Math.log2(1_440 / height) / 2));
}

function badge(height: number, kbps: number, why: string | undefined): string {
  const size = height >= 2_160 ? "4K" : `${height}p`;
  return `${size} · ${(kbps / 1000).toFixed(1)} Mbit/s · ${why?.replaceAll("-", " ") ?? ""}`;
}

/**
 * The messages, as the node's HTTP interface and the browser both read and write them: snake_case,
 * the unit at the end of the name.
 */

/** How the sources of a ranking are weighed; part of a release. */
export interface RankingRules {
  /** A watched title at age a (0 = the newest) weighs recency_tau / (recency_tau + a); above 0. */
  recency_tau: number;
  /** Watched titles that count, newest first; 1 to 200. */
  history_window: number;
  /** Candidates handed to the ONNX ranker; 0 switches it off, at most 200. */
  ranker_pool: number;
  /** How rows and tower are blended; none without a tower. */
  blend?: RankingBlend;
  /** How lists are laid out; in the order of their scores without it. */
  slate?: RankingSlate;
}

/** How lists are laid out; what is left out shows the order as it is. */
export interface RankingSlate {
  /** The weight of relevance against likeness to what is already in the list (MMR), 0 to 1; 1 when left out. */
  lambda?: number;
  /** Share of what the region watches more than usual in a list, 0 to 0.4. */
  trending_share?: number;
  /** Share of what is new to the region in a list, 0 to 0.4. */
  new_share?: number;
  /** Most titles of one genre in a list, at most 100, while any other title is left; 0 = any number. */
  genre_picks_max?: number;
  /** Most promoted titles in a list, at most 20. */
  promoted_max?: number;
  /** The place, from 1 to 100, whose title is drawn by a request's seed; 0 = none. */
  exploration_place?: number;
  /** Titles with a place of their own, at most 20. */
  pinned?: readonly { place: number; title: number }[];
  /** Titles that come first, at most 20. */
  promoted?: readonly number[];
}

/** A candidate's score is tower + weight · ln((max(row, 0) + floor) / floor). */
export interface RankingBlend {
  /** 0 to 1000. */
  weight: number;
  /** What a candidate without a row entry is worth, as a chance: 1e-6 to 1. */
  floor: number;
}

/** One viewer's question. */
export interface RecommendRequest {
  /** Titles watched, oldest first; unknown ids are skipped, all are left out of the answer. */
  history?: readonly number[];
  /** Titles never to show, in any number and order. */
  exclude?: readonly number[];
  /** Picks wanted, 1 to 100; 10 when left out. */
  k?: number;
  /** Highest age rating to show, in years; 18 when left out. */
  maturity_max?: number;
  /** When the answer is shown, Unix time in milliseconds; licence windows are checked against it. Now when left out. */
  at_unix_ms?: number;
  /** What the place that explores is drawn by, a whole number below 2³²; nothing is explored without it. */
  seed?: number;
}

/** One viewer's question for a page; `k` is what a row may hold, 20 when left out. */
export interface HomeRequest extends RecommendRequest {
  /** Titles begun and where they stand, oldest first; of a title twice the newest counts. */
  in_progress?: readonly Progress[];
}

/** How far a title has been watched. */
export interface Progress {
  title: number;
  /** Share of it that has been watched, 0 to 1; from 0.95 on it is finished. */
  share: number;
}

/** Why a title was picked, or a row is on the page. */
export type Reason =
  | {
      /** The row of this watched title contributed most. */
      kind: "because-you-watched";
      title: number;
    }
  | {
      /**
       * What the region watches: nothing is known of the viewer, no row of the history leads
       * anywhere, or the personal picks did not fill the list.
       */
      kind: "picked-for-you" | "popular-for-new-viewer" | "popular-without-match" | "popular-to-fill";
    }
  | {
      /** The viewer has begun it; the region watches it more than usual; it came to the region of late. */
      kind: "continue-watching" | "trending" | "new";
    }
  | {
      /** An operator gave it this place, or promotes it; or it was drawn, to learn what else the viewer would like. */
      kind: "pinned" | "promoted" | "explored";
    };

/** A title to show. */
export interface Pick {
  title: number;
  /** Higher is better; comparable within one answer only. */
  score: number;
  reason: Reason;
  /** The probability with which it was drawn for this place; none for a place that is not drawn. */
  propensity?: number;
}

/** Rows in the order to show them; no title is in two of them. */
export interface HomePage {
  /** None is empty. */
  rows: Row[];
  /** Candidates that passed the filters, those in progress left out. */
  eligible: number;
  /** Whether the ONNX ranker ordered the best of them. */
  ranked: boolean;
}

/** A row of a page. */
export interface Row {
  /** What its titles have in common. */
  reason: Reason;
  /** In the order to show them; scores are comparable within the row only. */
  picks: Pick[];
}

/** Picks in the order to show them: falling score, ties by the lower title id, unless a slate says otherwise. */
export interface RecommendAnswer {
  /** `k` of them, or all that the filters leave. */
  picks: Pick[];
  /** Candidates that passed the filters. */
  eligible: number;
  /** Whether the ONNX ranker ordered the best of them. */
  ranked: boolean;
}

/** A viewer and a title. */
export interface Pair {
  viewer: number;
  title: number;
}

/** One rendition of a title. */
export interface Rung {
  /** As the player knows it. */
  id: string;
  /** Picture height in pixels. */
  height: number;
  /** Bit rate of the stream in kbit/s. */
  kbps: number;
}

/** One line of a region's table; the line with the greatest speed not above the measured one holds. */
export interface SpeedRule {
  /** From this network speed on, in Mbit/s. */
  mbps_min: number;
  /** Picture height to show, in pixels. */
  height: number;
  /** Where to fetch it; the player's own choice without it. */
  cdn_endpoint?: string;
}

/** How a rung is chosen. */
export type BitratePolicy =
  | "seed-rules"
  | "throughput"
  | "bola"
  | "bba"
  | "bola-e"
  | "dynamic"
  | "robust-mpc"
  | "flagship";

/** One finished download of media. */
export interface BitrateSample {
  /** Bytes over the time from request to last byte, in kbit/s. */
  kbps: number;
  /** From request to last byte. */
  took_ms?: number;
  /** Of it, until the first byte. */
  waited_ms?: number;
}

/** What else a player knows; the planning policies, `robust-mpc` and `flagship`, decide by it. */
export interface BitratePlayer {
  /** The last downloads, oldest first; read instead of `samples_kbps` where there are any. */
  samples?: readonly BitrateSample[];
  /** Rung of the chunk before; none before the first. */
  last_rung?: number;
  /** Exact sizes of the next chunks in bytes, all rungs of a chunk together, lowest first. */
  chunk_bytes?: readonly number[];
  /** Chunks to the end of the title, the next one included; none while it is not known (live). */
  chunks_left?: number;
  /** Live: how far behind the newest moment the picture is. */
  latency_ms?: number;
  /** Highest bit rate that device or plan allow. */
  kbps_max?: number;
  /** What the viewer's data allowance leaves. */
  bytes_left?: number;
  /** The download of the next chunk, when it has begun. */
  running?: { rung: number; bytes: number; got: number; took_ms: number; waited_ms?: number };
  /** What the planning policies make the most of; without it Mbit/s, 4.3 and 1. */
  weights?: { utility: "mbps" | "log"; stall: number; change: number };
}

/** What the player sees now. */
export interface BitrateInput {
  policy?: BitratePolicy;
  /** Not empty, kbps strictly rising. */
  ladder: readonly Rung[];
  /** The region's table; read by `seed-rules` only. */
  rules?: readonly SpeedRule[];
  /** Measured throughput of the last downloads in kbit/s, oldest first; empty = unknown. */
  samples_kbps?: readonly number[];
  /** Media in the buffer. */
  buffer_ms?: number;
  /** Media the buffer can hold. */
  buffer_max_ms?: number;
  /** Length of a segment. */
  segment_ms?: number;
  /** Highest picture height the device or the plan allows, in pixels. */
  height_max?: number;
  /** What else the player knows. */
  player?: BitratePlayer;
}

/** What decided. */
export type BitrateWhy =
  | "unknown-speed"
  | "speed-rule"
  | "throughput"
  | "buffer-level"
  | "buffer-low"
  | "height-cap"
  | "data-cap"
  | "plan"
  | "go-on"
  | "abandon";

/** The rung to fetch. */
export interface BitrateDecision {
  /** Index into the ladder. */
  rung: number;
  /** Of that rung. */
  id: string;
  /** Of that rung, in pixels. */
  height: number;
  /** Of that rung. */
  kbps: number;
  why: BitrateWhy;
  /** Where the region's table says to fetch it. */
  cdn_endpoint?: string;
}

/** What happened in a playback. */
export type EventKind =
  | "start"
  | "first-frame"
  | "heartbeat"
  | "buffering-start"
  | "buffering-end"
  | "pause"
  | "resume"
  | "seek-start"
  | "seek-end"
  | "bitrate-change"
  | "background"
  | "foreground"
  | "ad-start"
  | "ad-end"
  | "error"
  | "stop";

/** One report of a player; counters are cumulative since `start`. */
export interface PlaybackEvent {
  /** What happened. */
  kind: EventKind;
  /** When, by the player's clock. Unix time, milliseconds. */
  at_unix_ms: number;
  /** Its number; rises by one a report. One that was folded before is left out. */
  sequence?: number;
  /** Position in the title. */
  position_ms?: number;
  /** Length of the title. */
  duration_ms?: number;
  /** Bit rate played now, in kbit/s. */
  kbps?: number;
  /** The highest bit rate on offer, in kbit/s. */
  top_kbps?: number;
  /** The speed that the player measured, in kbit/s. */
  throughput_kbps?: number;
  /** Media in the buffer. */
  buffer_ms?: number;
  /** Behind live. */
  latency_ms?: number;
  /** From start to the first frame, as the player measured it. */
  startup_ms?: number;
  /** Time stalled, as the player measured it, cumulative. */
  stalled_ms?: number;
  /** Time stalled since its last report. */
  stalled_more_ms?: number;
  /** Times playback ran dry, cumulative. */
  buffering_events?: number;
  /** Frames not shown, cumulative. */
  dropped_frames?: number;
  /** Pixels in a line from now on. */
  width?: number;
  /** Lines from now on. */
  height?: number;
  /** Frames in a thousand seconds from now on. */
  frame_rate_milli?: number;
  /** How pictures are coded from now on. */
  codec?: Codec;
  /** What it is watched on. */
  screen?: Screen;
}

/** How pictures are coded. */
export type Codec = "avc" | "hevc" | "vp9" | "av1" | "vvc" | "other";

/** What it is watched on. */
export type Screen = "phone" | "tablet" | "desktop" | "tv";

/** A session so far, under the names of CTA-2066 where it has one; what is absent is nothing, or not known. */
export interface SessionSummary {
  /** CTA-2066 initialStartupTime: from start to the first frame, less the ads before it; absent until it came. */
  initial_startup_time_ms?: number;
  /** Time in which media was shown. */
  played_ms: number;
  /** CTA-2066 playbackStallDuration: time spent waiting after the first frame. */
  playback_stall_duration_ms: number;
  /** Time in a pause of the viewer's. */
  paused_ms?: number;
  /** Time from a seek to the picture at its end. */
  sought_ms?: number;
  /** Time in which nobody could see the player. */
  background_ms?: number;
  /** Time in ads. */
  ads_ms?: number;
  /** CTA-2066 playbackStallCount: times playback ran dry. */
  playback_stall_count: number;
  /** The longest of them. */
  stall_longest_ms?: number;
  /** Stalled time, each stall fading as the title goes on. */
  stall_recent_ms?: number;
  /** Time shown since the last stall; absent without one. */
  stall_ago_ms?: number;
  /** Frames not shown. */
  dropped_frames: number;
  /** Errors reported. */
  errors: number;
  /** Changes of bit rate. */
  switches: number;
  /** Their sizes added up, in kbit/s. */
  change_kbps?: number;
  /** The sizes of their logarithms' changes added up. */
  change_log?: number;
  /** CTA-2066 bitsPlayed: bit rate times time. */
  bits_played: number;
  /** Time-weighted mean bit rate in kbit/s; absent until one was reported. */
  mean_kbps?: number;
  /** Time-weighted mean of ln(kbit/s); absent until one was reported. */
  mean_log?: number;
  /** The highest bit rate on offer, in kbit/s. */
  top_kbps?: number;
  /** Mean of the reported buffer levels; absent until one was reported. */
  mean_buffer_ms?: number;
  /** Mean of the measured speeds, in kbit/s; absent until one was reported. */
  mean_throughput_kbps?: number;
  /** Mean of the distances behind live; absent until one was reported. */
  mean_latency_ms?: number;
  /** Time-weighted mean height in lines; absent until one was reported. */
  mean_height?: number;
  /** Time-weighted mean of the frames a second; absent until they were reported. */
  mean_frame_rate?: number;
  /** Time-weighted mean of the bits a pixel; absent until they could be told. */
  mean_bits_per_pixel?: number;
  /** How good the pictures were; absent while nothing is known of them. */
  pictures?: Pictures;
  /** How far pictures were stretched; absent until a height was reported. */
  upscaling?: Upscaling;
  /** Where the first report was. */
  began_ms?: number;
  /** Where playback is, and resumes. */
  position_ms: number;
  /** The furthest it has been. */
  position_max_ms: number;
  /** Length of the title. */
  duration_ms?: number;
  /** Events folded. */
  events: number;
  /** Numbered reports that never came. */
  lost?: number;
  /** Numbered reports that came again, or too late to tell; they were not folded. */
  repeated?: number;
  /** Whether playback has ended. */
  ended: boolean;
  /** Whether an error was the last thing before the end. */
  failed?: boolean;
  /** What it was watched on. */
  screen?: Screen;
}

/** How good pictures were, each 0 (nothing to see) to 1 (the original). */
export interface Pictures {
  /** Time-weighted mean. */
  mean: number;
  /** The mean of the last quarter of a minute or so. */
  recent: number;
  /** The worst mean of five seconds or so. */
  worst: number;
  /** All falls added up; not bounded by 1. */
  falls: number;
}

/** How far pictures were stretched beyond their height; 1 is to twice. */
export interface Upscaling {
  /** Time-weighted mean. */
  mean: number;
  /** The farthest. */
  max: number;
}

/** Scores of a session; those without a range are 0 (unwatchable) to 100 (flawless). */
export interface SessionScores {
  /** Startup, stall count, bit rate, dropped frames. */
  session_v1: number;
  /** Startup, stall ratio, bit rate, buffer. */
  window_v1: number;
  /** stalled / (played + stalled), 0 to 1; 0 when nothing was shown. */
  rebuffer_ratio: number;
  /** Share of the title watched, 0 to 1; absent without its length. */
  completion?: number;
  /** Mbit/s - 4.3 × stall seconds - |change|, the mean over 4 s shown; absent without a bit rate. */
  qoe_lin_v1?: number;
  /** The same of ln(kbit/s / 300), with 2.66. */
  qoe_log_v1?: number;
  /** Success, startup, smoothness, upscaling. */
  mux_style_v1: number;
  /** Good on all thresholds, or the first that was missed; absent while nothing was shown and it goes on. */
  spi_style_v1?: SpiVerdict;
  /** What people would say, 1 (bad) to 5 (excellent); absent before anything was shown. */
  mos_v1?: number;
}

/** Whether a session was good on all thresholds, or the first that it missed. */
export type SpiVerdict =
  | "good"
  | "failed-to-start"
  | "left-before-start"
  | "slow-start"
  | "failed"
  | "stalled"
  | "low-quality";

/** A session after a report. */
export interface SessionReport {
  summary: SessionSummary;
  scores: SessionScores;
}

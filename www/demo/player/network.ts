/** Networks to play over: speed as a function of time, the same in every run. */

/** A network whose speed over time is known. */
export interface Network {
  id: string;
  name: string;
  /** What happens, in a few words. */
  story: string;
  /** Speed `at_ms` after the start, in kbit/s; above 0. */
  kbpsAt(at_ms: number): number;
}

/** The networks of the page, the most telling one first. */
export const NETWORKS: readonly Network[] = [
  {
    id: "drop",
    name: "Drop at 20 s",
    story: "9 Mbit/s to 0.6, half back at 1:50",
    kbpsAt: (at_ms) => (at_ms < 20_000 ? 9_000 : at_ms < 110_000 ? 600 : 4_500) * ripple(at_ms, 0.05),
  },
  {
    id: "ride",
    name: "3G ride",
    story: "a train, a tunnel at one minute",
    kbpsAt: (at_ms) => Math.max(60, tunnel(at_ms) * (1_900 + 1_300 * wave(at_ms, 23_000) + 700 * wave(at_ms, 7_300))),
  },
  {
    id: "steady",
    name: "Steady",
    story: "6 Mbit/s at home",
    kbpsAt: (at_ms) => 6_000 * ripple(at_ms, 0.03),
  },
];

/** A network of {@link NETWORKS}, the first one for an unknown id. */
export function networkOf(id: string): Network {
  const network = NETWORKS.find((candidate) => candidate.id === id) ?? NETWORKS[0];
  if (network === undefined) throw new RangeError("there are no networks");
  return network;
}

function wave(at_ms: number, period_ms: number): number {
  return Math.sin((2 * Math.PI * at_ms) / period_ms);
}

/** 1 give or take `share`: no line is perfectly even. */
function ripple(at_ms: number, share: number): number {
  return 1 + share * (0.6 * wave(at_ms, 3_700) + 0.4 * wave(at_ms, 1_300));
}

function tunnel(at_ms: number): number {
  return at_ms >= 62_000 && at_ms < 80_000 ? 0.05 : 1;
}

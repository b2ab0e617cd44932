/** Posters for titles nobody drew: CSS gradients, always the same for the same title. */

/** What a poster looks like. */
export interface Art {
  /** Value of `background`. */
  background: string;
  /** How the name is set, a class of page.css. */
  lettering: "serif" | "italic" | "heavy" | "wide";
  /** Where the name stands, a class of page.css. */
  place: "low" | "high";
  /** A colour for the rest of the page, taken from the poster. */
  accent: string;
}

/** Numbers from 0 to 1 that follow from a seed. */
type Dice = () => number;

interface Tone {
  /** Hues of light and shadow, in degrees of oklch. */
  hues: readonly [number, number];
  chroma: number;
  lettering: Art["lettering"];
  /** How far the hues may wander; wide for the genres of which a row is full. */
  sway?: number;
}

/** The mood of a genre; a title takes the first of its genres that has one. */
const TONES: Record<string, Tone> = {
  Horror: { hues: [25, 350], chroma: 0.17, lettering: "heavy" },
  "Sci-Fi": { hues: [210, 285], chroma: 0.13, lettering: "wide", sway: 150 },
  Fantasy: { hues: [165, 300], chroma: 0.12, lettering: "serif" },
  Animation: { hues: [75, 350], chroma: 0.17, lettering: "heavy" },
  Family: { hues: [95, 200], chroma: 0.14, lettering: "heavy" },
  Western: { hues: [65, 35], chroma: 0.13, lettering: "wide" },
  War: { hues: [100, 60], chroma: 0.06, lettering: "heavy" },
  Thriller: { hues: [200, 255], chroma: 0.1, lettering: "heavy", sway: 90 },
  Mystery: { hues: [265, 215], chroma: 0.09, lettering: "italic" },
  Crime: { hues: [45, 20], chroma: 0.12, lettering: "heavy" },
  "Film-Noir": { hues: [80, 60], chroma: 0.02, lettering: "wide" },
  Documentary: { hues: [150, 110], chroma: 0.06, lettering: "wide" },
  Biography: { hues: [60, 30], chroma: 0.08, lettering: "serif" },
  History: { hues: [70, 20], chroma: 0.08, lettering: "serif" },
  Musical: { hues: [330, 45], chroma: 0.16, lettering: "italic" },
  Music: { hues: [310, 250], chroma: 0.15, lettering: "italic" },
  Sport: { hues: [140, 90], chroma: 0.14, lettering: "heavy" },
  Romance: { hues: [5, 335], chroma: 0.12, lettering: "italic" },
  Comedy: { hues: [85, 40], chroma: 0.15, lettering: "italic", sway: 90 },
  Adventure: { hues: [190, 70], chroma: 0.12, lettering: "wide", sway: 120 },
  Action: { hues: [30, 230], chroma: 0.14, lettering: "heavy", sway: 80 },
  Drama: { hues: [250, 25], chroma: 0.1, lettering: "serif", sway: 360 },
};

const PLAIN: Tone = { hues: [240, 300], chroma: 0.07, lettering: "serif" };

/** Draws a title. */
export function artOf(title: number, genres: readonly string[]): Art {
  const dice = diceOf(title);
  const tone = toneOf(genres);
  const paint = paletteOf(tone, dice);
  const scene = SCENES[Math.floor(dice() * SCENES.length)] ?? eclipse;
  const layers = [vignette(paint), ...scene(paint, dice), sky(paint, dice)];
  // What these draw is in the upper half: the name would lie on it.
  const isTopTaken = scene === eclipse || scene === hills || scene === rings || scene === shards;
  return {
    background: layers.join(", "),
    lettering: tone.lettering,
    place: isTopTaken || dice() < 0.5 ? "low" : "high",
    accent: paint.light,
  };
}

/** Deep shadow, shadow, mid tone and light of a poster, and a way to make any of them see-through. */
interface Palette {
  deep: string;
  dark: string;
  mid: string;
  light: string;
  glow: (alpha: number) => string;
}

function toneOf(genres: readonly string[]): Tone {
  for (const genre of Object.keys(TONES)) {
    const tone = TONES[genre];
    if (tone !== undefined && genres.includes(genre)) return tone;
  }
  return PLAIN;
}

function paletteOf(tone: Tone, dice: Dice): Palette {
  const sway = (dice() - 0.5) * (tone.sway ?? 36);
  const swap = dice() < 0.3;
  const lit = (swap ? tone.hues[1] : tone.hues[0]) + sway;
  const shade = (swap ? tone.hues[0] : tone.hues[1]) + sway;
  const chroma = tone.chroma * (0.8 + dice() * 0.4);
  return {
    deep: oklch(0.14, chroma * 0.5, shade),
    dark: oklch(0.26, chroma * 0.75, shade),
    mid: oklch(0.47, chroma, lit + (shade - lit) * 0.25),
    light: oklch(0.8, chroma * 0.95, lit),
    glow: (alpha) => oklch(0.86, chroma * 0.7, lit, alpha),
  };
}

type Scene = (paint: Palette, dice: Dice) => string[];

/** The name must be readable on every poster. */
function vignette({ deep }: Palette): string {
  return `linear-gradient(180deg, color-mix(in oklch, ${deep} 55%, transparent) 0%, transparent 32% 52%, ${deep} 118%)`;
}

function sky({ deep, dark, mid }: Palette, dice: Dice): string {
  return `linear-gradient(${percent(165 + dice() * 30, "deg")}, ${dark}, ${mid} 62%, ${deep})`;
}

const sunset: Scene = ({ light, deep, glow }, dice) => {
  const x = 25 + dice() * 50;
  const y = 42 + dice() * 14;
  return [
    `linear-gradient(180deg, transparent ${percent(y + 9)}, ${deep} ${percent(y + 9.4)}, color-mix(in oklch, ${deep} 70%, transparent))`,
    `radial-gradient(circle at ${percent(x)} ${percent(y)}, ${light} 0 ${percent(15 + dice() * 9)}, transparent ${percent(25)})`,
    `radial-gradient(circle at ${percent(x)} ${percent(y)}, ${glow(0.5)}, transparent 62%)`,
  ];
};

const spotlight: Scene = ({ glow }, dice) => {
  const x = 20 + dice() * 60;
  const turn = 168 + dice() * 14;
  return [
    `radial-gradient(ellipse 46% 9% at ${percent(50)} 86%, ${glow(0.55)}, transparent)`,
    `conic-gradient(from ${percent(turn, "deg")} at ${percent(x)} -8%, transparent 0deg, ${glow(0.62)} 9deg 15deg, transparent 26deg)`,
  ];
};

const blinds: Scene = ({ light, deep, glow }, dice) => {
  const angle = 78 + dice() * 24;
  return [
    `repeating-linear-gradient(${percent(angle - 78 + 6, "deg")}, transparent 0 9px, color-mix(in oklch, ${deep} 75%, transparent) 9px 15px)`,
    `radial-gradient(circle at ${percent(30 + dice() * 40)} 44%, ${light}, ${glow(0.35)} 38%, transparent 70%)`,
  ];
};

const rings: Scene = ({ light, glow }, dice) => {
  const at = `${percent(20 + dice() * 60)} ${percent(30 + dice() * 30)}`;
  const gap = 11 + dice() * 9;
  return [
    `radial-gradient(circle at ${at}, ${light} 0 ${percent(gap * 0.55, "px")}, transparent ${percent(gap * 0.6, "px")})`,
    `repeating-radial-gradient(circle at ${at}, ${glow(0.34)} 0 1.5px, transparent 2.5px ${percent(gap, "px")})`,
  ];
};

const eclipse: Scene = ({ light, deep, glow }, dice) => {
  const x = 30 + dice() * 40;
  const y = 32 + dice() * 16;
  const size = 20 + dice() * 8;
  return [
    `radial-gradient(circle at ${percent(x + 4)} ${percent(y - 2)}, ${deep} 0 ${percent(size)}, transparent ${percent(size + 0.6)})`,
    `radial-gradient(circle at ${percent(x)} ${percent(y)}, ${light} 0 ${percent(size)}, ${glow(0.3)} ${percent(size + 1)}, transparent ${percent(size + 26)})`,
  ];
};

const hills: Scene = ({ deep, dark, light, glow }, dice) => [
  `radial-gradient(ellipse 90% 26% at ${percent(dice() * 100)} 94%, ${deep} 99%, transparent)`,
  `radial-gradient(ellipse 80% 34% at ${percent(dice() * 100)} 88%, color-mix(in oklch, ${deep} 60%, ${dark}) 99%, transparent)`,
  `radial-gradient(ellipse 100% 36% at ${percent(dice() * 100)} 76%, ${dark} 99%, transparent)`,
  `radial-gradient(circle at ${percent(20 + dice() * 60)} ${percent(20 + dice() * 16)}, ${light} 0 7%, ${glow(0.3)} 8%, transparent 46%)`,
];

const city: Scene = ({ deep, light, glow }, dice) => {
  const cell = 9 + dice() * 5;
  return [
    `linear-gradient(180deg, transparent 46%, ${deep} 104%)`,
    `repeating-linear-gradient(90deg, ${deep} 0 ${percent(cell * 0.62, "px")}, transparent 0 ${percent(cell, "px")})`,
    `repeating-linear-gradient(180deg, ${deep} 0 ${percent(cell * 0.8, "px")}, transparent 0 ${percent(cell * 1.5, "px")})`,
    `linear-gradient(${percent(60 + dice() * 60, "deg")}, transparent 18%, ${light} 48%, ${glow(0.4)} 60%, transparent 86%)`,
  ];
};

const shards: Scene = ({ light, mid, deep, glow }, dice) => {
  const at = `${percent(30 + dice() * 40)} ${percent(45 + dice() * 25)}`;
  return [
    `conic-gradient(from ${percent(dice() * 360, "deg")} at ${at}, ${glow(0.55)} 0 8%, transparent 8% 21%, ${deep} 21% 38%, transparent 38% 46%, ${light} 46% 50%, transparent 50% 68%, ${mid} 68% 81%, transparent 81%)`,
  ];
};

const ribbons: Scene = ({ light, mid, deep, glow }, dice) => {
  const angle = 20 + dice() * 50;
  return [
    `linear-gradient(${percent(angle, "deg")}, transparent 38%, ${light} 38.4% 44%, transparent 44.4% 47%, ${glow(0.6)} 47.4% 49%, transparent 49.4% 53%, ${mid} 53.4% 64%, transparent 64.4%)`,
    `radial-gradient(circle at 80% 10%, ${glow(0.35)}, transparent 55%)`,
    `linear-gradient(${percent(angle + 90, "deg")}, ${deep}, transparent 70%)`,
  ];
};

const SCENES: readonly Scene[] = [sunset, spotlight, blinds, rings, eclipse, hills, city, shards, ribbons];

function oklch(lightness: number, chroma: number, hue: number, alpha = 1): string {
  const angle = (((hue % 360) + 360) % 360).toFixed(1);
  return `oklch(${lightness.toFixed(3)} ${chroma.toFixed(3)} ${angle}${alpha < 1 ? ` / ${alpha}` : ""})`;
}

function percent(value: number, unit = "%"): string {
  return `${value.toFixed(1)}${unit}`;
}

/** A small generator (mulberry32): the same title always draws the same numbers. */
function diceOf(seed: number): Dice {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

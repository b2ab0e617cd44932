/** The titles of the release, and the words the page has for them. */

import type { Reason } from "frontrow";

/** A title as `titles.json` has it. */
export interface Title {
  id: number;
  name: string;
  year?: number;
  genres: readonly string[];
}

/** All titles, by id and by name. */
export class Catalogue {
  readonly #byId: Map<number, Title>;
  readonly #folded: { title: Title; name: string }[];

  constructor(titles: readonly Title[]) {
    this.#byId = new Map(titles.map((title) => [title.id, title]));
    this.#folded = titles.map((title) => ({ title, name: fold(title.name) }));
  }

  get size(): number {
    return this.#byId.size;
  }

  /** A title; one that the release does not name has its number for a name. */
  of(id: number): Title {
    return this.#byId.get(id) ?? { id, name: `Title ${id}`, genres: [] };
  }

  /** The first `n` titles whose name holds `text`, those that begin with it first. */
  find(text: string, n: number): Title[] {
    const wanted = fold(text).trim();
    if (wanted === "") return [];
    const begins: Title[] = [];
    const holds: Title[] = [];
    for (const { title, name } of this.#folded) {
      if (name.startsWith(wanted)) begins.push(title);
      else if (name.includes(wanted)) holds.push(title);
      if (begins.length >= n) break;
    }
    return [...begins, ...holds].slice(0, n);
  }

  /** Why a title was picked, for people. */
  because(reason: Reason): string {
    switch (reason.kind) {
      case "because-you-watched":
        return `Because you watched ${this.of(reason.title).name}`;
      case "picked-for-you":
        return "Picked for you";
      case "popular-for-new-viewer":
        return "Popular here";
      case "popular-without-match":
        return "Popular here, nothing like it seen yet";
      case "popular-to-fill":
        return "Popular here, to fill the row";
      case "continue-watching":
        return "Continue watching";
      case "trending":
        return "Trending";
      case "new":
        return "New";
      case "pinned":
        return "Featured";
      case "promoted":
        return "Promoted";
      case "explored":
        return "Something different";
    }
  }
}

/** Regions as people call them. */
export function regionName(region: string): string {
  return { eu: "Europe", us: "the US" }[region] ?? region;
}

/** "1994 · Crime, Drama" */
export function describe(title: Title): string {
  return [title.year, title.genres.slice(0, 2).join(", ")].filter(Boolean).join(" · ");
}

/** "Pulp Fiction (1994)" */
export function fullName({ name, year }: Title): string {
  return year === undefined ? name : `${name} (${year})`;
}

/** Lower case, without accents: "Amelie" finds "Amélie". */
function fold(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "")
    .toLowerCase();
}

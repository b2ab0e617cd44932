/** The rows: which there are for a history, and how they change on the page. */

import type { Pick as Picked, RankingModel, Reason } from "frontrow";
import { card, setReason } from "./card.ts";
import { regionName, type Catalogue } from "./catalogue.ts";
import { make, wantsStillness } from "./dom.ts";

/** What the rows follow from. */
export interface Visitor {
  /** Titles seen, oldest first. */
  seen: readonly number[];
  region: string;
  maturity_max: number;
}

/** One row of the page. */
export interface Row {
  /** Stays the same while the row means the same. */
  id: string;
  heading: string;
  picks: readonly Picked[];
}

const ROW_LENGTH = 24;
/** A shorter row of a genre says too little to stand on the page. */
const ROW_LENGTH_MIN = 5;
const GENRE_ROWS_MAX = 5;

/** Answers a visitor: the rows of the model's page; below them, for someone of whom nothing is known, genres. */
export function rowsFor(model: RankingModel, catalogue: Catalogue, visitor: Visitor, at_unix_ms: number): Row[] {
  const { seen, maturity_max, region } = visitor;
  const ask = { maturity_max, at_unix_ms };
  const page = model.home({ ...ask, history: seen, k: ROW_LENGTH });
  const rows = page.rows.map(({ reason, picks }) => ({ ...headed(reason, catalogue, region), picks }));
  if (seen.length > 0) return rows;
  const exclude = rows.flatMap(({ picks }) => picks.map(({ title }) => title));
  return [...rows, ...genreRows(catalogue, model.recommend({ ...ask, exclude, k: 100 }).picks)];
}

/** What a row is called, and what it is known by while it means the same. */
function headed(reason: Reason, catalogue: Catalogue, region: string): Pick<Row, "id" | "heading"> {
  switch (reason.kind) {
    case "because-you-watched":
      return { id: `because-${reason.title}`, heading: catalogue.because(reason) };
    case "picked-for-you":
      return { id: "top", heading: "Top picks for you" };
    case "popular-for-new-viewer":
    case "popular-without-match":
      return { id: "popular", heading: `Popular in ${regionName(region)}` };
    case "trending":
    case "new":
      return { id: reason.kind, heading: `${catalogue.because(reason)} in ${regionName(region)}` };
    default:
      return { id: reason.kind, heading: catalogue.because(reason) };
  }
}

/** The popular titles beyond the first row, by their first genre, the fullest rows first. */
function genreRows(catalogue: Catalogue, picks: readonly Picked[]): Row[] {
  const byGenre = new Map<string, Picked[]>();
  for (const pick of picks) {
    const genre = catalogue.of(pick.title).genres[0];
    if (genre !== undefined) byGenre.set(genre, [...(byGenre.get(genre) ?? []), pick]);
  }
  return [...byGenre]
    .filter(([, members]) => members.length >= ROW_LENGTH_MIN)
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, GENRE_ROWS_MAX)
    .map(([genre, members]) => ({ id: `genre-${genre}`, heading: genre, picks: members }));
}

/** Shows rows: what stays moves to its new place, what is new appears, the rest goes. */
export function showRows(box: HTMLElement, catalogue: Catalogue, rows: readonly Row[]): void {
  const before = places(box);
  const shelves = new Map([...box.children].map((shelf) => [shelf.getAttribute("data-row"), shelf]));
  const kept = rows.map((row) => {
    const shelf = shelves.get(row.id) ?? newShelf(row);
    fill(shelf, catalogue, row);
    return shelf;
  });
  box.replaceChildren(...kept);
  if (!wantsStillness()) move(box, before);
}

function newShelf(row: Row): HTMLElement {
  const id = `row-${row.id.replace(/\W/g, "-")}`;
  const list = make("ul", { class: "cards" });
  const turn = (label: string, direction: number, sign: string): HTMLButtonElement => {
    const button = make("button", { class: "turn", type: "button", "aria-label": label }, sign);
    const behavior = wantsStillness() ? "auto" : "smooth";
    button.addEventListener("click", () => list.scrollBy({ left: direction * list.clientWidth * 0.8, behavior }));
    return button;
  };
  const head = make(
    "header",
    { class: "shelf-head" },
    make("h2", { id }),
    make("div", { class: "turns" }, turn("Back", -1, "‹"), turn("On", 1, "›")),
  );
  return make("section", { class: "shelf", "data-row": row.id, "aria-labelledby": id }, head, list);
}

function fill(shelf: Element, catalogue: Catalogue, row: Row): void {
  const heading = shelf.querySelector("h2");
  const list = shelf.querySelector(".cards");
  if (heading === null || list === null) return;
  heading.textContent = row.heading;
  const cards = new Map([...list.children].map((element) => [element.getAttribute("data-title"), element]));
  const next = row.picks.map((pick) => {
    const reason = catalogue.because(pick.reason);
    const known = cards.get(String(pick.title));
    if (known === undefined) return card(catalogue.of(pick.title), reason);
    setReason(known, reason);
    return known;
  });
  const wasAt = list.scrollLeft;
  list.replaceChildren(...next);
  // A row that became another one is read from its beginning.
  list.scrollLeft = next[0] !== undefined && cards.has(next[0].getAttribute("data-title")) ? wasAt : 0;
}

/** Where the cards are, for those on the screen. */
function places(box: HTMLElement): Map<Element, DOMRect> {
  const seen = new Map<Element, DOMRect>();
  for (const element of box.querySelectorAll(".card")) {
    const place = element.getBoundingClientRect();
    if (place.bottom > 0 && place.top < innerHeight) seen.set(element, place);
  }
  return seen;
}

/** Lets cards glide from where they were; new ones rise. */
function move(box: HTMLElement, before: Map<Element, DOMRect>): void {
  const glide = { duration: 420, easing: "cubic-bezier(0.2, 0.8, 0.2, 1)" };
  let fresh = 0;
  for (const element of box.querySelectorAll(".card")) {
    const now = element.getBoundingClientRect();
    if (now.top > innerHeight || now.bottom < 0 || now.left > innerWidth) continue;
    const was = before.get(element);
    if (was === undefined) {
      const rise = [{ opacity: 0, transform: "translateY(14px) scale(0.97)" }, { opacity: 1, transform: "none" }];
      element.animate(rise, { ...glide, delay: Math.min(fresh, 12) * 24, fill: "backwards" });
      fresh += 1;
    } else if (was.left !== now.left || was.top !== now.top) {
      const from = `translate(${was.left - now.left}px, ${was.top - now.top}px)`;
      element.animate([{ transform: from }, { transform: "none" }], glide);
    }
  }
}

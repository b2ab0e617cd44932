/** A title on the page: a poster to click, its name, and why it is there. */

import { artOf } from "./art.ts";
import { describe, fullName, type Title } from "./catalogue.ts";
import { make } from "./dom.ts";

/** A card; `data-see` and `data-play` on its buttons hold the title's id. */
export function card(title: Title, reason: string): HTMLLIElement {
  const see = poster("button", title);
  see.setAttribute("type", "button");
  see.setAttribute("data-see", String(title.id));
  see.setAttribute("aria-label", `I have seen ${fullName(title)}`);
  see.append(make("span", { class: "poster-hint" }, "Seen it"));
  const play = make("button", {
    class: "card-play",
    type: "button",
    "data-play": title.id,
    "aria-label": `Play ${fullName(title)} in the screening room`,
  });
  return make(
    "li",
    { class: "card", "data-title": title.id },
    see,
    make("div", { class: "card-line" }, make("p", { class: "card-name", title: title.name }, title.name), play),
    make("p", { class: "card-meta" }, describe(title)),
    make("p", { class: "card-reason" }, reason),
  );
}

/** Puts another reason on a card that stays. */
export function setReason(element: Element, reason: string): void {
  const line = element.querySelector(".card-reason");
  if (line !== null && line.textContent !== reason) line.textContent = reason;
}

/** The drawn poster alone. */
export function poster<K extends "button" | "div">(tag: K, title: Title): HTMLElementTagNameMap[K] {
  const art = artOf(title.id, title.genres);
  const name = make("span", { class: "poster-name" }, title.name);
  const element = make(tag, { class: `poster ${art.lettering} ${art.place}` }, name);
  element.style.background = art.background;
  element.style.setProperty("--letter", `${letterSize(title.name, art.lettering).toFixed(1)}cqi`);
  element.style.setProperty("--accent", art.accent);
  return element;
}

/** Percent of the poster's width, so that the longest word fits and a long name stays in four lines. */
function letterSize(name: string, lettering: string): number {
  const words = name.split(/\s+/);
  const longest = Math.max(...words.map((word) => word.length));
  const wideness = { serif: 0.47, italic: 0.45, heavy: 0.53, wide: 0.92 }[lettering] ?? 0.5;
  const byWord = 84 / (Math.max(longest, 3) * wideness);
  const byLength = Math.sqrt(3_300 / (Math.max(name.length, 4) * wideness));
  return Math.max(7, Math.min(byWord, byLength, 22));
}

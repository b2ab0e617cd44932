/** The field that finds a title by name: a combobox with a list of matches. */

import { describe, type Catalogue, type Title } from "./catalogue.ts";
import { byId, make } from "./dom.ts";

const MATCHES_MAX = 8;

/** Makes the field work; calls `found` with the title chosen. */
export function startFinder(catalogue: () => Catalogue, found: (title: Title) => void): void {
  const field = byId<HTMLInputElement>("finder");
  const list = byId("finder-matches");
  let matches: Title[] = [];
  let active = -1;

  const show = (): void => {
    matches = catalogue().find(field.value, MATCHES_MAX);
    active = matches.length > 0 ? 0 : -1;
    list.replaceChildren(...matches.map(option));
    point();
  };
  const point = (): void => {
    const isOpen = matches.length > 0;
    list.hidden = !isOpen;
    field.setAttribute("aria-expanded", String(isOpen));
    [...list.children].forEach((element, index) => element.setAttribute("aria-selected", String(index === active)));
    if (active >= 0) field.setAttribute("aria-activedescendant", `finder-match-${active}`);
    else field.removeAttribute("aria-activedescendant");
  };
  const close = (): void => {
    matches = [];
    active = -1;
    list.replaceChildren();
    point();
  };
  const choose = (index: number): void => {
    const title = matches[index];
    if (title === undefined) return;
    field.value = "";
    close();
    found(title);
  };

  field.addEventListener("input", show);
  field.addEventListener("focus", show);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (matches.length === 0) return;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined) active = (active + step + matches.length) % matches.length;
    else if (event.key === "Enter") choose(active);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    point();
  });
  // The field would lose the focus, and the list close, before the click came.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const element = (event.target as Element).closest("[role=option]");
    if (element !== null) choose([...list.children].indexOf(element));
  });
}

function option(title: Title, index: number): HTMLLIElement {
  return make(
    "li",
    { role: "option", id: `finder-match-${index}`, "aria-selected": "false" },
    make("b", {}, title.name),
    make("small", {}, describe(title)),
  );
}

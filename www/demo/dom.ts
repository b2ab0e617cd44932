/** Making and finding elements. */

type Content = Node | string | undefined;

/** The element with this id; the page is wrong without it. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as T;
}

/** A new element with attributes and content; an attribute that is `undefined` is left out. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number | undefined> = {},
  ...content: Content[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...content.filter((part) => part !== undefined));
  return element;
}

/** A choice of one among a few, as radio buttons; calls `chosen` with the id. */
export function choices(
  box: HTMLElement,
  name: string,
  options: readonly { id: string; label: string; note?: string }[],
  current: string,
  chosen: (id: string) => void,
): void {
  for (const { id, label, note } of options) {
    const input = make("input", { type: "radio", name, value: id });
    input.checked = id === current;
    input.addEventListener("change", () => chosen(id));
    const words = make("span", {}, make("b", {}, label), note === undefined ? undefined : make("small", {}, note));
    box.append(make("label", {}, input, words));
  }
}

/** Terms and their values, for a `dl`. */
export function facts(list: HTMLElement, entries: readonly (readonly [string, string])[]): void {
  list.replaceChildren(
    ...entries.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))),
  );
}

/** Whether the visitor asked for less motion. */
export function wantsStillness(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Says something to those who do not see the page change. */
export function announce(text: string): void {
  byId("spoken").textContent = text;
}

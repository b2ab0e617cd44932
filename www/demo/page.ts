/** The life of the page: fetch, decode, answer, and answer again at every click. */

import { FileRefusedError, loadFrontrow, RankingModel, type Pick } from "frontrow";
import { card, poster } from "./card.ts";
import { Catalogue, fullName, regionName, type Title } from "./catalogue.ts";
import { announce, byId, choices, facts, make, wantsStillness } from "./dom.ts";
import { startFinder } from "./finder.ts";
import { fetchLadder, fetchRelease, fetchTitles, type CandidateFile, type ReleaseFiles } from "./node.ts";
import { Room } from "./player/room.ts";
import { microseconds, showProof, startProof } from "./proof.ts";
import { rowsFor, showRows, type Row, type Visitor } from "./rows.ts";

/** Those of them that the release has are offered; the page opens in the first. */
const REGIONS = ["eu", "us"] as const;

interface Region {
  file: CandidateFile;
  model: RankingModel;
}

class Page {
  readonly #catalogue: Catalogue;
  readonly #regions: Map<string, Region>;
  #visitor: Visitor;
  #room: Room | undefined;

  constructor(catalogue: Catalogue, regions: Map<string, Region>) {
    this.#catalogue = catalogue;
    this.#regions = regions;
    this.#visitor = { seen: [], region: [...regions.keys()][0] ?? REGIONS[0], maturity_max: 18 };
  }

  /** Makes everything work and shows the first answer. */
  start(ladder: ConstructorParameters<typeof Room>[0]): void {
    const options = [...this.#regions.keys()].map((id) => ({ id, label: id.toUpperCase() }));
    choices(byId("regions"), "region", options, this.#visitor.region, (region) => {
      this.#room?.setRegion(region);
      this.#change({ region }, `Now in ${regionName(region)}.`);
    });
    const maturity = byId<HTMLSelectElement>("maturity");
    maturity.addEventListener("change", () => {
      this.#change({ maturity_max: Number(maturity.value) }, `Rated up to ${maturity.value}.`);
    });
    byId("start-over").addEventListener("click", () => this.#change({ seen: [] }, "Nothing seen."));
    byId("chips").addEventListener("click", (event) => this.#forget(event));
    for (const id of ["rows", "marquee"]) byId(id).addEventListener("click", (event) => this.#clicked(event));
    startFinder(() => this.#catalogue, (title) => this.#see(title.id));
    startProof(() => this.#proofState());
    const rows = this.#answer();
    const first = rows[0]?.picks[0]?.title ?? 0;
    this.#room = new Room(ladder, this.#visitor.region, this.#catalogue.of(first));
    this.#room.offer(this.#offered(rows));
    byId("rows").setAttribute("aria-busy", "false");
  }

  #region(): Region {
    const region = this.#regions.get(this.#visitor.region);
    if (region === undefined) throw new Error(`no candidates for ${this.#visitor.region}`);
    return region;
  }

  #proofState() {
    return { ...this.#region(), catalogue: this.#catalogue, visitor: this.#visitor };
  }

  /** Computes all rows and shows them. */
  #answer(): Row[] {
    const rows = rowsFor(this.#region().model, this.#catalogue, this.#visitor, Date.now());
    showRows(byId("rows"), this.#catalogue, rows);
    this.#showMarquee(rows[0]?.picks ?? []);
    this.#showSeen();
    const mean_us = microseconds(this.#proofState());
    this.#showFacts(mean_us);
    showProof(this.#proofState(), mean_us);
    return rows;
  }

  #change(change: Partial<Visitor>, said: string): void {
    this.#visitor = { ...this.#visitor, ...change };
    const rows = this.#answer();
    this.#room?.offer(this.#offered(rows));
    const best = rows[0]?.picks[0];
    const next = best === undefined ? "" : ` First now: ${this.#catalogue.of(best.title).name}.`;
    announce(said + next);
  }

  #clicked(event: Event): void {
    const button = (event.target as Element).closest<HTMLElement>("[data-see], [data-play]");
    if (button === null) return;
    const { see, play } = button.dataset;
    if (see !== undefined) {
      // The card goes: the focus stays in the row, on the one that takes its place.
      const next = button.closest(".card")?.nextElementSibling?.querySelector<HTMLElement>("[data-see]");
      const hadFocus = button.matches(":focus-visible");
      this.#see(Number(see));
      if (hadFocus) (next?.isConnected ? next : byId("rows")).focus();
    } else if (play !== undefined) {
      this.#room?.play(this.#catalogue.of(Number(play)));
      byId("screening-room").scrollIntoView({ behavior: wantsStillness() ? "auto" : "smooth" });
      byId("play").focus({ preventScroll: true });
    }
  }

  #see(title: number): void {
    const seen = [...this.#visitor.seen.filter((id) => id !== title), title];
    this.#change({ seen }, `You have seen ${this.#catalogue.of(title).name}.`);
  }

  #forget(event: Event): void {
    const button = (event.target as Element).closest<HTMLElement>("[data-forget]");
    if (button === null) return;
    const id = Number(button.dataset["forget"]);
    const seen = this.#visitor.seen.filter((title) => title !== id);
    this.#change({ seen }, `${this.#catalogue.of(id).name} is forgotten.`);
  }

  #offered(rows: readonly Row[]): Title[] {
    return (rows[0]?.picks ?? []).map((pick) => this.#catalogue.of(pick.title));
  }

  /** The best three, the first in front. */
  #showMarquee(picks: readonly Pick[]): void {
    const [best, ...others] = picks.slice(0, 3);
    const box = byId("marquee");
    if (best === undefined) {
      box.replaceChildren();
      return;
    }
    if (box.querySelector(".front")?.getAttribute("data-title") === String(best.title)) return;
    const behind = others.map(({ title }) => {
      const drawn = poster("div", this.#catalogue.of(title));
      drawn.setAttribute("aria-hidden", "true");
      return drawn;
    });
    const front = card(this.#catalogue.of(best.title), this.#catalogue.because(best.reason));
    front.classList.add("front");
    box.replaceChildren(...behind, make("ul", { class: "front-list", "aria-label": "First pick" }, front));
  }

  #showSeen(): void {
    const { seen } = this.#visitor;
    const chips = [...seen].reverse().map((id) => {
      const title = this.#catalogue.of(id);
      const words = { class: "chip", type: "button", "data-forget": id, "aria-label": `Forget ${fullName(title)}` };
      return make("li", {}, make("button", words, title.name));
    });
    byId("chips").replaceChildren(...chips);
    byId("chips-hint").hidden = seen.length > 0;
    byId<HTMLButtonElement>("start-over").disabled = seen.length === 0;
  }

  #showFacts(mean_us: number): void {
    const { file, model } = this.#region();
    facts(byId("facts"), [
      ["generation", String(file.generation)],
      ["titles", model.info.titles.toLocaleString("en")],
      ["kB of candidates", Math.round(file.bytes.length / 1024).toLocaleString("en")],
      ["µs an answer, here", String(mean_us)],
    ]);
  }
}

async function open(): Promise<void> {
  const [titles, ladder, release] = await Promise.all([fetchTitles(), fetchLadder(), fetchRelease(REGIONS), loadFrontrow()]);
  const regions = new Map(release.candidates.map((file) => [file.region, { file, model: decode(file, release) }]));
  new Page(new Catalogue(titles), regions).start(ladder);
  document.documentElement.dataset["ready"] = "true";
}

/** With the models, unless one of them is a graph that only nodes can run: then without it. */
function decode({ bytes, rules }: CandidateFile, release: ReleaseFiles): RankingModel {
  const tower = release.tower && { tower: release.tower.bytes };
  const ranker = release.ranker && { ranker: release.ranker.bytes };
  for (const models of [{ ...tower, ...ranker }, { ...tower }]) {
    try {
      return RankingModel.decode(bytes, rules, models);
    } catch (error) {
      if (!(error instanceof FileRefusedError && ["ranker-unsupported", "tower-unknown"].includes(error.code))) throw error;
    }
  }
  return RankingModel.decode(bytes, rules);
}

open().catch((error: unknown) => {
  const box = byId("trouble");
  const again = make("button", { class: "primary", type: "button" }, "Try again");
  again.addEventListener("click", () => location.reload());
  const reason = error instanceof Error ? error.message : String(error);
  box.replaceChildren(make("h2", {}, "The curtain stays down"), make("p", {}, reason), again);
  box.hidden = false;
  console.error(error);
});

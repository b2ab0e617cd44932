/** What to show. */

import { call, engine, type HeldRanking } from "./engine.ts";
import { FileRefusedError, RequestRefusedError } from "./errors.ts";
import type { HomePage, HomeRequest, Pair, RankingRules, RecommendAnswer, RecommendRequest } from "./messages.ts";

/** What a candidate set turned out to hold. */
export interface RankingModelInfo {
  /** Whose candidates they are. */
  region: string;
  /** Titles in the set, candidates and mere row sources together. */
  titles: number;
  /** Titles that have an item-to-item row. */
  rows: number;
  /** Viewers with factors, 0 without a factor model. */
  viewers: number;
  /** Whether there is a ranker. */
  ranker: boolean;
  /** Whether there is a tower. */
  tower: boolean;
}

/** What a release may have beside its candidate sets. */
export interface RankingModelParts {
  /** `factors.safetensors`, for {@link RankingModel.predict} and {@link RankingModel.topRated}. */
  factors?: Uint8Array;
  /**
   * `ranker.onnx`. The browser runs rankers of dense layers with what usually goes between them
   * (normalisation, ReLU, GELU and their kin); another graph is refused with the code `ranker-unsupported`, and
   * then the release can be used without it, in the order of its rows.
   */
  ranker?: Uint8Array;
  /**
   * `tower.onnx`: without it the order is that of the rows alone. The browser runs those of Frontrow's own trainer; that
   * of another is refused with the code `tower-unknown`, and then the release can be used without its models.
   */
  tower?: Uint8Array;
}

/** A title and its predicted rating. */
export interface Scored {
  title: number;
  score: number;
}

/** The candidates of one region, decoded and ready; answers like the node that served the file. */
export class RankingModel {
  /** What the files hold. */
  readonly info: RankingModelInfo;
  readonly #held: HeldRanking;

  private constructor(held: HeldRanking) {
    this.#held = held;
    this.info = JSON.parse(held.describe()) as RankingModelInfo;
  }

  /**
   * Decodes a candidate set (`candidates-<region>.safetensors`) and what else the release has.
   *
   * @param rules the release's, from its manifest
   * @throws {@link FileRefusedError} a file is not what its schema says, or a rule is out of its range.
   */
  static decode(candidates: Uint8Array, rules: RankingRules, parts: RankingModelParts = {}): RankingModel {
    const { loadRanking } = engine();
    const { factors, ranker, tower } = parts;
    const text = JSON.stringify(rules);
    return call(FileRefusedError, () => new RankingModel(loadRanking(candidates, factors, ranker, tower, text)));
  }

  /**
   * Answers `k` picks while `k` exist. An unknown title in the history is not an error.
   *
   * @throws {@link RequestRefusedError} `k` is 0 or above 100, or the history too long.
   */
  recommend(request: RecommendRequest): RecommendAnswer {
    const answer = call(RequestRefusedError, () => this.#held.recommend(JSON.stringify(request), Date.now()));
    return JSON.parse(answer) as RecommendAnswer;
  }

  /**
   * Answers the rows of a page, no title twice. A viewer who has seen everything gets none.
   *
   * @throws {@link RequestRefusedError} `k`, a share or a length is out of its range.
   */
  home(request: HomeRequest): HomePage {
    const page = call(RequestRefusedError, () => this.#held.home(JSON.stringify(request), Date.now()));
    return JSON.parse(page) as HomePage;
  }

  /**
   * Predicts ratings by biased matrix factorisation, in the order of `pairs`; an unknown viewer or
   * title gets the global mean.
   *
   * @throws {@link NotAvailableError} no factor model was given.
   * @throws {@link RequestRefusedError} too many pairs.
   */
  predict(pairs: readonly Pair[]): number[] {
    return JSON.parse(call(RequestRefusedError, () => this.#held.predict(JSON.stringify(pairs)))) as number[];
  }

  /**
   * The `n` titles with the highest predicted rating; empty for an unknown viewer.
   *
   * @throws {@link NotAvailableError} no factor model was given.
   */
  topRated(viewer: number, n: number, exclude: readonly number[] = []): Scored[] {
    const excluded = Uint32Array.from(exclude);
    return JSON.parse(call(RequestRefusedError, () => this.#held.topRated(viewer, n, excluded))) as Scored[];
  }

  /**
   * The ranker's logits: one for each row of 8 features, which `features` holds row by row. For pools of
   * one's own; {@link RankingModel.recommend} computes the features itself.
   *
   * @throws {@link NotAvailableError} no ranker was given.
   * @throws {@link RequestRefusedError} the features are not whole rows.
   */
  logits(features: Float32Array): Float32Array {
    return call(RequestRefusedError, () => this.#held.logits(features));
  }

  /** Gives the memory back; the model must not be used after it. */
  close(): void {
    this.#held.free();
  }
}

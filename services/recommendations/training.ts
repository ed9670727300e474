import { historyOf, likedIn } from "./interaction.ts";
import type { InteractionStore, Readers } from "./interaction-store.ts";
import { LikenessLearner } from "./likeness.ts";
import type { Model } from "./model.ts";

/** Keeps up with what readers do. */
export class Training {
  readonly #store: InteractionStore;
  #learner = new LikenessLearner();
  /** How far the store was read. Undefined before it was read at all. */
  #revision: number | undefined;

  constructor(store: InteractionStore) {
    this.#store = store;
  }

  /**
   * Learns from what has changed since the last time.
   *
   * @returns undefined if nothing has.
   */
  async step(): Promise<Model | undefined> {
    // Before anything is read: what changes meanwhile is read again the next time.
    const state = await this.#store.state();
    if (state.revision === this.#revision) return undefined;
    // Lower than before, the store is one that was restored: what came after its copy was made has not happened.
    if (this.#revision === undefined || state.revision < this.#revision) await this.#readAll();
    else await this.#readChanges(this.#revision);
    this.#revision = state.revision;
    return this.#learner.learn(state);
  }

  async #readAll(): Promise<void> {
    this.#learner = new LikenessLearner();
    // Where it does not come to its end, it is to begin anew.
    this.#revision = undefined;
    let page = await this.#store.page("");
    while (page.last !== undefined) {
      this.#take(page.readers);
      page = await this.#store.page(page.last);
    }
  }

  async #readChanges(since: number): Promise<void> {
    const changed = await this.#store.changedAfter(since);
    const readers = await this.#store.ofEach(changed);
    this.#take(new Map(changed.map((userId) => [userId, readers.get(userId) ?? []])));
  }

  #take(readers: Readers): void {
    for (const [userId, interactions] of readers) this.#learner.setLiked(userId, likedIn(historyOf(interactions)));
  }
}

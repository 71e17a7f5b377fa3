import { isReason } from '#core/kube';
import type { Lesson } from '#core/study';
import { defaultTopology } from '#core/study';
import type { ClusterSpec, ClusterState, Engine } from './engine-port.ts';

/** Simulated time a new cluster gets to come to rest. */
const settleLimitMs = 600_000;
const cleanMark = 'clean';
export const cardsClusterId = 'cards';

/** The clusters that lessons and cards are worked on: one for each lesson, one for all cards. */
export class StudyClusters {
  readonly #engine: Engine;
  readonly #opening = new Map<string, Promise<ClusterState>>();
  #cardsUsed = false;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The lesson's own cluster, as the reader left it. */
  ofLesson({ lessonId, title, topology }: Lesson): Promise<ClusterState> {
    return this.#open({
      clusterId: `lesson-${lessonId}`,
      name: title.en,
      topology,
      purpose: 'lesson',
      seed: lessonId,
      persistent: true,
    });
  }

  /** The cards' cluster, whatever answers were tried on it. */
  ofCards(): Promise<ClusterState> {
    return this.#open(
      {
        clusterId: cardsClusterId,
        name: 'Cards',
        topology: defaultTopology,
        purpose: 'card',
        seed: cardsClusterId,
        persistent: false,
      },
      async ({ clusterId }) => {
        await this.#engine.settle(clusterId, settleLimitMs);
        await this.#engine.mark(clusterId, cleanMark);
        this.#cardsUsed = false;
      },
    );
  }

  /** The cards' cluster as it was when new; from now on it counts as used. */
  async takeCleanCards(): Promise<string> {
    const { clusterId } = await this.ofCards();
    await this.cleanCards();
    this.#cardsUsed = true;
    return clusterId;
  }

  /** Takes away what an answer left behind. */
  async cleanCards(): Promise<void> {
    if (!this.#cardsUsed) return;
    await this.#engine.reset(cardsClusterId, cleanMark);
    this.#cardsUsed = false;
  }

  async #open(
    spec: ClusterSpec,
    prepare: (state: ClusterState) => Promise<void> = () => Promise.resolve(),
  ): Promise<ClusterState> {
    const under = this.#opening.get(spec.clusterId);
    if (under) return under;
    const opening = this.#find(spec).then(async (found) => {
      if (found) return found;
      const made = await this.#engine.create(spec);
      await prepare(made);
      return made;
    });
    this.#opening.set(spec.clusterId, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(spec.clusterId);
    }
  }

  async #find({ clusterId }: ClusterSpec): Promise<ClusterState | undefined> {
    try {
      return await this.#engine.get(clusterId);
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }
}

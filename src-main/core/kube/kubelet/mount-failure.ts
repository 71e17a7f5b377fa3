/** A volume cannot be mounted; with the stage and the volume's name it is the message of a FailedMount event. */
export class MountFailure extends Error {
  override readonly name = 'MountFailure';
  readonly #stage: string;
  readonly #volume: string | undefined;

  /** @param where.volume the PersistentVolume behind a claim; absent: the pod's own name of the volume. */
  constructor(message: string, where: { readonly stage?: string; readonly volume?: string } = {}) {
    super(message);
    this.#stage = where.stage ?? 'MountVolume.SetUp failed';
    this.#volume = where.volume;
  }

  /** The same for a PersistentVolume. */
  of(volume: string): MountFailure {
    return new MountFailure(this.message, { stage: this.#stage, volume });
  }

  /** @param podVolume what the pod calls the volume. */
  text(podVolume: string): string {
    return `${this.#stage} for volume ${JSON.stringify(this.#volume ?? podVolume)} : ${this.message}`;
  }
}

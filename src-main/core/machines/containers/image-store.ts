import { type Clock, type Random, sleep } from '#core/base';
import { CriError, type ImageStatus } from '#core/kube';
import {
  type Image,
  type ImageCatalogue,
  imageDigest,
  imageId,
  type ImageReference,
  parseReference,
  pullError,
} from '../images/index.ts';

/** An image on the node. */
export interface StoredImage {
  readonly id: string;
  readonly image: Image;
  readonly tags: ReadonlySet<string>;
  readonly digests: ReadonlySet<string>;
  readonly pulledMs: number;
}

interface Entry extends StoredImage {
  readonly tags: Set<string>;
  readonly digests: Set<string>;
}

export interface ImageStoreDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly catalogue: ImageCatalogue;
  /** The name server of the node, `ip:port`, for the text of a look-up that fails. */
  readonly nameServer: () => string;
}

/** A registry that refuses: it is asked over the network. */
const refusalMs = 300;
/** A manifest that is compared with what the node has. */
const lookUpMs = 16;
/** As measured with containerd and a registry at hand: 11.6 MB in 16 ms. */
const bytesPerMs = 720_000;
const slowestMs = 2000;

/** The images on one node's disk. */
export class ImageStore {
  readonly #deps: ImageStoreDeps;
  readonly #byId = new Map<string, Entry>();

  constructor(deps: ImageStoreDeps) {
    this.#deps = deps;
  }

  /**
   * Fetches an image from its registry; takes up to 2 s by its size, 16 ms when only the manifest must be looked at.
   * @returns repository and digest. @throws CriError with the registry's text.
   */
  async pull(text: string): Promise<string> {
    const { clock, catalogue, random } = this.#deps;
    const reference = this.#parse(text);
    const found = catalogue.find(reference.canonical);
    if (!found) {
      await sleep(clock, refusalMs);
      throw pullError(catalogue, reference, this.#deps.nameServer());
    }
    const present = this.#byId.has(imageId(found.image));
    const transferMs = Math.round(found.image.sizeBytes / bytesPerMs) + random.integer(100);
    await sleep(clock, lookUpMs + (present ? 0 : Math.min(slowestMs, transferMs)));
    return this.#add(found.image, reference);
  }

  /** Puts an image on the disk at once: what a node had before it was started. @throws CriError unknown. */
  preload(text: string): string {
    const reference = this.#parse(text);
    const found = this.#deps.catalogue.find(reference.canonical);
    if (!found) throw pullError(this.#deps.catalogue, reference, this.#deps.nameServer());
    return this.#add(found.image, reference);
  }

  /** By reference, id, or the start of an id. */
  find(text: string): StoredImage | undefined {
    const id = text.startsWith('sha256:') ? text : `sha256:${text}`;
    const exact = this.#byId.get(id);
    if (exact) return exact;
    if (/^(sha256:)?[0-9a-f]{5,64}$/.test(text))
      for (const [other, entry] of this.#byId) if (other.startsWith(id)) return entry;
    try {
      const { canonical, repository, digest } = parseReference(text);
      for (const entry of this.#byId.values())
        if (
          entry.tags.has(canonical) ||
          (digest !== undefined && entry.digests.has(`${repository}@${digest}`))
        )
          return entry;
    } catch {
      return undefined;
    }
    return undefined;
  }

  list(): readonly StoredImage[] {
    return [...this.#byId.values()];
  }

  /** Removes one name of an image, and the image with its last; an id removes it whole. */
  remove(text: string): void {
    const entry = this.find(text);
    if (!entry) return;
    const stored = this.#byId.get(entry.id);
    if (!stored) return;
    try {
      stored.tags.delete(parseReference(text).canonical);
    } catch {
      stored.tags.clear();
    }
    if (/^(sha256:)?[0-9a-f]{5,64}$/.test(text)) stored.tags.clear();
    if (stored.tags.size === 0) this.#byId.delete(entry.id);
  }

  #parse(text: string): ImageReference {
    try {
      return parseReference(text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new CriError('Unknown', `failed to parse image reference "${text}": ${reason}`);
    }
  }

  #add(image: Image, reference: ImageReference): string {
    const id = imageId(image);
    const digest = `${reference.repository}@${imageDigest(image)}`;
    const entry = this.#byId.get(id) ?? {
      id,
      image,
      tags: new Set<string>(),
      digests: new Set<string>(),
      pulledMs: this.#deps.clock.now(),
    };
    this.#byId.set(id, entry);
    if (reference.tag !== undefined && reference.digest === undefined) {
      for (const other of this.#byId.values()) other.tags.delete(reference.canonical);
      entry.tags.add(reference.canonical);
    }
    entry.digests.add(digest);
    return digest;
  }
}

/** As CRI shows it. */
export function imageStatus({ id, image, tags, digests }: StoredImage): ImageStatus {
  const user = image.user.split(':')[0] ?? '';
  return {
    id,
    tags: [...tags],
    digests: [...digests],
    sizeBytes: image.sizeBytes,
    ...(user === '' ? {} : /^\d+$/.test(user) ? { uid: Number(user) } : { username: user }),
  };
}

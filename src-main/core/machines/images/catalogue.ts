import { hex, seededRandom } from '#core/base';
import { parseReference } from './reference.ts';
import type { Image, ImageCatalogue } from './types.ts';

/** Digest of an image's manifest: the same for all tags of one `Image`, and in every run. */
export function imageDigest(image: Image): string {
  return `sha256:${hex(seededRandom(`manifest ${image.repository}:${image.tags[0] ?? ''}`), 64)}`;
}

/** Id of an image: the digest of its configuration. */
export function imageId(image: Image): string {
  return `sha256:${hex(seededRandom(`config ${image.repository}:${image.tags[0] ?? ''}`), 64)}`;
}

/** What the registries of the simulated world hold. A tag named twice is the last one's. */
export function createCatalogue(images: readonly Image[]): ImageCatalogue {
  const byName = new Map<string, { image: Image; tag: string; digest: string }>();
  const repositories = new Set<string>();
  for (const image of images) {
    repositories.add(image.repository);
    const digest = imageDigest(image);
    for (const tag of image.tags) byName.set(`${image.repository}:${tag}`, { image, tag, digest });
    byName.set(`${image.repository}@${digest}`, { image, tag: image.tags[0] ?? '', digest });
  }
  return {
    find: (text) => {
      try {
        const { repository, tag, digest } = parseReference(text);
        return byName.get(digest ? `${repository}@${digest}` : `${repository}:${tag ?? 'latest'}`);
      } catch {
        return undefined;
      }
    },
    hasRepository: (repository) => repositories.has(repository),
  };
}

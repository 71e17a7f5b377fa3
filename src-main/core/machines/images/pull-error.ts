import { CriError } from '#core/kube';
import type { ImageReference } from './reference.ts';
import type { ImageCatalogue } from './types.ts';

/** Registries that answer in the simulated world; any other host must resolve by name and does not exist. */
const registries: ReadonlySet<string> = new Set([
  'docker.io',
  'registry.k8s.io',
  'k8s.gcr.io',
  'gcr.io',
  'quay.io',
  'ghcr.io',
  'mcr.microsoft.com',
  'public.ecr.aws',
]);

/**
 * What containerd says when the image cannot be pulled.
 *
 * @param nameServer of the node, as Go names it in a failed look-up: `10.0.0.53:53`.
 * @see github.com/containerd/containerd/core/remotes/docker/resolver.go
 */
export function pullError(
  catalogue: ImageCatalogue,
  reference: ImageReference,
  nameServer: string,
): CriError {
  const { domain, path, repository, canonical } = reference;
  const failed = (code: CriError['code'], reason: string): CriError =>
    new CriError(
      code,
      `failed to pull and unpack image "${canonical}": failed to resolve image: ${reason}`,
    );
  const known = registries.has(domain) || catalogue.hasRepository(repository);
  if (!known) {
    const host = domain.replace(/:\d+$/, '');
    return failed(
      'Unknown',
      `failed to do request: Head "https://${domain}/v2/${path}/manifests/${reference.digest ?? reference.tag ?? 'latest'}": dial tcp: lookup ${host} on ${nameServer}: no such host`,
    );
  }
  if (domain === 'docker.io' && !catalogue.hasRepository(repository))
    return failed(
      'Unknown',
      'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    );
  return failed('NotFound', `${canonical}: not found`);
}

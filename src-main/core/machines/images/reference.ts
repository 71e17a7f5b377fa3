/** A normalised image reference: `docker.io/library/nginx:1.27`. */
export interface ImageReference {
  /** `docker.io`, `registry.k8s.io`, `localhost:5000`. */
  readonly domain: string;
  /** Below the registry: `library/nginx`. */
  readonly path: string;
  /** `docker.io/library/nginx`. */
  readonly repository: string;
  /** `latest` when neither tag nor digest is given. */
  readonly tag?: string;
  /** `sha256:…`. */
  readonly digest?: string;
  /** Repository with tag and digest. */
  readonly canonical: string;
}

/** The text is no image reference; the message is distribution/reference's. */
export class ReferenceError extends Error {
  override readonly name = 'ReferenceError';
}

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${component}(?:/${component})*$`);
const domainPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9-]+)*(?::\d+)?$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/**
 * Reads and normalises a reference as Docker does.
 *
 * @throws ReferenceError
 * @see github.com/distribution/reference/normalize.go
 */
export function parseReference(text: string): ImageReference {
  if (/^[a-f0-9]{64}$/.test(text))
    throw new ReferenceError(
      `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`,
    );
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const named =
    slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = named ? (first === 'index.docker.io' ? 'docker.io' : first) : 'docker.io';
  const rest = named ? text.slice(slash + 1) : text;
  const at = rest.indexOf('@');
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  const beforeDigest = at < 0 ? rest : rest.slice(0, at);
  const colon = beforeDigest.lastIndexOf(':');
  const givenTag = colon < 0 ? undefined : beforeDigest.slice(colon + 1);
  const bare = colon < 0 ? beforeDigest : beforeDigest.slice(0, colon);
  const path =
    domain === 'docker.io' && bare !== '' && !bare.includes('/') ? `library/${bare}` : bare;
  if (path.toLowerCase() !== path)
    throw new ReferenceError(
      `invalid reference format: repository name (${path}) must be lowercase`,
    );
  const valid =
    pathPattern.test(path) &&
    domainPattern.test(domain) &&
    (givenTag === undefined || tagPattern.test(givenTag)) &&
    (digest === undefined || digestPattern.test(digest));
  if (!valid) throw new ReferenceError('invalid reference format');
  const repository = `${domain}/${path}`;
  const tag = givenTag ?? (digest === undefined ? 'latest' : undefined);
  return {
    domain,
    path,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
    canonical: `${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`,
  };
}

/** The name as Docker shows it: `docker.io/library/nginx` → `nginx`. */
export function familiarName(repository: string): string {
  return repository.replace(/^docker\.io\/(library\/)?/, '');
}

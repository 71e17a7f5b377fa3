import type { Implementations } from '../language/interpreter.ts';
import { Failure, LibraryValue, LiteralMap } from '../language/values.ts';

/** A URL, or the path of a request. */
class CelUrl extends LibraryValue {
  readonly typeName = 'kubernetes.URL';
  readonly url: URL | undefined;
  readonly text: string;

  constructor(text: string, url: URL | undefined) {
    super();
    this.text = text;
    this.url = url;
  }

  equals(other: LibraryValue): boolean {
    return other instanceof CelUrl && this.text === other.text;
  }
}

/** Where an absolute path is read from. */
const nowhere = 'http://nowhere';

function parseUrl(text: string): CelUrl | undefined {
  try {
    if (text.startsWith('/')) return new CelUrl(text, new URL(text, nowhere));
    // Other programs read more than Go does.
    return /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && !/\s/.test(text)
      ? new CelUrl(text, new URL(text))
      : undefined;
  } catch {
    return undefined;
  }
}

const part =
  (read: (url: URL) => string) =>
  ({ text, url }: CelUrl): string =>
    url && !(text.startsWith('/') && url.host === 'nowhere') ? read(url) : '';

function query({ url }: CelUrl): LiteralMap {
  const all = new Map<string, string[]>();
  for (const [key, value] of url?.searchParams ?? [])
    all.set(key, [...(all.get(key) ?? []), value]);
  return new LiteralMap(all);
}

/** A port that Go keeps though it is the scheme's own. */
const explicitPort = (text: string): string =>
  /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/.exec(text)?.[1] ?? '';

/** `url('https://…')`. @see k8s.io/apiserver/pkg/cel/library/urls.go */
export const urls: Implementations = {
  string_to_url: (text: string) =>
    parseUrl(text) ??
    new Failure(
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${text.startsWith(':') ? 'missing protocol scheme' : 'invalid URI for request'}`,
    ),
  is_url_string: (text: string) => parseUrl(text) !== undefined,
  url_get_scheme: part(({ protocol }) => protocol.replace(/:$/, '')),
  url_get_host: (url: CelUrl) => {
    const port = explicitPort(url.text);
    const host = part(({ hostname }) => hostname)(url);
    return port === '' ? host : `${host}:${port}`;
  },
  url_get_hostname: part(({ hostname }) => hostname.replace(/^\[(.*)\]$/, '$1')),
  url_get_port: ({ text }: CelUrl) => explicitPort(text),
  url_get_escaped_path: ({ text, url }: CelUrl) =>
    /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*(?:[?#]|$)/.test(text) ? '' : (url?.pathname ?? ''),
  url_get_query: query,
};

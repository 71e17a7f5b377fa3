import { utf8 } from '#core/base';
import { type ApiResponse, responseText } from '../machinery/index.ts';

/** Attributes that hold an address, by tag. @see k8s.io/apimachinery/pkg/util/proxy/transport.go, atomsToAttrs */
const linksOf: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

export interface ProxiedAt {
  /** The path of the proxy itself: `/api/v1/namespaces/default/pods/web/proxy`. */
  readonly prefix: string;
  /** Of what was asked, and as the client asked: other hosts' addresses are left alone. */
  readonly hosts: readonly (string | undefined)[];
}

/** What a page or a redirect names on its own server is made to lead through the proxy. */
export async function throughProxy(answer: ApiResponse, at: ProxiedAt): Promise<ApiResponse> {
  const { headers } = answer;
  const location = headers['location'];
  if (typeof location === 'string')
    return { ...answer, headers: { ...headers, location: moved(location, at) } };
  const type = String(headers['content-type'] ?? '').split(';')[0];
  if (type !== 'text/html' || headers['content-encoding'] !== undefined) return answer;
  const page = (await responseText(answer)).replaceAll(
    /<([a-zA-Z]\w*)(\s[^<>]*)>/g,
    (tag: string, name: string, attributes: string) => {
      const links = linksOf[name.toLowerCase()];
      return links ? `<${name}${movedAttributes(attributes, links, at)}>` : tag;
    },
  );
  const { 'content-length': _, ...kept } = headers;
  return { ...answer, headers: kept, body: { kind: 'bytes', bytes: utf8(page) } };
}

const movedAttributes = (text: string, links: readonly string[], at: ProxiedAt): string =>
  text.replaceAll(
    /(\s)([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g,
    (all: string, space: string, name: string, ...values: (string | undefined)[]) => {
      const value = values[0] ?? values[1] ?? values[2] ?? '';
      return links.includes(name.toLowerCase()) ? `${space}${name}="${moved(value, at)}"` : all;
    },
  );

/** @see transport.go, rewriteURL */
function moved(url: string, { prefix, hosts }: ProxiedAt): string {
  const [, host, path = '', rest = ''] = /^(?:https?:)?\/\/([^/?#]*)([^?#]*)(.*)$/.exec(url) ?? [];
  const [ownPath, ownRest] = host === undefined ? splitPath(url) : [path, rest];
  if (host !== undefined && !hosts.includes(host)) return url;
  if (!ownPath.startsWith('/') || ownPath.startsWith(prefix)) return url;
  return `${prefix}${ownPath}${ownRest}`;
}

function splitPath(url: string): [string, string] {
  const end = url.search(/[?#]/);
  return end < 0 ? [url, ''] : [url.slice(0, end), url.slice(end)];
}

/** One directive of a server block, with its own block of lines. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly lines: readonly { readonly words: readonly string[]; readonly line: number }[];
  readonly line: number;
}

export interface ServerBlock {
  /** `.`, `example.org`: lower case, without the last dot; the port is 53 unless said. */
  readonly zones: readonly { readonly zone: string; readonly port: number }[];
  readonly directives: readonly Directive[];
}

/** The file does not parse; the message is CoreDNS' own. */
export class CorefileError extends Error {
  override readonly name = 'CorefileError';
}

/** Plug-ins that a CoreDNS release knows; one not here is an unknown directive. */
const knownDirectives: ReadonlySet<string> = new Set(
  `root metadata geoip cancel tls timeouts multisocket reload nsid bufsize bind debug trace ready health pprof prometheus
errors log dnstap local dns64 acl any chaos loadbalance tsig cache rewrite header dnssec autopath minimal template
transfer hosts route53 azure clouddns k8s_external kubernetes file auto secondary etcd loop forward grpc erratic whoami
on sign view nomad`.split(/\s+/),
);

interface Token {
  readonly text: string;
  readonly line: number;
}

/** @throws CorefileError as CoreDNS prints it, with `path` and line. */
export function parseCorefile(text: string, path: string): ServerBlock[] {
  const lines = tokenLines(text);
  const blocks: ServerBlock[] = [];
  let index = 0;
  const fail = (line: number, why: string): never => {
    throw new CorefileError(`${path}:${line} - Error during parsing: ${why}`);
  };
  while (index < lines.length) {
    const head = lines[index] ?? [];
    const open = head.at(-1);
    if (open?.text !== '{')
      fail(
        open?.line ?? 1,
        `Unexpected token '${head[1]?.text ?? head[0]?.text ?? ''}', expecting '{'`,
      );
    const zones = head.slice(0, -1).map(({ text: zone }) => readZone(zone));
    index += 1;
    const directives: Directive[] = [];
    for (;;) {
      const words = lines[index];
      if (!words) return fail(lines.at(-1)?.[0]?.line ?? 1, "Unexpected EOF, expecting '}'");
      index += 1;
      const [first] = words;
      if (!first || first.text === '}') break;
      if (!knownDirectives.has(first.text)) fail(first.line, `Unknown directive '${first.text}'`);
      const hasBlock = words.at(-1)?.text === '{';
      const inner: { words: string[]; line: number }[] = [];
      if (hasBlock) {
        for (;;) {
          const line = lines[index];
          if (!line) return fail(first.line, "Unexpected EOF, expecting '}'");
          index += 1;
          if (line[0]?.text === '}') break;
          inner.push({ words: line.map((token) => token.text), line: line[0]?.line ?? 0 });
        }
      }
      directives.push({
        name: first.text,
        args: words.slice(1, hasBlock ? -1 : undefined).map((token) => token.text),
        lines: inner,
        line: first.line,
      });
    }
    blocks.push({ zones, directives });
  }
  return blocks;
}

function tokenLines(text: string): Token[][] {
  const lines: Token[][] = [];
  text.split('\n').forEach((raw, i) => {
    const tokens = [...raw.replace(/(^|\s)#.*$/, '').matchAll(/"((?:[^"\\]|\\.)*)"|\S+/g)].map(
      (match) => ({
        text: match[1] ?? match[0],
        line: i + 1,
      }),
    );
    if (tokens.length > 0) lines.push(tokens);
  });
  return lines;
}

function readZone(text: string): { zone: string; port: number } {
  const match = /^(?:dns:\/\/)?(.*?)(?::(\d+))?$/.exec(text);
  const zone = (match?.[1] ?? '').toLowerCase().replace(/\.$/, '');
  return { zone: zone === '' ? '.' : zone, port: match?.[2] === undefined ? 53 : Number(match[2]) };
}

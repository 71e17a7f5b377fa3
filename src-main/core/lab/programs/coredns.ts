import { type Clock, defer, type DeepReadonly, type Disposable, utf8 } from '#core/base';
import {
  answerAddress,
  answerName,
  type EndpointSlice,
  type Informer,
  type Informers,
  type Pod,
  type ZoneState,
} from '#core/kube';
import {
  createResolver,
  type DnsHandler,
  dnsListener,
  type DnsMessage,
  type DnsRecord,
  dnsReply,
  dnsStreamListener,
  type Program,
  type ProgramContext,
  type Resolver,
} from '#core/machines';
import { type Component, componentProgram, listenOrFail } from './component.ts';
import { CorefileError, type Directive, parseCorefile, type ServerBlock } from './corefile.ts';
import { pathOf, plainAnswer } from './http-answer.ts';
import { inClusterConfig } from './kubeconfig.ts';

const reloadIntervalMs = 30_000;
/** Names in aliases are followed this far. */
const maxAliases = 7;

/** What a server block answers with, in the order of CoreDNS' plug-in chain. */
interface Server {
  readonly block: ServerBlock;
  readonly zone: string;
  readonly port: number;
}

/**
 * CoreDNS: answers the names of Services and pods, and forwards the rest. Modelled plug-ins: errors, log, health,
 * ready, kubernetes, hosts, rewrite (exact, suffix), template is not; cache, loadbalance, prometheus and loop
 * are accepted and change nothing that a client could see.
 */
export const coredns: Program = componentProgram({
  flags: [
    { name: 'conf', kind: 'string' },
    { name: 'dns.port', kind: 'string' },
  ],
  run: async (component) => {
    const { context, flags, terminated } = component;
    const path = flags.text('conf') ?? '/etc/coredns/Corefile';
    const print = (text: string): void =>
      void context.stdout.write(utf8(`${text}\n`)).catch(() => undefined);
    let text = context.files.exists(path) ? context.files.readText(path) : '.:53 {\n whoami\n}\n';
    let blocks: ServerBlock[];
    try {
      blocks = parseCorefile(text, path);
    } catch (error) {
      if (!(error instanceof CorefileError)) throw error;
      print(error.message);
      return 1;
    }
    const loop = findLoop(blocks, context);
    print('maxprocs: Leaving GOMAXPROCS=2: CPU quota undefined');
    const instance = new Instance(component, print);
    instance.start(blocks);
    print(
      `[INFO] plugin/reload: Running configuration SHA512 = ${fingerprint(text)}\nCoreDNS-1.14.2\nlinux/amd64, go1.26.8, `,
    );
    if (loop !== undefined) {
      print(
        `[FATAL] plugin/loop: Loop (127.0.0.1:48977 -> :53) detected for zone "${loop}", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO 3474001847809050526.3543449218047374964."`,
      );
      return 1;
    }
    const check = (): void => {
      if (blocks.some(({ directives }) => directives.some(({ name }) => name === 'reload'))) {
        const now = context.files.exists(path) ? context.files.readText(path) : text;
        if (now !== text) {
          text = now;
          print('[INFO] Reloading');
          try {
            blocks = parseCorefile(text, path);
            instance.start(blocks);
            print(
              `[INFO] plugin/reload: Running configuration SHA512 = ${fingerprint(text)}\n[INFO] Reloading complete`,
            );
          } catch (error) {
            if (!(error instanceof CorefileError)) throw error;
            print(
              `[ERROR] Restart failed: ${error.message}\n[ERROR] plugin/reload: Corefile changed but reload failed: ${error.message}`,
            );
          }
        }
      }
      component.own(context.clock.setTimer(reloadIntervalMs, check, { background: true }));
    };
    component.own(context.clock.setTimer(reloadIntervalMs, check, { background: true }));
    context.process.setMemory(14 * 1024 * 1024);
    context.process.setCpu(2);
    await terminated;
    instance.dispose();
    print('[INFO] SIGTERM: Shutting down servers then terminating');
    return 0;
  },
});

/** A server that forwards to itself: a name server on the loopback interface is this very process. */
function findLoop(blocks: readonly ServerBlock[], context: ProgramContext): string | undefined {
  for (const { zones, directives } of blocks) {
    if (!directives.some(({ name }) => name === 'loop')) continue;
    const forward = directives.find(({ name }) => name === 'forward');
    if (
      forward &&
      forwardTargets(forward, context).some((target) => /^(?:127\.|localhost|::1)/.test(target))
    )
      return zones[0]?.zone ?? '.';
  }
  return undefined;
}

/** Addresses a `forward` directive names, itself or by a resolv.conf. */
function forwardTargets({ args }: Directive, { files }: ProgramContext): string[] {
  return args.slice(1).flatMap((target) => {
    if (!target.startsWith('/')) return [target.replace(/^dns:\/\//, '')];
    if (!files.exists(target)) return [];
    return [...files.readText(target).matchAll(/^\s*nameserver\s+(\S+)/gm)].map(
      (match) => match[1] ?? '',
    );
  });
}

/** One running configuration; `start` replaces it without closing what both have. */
class Instance implements Disposable {
  readonly #component: Component;
  readonly #print: (text: string) => void;
  readonly #resolver: Resolver;
  #servers: readonly Server[] = [];
  #cluster: Cluster | undefined;
  readonly #ports = new Map<string, Disposable>();

  constructor(component: Component, print: (text: string) => void) {
    this.#component = component;
    this.#print = print;
    const { files, net, clock, random, signal } = component.context;
    this.#resolver = createResolver({ files, net, clock, random, signal });
  }

  start(blocks: readonly ServerBlock[]): void {
    this.#servers = blocks.flatMap((block) =>
      block.zones.map(({ zone, port }) => ({ block, zone, port })),
    );
    const kubernetes = blocks.flatMap(({ directives }) =>
      directives.filter(({ name }) => name === 'kubernetes'),
    );
    if (kubernetes.length > 0) this.#cluster ??= new Cluster(this.#component);
    if (kubernetes.some((directive) => podsMode(directive) === 'verified'))
      this.#cluster?.watchPods();
    const wanted = new Set<string>();
    for (const { port } of this.#servers) {
      const handler: DnsHandler = (query) => this.#answer(query, port);
      for (const protocol of ['udp', 'tcp'] as const) {
        const key = `${protocol}:${port}`;
        wanted.add(key);
        if (this.#ports.has(key)) continue;
        const listener = protocol === 'udp' ? dnsListener(handler) : dnsStreamListener(handler);
        this.#open(key, port, protocol, listener);
      }
    }
    for (const { directives } of blocks)
      for (const directive of directives) {
        const health = healthPort(directive);
        if (!health) continue;
        wanted.add(`http:${health.port}`);
        if (!this.#ports.has(`http:${health.port}`))
          this.#open(`http:${health.port}`, health.port, 'tcp', {
            kind: 'http',
            handle: ({ url }) => Promise.resolve(this.#health(pathOf(url), health.path)),
          });
      }
    for (const [key, port] of this.#ports)
      if (!wanted.has(key)) {
        port.dispose();
        this.#ports.delete(key);
      }
  }

  dispose(): void {
    for (const port of this.#ports.values()) port.dispose();
    this.#ports.clear();
  }

  #open(
    key: string,
    port: number,
    protocol: 'tcp' | 'udp',
    listener: Parameters<typeof listenOrFail>[2],
  ): void {
    const opened = listenOrFail(this.#component.context.net, port, listener, { protocol });
    this.#ports.set(key, this.#component.own(opened));
  }

  #health(path: string, wanted: string) {
    if (path !== wanted) return plainAnswer(404, '404 page not found\n');
    if (wanted !== '/ready') return plainAnswer(200, 'OK');
    return this.#cluster && !this.#cluster.synced
      ? plainAnswer(503, 'kubernetes')
      : plainAnswer(200, 'OK');
  }

  async #answer(query: DnsMessage, port: number): Promise<DnsMessage | undefined> {
    const question = query.questions[0];
    if (!question) return dnsReply(query, { code: 'FORMERR' });
    const server = this.#serverFor(question.name, port);
    if (!server) return dnsReply(query, { code: 'REFUSED' });
    const answer = await this.#resolve(server, question.name, question.type, 0);
    if (server.block.directives.some(({ name }) => name === 'log'))
      this.#print(`[INFO] ${question.type} IN ${question.name}. ${answer.code}`);
    return dnsReply(query, answer);
  }

  /** The block with the longest zone that holds the name. */
  #serverFor(name: string, port: number): Server | undefined {
    const lower = name.toLowerCase();
    return this.#servers
      .filter((server) => server.port === port && inZone(lower, server.zone))
      .sort((a, b) => b.zone.length - a.zone.length)[0];
  }

  async #resolve(
    server: Server,
    asked: string,
    type: DnsMessage['questions'][number]['type'],
    depth: number,
  ): Promise<Reply> {
    const { directives } = server.block;
    let name = asked;
    for (const directive of directives.filter((d) => d.name === 'rewrite')) {
      const next = rewrite(directive, name);
      if (next !== name) {
        name = next;
        if (!directive.args.includes('continue')) break;
      }
    }
    const rename = (records: DnsRecord[]): DnsRecord[] =>
      name === asked
        ? records
        : records.map((record) => (record.name === name ? { ...record, name: asked } : record));
    // Plug-ins answer in the order they were compiled in: hosts, kubernetes, then forward.
    for (const directive of directives.filter((d) => d.name === 'hosts')) {
      const found = hostsAnswer(directive, name);
      if (found.length > 0)
        return {
          code: 'NOERROR',
          authoritative: true,
          answers: rename(
            type === 'A'
              ? found.map((address) => ({ type: 'A', name, ttlSeconds: 3600, address }))
              : [],
          ),
        };
    }
    for (const directive of directives.filter((d) => d.name === 'kubernetes')) {
      const reply = await this.#kubernetes(server, directive, name, type, depth);
      if (reply) return { ...reply, answers: rename([...(reply.answers ?? [])]) };
    }
    const forward = directives.find(
      (d) =>
        d.name === 'forward' &&
        inZone(name.toLowerCase(), (d.args[0] ?? '.').replace(/\.$/, '') || '.'),
    );
    if (!forward) return { code: 'REFUSED', answers: [] };
    for (const target of forwardTargets(forward, this.#component.context)) {
      try {
        const message = await this.#resolver.exchange(target, name, type, { timeoutMs: 2000 });
        return {
          code: message.code,
          answers: rename([...message.answers]),
          authorities: message.authorities,
        };
      } catch {
        continue;
      }
    }
    return { code: 'SERVFAIL', answers: [] };
  }

  async #kubernetes(
    server: Server,
    directive: Directive,
    name: string,
    type: DnsMessage['questions'][number]['type'],
    depth: number,
  ): Promise<Reply | undefined> {
    const cluster = this.#cluster;
    if (!cluster) return undefined;
    const zones =
      directive.args.length > 0
        ? directive.args.map((zone) => zone.replace(/\.$/, '').toLowerCase())
        : [server.zone];
    const setting = (key: string): readonly string[] | undefined => settingOf(directive, key);
    const ttlSeconds = Number(setting('ttl')?.[0] ?? 5);
    const fallthrough = setting('fallthrough');
    const lower = name.toLowerCase();
    for (const zone of zones) {
      if (!inZone(lower, zone)) continue;
      if (zone.endsWith('in-addr.arpa') || zone.endsWith('ip6.arpa')) {
        const address = lower
          .replace(/\.in-addr\.arpa$/, '')
          .split('.')
          .reverse()
          .join('.');
        const target = answerAddress(address, cluster.state, {
          zone: zones[0] ?? 'cluster.local',
          pods: 'insecure',
        });
        if (target !== undefined)
          return {
            code: 'NOERROR',
            authoritative: true,
            answers: [{ type: 'PTR', name, ttlSeconds, target }],
          };
        if (fallthrough && (fallthrough.length === 0 || fallthrough.some((z) => inZone(lower, z))))
          return undefined;
        return { code: 'NXDOMAIN', authoritative: true, answers: [] };
      }
      const answer = answerName(name, recordType(type), cluster.state, {
        zone,
        pods: podsMode(directive),
      });
      if (answer === 'outside') continue;
      if (answer === 'none') {
        if (fallthrough && (fallthrough.length === 0 || fallthrough.some((z) => inZone(lower, z))))
          return undefined;
        return { code: 'NXDOMAIN', authoritative: true, answers: [] };
      }
      const records: DnsRecord[] = [];
      for (const record of answer) {
        if (record.type === 'A')
          records.push({ type: 'A', name, ttlSeconds, address: record.address });
        else if (record.type === 'SRV')
          records.push({
            type: 'SRV',
            name,
            ttlSeconds,
            priority: 0,
            weight: record.weight,
            port: record.port,
            target: record.target,
          });
        else {
          const next = depth < maxAliases ? this.#serverFor(record.target, server.port) : undefined;
          const behind = next
            ? ((await this.#resolve(next, record.target, type, depth + 1)).answers ?? [])
            : [];
          // An alias within the zone is told only together with what it leads to.
          const isTold =
            behind.length > 0 || type === 'CNAME' || !inZone(record.target.toLowerCase(), zone);
          if (isTold)
            records.push({ type: 'CNAME', name, ttlSeconds, target: record.target }, ...behind);
        }
      }
      return { code: 'NOERROR', authoritative: true, answers: records };
    }
    return undefined;
  }
}

function settingOf({ lines }: Directive, key: string): readonly string[] | undefined {
  return lines.find(({ words }) => words[0] === key)?.words.slice(1);
}

function podsMode(directive: Directive): 'disabled' | 'insecure' | 'verified' {
  const mode = settingOf(directive, 'pods')?.[0];
  return mode === 'insecure' || mode === 'verified' ? mode : 'disabled';
}

type Reply = NonNullable<Parameters<typeof dnsReply>[1]>;

function recordType(type: string): 'A' | 'AAAA' | 'SRV' | 'CNAME' | 'ANY' {
  return type === 'A' || type === 'SRV' || type === 'CNAME' || type === 'ANY' ? type : 'AAAA';
}

function inZone(name: string, zone: string): boolean {
  return zone === '.' || name === zone || name.endsWith(`.${zone}`);
}

function healthPort({ name, args }: Directive): { port: number; path: string } | undefined {
  const port = (otherwise: number): number =>
    Number(/:(\d+)$/.exec(args[0] ?? '')?.[1] ?? otherwise);
  if (name === 'health') return { port: port(8080), path: '/health' };
  if (name === 'ready') return { port: port(8181), path: '/ready' };
  if (name === 'prometheus') return { port: port(9153), path: '/metrics' };
  return undefined;
}

/** `rewrite name [exact|prefix|suffix|substring] FROM TO` and `rewrite stop { … }` with one such line. */
function rewrite(directive: Directive, name: string): string {
  const words = directive.args.includes('name')
    ? directive.args.slice(directive.args.indexOf('name') + 1)
    : (directive.lines.find(({ words: line }) => line[0] === 'name')?.words.slice(1) ?? []);
  const modes = ['exact', 'prefix', 'suffix', 'substring'];
  const mode = modes.includes(words[0] ?? '') ? words[0] : 'exact';
  const [from = '', to = ''] = modes.includes(words[0] ?? '') ? words.slice(1) : words;
  const plain = (text: string): string => text.replace(/\.$/, '');
  const [find, put] = [plain(from), plain(to)];
  const lower = name.toLowerCase();
  if (find === '') return name;
  if (mode === 'exact') return lower === find ? put : name;
  if (mode === 'prefix') return lower.startsWith(find) ? put + name.slice(find.length) : name;
  if (mode === 'suffix') return lower.endsWith(find) ? name.slice(0, -find.length) + put : name;
  return lower.includes(find) ? lower.replace(find, put) : name;
}

function hostsAnswer({ lines }: Directive, name: string): string[] {
  const lower = name.toLowerCase();
  return lines
    .filter(({ words }) => words.slice(1).some((host) => host.toLowerCase() === lower))
    .flatMap(({ words }) => words[0] ?? []);
}

/** Looks like a SHA-512: 128 digits that follow from the text. */
function fingerprint(text: string): string {
  let digits = '';
  for (let round = 0; round < 16; round++) {
    let hash = 2166136261 ^ round;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
    digits += (hash >>> 0).toString(16).padStart(8, '0');
  }
  return digits;
}

/** CoreDNS' view of the API, kept by informers with the pod's own service account. */
class Cluster {
  readonly state: ZoneState;
  readonly #informers: Informers;
  #pods: Informer<Pod> | undefined;
  #synced = false;

  constructor(component: Component) {
    const { context } = component;
    const { informers } = component.client(
      inClusterConfig(context.files, context.env),
      'coredns/1.14.2',
    );
    this.#informers = informers;
    const services = informers.for('services');
    const slices = informers.for('endpointslices.discovery.k8s.io');
    const namespaces = informers.for('namespaces');
    services.addIndex('address', ({ spec }) =>
      spec?.clusterIP && spec.clusterIP !== 'None' ? [spec.clusterIP] : [],
    );
    slices.addIndex('service', (slice) => [
      `${slice.metadata.namespace ?? ''}/${serviceOf(slice)}`,
    ]);
    slices.addIndex('address', (slice) =>
      (slice.endpoints ?? []).flatMap(({ addresses }) => addresses),
    );
    this.state = {
      service: (namespace, name) =>
        services.get(`${namespace}/${name}` as Parameters<typeof services.get>[0]),
      slices: (namespace, name) => slices.byIndex('service', `${namespace}/${name}`),
      podAt: (namespace, address) =>
        this.#pods
          ?.byIndex('address', address)
          .find(({ metadata }) => metadata.namespace === namespace),
      namespaceExists: (name) =>
        namespaces.get(name as Parameters<typeof namespaces.get>[0]) !== undefined,
      serviceAt: (address) => services.byIndex('address', address)[0],
      endpointAt: (address) => {
        for (const slice of slices.byIndex('address', address)) {
          const endpoint = slice.endpoints?.find(({ addresses }) => addresses.includes(address));
          if (endpoint)
            return {
              service: serviceOf(slice),
              namespace: slice.metadata.namespace ?? '',
              host: endpoint.hostname ?? address.replaceAll('.', '-'),
            };
        }
        return undefined;
      },
    };
    informers.start();
    void this.#waitForSync(context, context.clock);
  }

  /** Only `pods verified` asks which pods there are. */
  watchPods(): void {
    if (this.#pods) return;
    this.#pods = this.#informers.for('pods');
    this.#pods.addIndex('address', (pod) => (pod.status?.podIP ? [pod.status.podIP] : []));
  }

  get synced(): boolean {
    return this.#synced;
  }

  async #waitForSync(context: ProgramContext, clock: Clock): Promise<void> {
    await this.#informers.waitForSync();
    if (!context.signal.aborted) defer(clock, () => (this.#synced = true));
  }
}

function serviceOf(slice: DeepReadonly<EndpointSlice>): string {
  return slice.metadata.labels?.['kubernetes.io/service-name'] ?? '';
}

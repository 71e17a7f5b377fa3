import { jsonClone, type Random, seededRandom } from '#core/base';
import { type Difference, differences, masked } from './compare.ts';
import { applyChange, type Change, Mutator, type Path } from './mutations.ts';
import type { KindInfo, Kinds } from './schema.ts';
import type { Answer, Server } from './servers.ts';

export interface Seed {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

export type Operation = 'create' | 'update' | 'patch' | 'status' | 'resize' | 'ephemeralcontainers';

/** What a key stands for. */
interface Choice {
  /** Give it as `DIFFERENTIAL_REPLAY` to send the same again. */
  readonly replay: string;
  readonly kind: string;
  /** Of the seed. */
  readonly name: string;
  readonly operation: Operation;
  readonly fieldValidation: string;
  readonly changes: readonly Change[];
}

/** A request and what a real server answered. */
export interface Recorded extends Choice {
  readonly real: Answer;
}

/** A request both servers were sent, and how their answers differ. */
export interface Outcome extends Recorded {
  readonly ours: Answer;
  readonly differences: readonly Difference[];
}

type Body = Record<string, unknown>;
type Send = (server: Server) => Promise<{ answer: Answer; sent: unknown }>;

/** Sends equal requests to two servers. */
export class DifferentialRun {
  readonly #real: Server;
  readonly #ours: Server;
  readonly #kinds: Kinds;
  readonly #namespace: string;
  readonly #live = new Map<string, Body>();

  constructor(options: {
    readonly real: Server;
    readonly ours: Server;
    readonly kinds: Kinds;
    /** Exists on both. */
    readonly namespace: string;
  }) {
    this.#real = options.real;
    this.#ours = options.ours;
    this.#kinds = options.kinds;
    this.#namespace = options.namespace;
  }

  /** Creates the seeds, so that there is something to update. @returns what a server said of those it refuses. */
  async prepare(seeds: readonly Seed[]): Promise<string[]> {
    const refused: string[] = [];
    for (const seed of seeds) {
      const info = await this.#kinds.info(seed.apiVersion, seed.kind);
      for (const server of new Set([this.#real, this.#ours])) {
        const { status, body } = await server.send('POST', this.#collection(info, seed), seed);
        if (status >= 300)
          refused.push(
            `${server.name} refuses a seed: ${JSON.stringify(body['message'] ?? status)}`,
          );
      }
    }
    return refused;
  }

  async remove(seeds: readonly Seed[]): Promise<void> {
    for (const seed of seeds) {
      const info = await this.#kinds.info(seed.apiVersion, seed.kind);
      if (!info.namespaced) await this.#real.send('DELETE', this.#item(info, seed));
    }
  }

  /** @param key `KIND:SEED:INDEX`; the same key is the same request. */
  async request(key: string, seeds: readonly Seed[]): Promise<Outcome> {
    const random = seededRandom(key);
    const pick = <T>(items: readonly T[]): T => items[random.integer(items.length)] as T;
    const seed = pick(seeds);
    const info = await this.#kinds.info(seed.apiVersion, seed.kind);
    const operation = operationOf(info, random);
    const fieldValidation = pick(['Strict', 'Strict', 'Warn', 'Ignore']);
    const root = info.schemas.ofKind(seed.kind) ?? {};
    const mutator = new Mutator(info.schemas, random);
    let changes: Change[];
    if (operation === 'create') changes = mutator.changes(renamed(seed), root);
    else {
      const base = await this.#base(this.#real, info, seed, operation);
      // What controllers tell in the status must not move the choices of a replay.
      if (operation !== 'status') delete base['status'];
      changes = mutator
        .changes(base, root, startOf(operation))
        .filter(({ path }) => operation === 'status' || path[0] !== 'status');
    }
    const { name } = seed.metadata;
    const choice = { replay: key, kind: seed.kind, name, operation, fieldValidation, changes };
    return { ...choice, ...(await this.#both(this.#sendOf(choice, info, seed), operation)) };
  }

  /** Sends a recorded request to our server alone. */
  async again(recorded: Recorded, seeds: readonly Seed[]): Promise<readonly Difference[]> {
    const seed = seeds.find(({ metadata }) => metadata.name === recorded.name);
    if (!seed) throw new Error(`${recorded.replay}: the catalogue has no ${recorded.name}`);
    const info = await this.#kinds.info(seed.apiVersion, seed.kind);
    const send = this.#sendOf(recorded, info, seed);
    return differences(recorded.real, await ask(this.#ours, send, recorded.operation));
  }

  #sendOf({ operation, fieldValidation, changes }: Choice, info: KindInfo, seed: Seed): Send {
    const query = `?dryRun=All&fieldValidation=${fieldValidation}`;
    if (operation === 'create') {
      const body = changed(renamed(seed), changes);
      return async (server) => ({
        sent: body,
        answer: await server.send('POST', this.#collection(info, seed) + query, body),
      });
    }
    const main = operation === 'update' || operation === 'patch';
    const path = this.#item(info, seed) + (main ? '' : `/${operation}`);
    return (server) => this.#write(server, info, seed, operation, path + query, changes);
  }

  #collection(info: KindInfo, seed: Seed): string {
    return `${info.prefix}${info.namespaced ? `/namespaces/${seed.metadata.namespace ?? this.#namespace}` : ''}/${info.resource}`;
  }

  #item(info: KindInfo, seed: Seed): string {
    return `${this.#collection(info, seed)}/${encodeURIComponent(seed.metadata.name)}`;
  }

  async #get(server: Server, info: KindInfo, seed: Seed, fresh: boolean): Promise<Body> {
    const path = this.#item(info, seed);
    const key = `${server.name} ${path}`;
    let live = this.#live.get(key);
    if (!live || fresh) {
      live = (await server.send('GET', path)).body;
      this.#live.set(key, live);
    }
    return jsonClone(live);
  }

  /** The valid object that an operation's changes start from. */
  async #base(
    server: Server,
    info: KindInfo,
    seed: Seed,
    operation: Operation,
    fresh = false,
  ): Promise<Body> {
    const live = await this.#get(server, info, seed, fresh);
    if (seed.kind === 'Node') dropNodeMarks(live);
    if (operation === 'status') live['status'] = jsonClone(seed['status'] ?? {});
    if (operation === 'ephemeralcontainers')
      (live['spec'] as Body)['ephemeralContainers'] = [
        { name: 'debugger', image: 'busybox:1.36', targetContainerName: 'main' },
      ];
    return live;
  }

  /** Controllers write as well: a conflict is answered with a new attempt. */
  async #write(
    server: Server,
    info: KindInfo,
    seed: Seed,
    operation: Operation,
    url: string,
    changes: readonly Change[],
  ): Promise<{ answer: Answer; sent: unknown }> {
    for (let attempt = 0; ; attempt++) {
      const base = await this.#base(server, info, seed, operation, attempt > 0);
      const sent = changed(base, changes);
      const answer =
        operation === 'patch'
          ? await server.send(
              'PATCH',
              url,
              mergePatchOf(base, sent),
              'application/merge-patch+json',
            )
          : await server.send('PUT', url, sent);
      const conflict =
        answer.status === 409 && String(answer.body['message']).includes('has been modified');
      if (!conflict || attempt === 3) return { answer, sent };
    }
  }

  async #both(
    send: Send,
    operation: Operation,
  ): Promise<Pick<Outcome, 'real' | 'ours' | 'differences'>> {
    const [ours, first] = await Promise.all([
      ask(this.#ours, send, operation),
      ask(this.#real, send, operation),
    ]);
    let real = first;
    let found = differences(real, ours);
    // Go walks maps in random order: any of the answers the real server gives is right.
    for (let again = 0; found.length > 0 && again < 3; again++) {
      const other = await ask(this.#real, send, operation);
      const left = differences(other, ours);
      if (left.length < found.length) [real, found] = [other, left];
    }
    return { real, ours, differences: found };
  }
}

async function ask(server: Server, send: Send, operation: Operation): Promise<Answer> {
  const { answer, sent } = await send(server);
  const seen = masked(answer, sent);
  if (operation !== 'create') dropNodeMarks(seen.body);
  // What controllers make of an object is not the write's doing.
  if (operation !== 'create' && operation !== 'status') delete seen.body['status'];
  if (answer.status >= 400) seen.body['status'] = 'Failure';
  return seen;
}

function operationOf(info: KindInfo, random: Random): Operation {
  const choices: Operation[] = [
    'create',
    'create',
    'create',
    'create',
    'update',
    'update',
    'patch',
  ];
  for (const subresource of ['status', 'resize', 'ephemeralcontainers'] as const)
    if (info.subresources.has(subresource)) choices.push(subresource);
  return choices[random.integer(choices.length)] as Operation;
}

function startOf(operation: Operation): Path {
  switch (operation) {
    case 'create':
    case 'update':
    case 'patch':
      return [];
    case 'status':
      return ['status'];
    case 'resize':
      return ['spec', 'containers'];
    case 'ephemeralcontainers':
      return ['spec', 'ephemeralContainers'];
  }
}

function changed(object: unknown, changes: readonly Change[]): Body {
  const draft = jsonClone(object);
  for (const change of changes) applyChange(draft, change);
  return draft as Body;
}

/** A seed exists already, so another name is created; names that follow from the rest stay. */
function renamed(seed: Seed): Seed {
  const { name } = seed.metadata;
  const fresh = jsonClone(seed);
  return name.includes('.')
    ? fresh
    : { ...fresh, metadata: { ...fresh.metadata, name: `${name}-new` } };
}

/** What the controllers of nodes add at a moment of their own. */
function dropNodeMarks(node: Body): void {
  const { annotations } = (node['metadata'] ?? {}) as { annotations?: Record<string, string> };
  const spec = node['spec'] as { taints?: { key?: string }[] } | undefined;
  if (annotations && node['kind'] === 'Node') {
    delete annotations['node.alpha.kubernetes.io/ttl'];
    if (Object.keys(annotations).length === 0) delete (node['metadata'] as Body)['annotations'];
  }
  if (spec?.taints && node['kind'] === 'Node')
    spec.taints = spec.taints.filter(({ key }) => !key?.startsWith('node.kubernetes.io/'));
}

/** RFC 7396: lists are replaced as a whole. */
function mergePatchOf(before: unknown, after: Body): Body {
  const patch: Body = {};
  const old = before as Body;
  for (const key of new Set([...Object.keys(old), ...Object.keys(after)])) {
    const [a, b] = [old[key], after[key]];
    if (JSON.stringify(a) === JSON.stringify(b)) continue;
    patch[key] = isFields(a) && isFields(b) ? mergePatchOf(a, b) : b === undefined ? null : b;
  }
  return patch;
}

function isFields(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

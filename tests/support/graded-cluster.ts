import type { ClusterObject, ObjectReference, ProbeOutcome, SeededCluster } from '#core/exam';

export interface InMemoryCluster extends SeededCluster {
  /** Every object, in order of creation. */
  readonly objects: ClusterObject[];
  readonly files: Map<string, string>;
  readonly units: Map<string, { active: string; enabled: string }>;
  /** What happened to it: `settle 60000`, `run node01 systemctl stop kubelet`. */
  readonly log: string[];
}

export interface InMemoryAnswers {
  readonly canI?: SeededCluster['canI'];
  readonly probe?: (request: Parameters<SeededCluster['probe']>[0]) => ProbeOutcome;
  readonly run?: (
    host: string,
    command: string,
  ) => { exitCode: number; stdout: string; stderr?: string };
}

interface Meta {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** A cluster that holds what it is told and nothing more. Selectors are equalities. */
export function inMemoryCluster(
  objects: readonly ClusterObject[] = [],
  answers: InMemoryAnswers = {},
): InMemoryCluster {
  const held = [...objects];
  const files = new Map<string, string>();
  const units = new Map<string, { active: string; enabled: string }>();
  const log: string[] = [];
  const meta = (object: ClusterObject): Meta => object as unknown as Meta;
  const isOf = (object: ClusterObject, reference: Omit<ObjectReference, 'name'>): boolean =>
    meta(object).apiVersion === reference.apiVersion &&
    meta(object).kind === reference.kind &&
    (reference.namespace === undefined || meta(object).metadata.namespace === reference.namespace);
  return {
    objects: held,
    files,
    units,
    log,
    get: async (reference) =>
      held.find(
        (object) => isOf(object, reference) && meta(object).metadata.name === reference.name,
      ),
    list: async (reference, selector) => {
      const wanted = (selector ?? '').split(',').filter(Boolean);
      return held.filter((object) => {
        const labels = meta(object).metadata.labels ?? {};
        return (
          isOf(object, reference) &&
          wanted.every((one) => labels[one.split('=')[0] ?? ''] === one.split('=')[1])
        );
      });
    },
    canI: answers.canI ?? (async () => false),
    probe: async (request) => answers.probe?.(request) ?? { kind: 'error', error: 'timeout' },
    readFile: async (host, path) => files.get(`${host}:${path}`) ?? null,
    unit: async (host, name) => units.get(`${host}:${name}`) ?? null,
    run: async (host, command) => {
      log.push(`run ${host} ${command}`);
      return { exitCode: 0, stdout: '', stderr: '', ...answers.run?.(host, command) };
    },
    settle: async (limitMs) => void log.push(`settle ${limitMs}`),
    apply: async (object) => void held.push(object),
    writeFile: async (host, path, content) => void files.set(`${host}:${path}`, content),
    advance: async (milliseconds) => void log.push(`advance ${milliseconds}`),
  };
}

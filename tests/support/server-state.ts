import type {
  AdmissionRequest,
  ServerState,
  UserInfo,
} from '../../src-main/core/kube/apiserver/types.ts';
import type { ResourceInfo } from '../../src-main/core/kube/apis/index.ts';
import type { KubeObject } from '../../src-main/core/kube/machinery/index.ts';

/** A server's state in maps, with objects under `group/resource`. */
export class TestState implements ServerState {
  readonly #objects = new Map<string, KubeObject[]>();
  #version = 0;

  /** Adds or replaces an object. */
  put(group: string, resource: string, object: object): this {
    const own = object as KubeObject;
    const key = `${group}/${resource}`;
    const { name, namespace } = own.metadata;
    const rest = (this.#objects.get(key) ?? []).filter(
      ({ metadata }) => metadata.name !== name || metadata.namespace !== namespace,
    );
    this.#objects.set(key, [...rest, own]);
    this.#version += 1;
    return this;
  }

  get(group: string, resource: string, namespace: string, name: string): KubeObject | undefined {
    return this.list(group, resource).find(
      ({ metadata }) => metadata.name === name && (metadata.namespace ?? '') === namespace,
    );
  }

  list(group: string, resource: string, namespace?: string): readonly KubeObject[] {
    const all = this.#objects.get(`${group}/${resource}`) ?? [];
    return namespace ? all.filter(({ metadata }) => metadata.namespace === namespace) : all;
  }

  version(): number {
    return this.#version;
  }
}

export function resourceInfo(
  group: string,
  resource: string,
  kind: string,
  namespaced = true,
): ResourceInfo {
  return {
    group,
    version: 'v1',
    resource,
    singular: kind.toLowerCase(),
    kind,
    namespaced,
    verbs: [],
    shortNames: [],
    categories: [],
    subresources: [],
    schema: '',
  };
}

/** An admission request with its warnings and annotations at hand. */
export interface TestRequest extends AdmissionRequest {
  readonly warnings: string[];
  readonly annotations: Record<string, string>;
}

export function admissionRequest(
  resource: ResourceInfo,
  object: object | null,
  overrides: Partial<AdmissionRequest> = {},
): TestRequest {
  const warnings: string[] = [];
  const annotations: Record<string, string> = {};
  const own = object as KubeObject | null;
  return {
    operation: 'CREATE',
    user: { username: 'jane', groups: ['system:authenticated'] },
    resource,
    subresource: '',
    namespace: resource.namespaced ? 'ns' : '',
    name: own?.metadata.name ?? '',
    object: own,
    oldObject: null,
    options: {},
    dryRun: false,
    warn: (text) => void warnings.push(text),
    annotate: (key, value) => void (annotations[key] = value),
    ...overrides,
    warnings,
    annotations,
  };
}

export function user(username: string, ...groups: string[]): UserInfo {
  return { username, groups: [...groups, 'system:authenticated'] };
}

/** The message of what an action throws; '' when it does not. */
export async function messageOf(action: () => unknown): Promise<string> {
  try {
    await action();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

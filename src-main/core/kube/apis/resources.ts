import type { GroupVersion } from '../machinery/index.ts';
import { kubernetesVersion as version, resourcesJson } from './generated/resources.ts';
import type { ResourceInfo } from './types.ts';

/** The release whose API is served, as `/version` says it: `v1.36.3`. */
export const kubernetesVersion: string = version;

/** Served resources in the order of discovery, with look-ups. Immutable: a changed surface is a new table. */
export class ResourceTable {
  readonly rows: readonly ResourceInfo[];
  readonly #byResource = new Map<string, ResourceInfo>();
  readonly #byKind = new Map<string, ResourceInfo>();
  readonly #versions = new Map<string, string[]>();

  /** @param rows in the order of discovery: a group's preferred version first. */
  constructor(rows: readonly ResourceInfo[]) {
    this.rows = rows;
    for (const row of rows) {
      this.#byResource.set(key(row.group, row.version, row.resource), row);
      const kind = key(row.group, row.version, row.kind);
      if (!this.#byKind.has(kind)) this.#byKind.set(kind, row);
      const versions = this.#versions.get(row.group);
      if (!versions) this.#versions.set(row.group, [row.version]);
      else if (!versions.includes(row.version)) versions.push(row.version);
    }
  }

  get(group: string, version: string, resource: string): ResourceInfo | undefined {
    return this.#byResource.get(key(group, version, resource));
  }

  ofKind(group: string, version: string, kind: string): ResourceInfo | undefined {
    return this.#byKind.get(key(group, version, kind));
  }

  /** The row of the first of a group's versions that serves the resource. */
  preferred(group: string, resource: string): ResourceInfo | undefined {
    for (const version of this.versionsOf(group)) {
      const row = this.get(group, version, resource);
      if (row) return row;
    }
    return undefined;
  }

  preferredVersion(group: string): string | undefined {
    return this.versionsOf(group)[0];
  }

  /** Versions of a group, preferred first; empty for an unknown group. */
  versionsOf(group: string): readonly string[] {
    return this.#versions.get(group) ?? [];
  }

  /** Group names in the order of discovery; the core group is the empty name. */
  groups(): readonly string[] {
    return [...this.#versions.keys()];
  }

  groupVersions(): readonly GroupVersion[] {
    return [...this.#versions].flatMap(([group, versions]) =>
      versions.map((each) => ({ group, version: each })),
    );
  }

  /** Rows of one group-version, in order. */
  of(group: string, version: string): readonly ResourceInfo[] {
    return this.rows.filter((row) => row.group === group && row.version === version);
  }
}

const key = (group: string, version: string, name: string) => `${group}/${version}/${name}`;

/** What a server without flags serves. */
export const builtinResources = new ResourceTable(JSON.parse(resourcesJson) as ResourceInfo[]);

/**
 * Sorts versions by priority, the preferred first: stable, then beta, then alpha, the higher number first;
 * names of another form last, by spelling.
 *
 * @see k8s.io/apimachinery/pkg/version/helpers.go, CompareKubeAwareVersionStrings
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = parseVersion(a);
  const right = parseVersion(b);
  if (!left || !right) {
    if (left) return -1;
    if (right) return 1;
    return a < b ? -1 : 1;
  }
  return right.level - left.level || right.major - left.major || right.minor - left.minor;
}

const levels = ['alpha', 'beta', ''];

function parseVersion(text: string): { level: number; major: number; minor: number } | undefined {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(text);
  if (!match) return undefined;
  return {
    level: levels.indexOf(match[2] ?? ''),
    major: Number(match[1]),
    minor: Number(match[3] ?? 0),
  };
}

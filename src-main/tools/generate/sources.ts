import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The upstream release whose API surface the repository carries. */
export const defaultKubernetesVersion = 'v1.36.3';

/** Where upstream's descriptions of one release lie on this machine. */
export interface Sources {
  /** `v1.36.3`. */
  readonly version: string;
  /** Folder of `k8s.io/kubernetes`. */
  readonly kubernetes: string;
  /** Folder of a staging module: `api`, `apimachinery`, `apiextensions-apiserver`, `kube-aggregator`. */
  module(name: string): string;
}

/**
 * Finds the Go modules of a release.
 *
 * @returns what is missing, as text, when the module cache does not hold the release.
 */
export function findSources(version: string): Sources | string {
  const cache = goModuleCache();
  if (cache === undefined) return 'no Go toolchain and no module cache';
  const kubernetes = join(cache, 'k8s.io', `kubernetes@${version}`);
  const staging = version.replace(/^v1\./, 'v0.');
  const module = (name: string) => join(cache, 'k8s.io', `${name}@${staging}`);
  const needed = ['api', 'apimachinery', 'apiextensions-apiserver', 'kube-aggregator'];
  const missing = [kubernetes, ...needed.map(module)].filter((folder) => !existsSync(folder));
  if (missing.length > 0) return `${missing.join(', ')} not found`;
  return { version, kubernetes, module };
}

function goModuleCache(): string | undefined {
  try {
    return execFileSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).trim();
  } catch {
    const home = process.env['HOME'] ?? '';
    const fallback = join(process.env['GOPATH'] ?? join(home, 'go'), 'pkg', 'mod');
    return existsSync(fallback) ? fallback : undefined;
  }
}

/** Reads a JSON file as the given view of it. */
export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

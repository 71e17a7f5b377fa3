import type { Json } from '../json-view.ts';
import type { KubectlFiles } from '../types.ts';
export function buildKustomization(_files: KubectlFiles, _path: string): Json[] {
  return [];
}

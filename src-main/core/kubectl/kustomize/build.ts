import { CommandError } from '../errors.ts';

/**
 * What `-k` and `kustomize` would build.
 * @throws CommandError always: this kubectl does not build kustomizations.
 */
export function buildKustomization(path: string): never {
  throw new CommandError(`kustomizations are not supported by this kubectl: ${path}`);
}

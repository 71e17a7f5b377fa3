import type { DeepReadonly } from '#core/base';
import { type KubeObject, qualifiedNameErrors, standardFinalizers } from '../../machinery/index.ts';

/**
 * Warnings of finalizers that a write adds to a custom object.
 * @see apiextensions-apiserver/pkg/registry/customresource/validator.go, validateKubeFinalizerName
 */
export function finalizerWarnings(
  { metadata }: DeepReadonly<KubeObject>,
  old?: DeepReadonly<KubeObject>,
): string[] {
  const before = new Set(old?.metadata.finalizers);
  const added = [...new Set(metadata.finalizers)].filter((name) => !before.has(name)).sort();
  return added.flatMap((name) => {
    const problems = qualifiedNameErrors(name);
    if (!name.includes('/') && !standardFinalizers.has(name))
      problems.push(
        `prefer a domain-qualified finalizer name ${name.includes('.') ? 'including a path (/) ' : ''}to avoid accidental conflicts with other finalizer writers`,
      );
    return problems.map((problem) => `metadata.finalizers: ${JSON.stringify(name)}: ${problem}`);
  });
}

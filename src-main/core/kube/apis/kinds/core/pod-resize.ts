import type { DeepReadonly } from '#core/base';
import type { FieldErrors } from '../../validation/field.ts';
import { semanticEqual } from '../../validation/meta.ts';
import type { Container, Pod } from './pod-types.ts';

type Amounts = Readonly<Record<string, unknown>>;
interface Resources {
  readonly requests?: Amounts;
  readonly limits?: Amounts;
  readonly claims?: readonly unknown[];
}

const lists = ['containers', 'initContainers'] as const;

/**
 * What a write of the `resize` subresource may change of a pod: cpu and memory, of containers that stay where
 * they are.
 *
 * @see pkg/apis/core/validation/validation.go, ValidatePodResize
 */
export function validateResize(errors: FieldErrors, pod: Pod, old: DeepReadonly<Pod>): void {
  const spec = pod.spec ?? {};
  const before = old.spec ?? {};
  const running = (old.status?.containerStatuses ?? []).find(({ state }) => state?.running);
  if (running && running.resources === undefined)
    errors.forbidden('spec', 'Pod running on node without support for resize');
  validatePodResources(errors, spec.resources, before.resources);
  if (!keepOrder(errors, pod, old)) return;
  for (const list of ['initContainers', 'containers'] as const)
    before[list]?.forEach((container, index) => {
      const path = `spec.${list}[${index}].resources`;
      const wanted = resourcesOf(spec[list]?.[index]);
      const present = resourcesOf(container);
      if (isRemoved(wanted.requests, present.requests))
        errors.forbidden(`${path}.requests`, 'resource requests cannot be removed');
      if (isRemoved(wanted.limits, present.limits))
        errors.forbidden(`${path}.limits`, 'resource limits cannot be removed');
    });
  spec.containers?.forEach((container, index) => {
    if (!isOnlyResized(container, before.containers?.[index]))
      errors.forbidden('spec', 'only cpu and memory resources are mutable');
  });
  spec.initContainers?.forEach((container, index) => {
    const path = `spec.initContainers[${index}]`;
    const present = before.initContainers?.[index];
    if (!isOnlyResized(container, present))
      errors.forbidden(
        path,
        'only cpu and memory resources for init or sidecar containers are mutable',
      );
    if (container.restartPolicy === 'Always' || semanticEqual(container, present)) return;
    for (const { restartPolicy } of container.resizePolicy ?? [])
      if (restartPolicy === 'RestartContainer')
        errors.forbidden(
          path,
          'non-sidecar init containers with a resize policy of RestartContainer cannot be resized',
        );
  });
}

function validatePodResources(
  errors: FieldErrors,
  wanted: Resources | undefined,
  present: Resources | undefined,
): void {
  const isSet = (resources: Resources | undefined): boolean =>
    Object.keys({ ...resources?.requests, ...resources?.limits }).length > 0;
  if (!isSet(wanted) && !isSet(present)) return;
  const path = 'spec.resources';
  if (present && !wanted) {
    errors.forbidden(path, 'pod-level resources cannot be removed');
    return;
  }
  if (present && isRemoved(wanted?.requests, present.requests))
    errors.forbidden(`${path}.requests`, 'pod-level resource requests cannot be removed');
  if (present && isRemoved(wanted?.limits, present.limits))
    errors.forbidden(`${path}.limits`, 'pod-level resource limits cannot be removed');
  if (!semanticEqual(withoutCompute(wanted), withoutCompute(present)))
    errors.forbidden('spec', 'only cpu and memory resources are mutable at pod-level');
}

/** @returns false when containers came, went or changed places. */
function keepOrder(errors: FieldErrors, pod: Pod, old: DeepReadonly<Pod>): boolean {
  let isKept = true;
  const refuse = (path: string, message: string): void => {
    errors.forbidden(path, message);
    isKept = false;
  };
  for (const list of lists) {
    const wanted = pod.spec?.[list] ?? [];
    const present = old.spec?.[list] ?? [];
    if (wanted.length !== present.length)
      refuse(`spec.${list}`, `${list} may not be added or removed on resize`);
    else
      present.forEach(({ name }, index) => {
        if (wanted[index]?.name !== name)
          refuse(
            `spec.${list}[${index}].name`,
            `${list} may not be renamed or reordered on resize`,
          );
      });
  }
  return isKept;
}

const resourcesOf = (container: DeepReadonly<Container> | undefined): Resources =>
  container?.resources ?? {};

function isRemoved(wanted: Amounts = {}, present: Amounts = {}): boolean {
  return Object.keys(present).some((name) => !Object.hasOwn(wanted, name));
}

function isOnlyResized(
  container: DeepReadonly<Container>,
  present: DeepReadonly<Container> | undefined,
): boolean {
  const rest = (each: DeepReadonly<Container> | undefined): unknown => ({
    ...each,
    resources: withoutCompute(resourcesOf(each)),
  });
  return semanticEqual(rest(container), rest(present));
}

function withoutCompute(resources: Resources = {}): unknown {
  const drop = (amounts: Amounts = {}): Amounts =>
    Object.fromEntries(
      Object.entries(amounts).filter(([name]) => name !== 'cpu' && name !== 'memory'),
    );
  return {
    requests: drop(resources.requests),
    limits: drop(resources.limits),
    claims: resources.claims ?? [],
  };
}

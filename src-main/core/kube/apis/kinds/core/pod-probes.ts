import type { FieldErrors } from '../../validation/field.ts';
import { nonNegative } from '../../validation/meta.ts';
import { isHttpHeaderName, isPortName, isPortNumber } from '../../validation/names.ts';
import type { Container, Handler, IntOrString, PodSpec, Probe } from './pod-types.ts';

const oneHandler = 'may not specify more than 1 handler type';

/** A port by number or by name. */
export function validatePortNumberOrName(
  errors: FieldErrors,
  path: string,
  port: IntOrString | undefined,
): void {
  if (typeof port === 'string') errors.invalidEach(path, port, isPortName(port));
  else errors.invalidEach(path, port ?? 0, isPortNumber(port ?? 0));
}

function validateHandler(
  errors: FieldErrors,
  path: string,
  handler: Handler,
  gracePeriod: number | undefined,
): void {
  let found = false;
  const check = (kind: keyof Handler, run: (at: string) => void): void => {
    if (handler[kind] === undefined) return;
    if (found) errors.forbidden(`${path}.${kind}`, oneHandler);
    else run(`${path}.${kind}`);
    found = true;
  };
  check('exec', (at) => {
    if ((handler.exec?.command ?? []).length === 0) errors.required(`${at}.command`);
  });
  check('httpGet', (at) => {
    const get = handler.httpGet ?? {};
    if (!get.path) errors.required(`${at}.path`);
    validatePortNumberOrName(errors, `${at}.port`, get.port);
    if (get.scheme !== 'HTTP' && get.scheme !== 'HTTPS') {
      errors.notSupported(`${at}.scheme`, get.scheme ?? '', ['HTTP', 'HTTPS']);
    }
    for (const { name = '' } of get.httpHeaders ?? []) {
      errors.invalidEach(`${at}.httpHeaders`, name, isHttpHeaderName(name));
    }
  });
  check('tcpSocket', (at) => {
    validatePortNumberOrName(errors, `${at}.port`, handler.tcpSocket?.port);
  });
  check('grpc', (at) => {
    validatePortNumberOrName(errors, `${at}.port`, handler.grpc?.port);
  });
  check('sleep', (at) => {
    const seconds = handler.sleep?.seconds ?? 0;
    if (gracePeriod !== undefined && (seconds < 0 || seconds > gracePeriod)) {
      errors.invalid(
        at,
        seconds,
        `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriod})`,
      );
    }
  });
  if (!found) errors.required(path, 'must specify a handler type');
}

function validateProbe(
  errors: FieldErrors,
  path: string,
  probe: Probe | undefined,
  kind: 'liveness' | 'readiness' | 'startup',
  gracePeriod: number | undefined,
): void {
  if (!probe) return;
  validateHandler(errors, path, probe, gracePeriod);
  for (const field of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    nonNegative(errors, `${path}.${field}`, probe[field]);
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0');
  }
  if (kind === 'readiness') {
    if (grace !== undefined) {
      errors.invalid(
        `${path}.terminationGracePeriodSeconds`,
        grace,
        'must not be set for readinessProbes',
      );
    }
  } else if (probe.successThreshold !== 1) {
    errors.invalid(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1');
  }
}

/** What runs around a container's life: hooks and the three probes. */
export function validateLifecycleAndProbes(
  errors: FieldErrors,
  path: string,
  container: Container,
  spec: PodSpec,
): void {
  const grace = spec.terminationGracePeriodSeconds;
  const { lifecycle } = container;
  if (lifecycle?.postStart) {
    validateHandler(errors, `${path}.lifecycle.postStart`, lifecycle.postStart, grace);
  }
  if (lifecycle?.preStop) {
    validateHandler(errors, `${path}.lifecycle.preStop`, lifecycle.preStop, grace);
  }
  validateProbe(errors, `${path}.livenessProbe`, container.livenessProbe, 'liveness', grace);
  validateProbe(errors, `${path}.readinessProbe`, container.readinessProbe, 'readiness', grace);
  validateProbe(errors, `${path}.startupProbe`, container.startupProbe, 'startup', grace);
}

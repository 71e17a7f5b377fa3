import type { DeepReadonly } from '#core/base';
import type { FieldError } from '../apis/index.ts';
import { invalid, invalidValue, type KubeObject } from '../machinery/index.ts';
import type { Call } from './call.ts';

interface ServicePort {
  name?: string;
  port?: number;
  protocol?: string;
  nodePort?: number;
}

interface ServiceSpec {
  selector?: Record<string, string>;
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
  ports?: ServicePort[];
  externalTrafficPolicy?: string;
  healthCheckNodePort?: number;
  allocateLoadBalancerNodePorts?: boolean;
  internalTrafficPolicy?: string;
}

type Service = KubeObject & { spec: ServiceSpec };

export function ipNumber(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const parts = match.slice(1).map(Number);
  return parts.some((part) => part > 255)
    ? undefined
    : parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function ipText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** First address and size of an IPv4 range. */
export function cidrRange(cidr: string): { readonly base: number; readonly size: number } {
  const [address = '', bits = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  const value = ipNumber(address) ?? 0;
  return { base: value - (value % size), size };
}

const specOf = (
  object: DeepReadonly<KubeObject> | undefined,
): DeepReadonly<ServiceSpec> | undefined =>
  object?.['spec'] as DeepReadonly<ServiceSpec> | undefined;

function needsNodePorts(spec: DeepReadonly<ServiceSpec>): boolean {
  return (
    spec.type === 'NodePort' ||
    (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
  );
}

function needsHealthPort(spec: DeepReadonly<ServiceSpec>): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

/** What an update may leave out is taken from before; what its type cannot have is dropped. */
export function prepareService(draft: KubeObject, old: DeepReadonly<KubeObject> | undefined): void {
  const { spec } = draft as Service;
  const before = specOf(old);
  if (!before) {
    if (spec.clusterIP !== undefined && spec.clusterIPs === undefined && spec.clusterIP !== '')
      spec.clusterIPs = [spec.clusterIP];
    return;
  }
  if (spec.type === 'ExternalName') {
    if (before.type !== 'ExternalName') {
      if (spec.clusterIP === before.clusterIP) {
        delete spec.clusterIP;
        delete spec.clusterIPs;
      }
      delete spec.ipFamilies;
      delete spec.ipFamilyPolicy;
      delete spec.internalTrafficPolicy;
    }
  } else if (before.type !== 'ExternalName') {
    if (!spec.clusterIP && before.clusterIP !== undefined) {
      spec.clusterIP = before.clusterIP;
      spec.clusterIPs ??= [...(before.clusterIPs ?? [before.clusterIP])];
    } else if (spec.clusterIP !== undefined && spec.clusterIP !== '' && !spec.clusterIPs?.length)
      spec.clusterIPs = [spec.clusterIP];
    if (!spec.ipFamilies && before.ipFamilies) spec.ipFamilies = [...before.ipFamilies];
    if (!spec.ipFamilyPolicy && before.ipFamilyPolicy !== undefined)
      spec.ipFamilyPolicy = before.ipFamilyPolicy;
  }
  if (needsNodePorts(spec) && needsNodePorts(before)) {
    for (const port of spec.ports ?? []) {
      if (port.nodePort) continue;
      const same = (before.ports ?? []).find(
        (each) => each.port === port.port && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
      );
      if (same?.nodePort) port.nodePort = same.nodePort;
    }
  } else if (!needsNodePorts(spec) && needsNodePorts(before)) {
    const taken = new Set((before.ports ?? []).map(({ nodePort }) => nodePort));
    for (const port of spec.ports ?? []) if (taken.has(port.nodePort)) delete port.nodePort;
  }
  if (!needsHealthPort(spec) && spec.healthCheckNodePort === before.healthCheckNodePort)
    delete spec.healthCheckNodePort;
  else if (
    needsHealthPort(spec) &&
    needsHealthPort(before) &&
    !spec.healthCheckNodePort &&
    before.healthCheckNodePort
  )
    spec.healthCheckNodePort = before.healthCheckNodePort;
}

/** Whether somebody else writes the endpoints of a headless Service: they may be of either family. */
const isOpen = (spec: ServiceSpec): boolean =>
  spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;

/** The cluster has addresses of one family. */
function familyErrors({ ipFamilyPolicy, ipFamilies = [] }: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (ipFamilyPolicy === 'RequireDualStack')
    errors.push(
      invalidValue(
        'spec.ipFamilyPolicy',
        ipFamilyPolicy,
        'this cluster is not configured for dual-stack services',
      ),
    );
  ipFamilies.forEach((family, index) => {
    if (family !== 'IPv4')
      errors.push(
        invalidValue(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'),
      );
  });
  return errors;
}

function defaultFamilies(spec: ServiceSpec): void {
  const open = isOpen(spec);
  spec.ipFamilyPolicy ??= open ? 'RequireDualStack' : 'SingleStack';
  const families = (spec.ipFamilies ??= ['IPv4']);
  if (open && families.length === 1 && spec.ipFamilyPolicy !== 'SingleStack')
    spec.ipFamilies = [...families, families[0] === 'IPv4' ? 'IPv6' : 'IPv4'];
}

/**
 * Gives a service its addresses and node ports, or refuses those it asks for. Runs in one step with the write.
 * @throws StatusError 422, 500 when the range is used up
 * @see pkg/registry/core/service/storage/alloc.go
 */
export function allocateService(
  call: Call,
  draft: KubeObject,
  old: DeepReadonly<KubeObject> | undefined,
  dryRun: boolean,
): void {
  const { spec, metadata } = draft as Service;
  const errors: FieldError[] = [];
  const { state, random, serviceClusterIpRange, nodePortRange } = call.context.options;
  const others = state
    .list('', 'services')
    .filter(
      (each) =>
        each.metadata.name !== metadata.name || each.metadata.namespace !== metadata.namespace,
    );
  if (spec.type !== 'ExternalName' && !isOpen(spec)) errors.push(...familyErrors(spec));
  if (spec.type !== 'ExternalName' && errors.length === 0) {
    defaultFamilies(spec);
    const { base, size } = cidrRange(serviceClusterIpRange);
    const used = new Set(others.flatMap((each) => specOf(each)?.clusterIPs ?? []));
    if (!spec.clusterIP) {
      if (used.size >= size - 2)
        errors.push(
          invalidValue(
            'spec.clusterIPs',
            spec.clusterIPs ?? null,
            'failed to allocate a serviceIP: range is full',
          ),
        );
      else {
        let ip: string;
        do ip = ipText(base + 1 + random.integer(size - 2));
        while (used.has(ip));
        spec.clusterIP = ip;
        spec.clusterIPs = [ip];
      }
    } else {
      spec.clusterIPs ??= [spec.clusterIP];
      const ip = spec.clusterIP;
      const value = ipNumber(ip);
      if (ip !== 'None' && specOf(old)?.clusterIP !== ip) {
        const shown = JSON.stringify(spec.clusterIPs);
        const refuse = (why: string): void =>
          void errors.push({
            reason: 'FieldValueInvalid',
            message: `Invalid value: ${shown}: failed to allocate IP ${ip}: ${why}`,
            field: 'spec.clusterIPs',
          });
        if (value === undefined || value <= base || value >= base + size)
          refuse(
            dryRun
              ? `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${serviceClusterIpRange}`
              : 'the provided network does not match the current range',
          );
        else if (used.has(ip) && !dryRun) refuse('provided IP is already allocated');
      }
    }
  }
  if (errors.length === 0 && (needsNodePorts(spec) || needsHealthPort(spec))) {
    const usedPorts = new Map<string, boolean>();
    const mark = (protocol: string, port: number | undefined): void => {
      if (port) usedPorts.set(`${protocol}/${port}`, true);
    };
    for (const each of others) {
      const other = specOf(each);
      for (const { protocol, nodePort } of other?.ports ?? []) mark(protocol ?? 'TCP', nodePort);
      mark('TCP', other?.healthCheckNodePort);
    }
    const mine = new Set((specOf(old)?.ports ?? []).map(({ nodePort }) => nodePort));
    const free = (protocol: string): number => {
      const count = nodePortRange.to - nodePortRange.from + 1;
      for (let attempt = 0; attempt < count * 4; attempt++) {
        const port = nodePortRange.from + random.integer(count);
        if (!usedPorts.has(`${protocol}/${port}`)) return port;
      }
      return 0;
    };
    if (needsNodePorts(spec)) {
      (spec.ports ?? []).forEach((port, index) => {
        const protocol = port.protocol ?? 'TCP';
        const field = `spec.ports[${index}].nodePort`;
        if (port.nodePort && !mine.has(port.nodePort)) {
          // Nobody looks whether a port could be had that is not taken.
          if (dryRun) return;
          if (port.nodePort < nodePortRange.from || port.nodePort > nodePortRange.to)
            errors.push(
              invalidValue(
                field,
                port.nodePort,
                `provided port is not in the valid range. The range of valid ports is ${nodePortRange.from}-${nodePortRange.to}`,
              ),
            );
          else if (usedPorts.has(`${protocol}/${port.nodePort}`))
            errors.push(invalidValue(field, port.nodePort, 'provided port is already allocated'));
        } else port.nodePort ??= free(protocol);
        mark(protocol, port.nodePort);
      });
    }
    if (needsHealthPort(spec)) spec.healthCheckNodePort ??= free('TCP');
  }
  if (errors.length > 0) throw invalid({ group: '', kind: 'Service' }, metadata.name ?? '', errors);
}

import type { KubeObject, ObjectMeta } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { addressWarnings, cidrWarnings } from '../../validation/addresses.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { dnsLabel, qualifiedName, validateLabels } from '../../validation/meta.ts';
import {
  inRange,
  ipFamily,
  isCidr,
  isDns1123Subdomain,
  isIp,
  isPortNumber,
  withoutLeadingZeros,
} from '../../validation/names.ts';
import { keepSpec, keepStatus } from '../strategy.ts';
import { validatePortNumberOrName } from './pod-probes.ts';
import { type IngressPoint, validateIngressPoints } from './load-balancer-status.ts';
import { type IntOrString, view } from './pod-types.ts';
import { headless, validateClusterIps, validateFamilies } from './service-addresses.ts';

interface ServicePort {
  name?: string;
  protocol?: string;
  port?: number;
  targetPort?: IntOrString;
  nodePort?: number;
  appProtocol?: string;
}

interface ServiceSpec {
  type?: string;
  ports?: ServicePort[];
  selector?: Record<string, string>;
  clusterIP?: string;
  clusterIPs?: string[];
  externalIPs?: string[];
  externalName?: string;
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
  sessionAffinity?: string;
  sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
  externalTrafficPolicy?: string;
  internalTrafficPolicy?: string;
  healthCheckNodePort?: number;
  allocateLoadBalancerNodePorts?: boolean;
  loadBalancerClass?: string;
  loadBalancerIP?: string;
  loadBalancerSourceRanges?: string[];
  publishNotReadyAddresses?: boolean;
  trafficDistribution?: string;
}

interface Service {
  metadata: ObjectMeta;
  spec?: ServiceSpec;
  status?: { loadBalancer?: { ingress?: IngressPoint[] } };
}

const protocols = ['SCTP', 'TCP', 'UDP'];
const reachedFromOutside = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' ||
  spec.type === 'NodePort' ||
  (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
const hasNodePorts = ({ type }: ServiceSpec): boolean =>
  type === 'NodePort' || type === 'LoadBalancer';
const needsHealthCheck = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
const specOf = (object: unknown): ServiceSpec => view<Service>(object).spec ?? {};

/** An address traffic can be sent to: not the host's own. */
export function validateEndpointIp(errors: FieldErrors, path: string, ip: string): void {
  if (!ipFamily(withoutLeadingZeros(ip))) {
    errors.invalid(path, ip, 'must be a valid IP address');
    return;
  }
  const low = ip.toLowerCase();
  if (low === '0.0.0.0' || low === '::') {
    errors.invalid(path, ip, `may not be unspecified (${ip})`);
  }
  if (low.startsWith('127.') || low === '::1') {
    errors.invalid(path, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
  }
  if (low.startsWith('169.254.') || /^fe[89ab]/.test(low)) {
    errors.invalid(path, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if (low.startsWith('224.0.0.') || low.startsWith('ff02:')) {
    errors.invalid(
      path,
      ip,
      'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    );
  }
}

function validatePort(
  errors: FieldErrors,
  path: string,
  port: ServicePort,
  needsName: boolean,
  names: Set<string>,
): void {
  if (port.name) {
    dnsLabel(errors, `${path}.name`, port.name);
    if (names.has(port.name)) errors.duplicate(`${path}.name`, port.name);
    names.add(port.name);
  } else if (needsName) errors.required(`${path}.name`);
  errors.invalidEach(`${path}.port`, port.port ?? 0, isPortNumber(port.port ?? 0));
  if (!port.protocol) errors.required(`${path}.protocol`);
  else if (!protocols.includes(port.protocol)) {
    errors.notSupported(`${path}.protocol`, port.protocol, protocols);
  }
  validatePortNumberOrName(errors, `${path}.targetPort`, port.targetPort);
  if (port.appProtocol !== undefined) {
    qualifiedName(errors, `${path}.appProtocol`, port.appProtocol);
  }
}

function validateExternalName(errors: FieldErrors, spec: ServiceSpec): void {
  const refusal = 'may not be set for ExternalName services';
  if ((spec.clusterIPs ?? []).length > 0) errors.forbidden('spec.clusterIPs', refusal);
  if ((spec.ipFamilies ?? []).length > 0) errors.forbidden('spec.ipFamilies', refusal);
  if (spec.ipFamilyPolicy !== undefined) errors.forbidden('spec.ipFamilyPolicy', refusal);
  const cname = (spec.externalName ?? '').replace(/\.$/, '');
  if (cname === '') errors.required('spec.externalName');
  else errors.invalidEach('spec.externalName', cname, isDns1123Subdomain(cname));
}

function validateNumbersOfPorts(errors: FieldErrors, spec: ServiceSpec): void {
  const ports = spec.ports ?? [];
  if (spec.type === 'ClusterIP') {
    ports.forEach(({ nodePort }, index) => {
      if (nodePort) {
        errors.forbidden(
          `spec.ports[${index}].nodePort`,
          "may not be used when `type` is 'ClusterIP'",
        );
      }
    });
  }
  const nodePorts = new Set<string>();
  ports.forEach(({ nodePort, protocol = '' }, index) => {
    if (!nodePort) return;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) errors.duplicate(`spec.ports[${index}].nodePort`, nodePort);
    nodePorts.add(key);
  });
  const taken = new Set<string>();
  ports.forEach(({ port = 0, protocol = '' }, index) => {
    const key = `${protocol}/${port}`;
    if (taken.has(key)) {
      const printed = JSON.stringify({
        Name: '',
        Protocol: protocol,
        AppProtocol: null,
        Port: port,
        TargetPort: 0,
        NodePort: 0,
      });
      errors.duplicate(`spec.ports[${index}]`, new Printed(printed));
    }
    taken.add(key);
  });
}

const balancerOnly = "may only be used when `type` is 'LoadBalancer'";

function validateBalancerClass(errors: FieldErrors, spec: ServiceSpec): void {
  if (spec.loadBalancerClass === undefined) return;
  if (spec.type === 'LoadBalancer')
    qualifiedName(errors, 'spec.loadBalancerClass', spec.loadBalancerClass);
  else errors.forbidden('spec.loadBalancerClass', balancerOnly);
}

function validateTraffic(errors: FieldErrors, spec: ServiceSpec): void {
  const balancer = spec.type === 'LoadBalancer';
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length > 0) {
    if (!balancer) errors.forbidden('spec.LoadBalancerSourceRanges', balancerOnly);
    ranges.forEach((range, index) => {
      const value = range.trim();
      errors.invalidEach(`spec.LoadBalancerSourceRanges[${index}]`, value, isCidr(value));
    });
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balancer) {
    errors.forbidden('spec.allocateLoadBalancerNodePorts', balancerOnly);
  }
  validateBalancerClass(errors, spec);
  const external = spec.externalTrafficPolicy ?? '';
  const policies = ['Cluster', 'Local'];
  if (!reachedFromOutside(spec)) {
    if (external !== '') {
      errors.invalid(
        'spec.externalTrafficPolicy',
        external,
        'may only be set for externally-accessible services',
      );
    }
  } else if (external === '') errors.required('spec.externalTrafficPolicy');
  else if (!policies.includes(external)) {
    errors.notSupported('spec.externalTrafficPolicy', external, policies);
  }
  const health = spec.healthCheckNodePort ?? 0;
  if (!needsHealthCheck(spec)) {
    if (health !== 0) {
      errors.invalid(
        'spec.healthCheckNodePort',
        health,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      );
    }
  } else if (health !== 0) {
    errors.invalidEach('spec.healthCheckNodePort', health, isPortNumber(health));
  }
  const internal = spec.internalTrafficPolicy;
  if (internal === undefined) {
    if (['NodePort', 'LoadBalancer', 'ClusterIP'].includes(spec.type ?? '')) {
      errors.required('spec.internalTrafficPolicy');
    }
  } else if (!policies.includes(internal)) {
    errors.notSupported('spec.internalTrafficPolicy', internal, policies);
  }
  const spread = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  if (spec.trafficDistribution !== undefined && !spread.includes(spec.trafficDistribution)) {
    errors.notSupported('spec.trafficDistribution', spec.trafficDistribution, spread);
  }
}

/** @see pkg/apis/core/validation/validation.go, validateService */
function validateService(errors: FieldErrors, spec: ServiceSpec): void {
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !headless(spec) && spec.type !== 'ExternalName') {
    errors.required('spec.ports');
  }
  if (spec.type === 'ExternalName') validateExternalName(errors, spec);
  else if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && headless(spec)) {
    errors.invalid(
      'spec.clusterIPs[0]',
      'None',
      `may not be set to 'None' for ${spec.type} services`,
    );
  }
  const names = new Set<string>();
  ports.forEach((port, index) => {
    validatePort(errors, `spec.ports[${index}]`, port, ports.length > 1, names);
  });
  validateLabels(errors, 'spec.selector', spec.selector);
  const affinity = spec.sessionAffinity ?? '';
  if (affinity === '') errors.required('spec.sessionAffinity');
  else if (affinity !== 'ClientIP' && affinity !== 'None') {
    errors.notSupported('spec.sessionAffinity', affinity, ['ClientIP', 'None']);
  }
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (affinity === 'ClientIP') {
    if (seconds === undefined) {
      errors.required(
        'spec.sessionAffinityConfig.clientIP',
        'when session affinity type is ClientIP',
      );
    } else if (seconds <= 0 || inRange(seconds, 1, 86_400).length > 0) {
      errors.invalid(
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
        seconds,
        'must be greater than 0 and less than 86400',
      );
    }
  } else if (affinity === 'None' && spec.sessionAffinityConfig) {
    errors.forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None');
  }
  spec.externalIPs?.forEach((ip, index) => {
    const messages = isIp(ip);
    errors.invalidEach(`spec.externalIPs[${index}]`, ip, messages);
    if (messages.length === 0) validateEndpointIp(errors, `spec.externalIPs[${index}]`, ip);
  });
  const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
  if (!spec.type) errors.required('spec.type');
  else if (!types.includes(spec.type)) errors.notSupported('spec.type', spec.type, types);
  validateNumbersOfPorts(errors, spec);
  validateTraffic(errors, spec);
}

function validateAddressChange(
  errors: FieldErrors,
  path: string,
  now: readonly string[],
  before: readonly string[],
  what: 'clusterIP' | 'ipFamily',
  policy: string | undefined,
): void {
  const once = 'may not change once set';
  if (now.length === before.length) {
    before.forEach((value, index) => {
      const at = what === 'clusterIP' ? index : 0;
      if (value !== now[index]) errors.invalid(`${path}[${at}]`, now, once);
    });
    return;
  }
  if (before.length > now.length && now.length === 0) {
    errors.invalid(`${path}[0]`, new Printed('null'), `primary ${what} can not be unset`);
  }
  if (before.length > 0 && now.length > 0 && now[0] !== before[0]) {
    errors.invalid(`${path}[0]`, now, once);
  }
  if (before.length > now.length && now.length === 1 && policy !== 'SingleStack') {
    errors.invalid(
      'spec.ipFamilyPolicy',
      policy,
      `must be set to 'SingleStack' when releasing the secondary ${what}`,
    );
  }
}

function validateChange(errors: FieldErrors, spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type !== 'ExternalName' && old.type !== 'ExternalName') {
    const policy = spec.ipFamilyPolicy;
    if (!(headless(spec) && headless(old))) {
      validateAddressChange(
        errors,
        'spec.clusterIPs',
        spec.clusterIPs ?? [],
        old.clusterIPs ?? [],
        'clusterIP',
        policy,
      );
    }
    if (!headless(spec) && !headless(old)) {
      validateAddressChange(
        errors,
        'spec.ipFamilies',
        spec.ipFamilies ?? [],
        old.ipFamilies ?? [],
        'ipFamily',
        policy,
      );
    }
  }
  if (
    spec.type === 'LoadBalancer' &&
    old.type === 'LoadBalancer' &&
    spec.loadBalancerClass !== old.loadBalancerClass
  ) {
    errors.invalid('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set');
  }
  validateBalancerClass(errors, spec);
  if (
    needsHealthCheck(old) &&
    needsHealthCheck(spec) &&
    old.healthCheckNodePort !== spec.healthCheckNodePort
  ) {
    errors.forbidden('spec.healthCheckNodePort', 'field is immutable');
  }
}

function setDefaults(draft: KubeObject): void {
  const service = view<Service>(draft);
  const spec = (service.spec ??= {});
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    if (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
      spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10_800 } };
    }
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (!port.targetPort) port.targetPort = port.port ?? 0;
  }
  if (reachedFromOutside(spec)) spec.externalTrafficPolicy ||= 'Cluster';
  if (['NodePort', 'LoadBalancer', 'ClusterIP'].includes(spec.type)) {
    spec.internalTrafficPolicy ??= 'Cluster';
  }
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) {
      if (ingress.ip) ingress.ipMode ??= 'VIP';
    }
  }
  service.status ??= {};
  service.status.loadBalancer ??= {};
}

const sameList = (a: readonly unknown[] = [], b: readonly unknown[] = []): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

/** What belonged to the old type alone goes with it, unless the client set it anew. */
function dropFieldsOfOldType(spec: ServiceSpec, old: ServiceSpec): void {
  if (old.type !== 'ExternalName' && spec.type === 'ExternalName') {
    if (spec.clusterIP === old.clusterIP && sameList(spec.clusterIPs, old.clusterIPs)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (sameList(spec.ipFamilies, old.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === old.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  if (hasNodePorts(old) && !hasNodePorts(spec)) {
    const before = new Set((old.ports ?? []).map(({ nodePort }) => nodePort));
    const same = (spec.ports ?? []).every(({ nodePort }) => !nodePort || before.has(nodePort));
    if (same) for (const port of spec.ports ?? []) delete port.nodePort;
  }
  if (needsHealthCheck(old) && !needsHealthCheck(spec)) {
    if (old.healthCheckNodePort === spec.healthCheckNodePort) delete spec.healthCheckNodePort;
  }
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (old.allocateLoadBalancerNodePorts === spec.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts;
    }
    if (old.loadBalancerClass === spec.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (reachedFromOutside(old) && !reachedFromOutside(spec)) {
    if (old.externalTrafficPolicy === spec.externalTrafficPolicy) {
      delete spec.externalTrafficPolicy;
    }
  }
}

/** The single field and the first of the list are one; a client may set or change either. */
function matchClusterIps(spec: ServiceSpec, old: ServiceSpec | undefined): void {
  const { clusterIP = '', clusterIPs = [] } = spec;
  if (!old) {
    if (clusterIP !== '' && clusterIPs.length === 0) spec.clusterIPs = [clusterIP];
    return;
  }
  const before = old.clusterIP ?? '';
  const listBefore = old.clusterIPs ?? [];
  // An old client that knows the single field alone sends it back without the list.
  if (listBefore.length > 0 && clusterIPs.length === 0 && before === clusterIP) {
    spec.clusterIPs = [...listBefore];
  }
  if (before === clusterIP) return;
  if (before !== '' && clusterIP === '') {
    if (sameList(listBefore, clusterIPs)) delete spec.clusterIPs;
  } else if (sameList(listBefore, clusterIPs)) spec.clusterIPs = [clusterIP];
}

/** What was allocated stays when a client sends its manifest again without it. */
function keepAllocated(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type !== 'ExternalName' && old.type !== 'ExternalName') {
    if (!spec.clusterIP && old.clusterIP) spec.clusterIP = old.clusterIP;
    if ((spec.clusterIPs ?? []).length === 0 && old.clusterIPs) {
      spec.clusterIPs = [...old.clusterIPs];
    }
  }
  if (hasNodePorts(spec) && hasNodePorts(old)) {
    const wanted = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort));
    for (const port of spec.ports ?? []) {
      const before = old.ports?.find(({ name = '' }) => name === (port.name ?? ''))?.nodePort;
      if (!port.nodePort && before && !wanted.has(before)) port.nodePort = before;
    }
  }
  if (needsHealthCheck(spec) && needsHealthCheck(old) && old.healthCheckNodePort) {
    spec.healthCheckNodePort ||= old.healthCheckNodePort;
  }
}

/** Cluster IPs and node ports are allocated elsewhere, before validation. */
export const serviceStrategy: KindStrategy = {
  group: '',
  kind: 'Service',
  nameRule: 'dns-label',
  createOnUpdate: true,
  unconditionalUpdate: true,
  defaults: setDefaults,
  prepareForCreate(draft) {
    draft['status'] = { loadBalancer: {} };
    matchClusterIps((view<Service>(draft).spec ??= {}), undefined);
  },
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    const service = view<Service>(draft);
    keepAllocated((service.spec ??= {}), specOf(old));
    matchClusterIps(service.spec, specOf(old));
    dropFieldsOfOldType(service.spec, specOf(old));
    if (service.spec.type !== 'LoadBalancer') (service.status ??= {}).loadBalancer = {};
  },
  prepareForStatusUpdate: keepSpec,
  // A Service's addresses are set aside before anything else of it is looked at.
  validateFirst(object, old) {
    const errors = new FieldErrors();
    const spec = specOf(object);
    const before = old && specOf(old);
    validateClusterIps(errors, spec, before);
    // Families are looked at when the addresses are in order.
    if (errors.list.length === 0) validateFamilies(errors, spec, before);
    return errors.list;
  },
  validate(object) {
    const errors = new FieldErrors();
    validateService(errors, specOf(object));
    return errors.list;
  },
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    const { spec, status } = view<Service>(object);
    validateIngressPoints(errors, status?.loadBalancer?.ingress ?? [], spec?.type ?? '');
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    validateChange(errors, specOf(object), specOf(old));
    validateService(errors, specOf(object));
    return errors.list;
  },
  warnings(object) {
    const spec = specOf(object);
    const warnings: string[] = [];
    const hints = 'service.kubernetes.io/topology-aware-hints';
    const external = (spec.externalIPs ?? []).length > 0;
    if (object.metadata.annotations?.[hints] !== undefined) {
      warnings.push(
        `annotation ${hints} is deprecated, please use service.kubernetes.io/topology-mode instead`,
      );
    }
    const named = (field: string, addresses: readonly string[] = []): string[] =>
      addresses.flatMap((address, index) => addressWarnings(`spec.${field}[${index}]`, address));
    warnings.push(...named('clusterIPs', spec.clusterIPs));
    if (spec.type === 'ClusterIP' && spec.clusterIP === 'None') {
      const ignored = 'is ignored for headless services';
      if (spec.loadBalancerIP) warnings.push(`spec.loadBalancerIP ${ignored}`);
      if (external) warnings.push(`spec.externalIPs ${ignored}`);
      if (spec.sessionAffinity !== 'None') warnings.push(`spec.SessionAffinity ${ignored}`);
    }
    warnings.push(...named('externalIPs', spec.externalIPs));
    if (external && spec.clusterIP !== 'None' && spec.type !== 'ExternalName')
      warnings.push(
        'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
      );
    warnings.push(
      ...addressWarnings('spec.loadBalancerIP', spec.loadBalancerIP ?? ''),
      ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, index) =>
        cidrWarnings(`spec.loadBalancerSourceRanges[${index}]`, range),
      ),
    );
    if (spec.type === 'ExternalName') {
      if (external) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
    } else if (spec.externalName) {
      warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
    }
    if (spec.trafficDistribution === 'PreferClose') {
      warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
    }
    return warnings;
  },
  selectableFields: (object) => ({
    'spec.clusterIP': specOf(object).clusterIP ?? '',
    'spec.type': specOf(object).type ?? '',
  }),
};

import type { DeepReadonly } from '#core/base';
import type { KubeObject } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { addressWarnings } from '../../validation/addresses.ts';
import { FieldErrors } from '../../validation/field.ts';
import { immutable, qualifiedName, semanticEqual, validateLabels } from '../../validation/meta.ts';
import {
  ipFamily,
  isDns1123Label,
  isDns1123Subdomain,
  isIp,
  isLabelValue,
} from '../../validation/names.ts';
import { view } from '../core/pod-types.ts';
import { validateEndpointIp } from '../core/service.ts';
import { bumpGeneration } from '../strategy.ts';

// Rules: pkg/apis/discovery/validation/validation.go, pkg/registry/discovery/endpointslice/strategy.go.

interface Endpoint {
  addresses?: string[];
  conditions?: object;
  hostname?: string;
  nodeName?: string;
  deprecatedTopology?: Record<string, string>;
  hints?: { forZones?: { name?: string }[]; forNodes?: { name?: string }[] };
}

interface EndpointSlice {
  addressType?: string;
  ports?: { name?: string; protocol?: string; port?: number; appProtocol?: string }[] | null;
  endpoints?: Endpoint[] | null;
}

const [maxEndpoints, maxAddresses, maxPorts] = [1000, 100, 20_000];
const [maxHints, maxTopologyLabels] = [8, 16];

function validatePorts(errors: FieldErrors, ports: EndpointSlice['ports']): void {
  const list = ports ?? [];
  if (list.length > maxPorts) {
    errors.tooMany('ports', list.length, maxPorts);
    return;
  }
  const names = new Set<string>();
  const protocols = ['SCTP', 'TCP', 'UDP'];
  list.forEach(({ name = '', protocol, appProtocol }, index) => {
    const at = `ports[${index}]`;
    if (name !== '') errors.invalidEach(`${at}.name`, name, isDns1123Label(name));
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
    if (protocol === undefined) errors.required(`${at}.protocol`);
    else if (!protocols.includes(protocol))
      errors.notSupported(`${at}.protocol`, protocol, protocols);
    if (appProtocol !== undefined) qualifiedName(errors, `${at}.appProtocol`, appProtocol);
  });
}

function validateDomainName(errors: FieldErrors, path: string, given: string): void {
  if (given === '') {
    errors.required(path);
    return;
  }
  const name = given.endsWith('.') ? given.slice(0, -1) : given;
  const faults = isDns1123Subdomain(name);
  if (faults.length > 0) errors.invalid(path, name, faults.join(','));
  else if (!name.includes('.'))
    errors.invalid(path, name, 'should be a domain with at least two segments separated by dots');
  else
    for (const label of name.split('.')) {
      const wrong = isDns1123Label(label);
      if (wrong.length === 0) continue;
      errors.invalid(path, label, wrong.join(','));
      return;
    }
}

function validateAddresses(
  errors: FieldErrors,
  path: string,
  addresses: readonly string[],
  type: string,
): void {
  if (addresses.length === 0) errors.required(path, 'must contain at least 1 address');
  else if (addresses.length > maxAddresses) errors.tooMany(path, addresses.length, maxAddresses);
  addresses.forEach((address, index) => {
    const at = `${path}[${index}]`;
    if (type === 'FQDN') validateDomainName(errors, at, address);
    else if (type === 'IPv4' || type === 'IPv6') {
      const faults = isIp(address);
      errors.invalidEach(at, address, faults);
      if (faults.length > 0) return;
      if (ipFamily(address) !== type) errors.invalid(path, address, `must be an ${type} address`);
      validateEndpointIp(errors, at, address);
    }
  });
}

function validateHints(errors: FieldErrors, path: string, hints: Endpoint['hints']): void {
  for (const [list, check] of [
    ['forZones', isLabelValue],
    ['forNodes', isDns1123Subdomain],
  ] as const) {
    const rows = hints?.[list] ?? [];
    if (rows.length > maxHints) {
      errors.tooMany(`${path}.${list}`, rows.length, maxHints);
      return;
    }
    const names = new Set<string>();
    rows.forEach(({ name = '' }, index) => {
      const at = `${path}.${list}[${index}].name`;
      if (names.has(name)) errors.duplicate(at, name);
      names.add(name);
      errors.invalidEach(at, name, check(name));
    });
  }
}

function validateEndpoints(errors: FieldErrors, slice: EndpointSlice): void {
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > maxEndpoints) {
    errors.tooMany('endpoints', endpoints.length, maxEndpoints);
    return;
  }
  endpoints.forEach((endpoint, index) => {
    const at = `endpoints[${index}]`;
    const { nodeName, hostname, deprecatedTopology = {}, hints } = endpoint;
    validateAddresses(errors, `${at}.addresses`, endpoint.addresses ?? [], slice.addressType ?? '');
    if (nodeName !== undefined)
      errors.invalidEach(`${at}.nodeName`, nodeName, isDns1123Subdomain(nodeName));
    const labels = Object.keys(deprecatedTopology).length;
    if (labels > maxTopologyLabels)
      errors.tooMany(`${at}.deprecatedTopology`, labels, maxTopologyLabels);
    validateLabels(errors, `${at}.deprecatedTopology`, deprecatedTopology);
    if (hostname !== undefined)
      errors.invalidEach(`${at}.hostname`, hostname, isDns1123Label(hostname));
    validateHints(errors, `${at}.hints`, hints);
  });
}

function sliceErrors(
  object: DeepReadonly<KubeObject>,
  old?: DeepReadonly<KubeObject>,
): FieldErrors {
  const errors = new FieldErrors();
  const slice = view<EndpointSlice>(object);
  const type = slice.addressType ?? '';
  const types = ['FQDN', 'IPv4', 'IPv6'];
  if (type === '') errors.required('addressType');
  else if (!types.includes(type)) errors.notSupported('addressType', type, types);
  validatePorts(errors, slice.ports);
  // What was taken once may stay.
  if (!old || !semanticEqual(slice.endpoints, view<EndpointSlice>(old).endpoints))
    validateEndpoints(errors, slice);
  return errors;
}

/** v1 has the labels for reading alone. */
function dropTopology(draft: KubeObject): void {
  for (const endpoint of view<EndpointSlice>(draft).endpoints ?? [])
    delete endpoint.deprecatedTopology;
}

export const endpointSliceStrategy: KindStrategy = {
  group: 'discovery.k8s.io',
  kind: 'EndpointSlice',
  hasGeneration: true,
  unconditionalUpdate: true,
  defaults(draft) {
    const slice = view<EndpointSlice>(draft);
    for (const port of slice.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
    for (const endpoint of slice.endpoints ?? []) endpoint.conditions ??= {};
    draft['endpoints'] ??= null;
    draft['ports'] ??= null;
  },
  prepareForCreate(draft) {
    draft.metadata.generation = 1;
    dropTopology(draft);
  },
  prepareForUpdate(draft, old) {
    bumpGeneration(draft, old, ['addressType', 'endpoints', 'ports']);
    if (
      draft.metadata.generation === old.metadata.generation &&
      !semanticEqual(draft.metadata.labels, old.metadata.labels)
    )
      draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
    if (!semanticEqual(draft['endpoints'], old['endpoints'])) dropTopology(draft);
  },
  validate: (object) => sliceErrors(object).list,
  validateUpdate(object, old) {
    const errors = sliceErrors(object, old);
    const { addressType = '' } = view<EndpointSlice>(object);
    immutable(errors, 'addressType', addressType, view<EndpointSlice>(old).addressType);
    return errors.list;
  },
  warnings(object, old) {
    const { addressType, endpoints } = view<EndpointSlice>(object);
    return [
      ...(!old && addressType === 'FQDN'
        ? ['spec.addressType: FQDN endpoints are deprecated']
        : []),
      ...(endpoints ?? []).flatMap(({ addresses }, index) =>
        (addresses ?? []).flatMap((address, i) =>
          addressWarnings(`endpoints[${index}].addresses[${i}]`, address),
        ),
      ),
    ];
  },
};

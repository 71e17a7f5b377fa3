import type { DeepReadonly } from '#core/base';

import type { KubeObject, LabelSelector } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { cidrWarnings } from '../../validation/addresses.ts';
import { FieldErrors } from '../../validation/field.ts';
import { dnsSubdomain, immutable, validateLabelSelector } from '../../validation/meta.ts';
import {
  cidrFamily,
  ipFamily,
  isCidr,
  isDns1123Label,
  isDns1123Subdomain,
  isIp,
  isPathSegment,
  isPortName,
  isPortNumber,
  isWildcardDns1123Subdomain,
  withoutLeadingZeros,
} from '../../validation/names.ts';
import { type IntOrString, view } from '../core/pod-types.ts';
import { bumpGeneration, bumpGenerationByIdentity, keepSpec, keepStatus } from '../strategy.ts';

interface Backend {
  resource?: { apiGroup?: string; kind?: string; name?: string };
  service?: { name?: string; port?: { name?: string; number?: number } };
}

interface IngressPath {
  path?: string;
  pathType?: string;
  backend?: Backend;
}

interface Ingress {
  spec?: {
    ingressClassName?: string;
    defaultBackend?: Backend;
    rules?: { host?: string; http?: { paths?: IngressPath[] } }[];
    tls?: { hosts?: string[]; secretName?: string }[];
  };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

function validateReference(
  errors: FieldErrors,
  path: string,
  reference: { apiGroup?: string; kind?: string; name?: string },
): void {
  if (typeof reference.apiGroup === 'string') {
    dnsSubdomain(errors, `${path}.apiGroup`, reference.apiGroup);
  }
  for (const field of ['kind', 'name'] as const) {
    const value = reference[field] ?? '';
    if (value === '') errors.required(`${path}.${field}`);
    else errors.invalidEach(`${path}.${field}`, value, isPathSegment(value));
  }
}

function validateBackend(errors: FieldErrors, path: string, backend: Backend): void {
  const { resource, service } = backend;
  if (resource && service) {
    errors.invalid(path, '', 'cannot set both resource and service backends');
    return;
  }
  if (resource) validateReference(errors, `${path}.resource`, resource);
  else if (service) {
    const name = service.name ?? '';
    if (name === '') errors.required(`${path}.service.name`);
    else errors.invalidEach(`${path}.service.name`, name, isDns1123Label(name));
    const port = service.port ?? {};
    if (port.name && port.number) {
      errors.invalid(path, '', 'cannot set both port name & port number');
    } else if (port.name) {
      errors.invalidEach(`${path}.service.port.name`, port.name, isPortName(port.name));
    } else if (port.number) {
      errors.invalidEach(`${path}.service.port.number`, port.number, isPortNumber(port.number));
    } else errors.required(path, 'port name or number is required');
  } else errors.invalid(path, '', 'resource or service backend is required');
}

const badSequences = ['//', '/./', '/../', '%2f', '%2F'];
const badSuffixes = ['/..', '/.'];

function validatePath(errors: FieldErrors, at: string, rule: IngressPath): void {
  const { path = '', pathType } = rule;
  if (!pathType) {
    errors.required(`${at}.pathType`, 'pathType must be specified');
    return;
  }
  const strict = pathType === 'Exact' || pathType === 'Prefix';
  if (strict || pathType === 'ImplementationSpecific') {
    if (!path.startsWith('/') && (strict || path !== '')) {
      errors.invalid(`${at}.path`, path, 'must be an absolute path');
    }
    if (strict) {
      for (const text of badSequences) {
        if (path.includes(text)) errors.invalid(`${at}.path`, path, `must not contain '${text}'`);
      }
      for (const text of badSuffixes) {
        if (path.endsWith(text)) errors.invalid(`${at}.path`, path, `cannot end with '${text}'`);
      }
    }
  } else {
    errors.notSupported(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']);
  }
  validateBackend(errors, `${at}.backend`, rule.backend ?? {});
}

const hostErrors = (host: string): string[] =>
  host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host);

function ingressErrors(object: DeepReadonly<KubeObject>): FieldErrors {
  const errors = new FieldErrors();
  const spec = view<Ingress>(object).spec ?? {};
  const rules = spec.rules ?? [];
  if (rules.length === 0 && !spec.defaultBackend) {
    errors.invalid(
      'spec',
      spec.rules ?? null,
      'either `defaultBackend` or `rules` must be specified',
    );
  }
  if (spec.defaultBackend) validateBackend(errors, 'spec.defaultBackend', spec.defaultBackend);
  rules.forEach(({ host, http }, index) => {
    const at = `spec.rules[${index}]`;
    if (host) {
      if (ipFamily(host)) {
        errors.invalid(`${at}.host`, host, 'must be a DNS name, not an IP address');
      }
      errors.invalidEach(`${at}.host`, host, hostErrors(host));
    }
    if (!http) return;
    const paths = http.paths ?? [];
    if (paths.length === 0) errors.required(`${at}.http.paths`);
    paths.forEach((path, i) => {
      validatePath(errors, `${at}.http.paths[${i}]`, path);
    });
  });
  spec.tls?.forEach(({ hosts = [], secretName }, index) => {
    const at = `spec.tls[${index}]`;
    hosts.forEach((host, i) => {
      errors.invalidEach(`${at}.hosts[${i}]`, host, hostErrors(host));
    });
    if (secretName) dnsSubdomain(errors, `${at}.secretName`, secretName);
  });
  if (spec.ingressClassName !== undefined) {
    dnsSubdomain(errors, 'spec.ingressClassName', spec.ingressClassName);
  }
  return errors;
}

const classAnnotation = 'kubernetes.io/ingress.class';

export const ingressStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'Ingress',
  hasGeneration: true,
  unconditionalUpdate: true,
  defaults(draft) {
    draft['status'] = { loadBalancer: {}, ...(draft['status'] as object | undefined) };
  },
  prepareForCreate(draft) {
    draft['status'] = { loadBalancer: {} };
    draft.metadata.generation = 1;
  },
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    bumpGeneration(draft, old);
  },
  prepareForStatusUpdate: keepSpec,
  validate(object) {
    const errors = ingressErrors(object);
    const named = object.metadata.annotations?.[classAnnotation];
    const chosen = view<Ingress>(object).spec?.ingressClassName;
    if (named !== undefined && chosen !== undefined && named !== chosen) {
      errors.invalid(
        `annotations.${classAnnotation}`,
        named,
        'must match `ingressClassName` when both are specified',
      );
    }
    return errors.list;
  },
  validateUpdate: (object) => ingressErrors(object).list,
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    const { status } = view<Ingress>(object);
    status?.loadBalancer?.ingress?.forEach(({ ip, hostname }, index) => {
      const at = `status.loadBalancer.ingress[${index}]`;
      if (ip) errors.invalidEach(`${at}.ip`, ip, isIp(ip));
      if (!hostname) return;
      errors.invalidEach(`${at}.hostname`, hostname, isDns1123Subdomain(hostname));
      if (ipFamily(withoutLeadingZeros(hostname)))
        errors.invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address');
    });
    return errors.list;
  },
  warnings(object, old) {
    const named = object.metadata.annotations?.[classAnnotation];
    return !old && named !== undefined
      ? [
          `annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`,
        ]
      : [];
  },
};

interface IngressClass {
  spec?: {
    controller?: string;
    parameters?: {
      apiGroup?: string;
      kind?: string;
      name?: string;
      scope?: string;
      namespace?: string;
    };
  };
}

function ingressClassErrors(object: DeepReadonly<KubeObject>): FieldErrors {
  const errors = new FieldErrors();
  const { controller = '', parameters } = view<IngressClass>(object).spec ?? {};
  const path = 'spec.controller';
  if (controller.length > 250) errors.tooLong(path, 250);
  const slash = controller.indexOf('/');
  if (controller === '') errors.required(path);
  else if (slash <= 0 || slash === controller.length - 1) {
    errors.invalid(path, controller, 'must be a domain-prefixed path (such as "acme.io/foo")');
  } else {
    const host = controller.slice(0, slash);
    errors.invalidEach(path, host, isDns1123Subdomain(host));
  }
  if (parameters) {
    const at = 'spec.parameters';
    validateReference(errors, at, parameters);
    const { scope, namespace } = parameters;
    if (scope === undefined) errors.required(`${at}.scope`);
    else if (scope === 'Namespace') {
      if (namespace === undefined) {
        errors.required(`${at}.namespace`, "`parameters.scope` is set to 'Namespace'");
      } else errors.invalidEach(`${at}.namespace`, namespace, isDns1123Label(namespace));
    } else if (scope === 'Cluster') {
      if (namespace !== undefined) {
        errors.forbidden(`${at}.namespace`, "`parameters.scope` is set to 'Cluster'");
      }
    } else errors.notSupported(`${at}.scope`, scope, ['Cluster', 'Namespace']);
  }
  return errors;
}

export const ingressClassStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'IngressClass',
  hasGeneration: true,
  unconditionalUpdate: true,
  defaults(draft) {
    const { spec } = view<IngressClass>(draft);
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
  },
  prepareForCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareForUpdate(draft, old) {
    bumpGeneration(draft, old);
  },
  validate: (object) => ingressClassErrors(object).list,
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    const before = view<IngressClass>(old).spec?.controller;
    const { controller = '' } = view<IngressClass>(object).spec ?? {};
    immutable(errors, 'spec.controller', controller, before);
    errors.addAll(ingressClassErrors(object).list);
    return errors.list;
  },
};

interface PolicyPort {
  protocol?: string;
  port?: IntOrString;
  endPort?: number;
}

interface PolicyPeer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr?: string; except?: string[] };
}

interface NetworkPolicy {
  spec?: {
    podSelector?: LabelSelector;
    policyTypes?: string[];
    ingress?: { ports?: PolicyPort[]; from?: PolicyPeer[] }[];
    egress?: { ports?: PolicyPort[]; to?: PolicyPeer[] }[];
  };
}

function validatePolicyPort(errors: FieldErrors, path: string, row: PolicyPort): void {
  const { protocol, port, endPort } = row;
  const protocols = ['TCP', 'UDP', 'SCTP'];
  if (protocol !== undefined && !protocols.includes(protocol)) {
    errors.notSupported(`${path}.protocol`, protocol, protocols);
  }
  if (typeof port === 'number') {
    errors.invalidEach(`${path}.port`, port, isPortNumber(port));
    if (endPort === undefined) return;
    if (endPort < port) {
      errors.invalid(`${path}.endPort`, port, 'must be greater than or equal to `port`');
    }
    errors.invalidEach(`${path}.endPort`, endPort, isPortNumber(endPort));
    return;
  }
  if (endPort !== undefined) {
    errors.invalid(
      `${path}.endPort`,
      endPort,
      `may not be specified when \`port\` is ${port === undefined ? 'not specified' : 'non-numeric'}`,
    );
  }
  if (port !== undefined) errors.invalidEach(`${path}.port`, port, isPortName(port));
}

/** The bits of an IPv4 address as one number. */
const ipv4Bits = (ip: string): number =>
  ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

/** A strict part of the range: a longer prefix that begins the same. IPv6 is compared by length alone. */
function isStrictSubset(part: string, whole: string): boolean {
  const [partIp = '', partLength = ''] = part.split('/');
  const [wholeIp = '', wholeLength = ''] = whole.split('/');
  const bits = Number(wholeLength);
  if (cidrFamily(part) !== cidrFamily(whole) || Number(partLength) <= bits) return false;
  if (cidrFamily(whole) === 'IPv6') return true;
  const size = 2 ** (32 - bits);
  return Math.floor(ipv4Bits(partIp) / size) === Math.floor(ipv4Bits(wholeIp) / size);
}

function validatePeer(errors: FieldErrors, path: string, peer: PolicyPeer): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  validateLabelSelector(errors, `${path}.podSelector`, podSelector);
  validateLabelSelector(errors, `${path}.namespaceSelector`, namespaceSelector);
  if (ipBlock) {
    const cidr = ipBlock.cidr ?? '';
    if (cidr === '') errors.required(`${path}.ipBlock.cidr`);
    else {
      errors.invalidEach(`${path}.ipBlock.cidr`, cidr, isCidr(cidr));
      const readable = cidrFamily(withoutLeadingZeros(cidr));
      (readable ? ipBlock.except : [])?.forEach((except, index) => {
        const at = `${path}.ipBlock.except[${index}]`;
        const messages = isCidr(except);
        errors.invalidEach(at, except, messages);
        if (cidrFamily(cidr) && messages.length === 0 && !isStrictSubset(except, cidr)) {
          errors.invalid(at, except, 'must be a strict subset of `cidr`');
        }
      });
    }
  }
  if (!podSelector && !namespaceSelector && !ipBlock) {
    errors.required(path, 'must specify a peer');
  } else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.forbidden(path, 'may not specify both ipBlock and another peer');
  }
}

function networkPolicyErrors(object: DeepReadonly<KubeObject>): FieldError[] {
  const errors = new FieldErrors();
  const spec = view<NetworkPolicy>(object).spec ?? {};
  validateLabelSelector(errors, 'spec.podSelector', spec.podSelector);
  const rules = [
    ...(spec.ingress ?? []).map((rule, index) => ({
      at: `spec.ingress[${index}]`,
      ports: rule.ports ?? [],
      side: 'from',
      peers: rule.from ?? [],
    })),
    ...(spec.egress ?? []).map((rule, index) => ({
      at: `spec.egress[${index}]`,
      ports: rule.ports ?? [],
      side: 'to',
      peers: rule.to ?? [],
    })),
  ];
  for (const { at, ports, side, peers } of rules) {
    ports.forEach((port, index) => {
      validatePolicyPort(errors, `${at}.ports[${index}]`, port);
    });
    peers.forEach((peer, index) => {
      validatePeer(errors, `${at}.${side}[${index}]`, peer);
    });
  }
  const types = spec.policyTypes ?? [];
  if (types.length > 2) {
    errors.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes');
  } else {
    types.forEach((type, index) => {
      if (type !== 'Ingress' && type !== 'Egress') {
        errors.notSupported(`spec.policyTypes[${index}]`, type, ['Ingress', 'Egress']);
      }
    });
  }
  return errors.list;
}

export const networkPolicyStrategy: KindStrategy = {
  group: 'networking.k8s.io',
  kind: 'NetworkPolicy',
  hasGeneration: true,
  unconditionalUpdate: true,
  defaults(draft) {
    const { spec } = view<NetworkPolicy>(draft);
    if (!spec) return;
    spec.podSelector ??= {};
    for (const { ports } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of ports ?? []) port.protocol ??= 'TCP';
    }
    if ((spec.policyTypes ?? []).length === 0) {
      spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    }
  },
  prepareForCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareForUpdate(draft, old, context) {
    bumpGenerationByIdentity(draft, old, 'spec', context);
  },
  validate: networkPolicyErrors,
  validateUpdate: networkPolicyErrors,
  warnings(object) {
    const { ingress = [], egress = [] } = view<NetworkPolicy>(object).spec ?? {};
    const blocks = (at: string, peers: readonly PolicyPeer[] = []): string[] =>
      peers.flatMap(({ ipBlock }, index) =>
        ipBlock
          ? [
              ...cidrWarnings(`${at}[${index}].ipBlock.cidr`, ipBlock.cidr ?? ''),
              ...(ipBlock.except ?? []).flatMap((except, i) =>
                cidrWarnings(`${at}[${index}].ipBlock.except[${i}]`, except),
              ),
            ]
          : [],
      );
    return [
      ...ingress.flatMap(({ from }, index) => blocks(`spec.ingress[${index}].from`, from)),
      ...egress.flatMap(({ to }, index) => blocks(`spec.egress[${index}].to`, to)),
    ];
  },
};

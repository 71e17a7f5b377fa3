import type { DeepReadonly } from '#core/base';
import type { KubeObject } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { semanticEqual } from '../../validation/meta.ts';
import { isDns1123Label, isDns1123Subdomain } from '../../validation/names.ts';
import { internalJson } from '../core/internal-print.ts';
import { view } from '../core/pod-types.ts';
import { bumpGeneration, keepSpec, keepStatus } from '../strategy.ts';

// Rules: pkg/apis/flowcontrol/validation/validation.go.

interface Subject {
  kind?: string;
  user?: { name?: string };
  group?: { name?: string };
  serviceAccount?: { name?: string; namespace?: string };
}

interface ResourceRule {
  verbs?: string[] | null;
  apiGroups?: string[] | null;
  resources?: string[] | null;
  namespaces?: string[] | null;
  clusterScope?: boolean;
}

interface NonResourceRule {
  verbs?: string[] | null;
  nonResourceURLs?: string[] | null;
}

interface FlowSchemaSpec {
  matchingPrecedence?: number;
  distinguisherMethod?: { type?: string };
  priorityLevelConfiguration?: { name?: string };
  rules?: {
    subjects?: Subject[] | null;
    resourceRules?: ResourceRule[] | null;
    nonResourceRules?: NonResourceRule[] | null;
  }[];
}

interface Queuing {
  handSize?: number;
  queues?: number;
  queueLengthLimit?: number;
}

interface Limited {
  nominalConcurrencyShares?: number;
  lendablePercent?: number;
  borrowingLimitPercent?: number;
  limitResponse?: { type?: string; queuing?: Queuing };
}

interface LevelSpec {
  type?: string;
  limited?: Limited;
  exempt?: Limited;
}

/** Two of each kind are the server's own and may not be changed. @see apiserver/pkg/apis/flowcontrol/bootstrap */
const everything = {
  resourceRules: [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] },
  ],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};
const groups = (...names: string[]): Subject[] =>
  names.map((name) => ({ kind: 'Group', group: { name } }));
const mandatorySchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: {
    matchingPrecedence: 1,
    priorityLevelConfiguration: { name: 'exempt' },
    rules: [{ ...everything, subjects: groups('system:masters') }],
  },
  'catch-all': {
    matchingPrecedence: 10_000,
    priorityLevelConfiguration: { name: 'catch-all' },
    distinguisherMethod: { type: 'ByUser' },
    rules: [{ ...everything, subjects: groups('system:unauthenticated', 'system:authenticated') }],
  },
};
const mandatoryLevels: Readonly<Record<string, LevelSpec>> = {
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  'catch-all': {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: 5,
      lendablePercent: 0,
      limitResponse: { type: 'Reject' },
    },
  },
};

const maxPrecedence = 10_000;
const maxQueues = 10_000_000;
/** Bits of the hash by which shuffle sharding deals a hand. */
const maxHashBits = 60;
const verbs = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'proxy',
  'update',
  'watch',
];

function validateConditions(errors: FieldErrors, object: DeepReadonly<KubeObject>): void {
  const { status } = view<{ status?: { conditions?: { type?: string }[] } }>(object);
  const seen = new Set<string>();
  status?.conditions?.forEach(({ type = '' }, index) => {
    const path = `status.conditions[${index}].type`;
    if (seen.has(type)) errors.duplicate(path, type);
    seen.add(type);
    if (type === '') errors.required(path);
  });
}

function validateSubject(errors: FieldErrors, path: string, subject: Subject): void {
  const { kind = '' } = subject;
  const fields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;
  const own = Object.hasOwn(fields, kind) ? fields[kind as keyof typeof fields] : undefined;
  if (!own) {
    errors.notSupported(`${path}.kind`, kind, ['Group', 'ServiceAccount', 'User']);
    return;
  }
  const at = `${path}.${own}`;
  const named = subject[own];
  if (!named) errors.required(at, `${own} is required when subject kind is '${kind}'`);
  else {
    const { name = '' } = named;
    if (name === '') errors.required(`${at}.name`);
    else if (own === 'serviceAccount' && name !== '*')
      errors.invalidEach(`${at}.name`, name, isDns1123Subdomain(name));
    if (own === 'serviceAccount') {
      const namespace = subject.serviceAccount?.namespace ?? '';
      if (namespace === '')
        errors.required(`${at}.namespace`, 'must specify namespace for service account');
      else errors.invalidEach(`${at}.namespace`, namespace, isDns1123Label(namespace));
    }
  }
  const others =
    own === 'serviceAccount'
      ? (['User', 'Group'] as const)
      : own === 'user'
        ? (['ServiceAccount', 'Group'] as const)
        : (['ServiceAccount', 'User'] as const);
  for (const other of others) {
    const field = fields[other];
    if (subject[field])
      errors.forbidden(
        `${path}.${field}`,
        `${field} is forbidden when subject kind is not '${other}'`,
      );
  }
}

function validateVerbs(errors: FieldErrors, path: string, given: readonly string[]): void {
  if (given.length === 0) errors.required(path, 'verbs must contain at least one value');
  else if (given.includes('*')) {
    if (given.length > 1)
      errors.invalid(path, given, "if '*' is present, must not specify other verbs");
  } else if (!given.every((verb) => verbs.includes(verb))) errors.notSupported(path, given, verbs);
}

/** What is wrong with a path, or a prefix of paths that ends in `/*`. */
function urlFault(path: string): string | undefined {
  if (path === '') return 'must not be empty';
  if (path === '/') return undefined;
  if (!path.startsWith('/')) return 'must start with slash';
  if (path.includes(' ')) return 'must not contain white-space';
  if (path.includes('//')) return 'must not contain double slash';
  const wildcards = path.split('*').length - 1;
  return wildcards > 1 || (wildcards === 1 && !path.endsWith('/*'))
    ? 'wildcard can only do suffix matching'
    : undefined;
}

function validateNonResourceRule(errors: FieldErrors, path: string, rule: NonResourceRule): void {
  validateVerbs(errors, `${path}.verbs`, rule.verbs ?? []);
  const urls = rule.nonResourceURLs ?? [];
  const at = `${path}.nonResourceURLs`;
  if (urls.length === 0) errors.required(at, 'nonResourceURLs must contain at least one value');
  else if (urls.includes('*')) {
    if (urls.length > 1)
      errors.invalid(at, urls, "if '*' is present, must not specify other non-resource URLs");
  } else
    urls.forEach((url, index) => {
      const fault = urlFault(url);
      if (fault) errors.invalid(`${at}[${index}]`, url, fault);
    });
}

function validateResourceRule(errors: FieldErrors, path: string, rule: ResourceRule): void {
  validateVerbs(errors, `${path}.verbs`, rule.verbs ?? []);
  const list = (field: 'apiGroups' | 'resources', one: string, others: string): void => {
    const values = rule[field] ?? [];
    if (values.length === 0)
      errors.required(`${path}.${field}`, `resource rules must supply at least one ${one}`);
    else if (values.length > 1 && values.includes('*'))
      errors.invalid(
        `${path}.${field}`,
        values,
        `if '*' is present, must not specify other ${others}`,
      );
  };
  list('apiGroups', 'api group', 'api groups');
  list('resources', 'resource', 'resources');
  const namespaces = rule.namespaces ?? [];
  const at = `${path}.namespaces`;
  if (namespaces.length === 0 && !rule.clusterScope)
    errors.required(
      at,
      'resource rules that are not cluster scoped must supply at least one namespace',
    );
  else if (namespaces.includes('*')) {
    if (namespaces.length > 1)
      errors.invalid(at, namespaces, "if '*' is present, must not specify other namespaces");
  } else
    namespaces.forEach((namespace, index) => {
      for (const why of isDns1123Label(namespace))
        errors.invalid(
          `${at}[${index}]`,
          namespace,
          `each member of this list must be '*' or a DNS-1123 label; ${why}`,
        );
    });
}

function validateFlowSchema(errors: FieldErrors, object: DeepReadonly<KubeObject>): void {
  const { spec = {} } = view<{ spec?: FlowSchemaSpec }>(object);
  const { matchingPrecedence: precedence = 0, distinguisherMethod: method } = spec;
  const name = object.metadata.name ?? '';
  const wrong = (detail: string): void =>
    errors.invalid('spec.matchingPrecedence', precedence, detail);
  if (precedence <= 0) wrong('must be a positive value');
  if (precedence > maxPrecedence) wrong(`must not be greater than ${maxPrecedence}`);
  if (precedence === 1 && name !== 'exempt')
    wrong("only the schema named 'exempt' may have matchingPrecedence 1");
  const methods = ['ByNamespace', 'ByUser'];
  if (method && !methods.includes(method.type ?? ''))
    errors.notSupported(
      'spec.distinguisherMethod.type',
      new Printed(internalJson('FlowDistinguisherMethod', method)),
      methods,
    );
  const level = spec.priorityLevelConfiguration?.name ?? '';
  const path = 'spec.priorityLevelConfiguration.name';
  if (level === '') errors.required(path, 'must reference a priority level');
  else errors.invalidEach(path, level, isDns1123Subdomain(level));
  spec.rules?.forEach((rule, index) => {
    const at = `spec.rules[${index}]`;
    const subjects = rule.subjects ?? [];
    const resourceRules = rule.resourceRules ?? [];
    const nonResourceRules = rule.nonResourceRules ?? [];
    if (subjects.length === 0)
      errors.required(`${at}.subjects`, 'subjects must contain at least one value');
    subjects.forEach((subject, i) => validateSubject(errors, `${at}.subjects[${i}]`, subject));
    if (resourceRules.length + nonResourceRules.length === 0)
      errors.required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty');
    resourceRules.forEach((each, i) =>
      validateResourceRule(errors, `${at}.resourceRules[${i}]`, each),
    );
    nonResourceRules.forEach((each, i) =>
      validateNonResourceRule(errors, `${at}.nonResourceRules[${i}]`, each),
    );
  });
  const mandatory = Object.hasOwn(mandatorySchemas, name) ? mandatorySchemas[name] : undefined;
  if (mandatory && !semanticEqual(spec, mandatory))
    errors.invalid(
      'spec',
      new Printed(internalJson('FlowSchemaSpec', spec)),
      `spec of '${name}' must equal the fixed value`,
    );
  validateConditions(errors, object);
}

function validateQueuing(errors: FieldErrors, path: string, queuing: Queuing): void {
  const { handSize = 0, queues = 0, queueLengthLimit = 0 } = queuing;
  if (queueLengthLimit <= 0)
    errors.invalid(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive');
  if (queues <= 0) errors.invalid(`${path}.queues`, queues, 'must be positive');
  else if (queues > maxQueues)
    errors.invalid(`${path}.queues`, queues, `must not be greater than ${maxQueues}`);
  const hand = `${path}.handSize`;
  if (handSize <= 0) errors.invalid(hand, handSize, 'must be positive');
  else if (handSize > queues)
    errors.invalid(hand, handSize, `should not be greater than queues (${queues})`);
  else if (Math.ceil(Math.log2(queues) * handSize) > maxHashBits)
    errors.invalid(
      hand,
      handSize,
      `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`,
    );
}

function validateShares(errors: FieldErrors, path: string, shares: Limited): void {
  if ((shares.nominalConcurrencyShares ?? 0) < 0)
    errors.invalid(
      `${path}.nominalConcurrencyShares`,
      shares.nominalConcurrencyShares,
      'must be a non-negative integer',
    );
}

function validatePercent(errors: FieldErrors, path: string, { lendablePercent }: Limited): void {
  if (lendablePercent !== undefined && (lendablePercent < 0 || lendablePercent > 100))
    errors.invalid(
      `${path}.lendablePercent`,
      lendablePercent,
      'must be between 0 and 100, inclusive',
    );
}

function validateLimited(errors: FieldErrors, limited: Limited): void {
  const path = 'spec.limited';
  validateShares(errors, path, limited);
  const { type = '', queuing } = limited.limitResponse ?? {};
  const at = `${path}.limitResponse`;
  if (type === 'Reject') {
    if (queuing)
      errors.forbidden(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited');
  } else if (type === 'Queue') {
    if (queuing) validateQueuing(errors, `${at}.queuing`, queuing);
    else
      errors.required(
        `${at}.queuing`,
        'must not be empty if limited.limitResponse.type is Limited',
      );
  } else if (type === '') errors.required(`${at}.type`);
  else errors.notSupported(`${at}.type`, type, ['Queue', 'Reject']);
  validatePercent(errors, path, limited);
  if ((limited.borrowingLimitPercent ?? 0) < 0)
    errors.invalid(
      `${path}.borrowingLimitPercent`,
      limited.borrowingLimitPercent,
      'if specified, must be a non-negative integer',
    );
}

/** Only v1beta3 knew it, which is not served. */
const zeroSharesAnnotation = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares';

function validateLevel(errors: FieldErrors, object: DeepReadonly<KubeObject>): void {
  const { spec = {} } = view<{ spec?: LevelSpec }>(object);
  const name = object.metadata.name ?? '';
  const { type = '', limited, exempt } = spec;
  if (object.metadata.annotations?.[zeroSharesAnnotation] !== undefined)
    errors.forbidden('metadata.annotations', `annotation '${zeroSharesAnnotation}' is forbidden`);
  if ((name === 'exempt') !== (type === 'Exempt'))
    errors.invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'");
  if (type === 'Exempt') {
    if (limited) errors.forbidden('spec.limited', 'must be nil if the type is not Limited');
    if (exempt) {
      validateShares(errors, 'spec.exempt', exempt);
      validatePercent(errors, 'spec.exempt', exempt);
    }
  } else if (type === 'Limited') {
    if (exempt) errors.forbidden('spec.exempt', 'must be nil if the type is Limited');
    if (limited) validateLimited(errors, limited);
    else errors.required('spec.limited', 'must not be empty when type is Limited');
  } else if (type === '') errors.required('spec.type');
  else errors.notSupported('spec.type', type, ['Exempt', 'Limited']);
  const mandatory = Object.hasOwn(mandatoryLevels, name) ? mandatoryLevels[name] : undefined;
  if (mandatory) {
    // How much of the rest is lent to the exempt level is the administrator's choice.
    const fixed = name === 'exempt' ? { ...spec, exempt: mandatory.exempt } : spec;
    if (!semanticEqual(fixed, mandatory))
      errors.invalid(
        'spec',
        new Printed(internalJson('PriorityLevelConfigurationSpec', spec)),
        name === 'exempt'
          ? `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`
          : `spec of '${name}' must equal the fixed value`,
      );
  }
  validateConditions(errors, object);
}

/** Flow control counts changes of the spec and has a status. */
const flowControl = (
  kind: string,
  check: (errors: FieldErrors, object: DeepReadonly<KubeObject>) => void,
): KindStrategy => ({
  group: 'flowcontrol.apiserver.k8s.io',
  kind,
  unconditionalUpdate: true,
  hasGeneration: true,
  prepareForCreate(draft) {
    draft['status'] = {};
    draft.metadata.generation = 1;
  },
  prepareForStatusUpdate: keepSpec,
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    bumpGeneration(draft, old);
  },
  validate(object) {
    const errors = new FieldErrors();
    check(errors, object);
    return errors.list;
  },
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    validateConditions(errors, object);
    return errors.list;
  },
});

const flowSchemaStrategy: KindStrategy = {
  ...flowControl('FlowSchema', validateFlowSchema),
  defaults(draft) {
    const spec = (view<{ spec?: FlowSchemaSpec }>(draft).spec ??= {});
    spec.matchingPrecedence ||= 1000;
    draft['status'] ??= {};
  },
};

const priorityLevelStrategy: KindStrategy = {
  ...flowControl('PriorityLevelConfiguration', validateLevel),
  defaults(draft) {
    const { spec } = view<{ spec?: LevelSpec }>(draft);
    if (spec?.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (spec?.limited) {
      spec.limited.nominalConcurrencyShares ??= 30;
      spec.limited.lendablePercent ??= 0;
      const queuing = spec.limited.limitResponse?.queuing;
      if (queuing) {
        queuing.handSize ||= 8;
        queuing.queues ||= 64;
        queuing.queueLengthLimit ||= 50;
      }
    }
    draft['status'] ??= {};
  },
};

/** Kinds of API priority and fairness. */
export const flowControlStrategies: readonly KindStrategy[] = [
  flowSchemaStrategy,
  priorityLevelStrategy,
];

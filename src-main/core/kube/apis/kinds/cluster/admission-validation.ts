import type { LabelSelector } from '../../../machinery/index.ts';
import type { FieldErrors } from '../../validation/field.ts';
import { validateLabelSelector } from '../../validation/meta.ts';
import { isDns1123Label, isDns1123Subdomain, isPortNumber } from '../../validation/names.ts';

/** @see pkg/apis/admissionregistration/validation/validation.go; expressions are compiled where they are run. */

interface Rule {
  readonly operations?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly apiVersions?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly scope?: string;
}

export interface MatchResources {
  matchPolicy?: string;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  resourceRules?: { scope?: string }[];
  excludeResourceRules?: { scope?: string }[];
}

export interface Webhook extends MatchResources {
  name?: string;
  failurePolicy?: string;
  sideEffects?: string;
  timeoutSeconds?: number;
  reinvocationPolicy?: string;
  admissionReviewVersions?: string[];
  clientConfig?: {
    url?: string;
    service?: { name?: string; namespace?: string; path?: string; port?: number };
  };
  rules?: { scope?: string }[];
}

export interface AdmissionPolicySpec {
  failurePolicy?: string;
  matchConstraints?: MatchResources;
  matchResources?: MatchResources;
  validations?: { expression?: string; message?: string; reason?: string }[];
  auditAnnotations?: { key?: string }[];
}

export interface PolicyBindingSpec {
  policyName?: string;
  matchResources?: MatchResources;
  validationActions?: string[];
  paramRef?: { name?: string; selector?: LabelSelector; parameterNotFoundAction?: string };
}

const failurePolicies = ['Fail', 'Ignore'];

function oneOf(
  errors: FieldErrors,
  path: string,
  value: string | undefined,
  allowed: readonly string[],
): void {
  if (value !== undefined && !allowed.includes(value)) errors.notSupported(path, value, allowed);
}

/** A list that may not name anything beside `*`. */
function wildcardAlone(
  errors: FieldErrors,
  path: string,
  values: readonly string[],
  others: string,
): void {
  if (values.length === 0) errors.required(path);
  if (values.length > 1 && values.includes('*'))
    errors.invalid(path, values, `if '*' is present, must not specify other ${others}`);
}

function validateResources(errors: FieldErrors, path: string, resources: readonly string[]): void {
  if (resources.length === 0) errors.required(path);
  const wholes = new Set<string>();
  const everywhere = new Set<string>();
  resources.forEach((resource, index) => {
    const at = `${path}[${index}]`;
    if (resource === '') errors.required(at);
    const slash = resource.indexOf('/');
    if (slash < 0) return;
    const [name, sub] = [resource.slice(0, slash), resource.slice(slash + 1)];
    if (wholes.has(name))
      errors.invalid(at, resource, `if '${name}/*' is present, must not specify ${resource}`);
    if (everywhere.has(sub))
      errors.invalid(at, resource, `if '*/${sub}' is present, must not specify ${resource}`);
    if (sub === '*') wholes.add(name);
    if (name === '*') everywhere.add(sub);
  });
  if (resources.length > 1 && resources.includes('*/*'))
    errors.invalid(path, resources, "if '*/*' is present, must not specify other resources");
  const last = resources.filter((resource) => resource !== '' && !resource.includes('/')).at(-1);
  if (resources.includes('*') && last !== undefined && last !== '*')
    errors.invalid(
      path,
      resources,
      "if '*' is present, must not specify other resources without subresources",
    );
}

function validateRule(errors: FieldErrors, path: string, rule: Rule): void {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  wildcardAlone(errors, `${path}.operations`, operations, 'operations');
  operations.forEach((operation, index) =>
    oneOf(errors, `${path}.operations[${index}]`, operation, [
      '*',
      'CONNECT',
      'CREATE',
      'DELETE',
      'UPDATE',
    ]),
  );
  wildcardAlone(errors, `${path}.apiGroups`, apiGroups, 'API groups');
  wildcardAlone(errors, `${path}.apiVersions`, apiVersions, 'API versions');
  apiVersions.forEach((version, index) => {
    if (version === '') errors.required(`${path}.apiVersions[${index}]`);
  });
  validateResources(errors, `${path}.resources`, resources);
  oneOf(errors, `${path}.scope`, scope, ['*', 'Cluster', 'Namespaced']);
}

function validateMatch(errors: FieldErrors, path: string, match: MatchResources | undefined): void {
  if (!match) return;
  oneOf(errors, `${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']);
  validateLabelSelector(errors, `${path}.namespaceSelector`, match.namespaceSelector);
  validateLabelSelector(errors, `${path}.objectSelector`, match.objectSelector);
  for (const list of ['resourceRules', 'excludeResourceRules'] as const)
    match[list]?.forEach((rule, index) => validateRule(errors, `${path}.${list}[${index}]`, rule));
}

function validateUrl(errors: FieldErrors, path: string, url: string): void {
  const form = '; desired format: https://host[/path]';
  const [, scheme = '', user, host = '', query, fragment] =
    /^(?:([A-Za-z][\w+.-]*):)?(?:\/\/(?:([^@/?#]*)@)?([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/.exec(
      url,
    ) ?? [];
  if (scheme !== 'https')
    errors.invalid(path, scheme, `'https' is the only allowed URL scheme${form}`);
  if (host === '') errors.invalid(path, host, `host must be specified${form}`);
  if (user !== undefined)
    errors.invalid(path, user, 'user information is not permitted in the URL');
  if (fragment) errors.invalid(path, fragment, 'fragments are not permitted in the URL');
  if (query) errors.invalid(path, query, 'query parameters are not permitted in the URL');
}

function validateClient(errors: FieldErrors, path: string, client: Webhook['clientConfig']): void {
  const { url, service } = client ?? {};
  if ((url === undefined) === (service === undefined)) {
    errors.required(path, 'exactly one of url or service is required');
  } else if (url !== undefined) validateUrl(errors, `${path}.url`, url);
  else if (service) {
    // Upstream takes one for the other here.
    if (!service.namespace) errors.required(`${path}.service.name`);
    if (!service.name) errors.required(`${path}.service.namespace`);
    const port = service.port ?? 0;
    const wrong = isPortNumber(port);
    if (wrong.length > 0)
      errors.invalid(`${path}.service.port`, port, `port is not valid: ${wrong.join(', ')}`);
  }
}

/** Names of webhooks have at least three parts. */
function validateWebhookName(errors: FieldErrors, path: string, name: string): void {
  if (name === '') {
    errors.required(path);
    return;
  }
  const wrong = isDns1123Subdomain(name);
  if (wrong.length > 0) errors.invalid(path, name, wrong.join(','));
  else if (name.split('.').length < 3)
    errors.invalid(path, name, 'should be a domain with at least three segments separated by dots');
  else
    for (const label of name.split('.'))
      for (const text of isDns1123Label(label)) errors.invalid(path, label, text);
}

export function validateWebhooks(errors: FieldErrors, webhooks: readonly Webhook[]): void {
  const names = new Set<string>();
  webhooks.forEach((webhook, index) => {
    const path = `webhooks[${index}]`;
    const { name = '', sideEffects, timeoutSeconds = 10 } = webhook;
    const admissionReviewVersions = webhook.admissionReviewVersions ?? [];
    validateWebhookName(errors, `${path}.name`, name);
    webhook.rules?.forEach((rule, i) => validateRule(errors, `${path}.rules[${i}]`, rule));
    oneOf(errors, `${path}.failurePolicy`, webhook.failurePolicy, failurePolicies);
    oneOf(errors, `${path}.matchPolicy`, webhook.matchPolicy, ['Equivalent', 'Exact']);
    const harmless = ['None', 'NoneOnDryRun'];
    if (!sideEffects)
      errors.required(`${path}.sideEffects`, `must specify one of ${harmless.join(', ')}`);
    else oneOf(errors, `${path}.sideEffects`, sideEffects, harmless);
    if (timeoutSeconds > 30 || timeoutSeconds < 1)
      errors.invalid(
        `${path}.timeoutSeconds`,
        timeoutSeconds,
        'the timeout value must be between 1 and 30 seconds',
      );
    validateLabelSelector(errors, `${path}.namespaceSelector`, webhook.namespaceSelector);
    validateLabelSelector(errors, `${path}.objectSelector`, webhook.objectSelector);
    validateClient(errors, `${path}.clientConfig`, webhook.clientConfig);
    oneOf(errors, `${path}.reinvocationPolicy`, webhook.reinvocationPolicy, ['IfNeeded', 'Never']);
    const versions = `${path}.admissionReviewVersions`;
    if (admissionReviewVersions.length === 0)
      errors.required(versions, 'must specify one of v1, v1beta1');
    else if (!admissionReviewVersions.some((version) => ['v1', 'v1beta1'].includes(version)))
      errors.invalid(versions, admissionReviewVersions, 'must include at least one of v1, v1beta1');
    if (name !== '' && names.has(name)) errors.duplicate(`${path}.name`, name);
    names.add(name);
  });
}

export function validatePolicy(errors: FieldErrors, spec: AdmissionPolicySpec): void {
  oneOf(errors, 'spec.failurePolicy', spec.failurePolicy, failurePolicies);
  if (spec.matchConstraints) {
    validateMatch(errors, 'spec.matchConstraints', spec.matchConstraints);
    if ((spec.matchConstraints.resourceRules ?? []).length === 0)
      errors.required('spec.matchConstraints.resourceRules');
  } else errors.required('spec.matchConstraints');
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0)
    for (const list of ['validations', 'auditAnnotations'])
      errors.required(
        `spec.${list}`,
        'validations or auditAnnotations must contain at least one item',
      );
  validations.forEach(({ expression = '', message = '', reason }, index) => {
    const path = `spec.validations[${index}]`;
    if (expression.trim() === '')
      errors.required(`${path}.expression`, 'expression is not specified');
    if (message !== '' && message.trim() === '')
      errors.invalid(`${path}.message`, message, 'must be non-empty if specified');
    else if (message.trim().includes('\n'))
      errors.invalid(`${path}.message`, message, 'must not contain line breaks');
    oneOf(errors, `${path}.reason`, reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge']);
  });
}

export function validatePolicyBinding(
  errors: FieldErrors,
  spec: PolicyBindingSpec,
  validates: boolean,
): void {
  const { policyName = '', paramRef, validationActions = [] } = spec;
  if (policyName === '') errors.required('spec.policyName');
  else errors.invalidEach('spec.policyName', policyName, isDns1123Subdomain(policyName));
  if (paramRef) {
    const path = 'spec.paramRef';
    const { name = '', selector, parameterNotFoundAction: action = '' } = paramRef;
    const both = 'name and selector are mutually exclusive';
    if (name !== '' && selector) errors.forbidden(`${path}.name`, both);
    validateLabelSelector(errors, `${path}.selector`, selector);
    if (name !== '' && selector) errors.forbidden(`${path}.selector`, both);
    if (name === '' && !selector)
      errors.required(path, 'one of name or selector must be specified');
    if (action === '') errors.required(`${path}.parameterNotFoundAction`);
    else oneOf(errors, `${path}.parameterNotFoundAction`, action, ['Deny', 'Allow']);
  }
  validateMatch(errors, 'spec.matchResources', spec.matchResources);
  if (!validates) return;
  const path = 'spec.validationActions';
  validationActions.forEach((action, index) => {
    oneOf(errors, `${path}[${index}]`, action, ['Audit', 'Deny', 'Warn']);
    if (validationActions.indexOf(action) < index) errors.duplicate(`${path}[${index}]`, action);
  });
  if (validationActions.includes('Deny') && validationActions.includes('Warn'))
    errors.invalid(
      path,
      validationActions,
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    );
  if (validationActions.length === 0)
    errors.required(path, 'at least one validation action is required');
}

import type { LabelSelector } from '../../../machinery/index.ts';
import type { FieldErrors } from '../../validation/field.ts';
import { type MetaCondition, validateMetaConditions } from '../../validation/conditions.ts';
import { qualifiedName, validateLabelSelector } from '../../validation/meta.ts';
import {
  isDns1035Label,
  isDns1123Subdomain,
  isPathSegment,
  isPortNumber,
} from '../../validation/names.ts';

/** @see pkg/apis/admissionregistration/validation/validation.go; expressions are compiled where they are run. */

interface Rule {
  operations?: string[];
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  resourceNames?: string[];
  scope?: string;
}

interface MatchCondition {
  name?: string;
  expression?: string;
}

export interface MatchResources {
  matchPolicy?: string;
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  resourceRules?: Rule[];
  excludeResourceRules?: Rule[];
}

export interface Webhook extends MatchResources {
  name?: string;
  failurePolicy?: string;
  sideEffects?: string | null;
  timeoutSeconds?: number;
  reinvocationPolicy?: string;
  admissionReviewVersions?: string[];
  clientConfig?: {
    url?: string;
    service?: { name?: string; namespace?: string; path?: string; port?: number };
  };
  rules?: Rule[];
  matchConditions?: MatchCondition[];
}

export interface AdmissionPolicySpec {
  failurePolicy?: string;
  paramKind?: { apiVersion?: string; kind?: string };
  matchConstraints?: MatchResources;
  matchResources?: MatchResources;
  matchConditions?: MatchCondition[];
  variables?: { name?: string; expression?: string }[];
  validations?: {
    expression?: string;
    message?: string;
    messageExpression?: string;
    reason?: string;
  }[];
  auditAnnotations?: { key?: string; valueExpression?: string }[];
  mutations?: {
    patchType?: string;
    jsonPatch?: { expression?: string };
    applyConfiguration?: { expression?: string };
  }[];
  reinvocationPolicy?: string;
}

/** The status of a policy that is checked against the types it names. */
export interface AdmissionPolicyStatus {
  conditions?: MetaCondition[];
  typeChecking?: { expressionWarnings?: { fieldRef?: string; warning?: string }[] };
}

export interface PolicyBindingSpec {
  policyName?: string;
  matchResources?: MatchResources;
  validationActions?: string[];
  paramRef?: { name?: string; selector?: LabelSelector; parameterNotFoundAction?: string };
}

const failurePolicies = ['Fail', 'Ignore'];
const reinvocationPolicies = ['IfNeeded', 'Never'];

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

function validateNamedRule(errors: FieldErrors, path: string, rule: Rule): void {
  const names = rule.resourceNames ?? [];
  names.forEach((name, index) => {
    const at = `${path}.resourceNames[${index}]`;
    errors.invalidEach(at, name, isPathSegment(name));
    if (names.indexOf(name) < index) errors.duplicate(at, name);
  });
  validateRule(errors, path, rule);
}

const maxConditions = 64;

/** Expressions are compiled elsewhere: here they have to be there. */
function validateConditions(
  errors: FieldErrors,
  path: string,
  conditions: readonly MatchCondition[] = [],
): void {
  const names = new Set<string>();
  if (conditions.length > maxConditions) errors.tooMany(path, conditions.length, maxConditions);
  conditions.forEach(({ name = '', expression = '' }, index) => {
    const at = `${path}[${index}]`;
    if (expression.trim() === '') errors.required(`${at}.expression`);
    if (name === '') errors.required(`${at}.name`);
    else {
      qualifiedName(errors, `${at}.name`, name);
      if (names.has(name)) errors.duplicate(`${at}.name`, name);
      names.add(name);
    }
  });
}

function validateMatch(errors: FieldErrors, path: string, match: MatchResources | undefined): void {
  if (!match) return;
  oneOf(errors, `${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']);
  validateLabelSelector(errors, `${path}.namespaceSelector`, match.namespaceSelector);
  validateLabelSelector(errors, `${path}.objectSelector`, match.objectSelector);
  for (const list of ['resourceRules', 'excludeResourceRules'] as const)
    match[list]?.forEach((rule, index) =>
      validateNamedRule(errors, `${path}.${list}[${index}]`, rule),
    );
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
    validateUrlPath(errors, `${path}.service.path`, service.path);
  }
}

/** @see apiserver/pkg/util/webhook/validation.go, ValidateWebhookService */
function validateUrlPath(errors: FieldErrors, at: string, path: string | undefined): void {
  if (!path || path === '/') return;
  if (path === '//') {
    errors.invalid(at, path, 'segment[0] may not be empty');
    return;
  }
  if (!path.startsWith('/')) errors.invalid(at, path, "must start with a '/'");
  const rest = path.slice(1);
  (rest.endsWith('/') ? rest.slice(0, -1) : rest).split('/').forEach((step, index) => {
    if (step === '') errors.invalid(at, path, `segment[${index}] may not be empty`);
    else
      for (const why of isDns1123Subdomain(step))
        errors.invalid(at, path, `segment[${index}]: ${why}`);
  });
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
}

function validateReviewVersions(
  errors: FieldErrors,
  path: string,
  versions: readonly string[],
): void {
  if (versions.length === 0) {
    errors.required(path, 'must specify one of v1, v1beta1');
    return;
  }
  versions.forEach((version, index) => {
    if (versions.indexOf(version) < index)
      errors.invalid(`${path}[${index}]`, version, 'duplicate version');
    else errors.invalidEach(`${path}[${index}]`, version, isDns1035Label(version));
  });
  if (!versions.some((version) => ['v1', 'v1beta1'].includes(version)))
    errors.invalid(path, versions, 'must include at least one of v1, v1beta1');
}

export function validateWebhooks(errors: FieldErrors, webhooks: readonly Webhook[]): void {
  const names = new Set<string>();
  webhooks.forEach((webhook, index) => {
    const path = `webhooks[${index}]`;
    const { name = '', sideEffects, timeoutSeconds = 10 } = webhook;
    validateWebhookName(errors, `${path}.name`, name);
    webhook.rules?.forEach((rule, i) => validateRule(errors, `${path}.rules[${i}]`, rule));
    oneOf(errors, `${path}.failurePolicy`, webhook.failurePolicy, failurePolicies);
    oneOf(errors, `${path}.matchPolicy`, webhook.matchPolicy, ['Equivalent', 'Exact']);
    const harmless = ['None', 'NoneOnDryRun'];
    if (sideEffects === undefined || sideEffects === null)
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
    oneOf(errors, `${path}.reinvocationPolicy`, webhook.reinvocationPolicy, reinvocationPolicies);
    validateClient(errors, `${path}.clientConfig`, webhook.clientConfig);
    validateConditions(errors, `${path}.matchConditions`, webhook.matchConditions);
    validateReviewVersions(
      errors,
      `${path}.admissionReviewVersions`,
      webhook.admissionReviewVersions ?? [],
    );
    if (name !== '' && names.has(name)) errors.duplicate(`${path}.name`, name);
    names.add(name);
  });
}

function validateParamKind(errors: FieldErrors, spec: AdmissionPolicySpec): void {
  if (!spec.paramKind) return;
  const { apiVersion = '', kind = '' } = spec.paramKind;
  const path = 'spec.paramKind.apiVersion';
  const parts = apiVersion === '/' ? ['', ''] : apiVersion.split('/');
  const [group = '', version = ''] = parts.length === 1 ? ['', apiVersion] : parts;
  if (apiVersion === '') errors.required(path);
  else if (parts.length > 2)
    errors.invalid(path, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  else {
    const wrong = group === '' ? [] : isDns1123Subdomain(group);
    if (wrong.length > 0) errors.invalid(path, group, wrong.join(','));
    const bad = isDns1035Label(version);
    if (version === '') errors.invalid(path, apiVersion, 'version must be specified');
    else if (bad.length > 0) errors.invalid(path, version, bad.join(','));
  }
  const odd = isDns1035Label(kind.toLowerCase());
  if (kind === '') errors.required('spec.paramKind.kind');
  else if (odd.length > 0)
    errors.invalid(
      'spec.paramKind.kind',
      kind,
      `may have mixed case, but should otherwise match: ${odd.join(',')}`,
    );
}

/** What both kinds of policies have. */
function validatePolicyHead(
  errors: FieldErrors,
  spec: AdmissionPolicySpec,
  mutates: boolean,
): void {
  oneOf(errors, 'spec.failurePolicy', spec.failurePolicy, failurePolicies);
  validateParamKind(errors, spec);
  const { matchConstraints: constraints } = spec;
  if (constraints) {
    validateMatch(errors, 'spec.matchConstraints', constraints);
    if ((constraints.resourceRules ?? []).length === 0)
      errors.required('spec.matchConstraints.resourceRules');
    if (mutates) validateMutated(errors, 'spec.matchConstraints', constraints);
  } else errors.required('spec.matchConstraints');
  validateConditions(errors, 'spec.matchConditions', spec.matchConditions);
  spec.variables?.forEach(({ name = '', expression = '' }, index) => {
    const at = `spec.variables[${index}]`;
    if (name.trim() === '') errors.required(`${at}.name`, 'name is not specified');
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || celReserved.has(name))
      errors.invalid(`${at}.name`, name, 'must be a valid CEL identifier');
    if (expression.trim() === '')
      errors.required(`${at}.expression`, 'expression is not specified');
  });
}

const celReserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/** What is deleted cannot be changed. */
function validateMutated(errors: FieldErrors, path: string, match: MatchResources): void {
  for (const { operations = [] } of match.resourceRules ?? [])
    for (const operation of operations)
      oneOf(errors, `${path}.resourceRules.operations`, operation, [
        '*',
        'CONNECT',
        'CREATE',
        'UPDATE',
      ]);
}

const maxAuditAnnotations = 20;
const maxValueExpressionBytes = 5 * 1024;

/** @param name the policy's, which the keys of its audit annotations begin with. */
export function validatePolicy(errors: FieldErrors, spec: AdmissionPolicySpec, name: string): void {
  validatePolicyHead(errors, spec, false);
  const { validations = [], auditAnnotations = [] } = spec;
  if (validations.length === 0 && auditAnnotations.length === 0)
    for (const list of ['validations', 'auditAnnotations'])
      errors.required(
        `spec.${list}`,
        'validations or auditAnnotations must contain at least one item',
      );
  validations.forEach((validation, index) => {
    const path = `spec.validations[${index}]`;
    const { expression = '', message = '', messageExpression = '', reason } = validation;
    if (expression.trim() === '')
      errors.required(`${path}.expression`, 'expression is not specified');
    if (messageExpression !== '' && messageExpression.trim() === '')
      errors.invalid(
        `${path}.messageExpression`,
        messageExpression,
        'must be non-empty if specified',
      );
    if (message !== '' && message.trim() === '')
      errors.invalid(`${path}.message`, message, 'must be non-empty if specified');
    else if (/[\r\n]/.test(message.trim()))
      errors.invalid(`${path}.message`, message, 'must not contain line breaks');
    oneOf(errors, `${path}.reason`, reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge']);
  });
  if (auditAnnotations.length > maxAuditAnnotations)
    errors.invalid(
      'spec.auditAnnotations',
      auditAnnotations,
      `must not have more than ${maxAuditAnnotations} auditAnnotations`,
    );
  const keys = new Set<string>();
  auditAnnotations.forEach(({ key = '', valueExpression = '' }, index) => {
    const path = `spec.auditAnnotations[${index}]`;
    if (name === '') errors.invalid(`${path}.key`, key, 'requires metadata.name be non-empty');
    else qualifiedName(errors, `${path}.key`, `${name}/${key}`);
    const bytes = valueExpression.trim().length;
    if (bytes === 0) errors.required(`${path}.valueExpression`, 'valueExpression is not specified');
    else if (bytes > maxValueExpressionBytes)
      errors.required(
        `${path}.valueExpression`,
        `must not exceed ${maxValueExpressionBytes} bytes in length`,
      );
    if (keys.has(key)) errors.duplicate(`${path}.key`, key);
    keys.add(key);
  });
}

export function validateMutatingPolicy(errors: FieldErrors, spec: AdmissionPolicySpec): void {
  validatePolicyHead(errors, spec, true);
  const { mutations = [], reinvocationPolicy = '' } = spec;
  if (mutations.length === 0)
    errors.required('spec.mutations', 'mutations must contain at least one item');
  mutations.forEach((mutation, index) => {
    const path = `spec.mutations[${index}]`;
    const { patchType: type = '' } = mutation;
    if (type === '') {
      errors.required(`${path}.patchType`);
      return;
    }
    if (type !== 'JSONPatch' && type !== 'ApplyConfiguration') {
      errors.notSupported(`${path}.patchType`, type, ['ApplyConfiguration', 'JSONPatch']);
      return;
    }
    const isPatch = type === 'JSONPatch';
    const [own, other] = isPatch
      ? (['jsonPatch', 'applyConfiguration'] as const)
      : (['applyConfiguration', 'jsonPatch'] as const);
    if (!mutation[own])
      errors.required(`${path}.${own}`, `must be specified when patchType is ${type}`);
    else if ((mutation[own].expression ?? '').trim() === '')
      errors.required(`${path}.${own}.expression`);
    if (mutation[other])
      errors.invalid(
        `${path}.${other}`,
        `{${other}}`,
        `must not be specified when patchType is ${type}`,
      );
  });
  if (reinvocationPolicy === '') errors.required('spec.reinvocationPolicy');
  else oneOf(errors, 'spec.reinvocationPolicy', reinvocationPolicy, reinvocationPolicies);
}

export function validatePolicyStatus(errors: FieldErrors, status: AdmissionPolicyStatus): void {
  status.typeChecking?.expressionWarnings?.forEach(({ fieldRef = '', warning = '' }, index) => {
    const path = `status.typeChecking.expressionWarnings[${index}]`;
    if (warning === '') errors.required(`${path}.warning`);
    if (fieldRef.trim() === '') errors.required(`${path}.fieldRef`);
  });
  validateMetaConditions(errors, 'status.conditions', status.conditions ?? []);
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
    if (name !== '') errors.invalidEach(`${path}.name`, name, isPathSegment(name));
    if (name !== '' && selector) errors.forbidden(`${path}.name`, both);
    validateLabelSelector(errors, `${path}.selector`, selector);
    if (name !== '' && selector) errors.forbidden(`${path}.selector`, both);
    if (name === '' && !selector)
      errors.required(path, 'one of name or selector must be specified');
    if (action === '') errors.required(`${path}.parameterNotFoundAction`);
    else oneOf(errors, `${path}.parameterNotFoundAction`, action, ['Deny', 'Allow']);
  }
  validateMatch(errors, 'spec.matchResources', spec.matchResources);
  if (!validates) {
    if (spec.matchResources) validateMutated(errors, 'spec.matchResources', spec.matchResources);
    return;
  }
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

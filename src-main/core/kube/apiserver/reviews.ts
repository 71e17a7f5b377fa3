import { jsonClone } from '#core/base';
import {
  type ApiResponse,
  badRequest,
  forbiddenValue,
  invalid,
  invalidValue,
  type KubeObject,
  labelValueErrors,
  qualifiedNameErrors,
  requiredValue,
  type StatusCause,
  trackUpdate,
} from '../machinery/index.ts';
import { type Call, notServed, nowText, writeOptions } from './call.ts';
import { fieldScope } from './catalog.ts';
import { orderedMeta } from './object-order.ts';
import { objectResponse, type OutputForm, unsupportedForm } from './negotiation.ts';
import { warningHeaders } from './read.ts';
import { partialMetadata } from './table.ts';
import type { Attributes, UserInfo } from './types.ts';
import { decodeObject } from './write.ts';

type Fields = Record<string, unknown>;

const kinds = new Set([
  'SubjectAccessReview',
  'LocalSubjectAccessReview',
  'SelfSubjectAccessReview',
  'SelfSubjectRulesReview',
  'SelfSubjectReview',
  'TokenReview',
]);

/** Whether a resource is answered and never stored. */
export function isReview(kind: string): boolean {
  return kinds.has(kind);
}

/** Answers POST of a review. @see kubernetes/pkg/registry/{authorization,authentication} */
export async function handleReview(call: Call): Promise<ApiResponse> {
  const { served, context } = call;
  const { options } = context;
  refuseTables(call.form);
  const write = writeOptions(call, 'CreateOptions');
  const review = decodeObject(call, write);
  if (review.metadata.namespace === '') delete review.metadata.namespace;
  const spec = (review['spec'] ?? {}) as Fields;
  const { kind } = served.info;
  const fail = (causes: Parameters<typeof invalid>[2]): never => {
    // Upstream leaves the kind out here.
    throw invalid({ group: served.info.group, kind: '' }, '', causes);
  };
  switch (kind) {
    case 'SelfSubjectReview':
      review['status'] = {
        userInfo: {
          username: call.user.username,
          ...(call.user.uid === undefined ? {} : { uid: call.user.uid }),
          groups: [...call.user.groups],
          ...(call.user.extra ? { extra: jsonClone(call.user.extra) } : {}),
        },
      };
      review.metadata = {
        creationTimestamp: new Date(options.clock.now()).toISOString().replace(/\.\d+/, ''),
      };
      break;
    case 'TokenReview': {
      const token = spec['token'] as string | undefined;
      if (!token) throw badRequest('token is required for TokenReview in authentication');
      review['status'] = options.reviewToken
        ? await options.reviewToken(token ?? '', (spec['audiences'] ?? []) as string[])
        : { user: {} };
      break;
    }
    case 'SelfSubjectRulesReview': {
      const namespace = spec['namespace'] as string | undefined;
      if (!namespace) throw badRequest('no namespace on request');
      if (!options.subjectRules) throw notServed();
      // The answer does not repeat the question.
      review['spec'] = {};
      review['status'] = options.subjectRules(call.user, namespace);
      break;
    }
    default:
      trackReview(call, review, write.manager);
      await reviewAccess(call, review, spec, fail);
  }
  // The other two are answered with an object of their own, which holds no owners.
  if (kind === 'TokenReview') trackReview(call, review, write.manager);
  return answerOf(call, ordered(review));
}

function trackReview(call: Call, review: KubeObject, manager: string): void {
  const { status: _status, ...request } = review;
  trackUpdate(undefined, request, manager, nowText(call.context), fieldScope(call.served, ''));
  review.metadata = request.metadata;
}

function answerOf(call: Call, object: KubeObject): ApiResponse {
  const { form } = call;
  return objectResponse(
    201,
    form.as === undefined ? object : partialMetadata(call.served, object, form.version),
    form,
    undefined,
    warningHeaders(call.warnings),
  );
}

/** What is answered and never stored has no rows. @throws StatusError 406 */
export function refuseTables(form: OutputForm): void {
  if (form.as !== undefined && form.as !== 'PartialObjectMetadata') throw unsupportedForm();
}

function ordered({ kind, apiVersion, metadata, ...rest }: KubeObject): KubeObject {
  return { kind, apiVersion, metadata, ...rest };
}

interface SelectorAttributes {
  readonly rawSelector?: string;
  readonly requirements?: readonly {
    readonly key?: string;
    readonly operator?: string;
    readonly values?: readonly string[];
  }[];
}

/** Operators nobody knows are let pass: newer clients may have them. @see validateResourceAttributes */
function selectorCauses(resource: Fields): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const field of ['fieldSelector', 'labelSelector'] as const) {
    const selector = resource[field] as SelectorAttributes | undefined;
    if (!selector) continue;
    const { rawSelector = '', requirements = [] } = selector;
    const path = `spec.resourceAttributes.${field}`;
    if (rawSelector !== '' && requirements.length > 0)
      causes.push(
        invalidValue(
          `${path}.rawSelector`,
          rawSelector,
          'may not specified at the same time as requirements',
        ),
      );
    if (rawSelector === '' && requirements.length === 0)
      causes.push(
        requiredValue(
          `${path}.requirements`,
          `when ${path} is specified, requirements or rawSelector is required`,
        ),
      );
    requirements.forEach(({ key = '', operator = '', values = [] }, index) => {
      const at = `${path}.requirements[${index}]`;
      if (field === 'fieldSelector' && key === '')
        causes.push(requiredValue(`${at}.key`, 'must be specified'));
      if ((operator === 'In' || operator === 'NotIn') && values.length === 0)
        causes.push(
          requiredValue(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"),
        );
      if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0)
        causes.push(
          forbiddenValue(
            `${at}.values`,
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          ),
        );
      if (field === 'fieldSelector') return;
      for (const why of qualifiedNameErrors(key)) causes.push(invalidValue(`${at}.key`, key, why));
      values.forEach((value, i) => {
        for (const why of labelValueErrors(value))
          causes.push(invalidValue(`${at}.values[${i}]`, value, why));
      });
    });
  }
  return causes;
}

/** @see k8s.io/kubernetes/pkg/apis/authorization/validation/validation.go */
function accessCauses(call: Call, { metadata }: KubeObject, spec: Fields): StatusCause[] {
  const { kind } = call.served.info;
  const resource = spec['resourceAttributes'] as Record<string, string> | undefined;
  const other = spec['nonResourceAttributes'] as Record<string, string> | undefined;
  const isLocal = kind === 'LocalSubjectAccessReview';
  // In the words of the internal type, which has no JSON names.
  const shownOther = other && { Path: other['path'] ?? '', Verb: other['verb'] ?? '' };
  const causes: StatusCause[] = [];
  if (resource && other)
    causes.push(
      invalidValue(
        'spec.nonResourceAttributes',
        shownOther,
        'cannot be specified in combination with resourceAttributes',
      ),
    );
  if (!resource && !other)
    causes.push(
      invalidValue(
        'spec.resourceAttributes',
        null,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    );
  if (resource) causes.push(...selectorCauses(resource));
  const groups = (spec['groups'] ?? []) as readonly string[];
  if (kind !== 'SelfSubjectAccessReview' && !spec['user'] && groups.length === 0)
    causes.push(invalidValue('spec.user', '', 'at least one of user or group must be specified'));
  const named = Object.keys(metadata).filter(
    (field) => field !== 'managedFields' && !(isLocal && field === 'namespace'),
  );
  if (named.length > 0)
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${JSON.stringify(orderedMeta(metadata))}: ${isLocal ? 'must be empty except for namespace' : 'must be empty'}`,
      field: 'metadata',
    });
  if (isLocal && resource && (resource['namespace'] ?? '') !== call.info.namespace)
    causes.push(
      invalidValue(
        'spec.resourceAttributes.namespace',
        resource['namespace'] ?? '',
        'must match metadata.namespace',
      ),
    );
  if (isLocal && other)
    causes.push(
      invalidValue('spec.nonResourceAttributes', shownOther, 'disallowed on this kind of request'),
    );
  return causes;
}

async function reviewAccess(
  call: Call,
  review: KubeObject,
  spec: Fields,
  fail: (causes: Parameters<typeof invalid>[2]) => never,
): Promise<void> {
  const { kind } = call.served.info;
  const resource = spec['resourceAttributes'] as Record<string, string> | undefined;
  const other = spec['nonResourceAttributes'] as Record<string, string> | undefined;
  const causes = accessCauses(call, review, spec);
  if (causes.length > 0) fail(causes);
  let user: UserInfo = call.user;
  if (kind !== 'SelfSubjectAccessReview') {
    const name = (spec['user'] ?? '') as string;
    const groups = (spec['groups'] ?? []) as string[];
    user = {
      username: name,
      groups,
      ...(spec['uid'] === undefined ? {} : { uid: spec['uid'] as string }),
      ...(spec['extra'] === undefined ? {} : { extra: spec['extra'] as Record<string, string[]> }),
    };
  }
  const attributes: Attributes = resource
    ? {
        kind: 'resource',
        user,
        verb: resource['verb'] ?? '',
        group: resource['group'] ?? '',
        version: resource['version'] ?? '',
        resource: resource['resource'] ?? '',
        subresource: resource['subresource'] ?? '',
        namespace: resource['namespace'] ?? '',
        name: resource['name'] ?? '',
      }
    : { kind: 'non-resource', user, verb: other?.['verb'] ?? '', path: other?.['path'] ?? '' };
  const { decision, reason } = await call.context.options.authorizer.authorize(attributes);
  review['status'] = {
    allowed: decision === 'allow',
    ...(decision === 'deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
  };
}

import { fromBase64, jsonClone } from '#core/base';
import type { KubeObject } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { age, columns, nameOf } from '../../tables/table.ts';
import { FieldErrors } from '../../validation/field.ts';
import {
  isDns1035Label,
  isDns1123Subdomain,
  isPathSegment,
  isPortNumber,
} from '../../validation/names.ts';
import { view } from '../core/pod-types.ts';
import { keepSpec, keepStatus } from '../strategy.ts';

interface ApiServiceView {
  readonly metadata: { readonly name?: string };
  readonly spec?: {
    readonly group?: string;
    readonly version?: string;
    readonly groupPriorityMinimum?: number;
    readonly versionPriority?: number;
    readonly insecureSkipTLSVerify?: boolean;
    readonly caBundle?: string;
    readonly service?: {
      readonly namespace?: string;
      readonly name?: string;
      readonly port?: number;
    };
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
    }[];
  };
}

/** A service is named as the version and group it serves. */
function nameFaults(name: string, object: unknown): string[] {
  const { spec } = object as ApiServiceView;
  const faults = isPathSegment(name);
  const wanted = `${spec?.version ?? ''}.${spec?.group ?? ''}`;
  return faults.length > 0 || name === wanted
    ? faults
    : [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`];
}

function serviceErrors(object: unknown): FieldErrors {
  const errors = new FieldErrors();
  const { spec } = object as ApiServiceView;
  const { group = '', version = '', service, insecureSkipTLSVerify, caBundle } = spec ?? {};
  if (group === '' && version !== 'v1')
    errors.required('spec.group', 'only v1 may have an empty group and it better be legacy kube');
  if (group !== '') errors.invalidEach('spec.group', group, isDns1123Subdomain(group));
  errors.invalidEach('spec.version', version, isDns1035Label(version));
  const within = (field: string, value: number, limit: number): void => {
    if (value <= 0 || value > limit)
      errors.invalid(`spec.${field}`, value, `must be positive and less than ${limit}`);
  };
  within('groupPriorityMinimum', spec?.groupPriorityMinimum ?? 0, 20_000);
  within('versionPriority', spec?.versionPriority ?? 0, 1000);
  if (!service) {
    if (caBundle)
      errors.invalid(
        'spec.caBundle',
        `${fromBase64(caBundle).length} bytes`,
        'local APIServices may not have a caBundle',
      );
    if (insecureSkipTLSVerify)
      errors.invalid(
        'spec.insecureSkipTLSVerify',
        true,
        'local APIServices may not have insecureSkipTLSVerify',
      );
    return errors;
  }
  if (!service.namespace) errors.required('spec.service.namespace');
  if (!service.name) errors.required('spec.service.name');
  const port = service.port ?? 0;
  const wrong = isPortNumber(port);
  if (wrong.length > 0)
    errors.invalid('spec.service.port', port, `port is not valid: ${wrong.join(', ')}`);
  if (insecureSkipTLSVerify && caBundle)
    errors.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
  return errors;
}

/**
 * An API version served here or by another server. Local ones are available by themselves.
 * @see kube-aggregator/pkg/registry/apiservice/strategy.go; pkg/apis/apiregistration/validation/validation.go
 */
export const apiServiceStrategy: KindStrategy = {
  group: 'apiregistration.k8s.io',
  kind: 'APIService',
  // `v1.` is the core group's.
  nameRule: nameFaults,
  unconditionalUpdate: false,
  defaults(draft) {
    const service = view<{ spec?: { service?: { port?: number } } }>(draft).spec?.service;
    if (service) service.port ??= 443;
  },
  prepareForCreate(draft: KubeObject, { nowMs }) {
    const { spec } = draft as ApiServiceView;
    draft['status'] = spec?.service
      ? {}
      : {
          conditions: [
            {
              type: 'Available',
              status: 'True',
              lastTransitionTime: `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
              reason: 'Local',
              message: 'Local APIServices are always available',
            },
          ],
        };
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate(draft, old) {
    keepSpec(draft, old);
    for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const)
      if (old.metadata[field] === undefined) delete draft.metadata[field];
      else Object.assign(draft.metadata, { [field]: jsonClone(old.metadata[field]) });
  },
  validate: (object) => serviceErrors(object).list,
  validateUpdate: (object) => serviceErrors(object).list,
  validateStatusUpdate(object) {
    const errors = new FieldErrors();
    const statuses = ['True', 'False', 'Unknown'];
    (object as ApiServiceView).status?.conditions?.forEach(({ status = '' }, index) => {
      if (!statuses.includes(status))
        errors.notSupported(`status.conditions[${index}].status`, status, statuses);
    });
    return errors.list;
  },
  table: {
    columns: columns('Name', 'Service', 'Available', 'Age'),
    cells: (object, context) => {
      const { spec, status } = object as ApiServiceView;
      const { namespace = '', name = '' } = spec?.service ?? {};
      const available = status?.conditions?.find(({ type }) => type === 'Available');
      return [
        nameOf(object),
        spec?.service ? `${namespace}/${name}` : 'Local',
        available === undefined
          ? 'Unknown'
          : available.status === 'True'
            ? 'True'
            : `${available.status} (${available.reason ?? ''})`,
        age(object, context),
      ];
    },
  },
};

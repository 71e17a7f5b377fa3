import type { KubeObject } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { age, columns, nameOf } from '../../tables/table.ts';
import { FieldErrors } from '../../validation/field.ts';

interface ApiServiceView {
  readonly metadata: { readonly name?: string };
  readonly spec?: {
    readonly group?: string;
    readonly version?: string;
    readonly groupPriorityMinimum?: number;
    readonly versionPriority?: number;
    readonly insecureSkipTLSVerify?: boolean;
    readonly caBundle?: string;
    readonly service?: { readonly namespace?: string; readonly name?: string };
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
    }[];
  };
}

/**
 * An API version served here or by another server. Local ones are available by themselves.
 * @see kube-aggregator/pkg/registry/apiservice/strategy.go; pkg/apis/apiregistration/validation/validation.go
 */
export const apiServiceStrategy: KindStrategy = {
  group: 'apiregistration.k8s.io',
  kind: 'APIService',
  // `v1.` is the core group's.
  nameRule: 'path-segment',
  unconditionalUpdate: false,
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
  prepareForUpdate(draft, old) {
    draft['status'] = old['status'];
  },
  validate(object) {
    const errors = new FieldErrors();
    const { metadata, spec } = object as ApiServiceView;
    const wanted = `${spec?.version ?? ''}.${spec?.group ?? ''}`;
    if (metadata.name !== wanted)
      errors.invalid(
        'metadata.name',
        metadata.name ?? '',
        `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`,
      );
    const within = (field: string, value: number, limit: number): void => {
      if (value <= 0 || value > limit)
        errors.invalid(`spec.${field}`, value, `must be positive and less than ${limit}`);
    };
    within('groupPriorityMinimum', spec?.groupPriorityMinimum ?? 0, 20_000);
    within('versionPriority', spec?.versionPriority ?? 0, 1000);
    const { service, insecureSkipTLSVerify, caBundle } = spec ?? {};
    if (service) {
      if (!service.namespace) errors.required('spec.service.namespace');
      if (!service.name) errors.required('spec.service.name');
    } else if (insecureSkipTLSVerify) {
      errors.invalid(
        'spec.insecureSkipTLSVerify',
        true,
        'local APIServices may not have insecureSkipTLSVerify',
      );
    }
    if (insecureSkipTLSVerify && caBundle)
      errors.invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
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

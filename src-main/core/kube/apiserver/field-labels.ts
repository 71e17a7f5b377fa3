import { eventTargetFields } from '../apis/index.ts';
import { badRequest } from '../machinery/index.ts';
import type { Served } from './catalog.ts';

const name = 'metadata.name';
const namespace = 'metadata.namespace';

/**
 * Labels of kinds that declare theirs, and what a label is called within; others take the two of all kinds.
 *
 * @see k8s.io/kubernetes/pkg/apis, calls of AddFieldLabelConversionFunc
 */
const declared: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  [
    '/Pod',
    labels(
      [
        name,
        namespace,
        'spec.nodeName',
        'spec.restartPolicy',
        'spec.schedulerName',
        'spec.serviceAccountName',
        'spec.hostNetwork',
        'status.phase',
        'status.podIP',
        'status.podIPs',
        'status.nominatedNodeName',
      ],
      { 'spec.host': 'spec.nodeName' },
    ),
  ],
  ['/Node', labels([name, 'spec.unschedulable'])],
  ['/ReplicationController', labels([name, namespace, 'status.replicas'])],
  [
    '/Event',
    labels([
      ...eventTargetFields.map((field) => `involvedObject.${field}`),
      'reason',
      'reportingComponent',
      'source',
      'type',
      namespace,
      name,
    ]),
  ],
  [
    'events.k8s.io/Event',
    labels(['reason', 'type', namespace, name], {
      ...Object.fromEntries(
        eventTargetFields.map((field) => [`regarding.${field}`, `involvedObject.${field}`]),
      ),
      reportingController: 'reportingComponent',
    }),
  ],
  ['/Namespace', labels([name, 'status.phase'])],
  ['/Secret', labels(['type', namespace, name])],
  ['/Service', labels([namespace, name, 'spec.clusterIP', 'spec.type'])],
  ['batch/Job', labels([name, namespace, 'status.successful'])],
  ['certificates.k8s.io/CertificateSigningRequest', labels([name, 'spec.signerName'])],
  ['resource.k8s.io/ResourceSlice', labels([name, 'spec.nodeName', 'spec.driver'])],
]);

function labels(
  same: readonly string[],
  renamed: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, string> {
  return new Map([...same.map((label) => [label, label] as const), ...Object.entries(renamed)]);
}

/**
 * What a field's label is called among the selectable fields of a kind.
 *
 * @throws StatusError 400 for a label the kind does not have.
 */
export function fieldOfLabel(served: Served, label: string): string {
  const { group, kind } = served.groupKind;
  const own = declared.get(`${group}/${kind}`);
  const field = own?.get(label);
  if (field !== undefined) return field;
  if (own) {
    if (kind === 'Job')
      throw badRequest(`field label ${JSON.stringify(label)} not supported for Job`);
    if (kind === 'ResourceSlice')
      throw badRequest(
        `field label not supported for ${served.groupVersion}, Kind=ResourceSlice: ${label}`,
      );
    throw badRequest(`field label not supported: ${label}`);
  }
  if (label === name || label === namespace) return label;
  if (!served.custom)
    throw badRequest(
      `${JSON.stringify(label)} is not a known field selector: only ${[name, namespace].map((each) => JSON.stringify(each)).join(', ')}`,
    );
  if (Object.hasOwn(served.strategy.selectableFields?.(empty) ?? {}, label)) return label;
  throw badRequest(`field label not supported: ${label}`);
}

const empty = { apiVersion: '', kind: '', metadata: { name: '', namespace: '' } };

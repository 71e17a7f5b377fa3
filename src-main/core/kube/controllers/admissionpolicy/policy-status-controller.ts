import { type Result, WorkQueue } from '../../client/index.ts';
import { objectKey, type ObjectKey } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { queueController } from '../shared/informer-queue.ts';
import { expressionWarnings, type PolicyView } from './type-check.ts';

/**
 * Writes into the status of admission policies what their expressions get wrong.
 *
 * @see k8s.io/kubernetes/pkg/controller/validatingadmissionpolicystatus
 */
export function createAdmissionPolicyStatusController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const policies = informers.for('validatingadmissionpolicies.admissionregistration.k8s.io');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const policy = policies.get(key);
    const { generation = 0 } = policy?.metadata ?? {};
    if (!policy || generation <= (policy.status?.observedGeneration ?? 0)) return {};
    const warnings = expressionWarnings(policy);
    await client.resource('validatingadmissionpolicies.admissionregistration.k8s.io').patch(
      undefined,
      key,
      'apply',
      {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingAdmissionPolicy',
        metadata: { name: key },
        status: {
          observedGeneration: generation,
          typeChecking: warnings.length > 0 ? { expressionWarnings: warnings } : {},
        },
      },
      {
        subresource: 'status',
        fieldManager: 'validatingadmissionpolicy-status',
        force: true,
      },
    );
    return {};
  }

  const enqueue = (policy: PolicyView): void => queue.add(objectKey(policy.metadata));
  return queueController(context, {
    name: 'validatingadmissionpolicy-status-controller',
    queue,
    reconcile,
    handlers: (own) =>
      own(policies.addHandler({ onAdd: enqueue, onUpdate: (_, policy) => enqueue(policy) })),
  });
}

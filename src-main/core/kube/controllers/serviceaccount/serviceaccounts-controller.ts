import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, keyOf, type ObjectKey } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { jsonEqual } from '#core/base';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';

/**
 * Gives every namespace its `default` ServiceAccount.
 *
 * @see k8s.io/kubernetes/pkg/controller/serviceaccount/serviceaccounts_controller.go
 */
export function createServiceAccountController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const namespaces = informers.for('namespaces');
  const accounts = informers.for('serviceaccounts');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const namespace = namespaces.get(key);
    if (!namespace || namespace.status?.phase === 'Terminating') return {};
    if (accounts.get(keyOf(key, 'default'))) return {};
    try {
      await client.resource('serviceaccounts').create({
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace: key },
      });
    } catch (error) {
      if (!isReason(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
    }
    return {};
  }

  return queueController(context, {
    name: 'serviceaccount-controller',
    queue,
    reconcile,
    workers: 1,
    handlers: (own) => {
      own(enqueueSelf(namespaces, queue));
      own(
        accounts.addHandler({
          onDelete: ({ metadata }) => queue.add(keyOf(undefined, metadata.namespace ?? '')),
        }),
      );
    },
  });
}

const rootCaName = 'kube-root-ca.crt';
const rootCaAnnotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
};

/**
 * Publishes the cluster's CA in every namespace.
 *
 * @param options.rootCa PEM of what `--root-ca-file` names.
 * @see k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher
 */
export function createRootCaCertPublisher(
  context: ControllerContext,
  options: { readonly rootCa: string },
): Controller {
  const { client, informers, clock } = context;
  const namespaces = informers.for('namespaces');
  const configMaps = informers.for('configmaps');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const namespace = namespaces.get(key);
    if (!namespace || namespace.metadata.deletionTimestamp) return {};
    const resource = client.resource('configmaps');
    const data = { 'ca.crt': options.rootCa };
    const present = configMaps.get(keyOf(key, rootCaName));
    const wanted = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: rootCaName, namespace: key, annotations: rootCaAnnotations },
      data,
    };
    try {
      if (!present) await resource.create(wanted);
      else if (
        !jsonEqual(present.data, data) ||
        present.metadata.annotations?.['kubernetes.io/description'] !==
          rootCaAnnotations['kubernetes.io/description']
      )
        await resource.update({
          ...wanted,
          metadata: {
            ...wanted.metadata,
            annotations: { ...present.metadata.annotations, ...rootCaAnnotations },
            ...(present.metadata.labels ? { labels: { ...present.metadata.labels } } : {}),
          },
        });
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) return { requeueRateLimited: true };
      if (!isNamespaceTerminating(error)) throw error;
    }
    return {};
  }

  return queueController(context, {
    name: 'root-ca-certificate-publisher-controller',
    queue,
    reconcile,
    workers: 1,
    handlers: (own) => {
      own(enqueueSelf(namespaces, queue));
      const restore = ({
        metadata,
      }: {
        readonly metadata: { readonly name?: string; readonly namespace?: string };
      }): void => {
        if (metadata.name === rootCaName) queue.add(keyOf(undefined, metadata.namespace ?? ''));
      };
      own(configMaps.addHandler({ onUpdate: (_, map) => restore(map), onDelete: restore }));
    },
  });
}

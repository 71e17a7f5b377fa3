import { isEmptySelector, hasLabels, matchesSelector } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { createReplicasController } from './replicas.ts';

/** Keeps a ReplicaSet's pods. */
export function createReplicaSetController(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  return createReplicasController(context, {
    name: 'replicaset-controller',
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    client: context.client.resource('replicasets.apps'),
    informer: context.informers.for('replicasets.apps'),
    selectorOf: (set) => {
      const { selector } = set.spec ?? {};
      if (!selector || isEmptySelector(selector)) return () => false;
      return (pod) => matchesSelector(selector, pod.metadata.labels);
    },
    countsTerminating: true,
    workers: options.workers ?? 5,
  });
}

/** Keeps a ReplicationController's pods. @see k8s.io/kubernetes/pkg/controller/replication */
export function createReplicationController(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  return createReplicasController(context, {
    name: 'replicationcontroller-controller',
    apiVersion: 'v1',
    kind: 'ReplicationController',
    client: context.client.resource('replicationcontrollers'),
    informer: context.informers.for('replicationcontrollers'),
    selectorOf: (controller) => {
      const { selector = {} } = controller.spec ?? {};
      if (Object.keys(selector).length === 0) return () => false;
      return (pod) => hasLabels(selector, pod.metadata.labels);
    },
    countsTerminating: false,
    workers: options.workers ?? 5,
  });
}

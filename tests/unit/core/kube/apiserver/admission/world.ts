import { seededRandom, SimClock } from '#core/base';
import { beforeEach } from 'vitest';
import { messageOf, resourceInfo, TestState } from '#tests/server-state';
import {
  type AdmissionOptions,
  admitInRounds,
  createAdmissionChain,
} from '../../../../../../src-main/core/kube/apiserver/admission/index.ts';
import type { KubeObject } from '../../../../../../src-main/core/kube/machinery/index.ts';
import type {
  AdmissionRequest,
  Pki,
} from '../../../../../../src-main/core/kube/apiserver/types.ts';

export const pods = resourceInfo('', 'pods', 'Pod');
export const configMaps = resourceInfo('', 'configmaps', 'ConfigMap');
export const claims = resourceInfo('', 'persistentvolumeclaims', 'PersistentVolumeClaim');
export const namespaces = resourceInfo('', 'namespaces', 'Namespace', false);
export const nodes = resourceInfo('', 'nodes', 'Node', false);
export const deployments = resourceInfo('apps', 'deployments', 'Deployment');
export const registration = 'admissionregistration.k8s.io';

/** What is stored, of a namespace `ns` with its default service account before each test. */
export let state: TestState;
export let clock: SimClock;
/** What webhooks were sent. */
export let calls: unknown[];
let answer: (request: Record<string, unknown>) => unknown;

/** What webhooks answer from here on; anew before each test they allow everything. */
export function answerWith(reply: (request: Record<string, unknown>) => unknown): void {
  answer = reply;
}

export const base = (): AdmissionOptions => ({
  state,
  clock,
  random: seededRandom('admission'),
  pki: {} as Pki,
  authorizer: { authorize: () => ({ decision: 'no-opinion', reason: '' }) },
  updateStatus: (group, resource, object) => void state.put(group, resource, object),
  callWebhook: async (_clientConfig, body) => {
    calls.push(body);
    return answer((body as { request: Record<string, unknown> }).request);
  },
  resourceOfKind: (_group, _version, kind) =>
    kind === 'ConfigMap' ? { resource: 'configmaps', namespaced: true } : undefined,
});

/** Runs the whole chain as a server does: all admits, then all validates. */
export async function admit(
  request: AdmissionRequest,
  more: Partial<AdmissionOptions> = {},
): Promise<void> {
  const chain = createAdmissionChain({ ...base(), ...more });
  await admitInRounds(chain, request);
  for (const plugin of chain) await plugin.validate?.(request);
}
export const refusal = (
  request: AdmissionRequest,
  more?: Partial<AdmissionOptions>,
): Promise<string> => messageOf(() => admit(request, more));

export const namespace = (name: string, labels: object = {}, phase = 'Active'): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
  status: { phase },
});
export const pod = (spec: object = {}, container: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'nginx', ...container }], ...spec },
});

beforeEach(() => {
  calls = [];
  answer = ({ uid }) => ({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true },
  });
  clock = new SimClock(Date.parse('2026-01-01T10:00:00Z'));
  state = new TestState().put('', 'namespaces', namespace('ns')).put('', 'serviceaccounts', {
    metadata: { name: 'default', namespace: 'ns' },
    imagePullSecrets: [{ name: 'reg' }],
  });
});

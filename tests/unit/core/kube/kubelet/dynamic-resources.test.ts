import { expect, test } from 'vitest';
import type { KubeletContext } from '../../../../../src-main/core/kube/kubelet/context.ts';
import { prepareDynamicResources } from '../../../../../src-main/core/kube/kubelet/dynamic-resources.ts';
import type { PodView } from '../../../../../src-main/core/kube/kubelet/pods.ts';

const pod = {
  metadata: { name: 'user', namespace: 'ns', uid: 'pod-uid' },
  spec: { resourceClaims: [{ name: 'gpu', resourceClaimName: 'claim' }] },
} as unknown as PodView;
const results = [{ request: 'g', driver: 'gpu.example.com', pool: 'p', device: 'd' }];
const reservedFor = [{ resource: 'pods', name: 'user', uid: 'pod-uid' }];

/** A node that knows one claim, with these sockets of drivers. */
const context = (status: object, sockets: readonly string[] = []): KubeletContext =>
  ({
    host: { files: { exists: (path: string) => sockets.includes(path) } },
    api: {
      client: {
        resource: () => ({
          get: (_: string, name: string) =>
            Promise.resolve({ metadata: { name, uid: 'claim-uid' }, status }),
        }),
      },
    },
  }) as unknown as KubeletContext;

test.each([
  [
    'nobody reserved it for the pod',
    {},
    'prepare dynamic resources: pod user (pod-uid) is not allowed to use ResourceClaim claim (claim-uid)',
  ],
  [
    'nothing is allocated',
    { reservedFor },
    'prepare dynamic resources: ResourceClaim claim: not allocated',
  ],
  [
    'its driver is not on the node',
    { reservedFor, allocation: { devices: { results } } },
    'prepare dynamic resources: DRA driver gpu.example.com is not registered',
  ],
])('a pod does not start with a claim when %s', async (_why, status, message) => {
  await expect(prepareDynamicResources(context(status), pod)).rejects.toThrow(message);
});

test('a pod starts when the driver has left its socket', async () => {
  const socket = '/var/lib/kubelet/plugins_registry/gpu.example.com-reg.sock';
  const node = context({ reservedFor, allocation: { devices: { results } } }, [socket]);
  await expect(prepareDynamicResources(node, pod)).resolves.toBeUndefined();
});

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { KubeletBench } from './bench.ts';

const unique = 'kubernetes.io/csi/csi.example.com^h';
const attachment = `csi-${createHash('sha256').update('hcsi.example.comnode01').digest('hex')}`;
const spec = {
  volumes: [
    { name: 'v', persistentVolumeClaim: { claimName: 'data' } },
    { name: 'idle', configMap: { name: 'nobody-mounts-it' } },
  ],
  containers: [
    {
      name: 'c',
      image: 'box:1.0',
      command: ['/bin/sleep', '100000'],
      volumeMounts: [{ name: 'v', mountPath: '/v' }],
    },
  ],
};

function claim({ api }: KubeletBench, phase: string): void {
  api.create('persistentvolumeclaims', {
    metadata: { name: 'data', namespace: 'default', uid: 'claim' },
    spec: { volumeName: 'pv' },
    status: { phase },
  });
  api.create('persistentvolumes', {
    metadata: { name: 'pv' },
    spec: {
      csi: { driver: 'csi.example.com', volumeHandle: 'h' },
      claimRef: { uid: api.get('persistentvolumeclaims', 'data', 'default')?.metadata.uid },
    },
  });
}

test('a claim that is not bound is told at once, and looked at again', async () => {
  const bench = new KubeletBench();
  await bench.start();
  claim(bench, 'Pending');
  bench.create('p', spec);
  await bench.node.time.advance(3000);
  expect(bench.events('p')).toEqual([
    'Warning FailedMount Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: error processing PVC default/data: PVC is not bound',
  ]);
  await bench.node.time.advance(16_000);
  expect(bench.events('p')[0]).toMatch(/\(x2\)$/);
});

test('a CSI volume waits for its controller, then for its driver', async () => {
  const bench = new KubeletBench();
  const { api, node } = bench;
  await bench.start();
  claim(bench, 'Bound');
  bench.create('p', spec);
  const status = (): Record<string, unknown> => api.get('nodes', 'node01')?.['status'] as never;
  await node.time.advance(12_000);
  // In use before it is attached, so that nobody takes it away; nothing is told about the wait.
  expect(status()['volumesInUse']).toEqual([unique]);
  await node.time.advance(600_000);
  expect(bench.events('p')).toEqual([]);
  expect(api.list('csinodes.storage.k8s.io').map(({ metadata }) => metadata.name)).toEqual([
    'node01',
  ]);

  api.change('nodes', 'node01', undefined, (draft) => {
    (draft['status'] as Record<string, unknown>)['volumesAttached'] = [
      { name: unique, devicePath: '' },
    ];
  });
  await node.time.advance(2000);
  expect(bench.events('p')[0]).toContain(
    `Warning FailedMount MountVolume.WaitForAttach failed for volume "pv" : volume h has GET error for volume attachment ${attachment}: `,
  );
  api.create('volumeattachments.storage.k8s.io', {
    metadata: { name: attachment },
    status: { attached: true },
  });
  await node.time.advance(10_000);
  expect(bench.events('p')[1]).toContain(
    'Warning FailedMount MountVolume.MountDevice failed for volume "pv" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name csi.example.com not found in the list of registered CSI drivers',
  );
  node.files.mkdir('/var/lib/kubelet/plugins_registry', { recursive: true });
  node.files.writeFile('/var/lib/kubelet/plugins_registry/csi.example.com-reg.sock', '');
  await node.time.advance(20_000);
  expect(bench.status('p')).toMatchObject({ phase: 'Running' });

  api.delete('pods', 'p', 'default');
  await node.time.advance(60_000);
  expect(status()['volumesInUse'] ?? []).toEqual([]);
});

test('a pod goes when its node takes no more volumes of a driver that counts them', async () => {
  const bench = new KubeletBench();
  const { api, node } = bench;
  await bench.start();
  claim(bench, 'Bound');
  api.create('csidrivers.storage.k8s.io', {
    metadata: { name: 'csi.example.com' },
    spec: { attachRequired: true, nodeAllocatableUpdatePeriodSeconds: 60 },
  });
  api.create('volumeattachments.storage.k8s.io', {
    metadata: { name: attachment },
    status: { attached: false, attachError: { message: 'full', errorCode: 8 } },
  });
  bench.create('p', spec);
  await node.time.advance(120_000);
  expect(bench.events('p')).toEqual([]);
  await node.time.advance(10_000);
  const message =
    'Node has reached its volume attachment limit, rejecting pod. unmounted volumes=[v], unattached volumes=[v], failed to process volumes=[]: context deadline exceeded';
  expect(bench.events('p')).toEqual([`Warning VolumeAttachmentLimitExceeded ${message}`]);
  expect(bench.status('p')).toMatchObject({
    phase: 'Failed',
    reason: 'VolumeAttachmentLimitExceeded',
    message: `Pod was rejected: ${message}`,
  });
});

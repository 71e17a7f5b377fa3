import { expect, test } from 'vitest';
import { seededRandom, silentLogger } from '#core/base';
import { prefixEnd } from '#core/kube';
import { Lab } from '#core/lab';
import { ClockDriver } from '#node/clock';
import { createPki } from '#node/pki';

const startMs = Date.parse('2026-03-01T09:00:00Z');

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 6
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, readinessProbe: {httpGet: {port: 80}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: fails}
spec:
  backoffLimit: 3
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox, command: ['false']}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: crash}
spec: {containers: [{name: c, image: busybox, command: [sh, -c, exit 3]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: nopull}
spec: {containers: [{name: c, image: nosuchimage}]}
`;

/** What keys, signatures and certificates make of chance, and nothing else, is masked. */
const masked = (text: string): string =>
  text
    .replace(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----(\\n)?/g, 'PEM')
    .replace(/LS0tLS1CRUdJTi[A-Za-z0-9+/=]+/g, 'PEM')
    .replace(/("jws-kubeconfig-\w+":")[^"]+/g, '$1JWS');

/** Every write of a cluster's life, in order: when, which key, what text. */
async function history(seed: string): Promise<string[]> {
  const driver = new ClockDriver(startMs, 0);
  const lab = new Lab({
    topology: 'base+1cp+2w',
    kubernetesVersion: 'v1.36.3',
    clock: driver.clock,
    random: seededRandom(seed),
    logger: silentLogger,
    pki: driver.hold(await createPki()),
    openLog: () => undefined,
  });
  const writes: string[] = [];
  await lab.start();
  lab.store.watch('/', prefixEnd('/'), {
    onEvents: (events) => {
      for (const { type, key, kv } of events)
        writes.push(
          `${driver.clock.now() - startMs} ${type} ${key} ${masked(JSON.stringify(kv?.value ?? null))}`,
        );
    },
  });
  /** Runs a command while the clock, which stands otherwise, moves on. */
  async function finish(work: Promise<unknown>): Promise<void> {
    let done = false;
    const end = (): void => void (done = true);
    work.then(end, end);
    while (!done) await driver.advance(100);
    await work;
  }
  const run = async (host: string, command: string): Promise<void> => {
    const machine = lab.machine(host);
    machine.files.writeFile('/root/all.yaml', manifests);
    await finish(machine.spawn(['/bin/bash', '-c', command]).exit);
  };
  await finish(lab.ready(60_000));
  await run('controlplane', 'kubectl apply -f /root/all.yaml');
  await driver.advance(90_000);
  await run('controlplane', 'kubectl set image deployment/web web=httpd');
  await driver.advance(30_000);
  await run('controlplane', 'kubectl delete pod crash --wait=false; kubectl cordon node02');
  await run('node01', 'systemctl stop kubelet');
  await driver.advance(400_000);
  driver.stop();
  lab.dispose();
  return writes;
}

test('the same seed and the same input give the same history', { timeout: 120_000 }, async () => {
  const first = await history('a');
  const second = await history('a');
  const differs = first.findIndex((write, index) => write !== second[index]);
  expect(differs < 0 ? [] : [first[differs], second[differs]]).toEqual([]);
  expect(second).toHaveLength(first.length);
  expect(first.length).toBeGreaterThan(800);
  expect((await history('b')).slice(0, 300)).not.toEqual(first.slice(0, 300));
});

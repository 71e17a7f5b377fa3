import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';

// A real kubectl against one whole cluster: what containers do behind it, and what breaks when a machine breaks.
// The tests share the cluster and run in order; those that stop parts of it put them back.
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
const hasScript = spawnSync('script', ['--version']).status === 0;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const pods = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {terminationGracePeriodSeconds: 1, containers: [{name: nginx, image: "nginx:1.27"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: box, labels: {app: box}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: box, image: "busybox:1.36", command: [sh, -c, 'while true; do echo tick; sleep 1; done']}]
---
apiVersion: v1
kind: Pod
metadata: {name: count}
spec:
  restartPolicy: Never
  containers: [{name: count, image: "busybox:1.36", command: [sh, -c, 'for i in 1 2 3; do echo line $i; sleep 1; done']}]
---
apiVersion: v1
kind: Pod
metadata: {name: sick}
spec:
  containers:
    - name: liveness
      image: registry.k8s.io/e2e-test-images/agnhost:2.40
      args: [liveness]
      livenessProbe: {httpGet: {path: /healthz, port: 8080}, initialDelaySeconds: 3, periodSeconds: 3}
`;

const denyAll = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}
`;
const allowBox = denyAll.replace(
  'policyTypes: [Ingress]',
  'policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: box}}}]}]',
);

if (!hasKubectl)
  test('a cluster behind a real kubectl: NOT RUN, there is no kubectl on PATH', () => {
    console.warn('NOT RUN: a cluster behind a real kubectl: none on PATH');
  });
else
  describe('a cluster behind a real kubectl', () => {
    let lab: TestEngine;
    let kubeconfig = '';
    const work = mkdtempSync(join(tmpdir(), 'kijabi-cluster-'));

    const shell = (command: string, input = ''): Promise<Outcome> =>
      new Promise((resolve) => {
        const child = spawn('bash', ['-c', command], {
          cwd: work,
          env: { ...process.env, KUBECONFIG: kubeconfig, HOME: work },
        });
        let stdout = '';
        let stderr = '';
        child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
        child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
        child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
        child.stdin.on('error', () => undefined);
        child.stdin.end(input);
      });
    const kubectl = (command: string, input = ''): Promise<Outcome> =>
      shell(`kubectl ${command}`, input);
    /** Simulated time goes on, two seconds at a time, until `command` prints `wanted`. */
    const until = async (command: string, wanted: string, limitSeconds = 120): Promise<void> => {
      let shown = '';
      for (let seconds = 0; seconds <= limitSeconds; seconds += 2) {
        const { stdout, stderr } = await shell(command);
        shown = (stdout + stderr).trim();
        if (shown === wanted) return;
        await lab.engine.advance('test', 2000);
      }
      expect(shown, command).toBe(wanted);
    };
    const onHost = async (host: string, command: string): Promise<string> => {
      const { stdout, stderr, exitCode } = await lab.engine.run('test', host, command);
      expect(exitCode, stderr).toBe(0);
      return stdout;
    };
    const nodeReady = (node: string): string =>
      `kubectl get node ${node} -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'`;

    beforeAll(async () => {
      lab = await startEngine();
      kubeconfig = (await lab.engine.create(clusterSpec())).kubeconfig;
      await kubectl('apply -f -', pods);
      const { stdout, stderr } = await kubectl(
        'wait pod/web pod/box --for=condition=Ready --timeout=20s',
      );
      expect(stdout + stderr).toBe('pod/web condition met\npod/box condition met\n');
    });

    afterAll(async () => {
      await lab.stop();
      rmSync(work, { recursive: true, force: true });
    });

    test('logs -f goes on until the container has ended', async () => {
      expect(await kubectl('logs -f count')).toEqual({
        code: 0,
        stdout: 'line 1\nline 2\nline 3\n',
        stderr: '',
      });
    });

    test('exec carries input, output, errors and the exit code', async () => {
      expect(await kubectl("exec -i box -- sh -c 'cat; echo no >&2; exit 7'", 'hello\n')).toEqual({
        code: 7,
        stdout: 'hello\n',
        stderr: 'no\ncommand terminated with exit code 7\n',
      });
    });

    test.each([
      ['ls /no', 1, 'ls: /no: No such file or directory'],
      ['cat /no', 1, "cat: can't open '/no': No such file or directory"],
      ['touch /proc/x/y', 1, 'touch: /proc/x/y: No such file or directory'],
      ['rm /no', 1, "rm: can't remove '/no': No such file or directory"],
    ])("BusyBox's `%s` complains in its own words", async (command, code, message) => {
      const { stderr } = await kubectl(`exec box -- ${command}`);
      expect(stderr).toBe(`${message}\ncommand terminated with exit code ${code}\n`);
    });

    test("etcd's pod has etcd's tools", async () => {
      const pki = '/etc/kubernetes/pki/etcd';
      const { stdout, stderr } = await kubectl(
        `-n kube-system exec etcd-controlplane -- etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${pki}/ca.crt --cert=${pki}/server.crt --key=${pki}/server.key member list`,
      );
      expect(stderr).toBe('');
      expect(stdout).toMatch(
        /^[0-9a-f]{16}, started, controlplane, https:\/\/[\d.]+:2380, https:\/\/[\d.]+:2379, false\n$/,
      );
    });

    test('exec -it is a shell at a terminal', async () => {
      if (!hasScript) return console.warn('NOT RUN: exec -it: no script(1) here');
      const { stdout } = await shell(
        `(sleep 0.5; printf 'echo sum $((1+2))\\r'; sleep 0.5; printf 'exit\\r'; sleep 0.3) | script -qec 'kubectl exec -it box -- sh' /dev/null`,
      );
      expect(stdout).toContain('/ # echo sum $((1+2))\r\nsum 3\r\n/ # exit\r\n');
    });

    test('attach shows what the container prints from now on', async () => {
      const { stdout } = await shell('timeout 10 kubectl attach box 2>/dev/null | grep -m1 tick');
      expect(stdout).toBe('tick\n');
    });

    test('cp carries files and folders both ways', async () => {
      mkdirSync(join(work, 'folder'));
      writeFileSync(join(work, 'folder/data'), Buffer.from([0, 1, 254, 255, 10]));
      expect((await kubectl('cp folder box:/tmp/folder')).stderr).toBe('');
      expect((await kubectl('cp box:/tmp/folder back')).code).toBe(0);
      expect([...readFileSync(join(work, 'back/data'))]).toEqual([0, 1, 254, 255, 10]);
      expect((await kubectl('cp box:/tmp/folder/data one')).code).toBe(0);
      expect([...readFileSync(join(work, 'one'))]).toEqual([0, 1, 254, 255, 10]);
    });

    test('port-forward reaches the pod', async () => {
      const child = spawn('kubectl', ['port-forward', 'pod/web', ':80'], {
        env: { ...process.env, KUBECONFIG: kubeconfig },
      });
      const line = await new Promise<string>((resolve) =>
        child.stdout.once('data', (bytes: Buffer) => resolve(bytes.toString())),
      );
      const port = /127\.0\.0\.1:(\d+) -> 80/.exec(line)?.[1] ?? '';
      const page = await (await fetch(`http://127.0.0.1:${port}/`)).text();
      child.kill();
      expect(page).toContain('<title>Welcome to nginx!</title>');
    });

    test('the app asks as another user, each group by itself', async () => {
      const groups = [
        'system:serviceaccounts',
        'system:serviceaccounts:default',
        'system:authenticated',
      ];
      const { status, body } = await lab.engine.request('test', {
        method: 'POST',
        url: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        headers: { 'content-type': 'application/json' },
        body: '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}',
        user: { name: 'system:serviceaccount:default:app', groups },
      });
      expect(status).toBe(201);
      expect(JSON.parse(body).status.userInfo).toMatchObject({
        username: 'system:serviceaccount:default:app',
        groups,
      });
    });

    test('a Service answers by its name', async () => {
      const looked = await kubectl('exec box -- nslookup web.default.svc.cluster.local');
      const got = await kubectl('exec box -- wget -qO- -T 5 http://web');
      expect(looked.stdout).toMatch(/Name:\tweb\.default\.svc\.cluster\.local\nAddress: 10\./);
      expect(got.stdout).toContain('<title>Welcome to nginx!</title>');
    });

    test('the name of an address is that of a pod if CoreDNS is to verify it', async () => {
      const look = async (name: string): Promise<string> =>
        (await shell(`kubectl exec box -- nslookup -type=a ${name}.default.pod.cluster.local 2>&1`))
          .stdout;
      const { stdout: address } = await kubectl("get pod web -o 'jsonpath={.status.podIP}'");
      const nobody = '10-255-255-254';
      expect(await look(nobody)).toContain('Address: 10.255.255.254');
      const edit = 'kubectl get cm coredns -n kube-system -o yaml | sed';
      await shell(`${edit} 's/pods insecure/pods verified/' | kubectl apply -f -`);
      await lab.engine.advance('test', 150_000);
      expect(await look(nobody)).toContain('NXDOMAIN');
      expect(await look(address.replaceAll('.', '-'))).toContain(`Address: ${address}`);
      await shell(`${edit} 's/pods verified/pods insecure/' | kubectl apply -f -`);
      await lab.engine.advance('test', 150_000);
      expect(await look(nobody)).toContain('Address: 10.255.255.254');
    });

    test('a NetworkPolicy closes a pod, and opens it to whom it names', async () => {
      const get = 'exec box -- wget -qO- -T 1 http://web';
      await kubectl('apply -f -', denyAll);
      await lab.engine.advance('test', 1000);
      expect((await kubectl(get)).stderr).toBe(
        'wget: download timed out\ncommand terminated with exit code 1\n',
      );
      await kubectl('apply -f -', allowBox);
      await lab.engine.advance('test', 1000);
      expect((await kubectl(get)).stdout).toContain('Welcome to nginx!');
      await kubectl('delete networkpolicy web');
    });

    test('debug copies a pod, with a container that sees its processes', async () => {
      await kubectl(
        'debug web --copy-to=copy --image=busybox:1.36 -c dbg --share-processes --profile=general -- sleep 3600',
      );
      await kubectl('wait pod/copy --for=condition=Ready --timeout=20s');
      const { stdout } = await kubectl('exec copy -c dbg -- ps');
      expect(stdout).toContain('nginx -g daemon off;');
      await kubectl('delete pod copy --now');
    });

    test('a container whose liveness probe fails is restarted', async () => {
      await until(
        `kubectl get pod sick -o 'jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}'`,
        '2',
      );
      const { stdout } = await kubectl(
        "get events --field-selector involvedObject.name=sick,reason=Unhealthy -o 'jsonpath={.items[0].message}'",
      );
      expect(stdout).toBe('Liveness probe failed: HTTP probe failed with statuscode: 500');
      await kubectl('delete pod sick --now');
    });

    test('top says that there is no metrics server', async () => {
      expect((await kubectl('top node')).stderr).toBe('error: Metrics API not available\n');
    });

    test('a stopped kubelet makes its node NotReady, a started one Ready', async () => {
      await onHost('node01', 'systemctl stop kubelet');
      await lab.engine.advance('test', 50_000);
      await until(nodeReady('node01'), 'Unknown', 20);
      expect((await kubectl('get node node01 --no-headers')).stdout).toMatch(/^node01 +NotReady /);
      await onHost('node01', 'systemctl start kubelet');
      await until(nodeReady('node01'), 'True', 30);
    });

    test('without containerd a node is NotReady and says why', async () => {
      await onHost('node02', 'systemctl stop containerd');
      await until(nodeReady('node02'), 'False', 60);
      const { stdout } = await kubectl(
        `get node node02 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].message}'`,
      );
      expect(stdout).toContain('container runtime is down');
      await onHost('node02', 'systemctl start containerd');
      await until(nodeReady('node02'), 'True', 60);
    });

    test('a broken scheduler leaves pods Pending; mended, it places them', async () => {
      const manifest = '/etc/kubernetes/manifests/kube-scheduler.yaml';
      await onHost('controlplane', `sed -i 's/--leader-elect=/--leader-elected=/' ${manifest}`);
      await lab.engine.advance('test', 30_000);
      await kubectl('run late --image=nginx:1.27');
      await lab.engine.advance('test', 10_000);
      expect((await kubectl('get pod late --no-headers')).stdout).toMatch(/^late +0\/1 +Pending /);
      const shown = await kubectl(
        'get pod -n kube-system kube-scheduler-controlplane --no-headers',
      );
      expect(shown.stdout).toMatch(/ 0\/1 +(CrashLoopBackOff|Error) /);
      await onHost('controlplane', `sed -i 's/--leader-elected=/--leader-elect=/' ${manifest}`);
      await until("kubectl get pod late -o 'jsonpath={.status.phase}'", 'Running');
    });

    test('an API server with a wrong flag refuses connections until it is mended', async () => {
      const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml';
      await onHost('controlplane', `sed -i 's/--etcd-servers=/--etcd-server=/' ${manifest}`);
      await lab.engine.advance('test', 30_000);
      await expect
        .poll(async () => (await kubectl('get nodes')).stderr)
        .toContain('was refused - did you specify the right host or port?');
      const logs = await onHost(
        'controlplane',
        'crictl logs $(crictl ps -a --name kube-apiserver -q | head -1) 2>&1',
      );
      expect(logs).toContain('unknown flag: --etcd-server');
      await onHost('controlplane', `sed -i 's/--etcd-server=/--etcd-servers=/' ${manifest}`);
      await until('kubectl get --raw /readyz', 'ok');
    });
  });

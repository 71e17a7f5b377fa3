import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { fromUtf8, utf8 } from '#core/base';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';

// The built-in kubectl on a machine of a whole cluster: what flows both ways between terminals, files and containers.
// The tests share the cluster and one login shell, and run in order.
let lab: TestEngine;
let terminal: number;
let seen = 0;

const screen = (): string =>
  lab.events
    .flatMap(({ name, payload }) =>
      name === 'terminalData' ? [fromUtf8((payload as { bytes: Uint8Array }).bytes)] : [],
    )
    .join('')
    .replaceAll('\r\n', '\n');
/** Types, and returns what has been shown since the last call once it fits. */
const type = async (text: string, wanted: RegExp): Promise<string> => {
  await lab.engine.writeTerminal(terminal, utf8(text));
  const shown = await vi.waitFor(
    () => {
      const since = screen().slice(seen);
      expect(since).toMatch(wanted);
      return since;
    },
    { timeout: 30_000 },
  );
  seen = screen().length;
  return shown;
};
const prompt = String.raw`root@controlplane:~# $`;
const run = async (command: string) => {
  const { stdout, stderr, exitCode } = await lab.engine.run('test', 'controlplane', command);
  return { stdout, stderr, exitCode };
};
/** What a command prints; it has to succeed. */
const output = async (command: string): Promise<string> => {
  const { stdout, stderr, exitCode } = await run(command);
  expect({ command, stderr, exitCode }).toEqual({ command, stderr: '', exitCode: 0 });
  return stdout;
};

const pods = `cat > pods.yaml <<'END'
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: nginx, image: "nginx:1.27", ports: [{name: http, containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: main, port: 8000, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: box}
spec: {containers: [{name: box, image: "busybox:1.36", command: [sh, -c, 'while true; do echo tick; sleep 1; done']}]}
END
kubectl apply -f pods.yaml && kubectl wait pod web box --for=condition=Ready --timeout=60s`;

beforeAll(async () => {
  lab = await startEngine();
  await lab.engine.create(clusterSpec());
  await output(pods);
  terminal = await lab.engine.openTerminal('test', 'controlplane', 160, 40);
  await type('', new RegExp(prompt));
});
afterAll(() => lab.stop());

test.each([
  { line: 'kubectl get pods -w', shows: /web +1\/1/, code: 1 },
  { line: 'kubectl logs -f box', shows: /tick\ntick\n/, code: 1 },
  { line: 'kubectl events -w', shows: /Pod\/box/, code: 1 },
  { line: 'kubectl wait pod/box --for=condition=Odd', shows: /Odd\n/, code: 1 },
  { line: 'kubectl port-forward pod/web 8088:80', shows: /\[::1\]:8088 -> 80\n/, code: 0 },
  {
    line: 'kubectl proxy --port=8089',
    shows: /Starting to serve on 127\.0\.0\.1:8089\n/,
    code: 130,
  },
  { line: 'kubectl attach box', shows: /pressing enter\.\n(.*\n)*tick\n/, code: 130 },
])('$line goes on until Ctrl-C, and ends with $code', async ({ line, shows, code }) => {
  await type(`${line}\r`, shows);
  await type('\x03', new RegExp(prompt));
  expect(await type('echo "rc $?"\r', new RegExp(`\nrc \\d+\n${prompt}`))).toContain(
    `rc ${code}\n`,
  );
});

test('a shell in a container ends with the code of its last command', async () => {
  await type('kubectl exec -it box -- sh\r', /\/ # $/);
  await type('hostname; false\r', /\nbox\n\/ # $/);
  expect(await type('exit\r', new RegExp(prompt))).toContain(
    'command terminated with exit code 1\n',
  );
});

test('a pod of the moment is attached to, and gone after it', async () => {
  await type('kubectl run -it --rm tmp --image=busybox:1.36 --restart=Never -- sh\r', /enter\.\n/);
  await type('echo "in $(hostname)"\r', /\nin tmp\n/);
  await type('exit\r', /pod "tmp" deleted from default namespace\n/);
  await output('kubectl wait pod/tmp --for=delete --timeout=60s');
});

test('an object is edited by a program and in the editor of the machine', async () => {
  await output('kubectl create cm colors --from-literal=color=red');
  expect(await output("EDITOR='sed -i s/red/blue/' kubectl edit cm colors")).toBe(
    'configmap/colors edited\n',
  );
  await lab.engine.writeTerminal(terminal, utf8('kubectl edit cm colors\r'));
  const { editId, content } = await vi.waitFor(() => {
    const asked = lab.events.findLast(({ name }) => name === 'edit');
    expect(asked).toBeDefined();
    return asked?.payload as { editId: number; content: string };
  });
  expect(content).toContain('  color: blue\n');
  await lab.engine.answerEdit(editId, content.replace('blue', 'green'));
  await type('', new RegExp(`configmap/colors edited\n${prompt}`));
  expect(await output('kubectl get cm colors -o jsonpath={.data.color}')).toBe('green');
});

test('diff shows what would change, and says so by its exit code', async () => {
  await output('kubectl get cm colors -o yaml | sed s/green/black/ > colors.yaml');
  const { stdout, exitCode } = await run('kubectl diff -f colors.yaml');
  expect(exitCode).toBe(1);
  expect(stdout).toContain('-  color: green\n+  color: black\n');
});

test('files and folders are copied into a container and back', async () => {
  await output(
    'mkdir -p d/e/empty; echo one > d/1; echo two > d/e/2; printf "\\x00\\xff" > d/bytes',
  );
  await output('kubectl cp d/1 box:/tmp/renamed && kubectl cp d box:/tmp');
  expect(await output('kubectl exec box -- sh -c "cat /tmp/renamed; cd /tmp; find d | sort"')).toBe(
    'one\nd\nd/1\nd/bytes\nd/e\nd/e/2\nd/e/empty\n',
  );
  expect(await output('kubectl cp default/box:/tmp/d back; diff -r d back && echo same')).toContain(
    'same\n',
  );
  expect(await run('kubectl cp box:/nope x')).toMatchObject({ exitCode: 2 });
  expect(await run('kubectl cp nope box:/x')).toEqual({
    stdout: '',
    stderr: "error: nope doesn't exist in local filesystem\n",
    exitCode: 1,
  });
});

test.each([
  ['pod/web 8090:http', 8090, 80],
  ['svc/web 8091:main', 8091, 80],
  ['svc/web 8000', 8000, 80],
])('port-forward %s leads a client of the machine into the pod', async (what, local, remote) => {
  await type(`kubectl port-forward ${what}\r`, new RegExp(`::1\\]:${local} -> ${remote}\n`));
  expect(await output(`curl -s localhost:${local}`)).toContain('<title>Welcome to nginx!</title>');
  await type('\x03', new RegExp(`Handling connection for ${local}\n\\^C${prompt}`));
  expect(await run(`curl -s localhost:${local}`)).toMatchObject({ exitCode: 7 });
});

test('what fails inside the pod ends the forwarding', async () => {
  await type('kubectl port-forward pod/web 8092:81\r', /::1\]:8092 -> 81\n/);
  await run('curl -s localhost:8092');
  expect(await type('', new RegExp(prompt))).toMatch(
    /an error occurred forwarding 8092 -> 81: .*\nerror: lost connection to pod\n/,
  );
});

test('the proxy answers with this client’s rights, and refuses what it filters', async () => {
  await type('kubectl proxy --port=8093\r', /8093\n/);
  expect(await output('curl -s localhost:8093/api/v1/namespaces/default/pods/box')).toContain(
    '"name": "box"',
  );
  expect(await output('curl -s localhost:8093/api/v1/namespaces/default/pods/box/exec')).toBe(
    'Forbidden\n',
  );
  const watched = await output(
    "curl -s 'localhost:8093/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=box'",
  );
  expect(watched.split('\n')).toEqual([expect.stringMatching(/^\{"type":"ADDED",/), '']);
  await type('\x03', new RegExp(prompt));
});

test('debugging containers see the processes and files they are made for', async () => {
  await type('kubectl debug -it box --image=busybox:1.36 --target=box\r', /enter\.\n/);
  expect(await type('ps\r', /\n.*PID.*\n(.*\n)*.*ps\n/)).toContain('while true; do echo tick');
  await type('exit\r', new RegExp(prompt));
  await type('kubectl debug node/node01 -it --image=busybox:1.36\r', /enter\.\n/);
  await type('cat /host/etc/hostname\r', /\nnode01\n/);
  await type('exit\r', new RegExp(prompt));
  expect(
    await output(
      'kubectl debug box --copy-to=copy --set-image=box=busybox:1.37 --share-processes; kubectl get pod copy -o jsonpath={.spec.containers[*].image}/{.spec.shareProcessNamespace}',
    ),
  ).toBe('busybox:1.37/true');
});

test('Tab completes types and names', async () => {
  await type('kubectl get configm\t', /configmaps /);
  await type('col\t', /colors /);
  await type('-o name\r', new RegExp(`configmap/colors\n${prompt}`));
});

import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run } = kubectlPlane([
  'create deployment web --image=nginx',
  'create configmap conf --from-literal=a=b',
  'create cronjob tick --image=busybox --schedule=@yearly',
]);

// What kubectl v1.36.3 printed on a real cluster.
test.each([
  [
    'rollout status deploy/web --revision=9 --watch=false',
    /desired revision \(9\) is different from the running revision \(\d*\)$/,
  ],
  ['rollout status cronjob/tick', 'no status viewer has been implemented for CronJob.batch'],
  ['rollout undo deploy/web --to-revision=-2', 'unable to find specified revision -2 in history'],
  ['rollout undo cronjob/tick', 'no rollbacker has been implemented for "CronJob"'],
  ['rollout restart cronjob/tick', 'cronjobs.batch "tick" restarting is not supported'],
  [
    'set image cm/conf a=b',
    'configmaps/conf the object is not a pod or does not have a pod template: *v1.ConfigMap',
  ],
  [
    'set env deploy/web A=1 A-',
    'can not both modify and remove the same environment variable in the same command',
  ],
  ['set env deploy/web --from=deploy/web', 'unsupported resource specified in --from'],
  [
    'set resources deploy/web --limits=cpu=1,memory',
    'Invalid argument syntax memory, expected <resource>=<value>',
  ],
  ['set resources deploy/web --limits=cpu=1 -c nope', 'unable to find container named nope'],
  [
    'set resources deploy/web --requests=cpu=2 --limits=cpu=1',
    'failed to patch resources update to pod template Deployment.apps "web" is invalid: spec.template.spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  ],
  ['expose deploy/web --port=x', 'strconv.Atoi: parsing "x": invalid syntax'],
  ['logs none', 'error from server (NotFound): pods "none" not found in namespace "default"'],
  [
    'logs cm/conf',
    'cannot get the logs from *v1.ConfigMap: selector for *v1.ConfigMap not implemented',
  ],
  ['create job x --from=deploy/web', 'unknown object type *v1.Deployment'],
  [
    ['set', 'env', 'deploy/web', 'bad name=1'],
    `"bad name" is not a valid key name: a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name', or 'MY_ENV.NAME', or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')`,
  ],
  ['label cm conf x=y=z', 'invalid label spec: x=y=z'],
  [
    'label cm --all x=1 --resource-version=1',
    '--resource-version may only be used with a single resource',
  ],
  ['delete cm conf --all', 'name cannot be provided when a selector is specified'],
  ['taint pods x a=b:NoSchedule', 'invalid resource type pods, only node types are supported'],
])('%s', async (line, message) => {
  const { stdout, stderr, code } = await run(line);
  expect({ stdout, stderr: stderr.trim(), code }).toEqual({
    stdout: '',
    stderr: typeof message === 'string' ? `error: ${message}` : expect.stringMatching(message),
    code: 1,
  });
});

test('the version that is scaled may be named', async () => {
  const { stderr, code } = await run('scale deploy/web --replicas=3 --resource-version=1');
  expect({ stderr, code }).toEqual({
    stderr: expect.stringMatching(/^error: Expected resource version to be 1, was \d+\n$/),
    code: 1,
  });
});

test('a verb nobody knows is asked for nevertheless', async () => {
  expect(await run('auth can-i fly pods')).toEqual({
    stdout: 'yes\n',
    stderr: "Warning: verb 'fly' is not a known verb\n\n",
    code: 0,
  });
});

test('a dry run on the server deletes nothing', async () => {
  expect(await run('delete cm conf --dry-run=server')).toEqual({
    stdout: 'configmap "conf" deleted from default namespace (server dry run)\n',
    stderr: '',
    code: 0,
  });
  expect((await run('get cm conf -o name')).stdout).toBe('configmap/conf\n');
});

test('a label goes only to the version that was named', async () => {
  expect(await run('label cm conf x=1 --resource-version=1')).toEqual({
    stdout: '',
    stderr:
      'Error from server (Conflict): Operation cannot be fulfilled on configmaps "conf": the object has been modified; please apply your changes to the latest version and try again\n',
    code: 1,
  });
});

test('an environment nobody changes is left alone', async () => {
  expect(await run('set env deploy/web')).toEqual({ stdout: '', stderr: '', code: 0 });
});

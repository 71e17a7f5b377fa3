import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run } = kubectlPlane([
  'create service clusterip web --tcp=80',
  'create deployment web --image=nginx',
  'create role reader --verb=get --resource=pods',
  'create rolebinding readers --role=reader --user=jane',
]);

test('a service gets a selector', async () => {
  expect(await run('set selector svc web tier=front,app=x')).toEqual({
    stdout: 'service/web selector updated\n',
    stderr: '',
    code: 0,
  });
  const { stdout } = await run('get svc web -o jsonpath={.spec.selector}');
  expect(JSON.parse(stdout)).toEqual({ app: 'x', tier: 'front' });
});

test('a binding gets subjects it has not; none are doubled', async () => {
  const line = 'set subject rolebinding readers --user=jane --group=ops --serviceaccount=:builder';
  expect(await run(line)).toEqual({
    stdout: 'rolebinding.rbac.authorization.k8s.io/readers subjects updated\n',
    stderr: '',
    code: 0,
  });
  expect(await run(line)).toEqual({ stdout: '', stderr: '', code: 0 });
  const { stdout } = await run(
    'get rolebinding readers -o jsonpath={range.subjects[*]}{.kind}/{.name}/{.namespace};{end}',
  );
  expect(stdout).toBe('User/jane/;Group/ops/;ServiceAccount/builder/default;');
});

test.each([
  ['set selector', 'error: one selector is required'],
  ['set selector deploy web a=b', 'error: setting a selector is only supported for Services'],
  [
    ['set', 'selector', 'svc', 'web', 'a in (b)'],
    'error: match expression [{a In [b]}] not supported on this object',
  ],
  [
    'set subject rolebinding readers',
    'error: you must specify at least one value of user, group or serviceaccount',
  ],
  [
    'set subject rolebinding readers --serviceaccount=x',
    'error: serviceaccount must be <namespace>:<name>',
  ],
  [
    'set subject deploy web --user=a',
    'error: deployments/web setting subjects is only supported for RoleBinding/ClusterRoleBinding',
  ],
])('%s is refused', async (line, message) => {
  const { stdout, stderr, code } = await run(line);
  expect({ stdout, stderr: stderr.trim(), code }).toEqual({ stdout: '', stderr: message, code: 1 });
});

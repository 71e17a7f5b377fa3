import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run } = kubectlPlane();

const role = (rules: string, labels = '') => `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default${labels}}
rules: ${rules}
`;
const binding = (role: string, ...users: readonly string[]) => `---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: ${role}}
subjects: [${users.map((name) => `{apiGroup: rbac.authorization.k8s.io, kind: User, name: ${name}}`).join(', ')}]
`;
const rule = (resource: string, ...verbs: readonly string[]) =>
  `{apiGroups: [""], resources: [${resource}], verbs: [${verbs.join(', ')}]}`;
const both =
  'role.rbac.authorization.k8s.io/reader reconciled\nrolebinding.rbac.authorization.k8s.io/readers reconciled\n';
const show = (verb: string, resource: string) =>
  `\t\t{Verbs:[${verb}] APIGroups:[] Resources:[${resource}] ResourceNames:[] NonResourceURLs:[]}\n`;
const user = (name: string) =>
  `\t\t{Kind:User APIGroup:rbac.authorization.k8s.io Name:${name} Namespace:}\n`;

test('roles and bindings are made, widened and narrowed', async () => {
  const first = role(`[${rule('pods', 'get', 'list')}]`) + binding('reader', 'jane');
  expect(await run('auth reconcile -f -', { stdin: first })).toEqual({
    stdout: both,
    stderr: `\treconciliation required create\n\tmissing rules added:\n${show('get list', 'pods')}\treconciliation required create\n\tmissing subjects added:\n${user('jane')}`,
    code: 0,
  });
  expect(await run('auth reconcile -f -', { stdin: first })).toEqual({
    stdout: both,
    stderr: '',
    code: 0,
  });
  const second = role(`[${rule('pods', 'get', 'watch')}]`) + binding('reader', 'bob');
  expect(await run('auth reconcile -f -', { stdin: second })).toEqual({
    stdout: both,
    stderr: `\treconciliation required update\n\tmissing rules added:\n${show('watch', 'pods')}\treconciliation required update\n\tmissing subjects added:\n${user('bob')}`,
    code: 0,
  });
  const narrow = await run(
    'auth reconcile -f - --remove-extra-permissions --remove-extra-subjects',
    { stdin: second },
  );
  expect(narrow).toEqual({
    stdout: both,
    stderr: `\treconciliation required update\n\textra rules removed:\n${show('list', 'pods')}\treconciliation required update\n\textra subjects removed:\n${user('jane')}`,
    code: 0,
  });
  const { stdout } = await run('get role reader -o jsonpath={.rules[*].verbs}');
  expect(stdout).toBe('["get","watch"]');
});

test('a binding to another role is made anew', async () => {
  const outcome = await run('auth reconcile -f -', { stdin: binding('other', 'jane').slice(4) });
  expect(outcome.stderr).toBe('\treconciliation required recreate\n');
  const { stdout } = await run('get rolebinding readers -o jsonpath={.roleRef.name}');
  expect(stdout).toBe('other');
});

test('whoever opted out is left alone', async () => {
  await run('annotate role reader rbac.authorization.kubernetes.io/autoupdate=false');
  const outcome = await run('auth reconcile -f -', { stdin: role(`[${rule('pods', 'delete')}]`) });
  expect(outcome.stderr).toContain(
    '\treconciliation required update, but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)\n',
  );
  const { stdout } = await run('get role reader -o jsonpath={.rules[*].verbs}');
  expect(stdout).not.toContain('delete');
});

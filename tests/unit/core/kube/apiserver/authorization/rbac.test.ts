import { beforeEach, describe, expect, test } from 'vitest';
import { messageOf, admissionRequest, resourceInfo, TestState, user } from '#tests/server-state';
import {
  bootstrapPolicyObjects,
  createEscalationCheck,
  createNodeAuthorizer,
  createRbacAuthorizer,
  forbiddenByAuthorizer,
  reconcileBootstrapPolicy,
  subjectRulesStatus,
  unionAuthorizer,
} from '../../../../../../src-main/core/kube/apiserver/authorization/index.ts';
import type {
  Attributes,
  ResourceAttributes,
} from '../../../../../../src-main/core/kube/apiserver/types.ts';

const rbacGroup = 'rbac.authorization.k8s.io';
const binding = (name: string, roleKind: string, role: string, subject: object) => ({
  metadata: { name },
  roleRef: { apiGroup: rbacGroup, kind: roleKind, name: role },
  subjects: [subject],
});
const inNamespace = <T extends { metadata: object }>(object: T, namespace: string) => ({
  ...object,
  metadata: { ...object.metadata, namespace },
});
const ask = (text: string, who = user('jane')): Attributes => {
  const [verb = '', target = '', namespace = ''] = text.split(' ');
  if (target.startsWith('/')) return { kind: 'non-resource', user: who, verb, path: target };
  const [full = '', name = ''] = target.split(':');
  const [resource = '', subresource = ''] = full.split('/');
  const [plural = '', ...group] = resource.split('.');
  return {
    kind: 'resource',
    user: who,
    verb,
    group: group.join('.'),
    version: 'v1',
    resource: plural,
    subresource,
    namespace,
    name,
  };
};

let state: TestState;
beforeEach(() => {
  state = new TestState()
    .put(rbacGroup, 'clusterroles', {
      metadata: { name: 'reader' },
      rules: [
        { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods', '*/log'] },
        { verbs: ['get'], apiGroups: [''], resources: ['secrets'], resourceNames: ['one'] },
        { verbs: ['get'], nonResourceURLs: ['/logs/*', '/version'] },
      ],
    })
    .put(
      rbacGroup,
      'clusterrolebindings',
      binding('all', 'ClusterRole', 'reader', { kind: 'User', name: 'jane' }),
    )
    .put(
      rbacGroup,
      'clusterrolebindings',
      binding('gone', 'ClusterRole', 'nosuch', { kind: 'User', name: 'kjane' }),
    )
    .put(rbacGroup, 'roles', {
      metadata: { name: 'scaler', namespace: 'a' },
      rules: [{ verbs: ['*'], apiGroups: ['apps'], resources: ['deployments/scale'] }],
    })
    .put(
      rbacGroup,
      'rolebindings',
      inNamespace(binding('bot', 'Role', 'scaler', { kind: 'ServiceAccount', name: 'bot' }), 'a'),
    );
});

const bot = user('system:serviceaccount:a:bot');

test.each([
  { ask: 'list pods ns', who: user('jane'), allowed: true, why: 'a cluster role everywhere' },
  { ask: 'delete pods:x ns', who: user('jane'), allowed: false, why: 'not the verb' },
  {
    ask: 'get pods/log:x ns',
    who: user('jane'),
    allowed: true,
    why: 'any resource with subresource log',
  },
  { ask: 'get pods/exec:x ns', who: user('jane'), allowed: false, why: 'another subresource' },
  { ask: 'get secrets:one ns', who: user('jane'), allowed: true, why: 'the named secret' },
  { ask: 'get secrets:two ns', who: user('jane'), allowed: false, why: 'another secret' },
  { ask: 'list secrets ns', who: user('jane'), allowed: false, why: 'names do not fit lists' },
  { ask: 'get /logs/kubelet', who: user('jane'), allowed: true, why: 'a path below a star' },
  { ask: 'get /version', who: user('jane'), allowed: true, why: 'the path itself' },
  { ask: 'get /versions', who: user('jane'), allowed: false, why: 'another path' },
  {
    ask: 'patch deployments.apps/scale:d a',
    who: bot,
    allowed: true,
    why: 'the account of the binding’s namespace',
  },
  { ask: 'patch deployments.apps/scale:d b', who: bot, allowed: false, why: 'another namespace' },
  {
    ask: 'delete nodes:n',
    who: user('x', 'system:masters'),
    allowed: true,
    why: 'masters may do anything',
  },
])('$ask is $allowed: $why', ({ ask: text, who, allowed }) => {
  const { decision } = createRbacAuthorizer(state).authorize(ask(text, who));
  expect(decision).toBe(allowed ? 'allow' : 'no-opinion');
});

test('reasons name the binding that allowed, or the role that is gone', () => {
  const rbac = createRbacAuthorizer(state);
  expect(rbac.authorize(ask('list pods ns')).reason).toBe(
    'RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "reader" to User "jane"',
  );
  expect(rbac.authorize(ask('patch deployments.apps/scale:d a', bot)).reason).toBe(
    'RBAC: allowed by RoleBinding "bot/a" of Role "scaler" to ServiceAccount "bot/a"',
  );
  expect(rbac.authorize(ask('list pods ns', user('kjane'))).reason).toBe(
    'RBAC: clusterrole.rbac.authorization.k8s.io "nosuch" not found',
  );
});

test('a change of a role counts at once', () => {
  const rbac = createRbacAuthorizer(state);
  expect(rbac.authorize(ask('delete pods:x ns')).decision).toBe('no-opinion');
  state.put(rbacGroup, 'clusterroles', {
    metadata: { name: 'reader' },
    rules: [{ verbs: ['delete'], apiGroups: [''], resources: ['pods'] }],
  });
  expect(rbac.authorize(ask('delete pods:x ns')).decision).toBe('allow');
});

test.each([
  {
    ask: 'list pods y',
    reason: '',
    message:
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "y"',
  },
  {
    ask: 'delete pods:x y',
    reason: '',
    message:
      'pods "x" is forbidden: User "jane" cannot delete resource "pods" in API group "" in the namespace "y"',
  },
  {
    ask: 'list nodes',
    reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "nosuch" not found',
    message:
      'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope: RBAC: clusterrole.rbac.authorization.k8s.io "nosuch" not found',
  },
  {
    ask: 'patch deployments.apps/scale:d y',
    reason: '',
    message:
      'deployments.apps "d" is forbidden: User "jane" cannot patch resource "deployments/scale" in API group "apps" in the namespace "y"',
  },
  { ask: 'get /foo', reason: '', message: 'forbidden: User "jane" cannot get path "/foo"' },
])('forbidden: $ask', ({ ask: text, reason, message }) => {
  const { status } = forbiddenByAuthorizer(ask(text), reason);
  expect({ message: status.message, code: status.code, reason: status.reason }).toEqual({
    message,
    code: 403,
    reason: 'Forbidden',
  });
});

test('a rules review lists what bindings give', () => {
  expect(subjectRulesStatus(createRbacAuthorizer(state), bot, 'a')).toEqual({
    resourceRules: [{ verbs: ['*'], apiGroups: ['apps'], resources: ['deployments/scale'] }],
    nonResourceRules: [],
    incomplete: false,
  });
});

describe('escalation', () => {
  const roles = resourceInfo(rbacGroup, 'roles', 'Role');
  const bindings = resourceInfo(rbacGroup, 'rolebindings', 'RoleBinding');
  const clusterRoles = resourceInfo(rbacGroup, 'clusterroles', 'ClusterRole', false);
  const kjane = user('kjane');
  const check = async (request: ReturnType<typeof admissionRequest>): Promise<string> => {
    const rbac = createRbacAuthorizer(state);
    return messageOf(() => createEscalationCheck(rbac, unionAuthorizer([rbac])).admit?.(request));
  };

  test.each([
    {
      why: 'rules the user does not hold, joined by resource, with the roles that were not found',
      request: () =>
        admissionRequest(
          roles,
          {
            metadata: { name: 'esc' },
            rules: [{ apiGroups: [''], resources: ['pods', 'secrets'], verbs: ['get', 'list'] }],
          },
          { user: kjane },
        ),
      message:
        'roles.rbac.authorization.k8s.io "esc" is forbidden: user "kjane" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}\n' +
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}; resolution errors: [roles.rbac.authorization.k8s.io "nosuch" not found]',
    },
    {
      why: 'a binding to a role the user does not hold',
      request: () => {
        state.put(rbacGroup, 'clusterroles', {
          metadata: { name: 'cluster-admin' },
          rules: [
            { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
            { nonResourceURLs: ['*'], verbs: ['*'] },
          ],
        });
        return admissionRequest(
          bindings,
          binding('esc', 'ClusterRole', 'cluster-admin', { kind: 'User', name: 'bob' }),
          { user: user('jane') },
        );
      },
      message:
        'rolebindings.rbac.authorization.k8s.io "esc" is forbidden: user "jane" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}',
    },
    {
      why: 'a binding to what is no role',
      request: () =>
        admissionRequest(
          bindings,
          binding('odd', 'Rolle', 'reader', { kind: 'Robot', name: 'bob' }),
          { user: user('jane') },
        ),
      message: 'unsupported role reference kind: "Rolle"',
    },
    {
      why: 'an aggregation rule',
      request: () =>
        admissionRequest(
          clusterRoles,
          {
            metadata: { name: 'agg' },
            aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
          },
          { user: user('jane') },
        ),
      message:
        'clusterroles.rbac.authorization.k8s.io "agg" is forbidden: must have cluster-admin privileges to use the aggregationRule',
    },
    {
      why: 'rules the user holds are fine',
      request: () =>
        admissionRequest(
          roles,
          {
            metadata: { name: 'ok' },
            rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
          },
          { user: user('jane') },
        ),
      message: '',
    },
  ])('$why', async ({ request, message }) => {
    expect(await check(request())).toBe(message);
  });
});

describe('the default policy', () => {
  test('has every role and binding of a new cluster', () => {
    const kinds = bootstrapPolicyObjects().map(({ kind }) => kind);
    const count = (kind: string): number => kinds.filter((each) => each === kind).length;
    expect({ roles: count('ClusterRole'), all: kinds.length }).toEqual({ roles: 69, all: 133 });
  });

  test('brings back what is missing and leaves what opted out', () => {
    const fresh = new TestState();
    expect(reconcileBootstrapPolicy(fresh)).toHaveLength(133);
    for (const { resource, object } of reconcileBootstrapPolicy(fresh))
      fresh.put(rbacGroup, resource, object);
    expect(reconcileBootstrapPolicy(fresh)).toEqual([]);
    const view = fresh.get(rbacGroup, 'clusterroles', '', 'system:discovery');
    fresh.put(rbacGroup, 'clusterroles', { ...view, rules: [] });
    expect(
      reconcileBootstrapPolicy(fresh).map(({ operation, object }) => [
        operation,
        object.metadata.name,
      ]),
    ).toEqual([['update', 'system:discovery']]);
    fresh.put(rbacGroup, 'clusterroles', {
      ...view,
      rules: [],
      metadata: {
        ...view?.metadata,
        annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' },
      },
    });
    expect(reconcileBootstrapPolicy(fresh)).toEqual([]);
  });
});

describe('nodes', () => {
  const node = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
  const pods = () =>
    new TestState().put('', 'pods', {
      metadata: { name: 'p', namespace: 'a' },
      spec: {
        nodeName: 'n1',
        serviceAccountName: 'bot',
        containers: [{ env: [{ valueFrom: { configMapKeyRef: { name: 'cm' } } }] }],
        volumes: [{ secret: { secretName: 's' } }, { persistentVolumeClaim: { claimName: 'c' } }],
      },
    });
  test.each([
    ['get secrets:s a', 'allow', ''],
    ['get secrets:t a', 'no-opinion', "no relationship found between node 'n1' and this object"],
    ['list secrets a', 'no-opinion', 'No Object name found'],
    ['delete secrets:s a', 'no-opinion', 'can only read resources of this type'],
    ['get configmaps:cm a', 'allow', ''],
    ['get persistentvolumeclaims:c a', 'allow', ''],
    ['create serviceaccounts/token:bot a', 'allow', ''],
    [
      'create serviceaccounts/token:default a',
      'no-opinion',
      "no relationship found between node 'n1' and this object",
    ],
    ['update leases.coordination.k8s.io:n1 kube-node-lease', 'allow', ''],
    [
      'update leases.coordination.k8s.io:n2 kube-node-lease',
      'no-opinion',
      'can only access node lease with the same name as the requesting node',
    ],
    [
      'get leases.coordination.k8s.io:n1 default',
      'no-opinion',
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    ['get nodes:n1', 'allow', ''],
    ['get nodes:n2', 'no-opinion', "node 'n1' cannot read 'n2', only its own Node object"],
    ['list nodes', 'no-opinion', "node 'n1' cannot read all nodes, only its own Node object"],
    ['list pods', 'no-opinion', 'can only list/watch pods with spec.nodeName field selector'],
    ['create certificatesigningrequests.certificates.k8s.io', 'allow', ''],
  ])('%s is %s', async (text, decision, reason) => {
    expect(await createNodeAuthorizer(pods()).authorize(ask(text, node))).toEqual({
      decision,
      reason,
    });
  });

  test('lists of its own pods are allowed', async () => {
    const attributes = {
      ...ask('list pods', node),
      fieldSelector: 'spec.nodeName=n1',
    } as ResourceAttributes;
    expect(await createNodeAuthorizer(pods()).authorize(attributes)).toMatchObject({
      decision: 'allow',
    });
  });
});

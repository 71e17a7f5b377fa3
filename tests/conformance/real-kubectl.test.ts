import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { masked, Session } from '#tests/golden';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';
import { findKubectls } from '#tests/real-kubectl';

// Every command of every real kubectl found. A warning or an exit code that a real server would not cause fails a row.
const kubectls = findKubectls();

interface Row {
  readonly command: string;
  readonly code?: number;
  /** What is printed, masked; nothing is looked at if absent. */
  readonly out?: string | RegExp;
  /** Empty unless said. */
  readonly err?: string | RegExp;
  /** The first minor version that knows the command. */
  readonly since?: number;
}

const files = {
  'cm.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {name: plain, labels: {app: a}}
data: {k: v}
`,
  'cm2.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {name: plain, labels: {app: a}}
data: {k: v2, m: more}
`,
  'typo.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {name: typo}
bogus: 1
`,
  'kustomization.yaml': `
resources: [cm.yaml]
namePrefix: dev-
`,
  'pods.yaml': `
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: two}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {name: a, image: "busybox:1.36", command: [sh, -c, 'echo from a; sleep 3600']}
    - {name: b, image: "busybox:1.36", command: [sh, -c, 'echo from b; sleep 3600']}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: nginx, image: "nginx:1.27", ports: [{containerPort: 80, name: http}]}]
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
metadata: {name: again}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "busybox:1.36", command: [sh, -c, 'test -f /keep/x && sleep 3600; touch /keep/x; echo first life; exit 1'], volumeMounts: [{name: keep, mountPath: /keep}]}]
  volumes: [{name: keep, emptyDir: {}}]
`,
  'role.yaml': `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: rec, namespace: NAMESPACE}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
`,
};

const recordNotice =
  /^(All commands and output .*\n)?(If you don't see a command prompt, try pressing enter\.)?$/s;
const cpuNotice = /^(Flag --cpu-percent has been deprecated.*)?$/;

const table: Readonly<Record<string, readonly Row[]>> = {
  objects: [
    { command: 'kubectl create -f cm.yaml', out: 'configmap/plain created' },
    {
      command: 'kubectl create -f cm.yaml',
      code: 1,
      err: 'Error from server (AlreadyExists): error when creating "cm.yaml": configmaps "plain" already exists',
    },
    {
      command: 'kubectl create -f typo.yaml',
      code: 1,
      err: 'Error from server (BadRequest): error when creating "typo.yaml": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "bogus"',
    },
    {
      command: 'kubectl apply -f cm2.yaml',
      out: 'configmap/plain configured',
      err: /^Warning: resource configmaps\/plain is missing the kubectl.kubernetes.io\/last-applied-configuration annotation/,
    },
    { command: 'kubectl apply -f cm2.yaml', out: 'configmap/plain unchanged' },
    {
      command: 'kubectl apply -f cm2.yaml --server-side --force-conflicts',
      out: 'configmap/plain serverside-applied',
    },
    {
      command: 'kubectl apply -f cm.yaml --server-side --field-manager=other',
      code: 1,
      err: /^error: Apply failed with 1 conflict: conflict with "kubectl.*": \.data\.k\n/,
    },
    { command: "kubectl diff -f cm.yaml | grep '^[+-] '", out: '- k: v2\n- m: more\n+ k: v' },
    { command: 'kubectl kustomize . | grep name:', out: ' name: dev-plain' },
    { command: 'kubectl apply -k .', out: 'configmap/dev-plain created' },
    { command: 'kubectl delete -k .', out: /^configmap "dev-plain" deleted/ },
    {
      command: "KUBE_EDITOR='sed -i s/v2/v3/' kubectl edit cm plain",
      out: 'configmap/plain edited',
    },
    { command: 'kubectl edit cm plain', err: 'Edit cancelled, no changes made.' },
    { command: `kubectl patch cm plain -p '{"data":{"s":"1"}}'`, out: 'configmap/plain patched' },
    {
      command: `kubectl patch cm plain --type=merge -p '{"data":{"m":null}}'`,
      out: 'configmap/plain patched',
    },
    {
      command: `kubectl patch cm plain --type=json -p '[{"op":"add","path":"/data/j","value":"1"}]'`,
      out: 'configmap/plain patched',
    },
    {
      command: `kubectl get cm plain -o jsonpath='{.data}'`,
      out: '{"j":"1","k":"v3","s":"1"}',
    },
    { command: 'kubectl replace -f cm.yaml', out: 'configmap/plain replaced' },
    { command: 'kubectl replace --force -f cm.yaml', out: /deleted.*\nconfigmap\/plain replaced$/ },
    { command: 'kubectl label cm plain tier=front', out: 'configmap/plain labeled' },
    { command: 'kubectl annotate cm plain note=x', out: /^configmap\/plain annotated?$/ },
    { command: 'kubectl get cm -l tier=front -o name', out: 'configmap/plain' },
    { command: 'kubectl describe cm plain', out: /^Name: plain\n.*\nk:\n----\nv\n/s },
    {
      command: 'kubectl get aeroplanes',
      code: 1,
      err: `error: the server doesn't have a resource type "aeroplanes"`,
    },
    {
      command: 'kubectl get cm nothing',
      code: 1,
      err: 'Error from server (NotFound): configmaps "nothing" not found',
    },
    { command: 'kubectl explain pod.spec.restartPolicy', out: /restartPolicy.*<string>/s },
    { command: 'kubectl delete cm plain', out: /^configmap "plain" deleted/ },
    { command: 'kubectl wait cm/plain --for=delete --timeout=5s' },
    {
      command: 'kubectl wait cm/plain --for=create --timeout=1s',
      code: 1,
      err: /not found|timed out/,
      since: 31,
    },
  ],
  generators: [
    {
      command: 'kubectl create configmap c1 --from-literal=a=b --from-file=cm.yaml',
      out: 'configmap/c1 created',
    },
    { command: 'kubectl create secret generic s1 --from-literal=a=b', out: 'secret/s1 created' },
    {
      command:
        'kubectl create secret docker-registry s2 --docker-username=u --docker-password=p --docker-server=r.local',
      out: 'secret/s2 created',
    },
    {
      command: 'kubectl create deployment d1 --image=nginx:1.27 --replicas=2 --port=80',
      out: 'deployment.apps/d1 created',
    },
    { command: 'kubectl create job j1 --image=busybox:1.36 -- true', out: 'job.batch/j1 created' },
    {
      command: `kubectl create cronjob cj1 --image=busybox:1.36 --schedule='0 0 1 1 *' -- date`,
      out: 'cronjob.batch/cj1 created',
    },
    { command: 'kubectl create job j2 --from=cronjob/cj1', out: 'job.batch/j2 created' },
    { command: 'kubectl create service clusterip sv1 --tcp=80:80', out: 'service/sv1 created' },
    { command: 'kubectl create service nodeport sv2 --tcp=80', out: 'service/sv2 created' },
    { command: 'kubectl create service loadbalancer sv3 --tcp=80', out: 'service/sv3 created' },
    {
      command: 'kubectl create service externalname sv4 --external-name=example.org',
      out: 'service/sv4 created',
    },
    { command: 'kubectl create serviceaccount sa1', out: 'serviceaccount/sa1 created' },
    { command: 'kubectl create token sa1', out: '<jwt>' },
    {
      command: 'kubectl create role r1 --verb=get,list --resource=pods,deployments.apps',
      out: 'role.rbac.authorization.k8s.io/r1 created',
    },
    {
      command: 'kubectl create rolebinding rb1 --role=r1 --user=jane',
      out: 'rolebinding.rbac.authorization.k8s.io/rb1 created',
    },
    {
      command: 'kubectl create clusterrole NAMESPACE --verb=get --resource=nodes',
      out: /created$/,
    },
    {
      command: 'kubectl create clusterrolebinding NAMESPACE --clusterrole=NAMESPACE --user=jane',
      out: /created$/,
    },
    { command: 'kubectl create quota q1 --hard=pods=40', out: 'resourcequota/q1 created' },
    { command: 'kubectl create priorityclass NAMESPACE --value=100', out: /created$/ },
    {
      command: 'kubectl create pdb p1 --selector=app=web --min-available=1',
      out: 'poddisruptionbudget.policy/p1 created',
    },
    {
      command: `kubectl create ingress i1 --rule='a.b/x*=d1:80'`,
      out: 'ingress.networking.k8s.io/i1 created',
    },
    { command: 'kubectl get all,ing,quota,pdb,sa,role,rolebinding', out: /deployment\.apps\/d1/ },
    {
      command: 'kubectl describe deploy,svc,ing,quota,pdb,role,rolebinding,sa,cronjob',
      out: /^Name: d1\n/,
      // Those before 1.31 look for a Service's Endpoints.
      err: /^(Warning: v1 Endpoints is deprecated in v1\.33\+.*)?$/,
    },
    { command: 'kubectl delete ing,pdb,quota,cronjob,job --all', out: /deleted/ },
    {
      command:
        'kubectl delete clusterrole/NAMESPACE clusterrolebinding/NAMESPACE priorityclass/NAMESPACE',
      out: /deleted/,
    },
  ],
  workloads: [
    { command: 'kubectl rollout status deploy/d1 --timeout=60s', out: /successfully rolled out$/ },
    { command: 'kubectl scale deploy d1 --replicas=3', out: 'deployment.apps/d1 scaled' },
    {
      command: 'kubectl set image deploy/d1 nginx=nginx:1.26',
      out: 'deployment.apps/d1 image updated',
    },
    { command: 'kubectl set env deploy/d1 A=1', out: 'deployment.apps/d1 env updated' },
    { command: 'kubectl set env deploy/d1 --list', out: '# Deployment d1, container nginx\nA=1' },
    {
      command: 'kubectl set resources deploy/d1 --requests=cpu=10m',
      out: 'deployment.apps/d1 resource requirements updated',
    },
    {
      command: 'kubectl set serviceaccount deploy/d1 sa1',
      out: 'deployment.apps/d1 serviceaccount updated',
    },
    {
      command: 'kubectl set subject rolebinding rb1 --user=joe',
      out: 'rolebinding.rbac.authorization.k8s.io/rb1 subjects updated',
    },
    { command: 'kubectl set selector svc sv1 app=d1', out: 'service/sv1 selector updated' },
    { command: 'kubectl rollout pause deploy/d1', out: 'deployment.apps/d1 paused' },
    { command: 'kubectl rollout resume deploy/d1', out: 'deployment.apps/d1 resumed' },
    { command: 'kubectl rollout restart deploy/d1', out: 'deployment.apps/d1 restarted' },
    {
      command: 'kubectl rollout history deploy/d1',
      out: /^deployment\.apps\/d1\nREVISION CHANGE-CAUSE\n1 <none>\n/,
    },
    {
      command: 'kubectl rollout undo deploy/d1 --to-revision=1',
      out: 'deployment.apps/d1 rolled back',
    },
    { command: 'kubectl rollout status deploy/d1 --timeout=60s', out: /successfully rolled out$/ },
    { command: 'kubectl expose deploy d1 --port=80', out: 'service/d1 exposed' },
    {
      command: 'kubectl autoscale deploy d1 --min=1 --max=3 --cpu-percent=50',
      out: /autoscaled$/,
      err: cpuNotice,
    },
    { command: 'kubectl get hpa d1', out: /d1 Deployment\/d1 cpu: |d1 Deployment\/d1 <unknown>/ },
    { command: 'kubectl delete hpa,svc,deploy d1', out: /deleted/ },
    {
      command: `echo in | kubectl run p5 --image=busybox:1.36 --rm -i --restart=Never --quiet -- sh -c 'sleep 1; cat'`,
      out: 'in',
    },
    {
      command: `kubectl run p6 --image=busybox:1.36 --restart=Never -- sh -c 'exit 3'`,
      out: 'pod/p6 created',
    },
    {
      command: `kubectl wait pod/p6 --for=jsonpath='{.status.phase}'=Failed --timeout=30s`,
      out: 'pod/p6 condition met',
    },
    {
      command: `(sleep 2; printf 'echo sum $((1+2))\\r'; sleep 1; printf 'exit\\r'; sleep 1) | script -qec 'kubectl run p7 --image=busybox:1.36 --rm -it --restart=Never -- sh' /dev/null | grep -o 'sum 3'`,
      out: 'sum 3',
    },
  ],
  'inside pods': [
    { command: 'kubectl apply -f pods.yaml', out: /pod\/two created/ },
    {
      command: 'kubectl wait pod/two pod/web --for=condition=Ready --timeout=30s',
      out: /web condition met$/,
    },
    { command: 'kubectl logs -f count', out: 'line 1\nline 2\nline 3' },
    { command: 'kubectl logs two -c b', out: 'from b' },
    { command: 'kubectl logs two --all-containers | sort', out: 'from a\nfrom b' },
    {
      command: 'kubectl logs -l app=two --all-containers --prefix | sort',
      out: '[pod/two/a] from a\n[pod/two/b] from b',
    },
    {
      command: `kubectl wait pod/again --for=jsonpath='{.status.containerStatuses[0].restartCount}'=1 --timeout=40s`,
      out: 'pod/again condition met',
    },
    { command: 'kubectl logs again -p', out: 'first life' },
    { command: 'kubectl exec two -c a -- echo hi', out: 'hi' },
    {
      command: 'kubectl exec two -c a -- nothing',
      code: 1,
      // Those from 1.30 on speak WebSocket, where the words are wrapped once more.
      err: /^error: (Internal error occurred: ){1,2}error executing command in container: failed to exec in container: .* exec: "nothing": executable file not found in \$PATH$/,
    },
    {
      command: `kubectl exec two -c a -- sh -c 'exit 5'`,
      code: 5,
      err: 'command terminated with exit code 5',
    },
    { command: 'echo data | kubectl exec -i two -c a -- cat', out: 'data' },
    {
      command: `(sleep 1; printf 'echo sum $((1+2))\\r'; sleep 1; printf 'exit\\r'; sleep 1) | script -qec 'kubectl exec -it two -c a -- sh' /dev/null | grep -o 'sum 3'`,
      out: 'sum 3',
    },
    { command: 'timeout 2 kubectl attach two -c a', code: 124, err: recordNotice },
    { command: 'kubectl cp cm.yaml two:/tmp/up -c a' },
    { command: 'kubectl cp two:/tmp/up down -c a && cmp cm.yaml down' },
    {
      command: `kubectl port-forward pod/web :80 >pf 2>&1 & for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.3; p=$(sed -n 's/.*127.0.0.1:\\([0-9]*\\).*/\\1/p' pf); [ -n "$p" ] && break; done; curl -s 127.0.0.1:$p | grep -o 'Welcome to nginx' | head -1; kill %1`,
      out: 'Welcome to nginx',
    },
    {
      command: `kubectl proxy --port=0 >px 2>&1 & for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.3; p=$(sed -n 's/.*127.0.0.1:\\([0-9]*\\).*/\\1/p' px); [ -n "$p" ] && break; done; curl -s 127.0.0.1:$p/api/v1/namespaces/NAMESPACE/pods/web/proxy/ | grep -o 'Welcome to nginx' | head -1; kill %1`,
      out: 'Welcome to nginx',
    },
    {
      command: `kubectl debug two --image=busybox:1.36 -c dbg -- echo debugging`,
      err: /^(--profile=legacy is deprecated.*|Warning: .*legacy.*)?$/s,
    },
    {
      command: `kubectl wait pod/two --for=jsonpath='{.status.ephemeralContainerStatuses[0].state.terminated.reason}'=Completed --timeout=20s`,
      out: 'pod/two condition met',
    },
    { command: 'kubectl logs two -c dbg', out: 'debugging' },
    {
      command: 'kubectl events --for pod/count',
      out: /Scheduled Pod\/count Successfully assigned/,
    },
    {
      command: 'kubectl get events --field-selector=involvedObject.name=count',
      out: /Scheduled pod\/count/,
    },
    { command: 'kubectl top pods', code: 1, err: /^error: Metrics( API)? not available/ },
    {
      command: 'kubectl delete pod --all --force',
      out: /deleted/,
      err: /^Warning: Immediate deletion does not wait/,
    },
  ],
  'the cluster': [
    {
      command: 'kubectl version',
      out: /Server Version: .*v1\.36\.3/,
      err: /^(WARNING: This version information is deprecated .*\n)?(WARNING: version difference .*)?$/,
    },
    { command: 'kubectl auth can-i create pods', out: 'yes' },
    {
      command: 'kubectl auth can-i delete nodes --as=jane',
      code: 1,
      out: 'no',
      err: /^(Warning: resource 'nodes' is not namespace scoped\n*)?$/,
    },
    { command: 'kubectl auth can-i --list', out: /\*\.\* \[\] \[\] \[\*\]/ },
    { command: 'kubectl auth whoami', out: /Username kubernetes-admin/, since: 28 },
    {
      command: 'kubectl auth reconcile -f role.yaml',
      out: /reconciled/,
      err: /^ reconciliation required create\n missing rules added:/,
    },
    {
      command: 'kubectl api-resources --api-group=apps',
      out: /deployments deploy apps\/v1 true Deployment/,
    },
    { command: 'kubectl api-versions', out: /^admissionregistration\.k8s\.io\/v1\n/ },
    { command: 'kubectl cluster-info', out: /^Kubernetes control plane is running at / },
    { command: 'kubectl cluster-info dump --output-directory=dump && ls dump', out: /nodes\.json/ },
    { command: 'kubectl label node node01 disk=ssd', out: 'node/node01 labeled' },
    { command: 'kubectl label node node01 disk-', out: 'node/node01 unlabeled' },
    { command: 'kubectl taint node node01 a=b:NoSchedule', out: 'node/node01 tainted' },
    { command: 'kubectl taint node node01 a-', out: 'node/node01 untainted' },
    { command: 'kubectl cordon node01', out: 'node/node01 cordoned' },
    {
      command: 'kubectl drain node01 --ignore-daemonsets --pod-selector=app=nobody',
      out: 'node/node01 already cordoned\nnode/node01 drained',
    },
    { command: 'kubectl uncordon node01', out: 'node/node01 uncordoned' },
    {
      command: `openssl req -new -newkey rsa:2048 -nodes -keyout j.key -subj /CN=jane/O=devs -out j.csr 2>/dev/null; printf '{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"NAMESPACE"},"spec":{"request":"%s","signerName":"kubernetes.io/kube-apiserver-client","usages":["client auth"]}}' "$(base64 -w0 <j.csr)" | kubectl create -f -`,
      out: /created$/,
    },
    { command: 'kubectl certificate approve NAMESPACE', out: /approved$/ },
    {
      command: `kubectl wait csr/NAMESPACE --for=jsonpath='{.spec.username}'=kubernetes-admin && sleep 1 && kubectl get csr NAMESPACE --no-headers`,
      out: /Approved,Issued$/,
    },
    {
      command: `kubectl get csr NAMESPACE -o jsonpath='{.status.certificate}' | base64 -d >j.crt; kubectl config set-credentials jane --client-key=j.key --client-certificate=j.crt --embed-certs`,
      out: 'User "jane" set.',
    },
    {
      command: 'kubectl --user=jane get secrets',
      code: 1,
      err: 'Error from server (Forbidden): secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "NAMESPACE"',
    },
    { command: 'kubectl describe csr NAMESPACE', out: /Status: Approved,Issued/ },
    { command: 'kubectl delete csr NAMESPACE', out: /deleted$/ },
    { command: `kubectl get --raw '/readyz?verbose' | tail -1`, out: 'readyz check passed' },
  ],
};

if (kubectls.length === 0)
  test('every command of a real kubectl: NOT RUN, there is none on PATH nor in REAL_KUBECTL', () => {
    console.warn('NOT RUN: every command of a real kubectl: none on PATH nor in REAL_KUBECTL');
  });
else
  describe.each(kubectls)('kubectl 1.$minor', ({ path, minor }) => {
    let lab: TestEngine;
    let session: Session;
    const namespace = `real-${minor}`;
    const own = (text: string): string => text.replaceAll('NAMESPACE', namespace);

    beforeAll(async () => {
      lab = await startEngine();
      const { kubeconfig } = await lab.engine.create(clusterSpec());
      await lab.engine.advance('test', 30_000);
      const advance = async (ms: number): Promise<void> =>
        void (await lab.engine.advance('test', ms));
      session = new Session({ kubectl: path, kubeconfig, advance });
      for (const [name, body] of Object.entries(files))
        await session.run({ kind: 'file', name, body: own(body) });
      await session.run({ kind: 'ns', name: namespace });
    });
    afterAll(async () => {
      session.close();
      await lab.stop();
    });

    const rows = Object.entries(table).flatMap(([area, each]) =>
      each
        .filter(({ since = 0 }) => minor >= since)
        .map((row) => ({ name: `${area}: ${row.command}`, row })),
    );
    test.each(rows)('$name', async ({ row: { command, code = 0, out, err = '' } }) => {
      const got = await session.shell(own(command));
      const stdout = masked(got.stdout);
      const stderr = masked(got.stderr);
      const wanted = typeof err === 'string' ? own(err) : err;
      if (typeof wanted === 'string') expect(stderr).toBe(wanted);
      else expect(stderr).toMatch(wanted);
      expect(got.code, stdout).toBe(code);
      if (typeof out === 'string') expect(stdout).toBe(out);
      else if (out) expect(stdout).toMatch(out);
    });
  });

import { expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run } = kubectlPlane(['create deployment web --image=nginx']);

test('an autoscaler is made and described as upstream does', async () => {
  expect(await run('autoscale deploy web --min=2 --max=4 --cpu=70% --memory=512')).toEqual({
    stdout: 'horizontalpodautoscaler.autoscaling/web autoscaled\n',
    stderr: '',
    code: 0,
  });
  const { stdout } = await run('describe hpa web');
  expect(stdout.replace(/CreationTimestamp: .*/, 'CreationTimestamp:')).toBe(
    `Name:                                                  web
Namespace:                                             default
Labels:                                                <none>
Annotations:                                           <none>
CreationTimestamp:
Reference:                                             Deployment/web
Metrics:                                               ( current / target )
  resource cpu on pods  (as a percentage of request):  <unknown> / 70%
  resource memory on pods:                             <unknown> / 512Mi
Min replicas:                                          2
Max replicas:                                          4
Deployment pods:                                       0 current / 0 desired
Events:                                                <none>
`,
  );
});

test.each([
  ['autoscale deploy web', 'required flag(s) "max" not set'],
  ['autoscale deploy web --max=0', '--max=MAXPODS is required and must be at least 1, max: 0'],
  [
    'autoscale deploy web --max=1 --min=2',
    '--max=MAXPODS must be larger or equal to --min=MINPODS, max: 1, min: 2',
  ],
  ['autoscale deploy web --max=1 --cpu=x', 'invalid resource cpu value: x'],
  ['autoscale deploy web --max=1 --cpu=x%', 'invalid percentage value: x'],
  [
    'autoscale svc kubernetes --max=1',
    'cannot autoscale a Service: could not find scale subresource for /v1, Resource=services in discovery information',
  ],
])('%s is refused', async (line, message) => {
  expect(await run(line)).toEqual({ stdout: '', stderr: `error: ${message}\n`, code: 1 });
});

test('a percentage by the old flag still counts, with a warning', async () => {
  const { stdout, stderr } = await run(
    'autoscale deploy web --max=3 --cpu-percent=80 --dry-run=client -o jsonpath={.spec.metrics[0].resource.target.averageUtilization}',
  );
  expect(stdout).toBe('80');
  expect(stderr).toMatch(/^Flag --cpu-percent has been deprecated, Use --cpu /);
});

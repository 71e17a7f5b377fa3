import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseYaml } from '../../../../../src-main/core/kube/machinery/index.ts';
import { parseSchedulerConfiguration } from '../../../../../src-main/core/kube/scheduler/index.ts';
import { node, pod, schedulerBench } from './bench.ts';

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';
const failing = 'initializing profiles: creating profile for scheduler name default-scheduler: ';

test.each([
  {
    yaml: 'apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration',
    error:
      'no kind "KubeSchedulerConfiguration" is registered for version "kubescheduler.config.k8s.io/v1beta3" in scheme "pkg/runtime/scheme.go:111"',
  },
  { yaml: `${head}foo: 1`, error: 'strict decoding error: unknown field "foo"' },
  {
    yaml: `${head}profiles: [{schedulerNam: x, plugins: {scor: {enabled: []}}}]`,
    error:
      'strict decoding error: unknown field "profiles[0].plugins.scor", unknown field "profiles[0].schedulerNam"',
  },
  {
    yaml: `${head}profiles: 3`,
    error:
      'json: cannot unmarshal number into Go struct field KubeSchedulerConfiguration.profiles of type []v1.KubeSchedulerProfile',
  },
  {
    yaml: `${head}percentageOfNodesToScore: abc`,
    error:
      'json: cannot unmarshal string into Go struct field KubeSchedulerConfiguration.percentageOfNodesToScore of type int32',
  },
  {
    yaml: `${head}percentageOfNodesToScore: 101\npodInitialBackoffSeconds: 0`,
    error:
      '[percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100], podInitialBackoffSeconds: Invalid value: 0: must be greater than 0]',
  },
  {
    yaml: `${head}profiles: [{schedulerName: a}, {schedulerName: a}]`,
    error: 'profiles[1].schedulerName: Duplicate value: {}',
  },
  {
    yaml: `${head}profiles: [{}, {schedulerName: a}]`,
    error: 'profiles[0].schedulerName: Required value',
  },
  {
    yaml: `${head}profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 200}}, {name: InterPodAffinity, args: {}}]}]`,
    error:
      '[profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 200: not in valid range [0, 100], profiles[0].pluginConfig[1]: Duplicate value: "InterPodAffinity"]',
  },
  {
    yaml: `${head}profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPod: 200}}]}]`,
    error:
      'strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: decoding args for plugin InterPodAffinity: strict decoding error: unknown field "hardPod"',
  },
  {
    yaml: `${head}profiles: [{plugins: {score: {enabled: [{name: Nope}]}}}]`,
    error: `${failing}ScorePlugin "Nope" does not exist`,
  },
  {
    yaml: `${head}profiles: [{plugins: {multiPoint: {enabled: [{name: Nope}]}}}]`,
    error: `${failing}PreFilterPlugin "Nope" does not exist`,
  },
  {
    yaml: `${head}profiles: [{plugins: {filter: {enabled: [{name: ImageLocality}]}}}]`,
    error: `${failing}plugin "ImageLocality" does not extend FilterPlugin plugin`,
  },
  {
    yaml: `${head}profiles: [{plugins: {bind: {disabled: [{name: '*'}]}}}]`,
    error: `${failing}at least one bind plugin is needed for profile with scheduler name "default-scheduler"`,
  },
  {
    yaml: `${head}profiles: [{plugins: {queueSort: {disabled: [{name: '*'}]}}}]`,
    error: `${failing}only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0`,
  },
  {
    yaml: `${head}profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Foo}}}]}]`,
    error: `${failing}initializing plugin "NodeResourcesFit": scoringStrategy.type: Unsupported value: "Foo": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`,
  },
])('a file is refused: $error', ({ yaml, error }) => {
  expect(parseSchedulerConfiguration(parseYaml(yaml))).toBe(error);
});

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'configurations.json'), 'utf8'),
) as { name: string; configuration: string; error: string | null }[];

test.each(recorded)('a real kube-scheduler says the same of $name', ({ configuration, error }) => {
  const parsed = parseSchedulerConfiguration(parseYaml(configuration));
  expect(typeof parsed === 'string' ? parsed : null).toBe(error);
});

test('a second profile places by its own plugins', async () => {
  const bench = await schedulerBench({
    profiles: [
      { schedulerName: 'default-scheduler' },
      {
        schedulerName: 'packing',
        plugins: { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit' }] } },
        pluginConfig: [
          { name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } },
        ],
      },
    ],
  });
  const requests = { cpu: '100m', memory: '100Mi' };
  await bench.add(
    node('big', { allocatable: { cpu: '64', memory: '64Gi' } }),
    node('small'),
    pod('spread', {}, { requests }),
    pod('packed', { schedulerName: 'packing' }, { requests }),
  );
  await bench.settle();
  expect([(await bench.pod('spread')).node, (await bench.pod('packed')).node]).toEqual([
    'big',
    'small',
  ]);
});

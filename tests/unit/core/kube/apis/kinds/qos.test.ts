import { describe, expect, it } from 'vitest';
import { qosClass } from '../../../../../../src-main/core/kube/apis/index.ts';

type Resources = NonNullable<Parameters<typeof qosClass>[0]['resources']>;

const small = { cpu: '100m', memory: '64Mi' };

describe('the quality of service of a pod', () => {
  const rows: readonly [
    name: string,
    containers: Resources[],
    pod: Resources | undefined,
    string,
  ][] = [
    ['nothing asked for', [{}, {}], undefined, 'BestEffort'],
    ['other resources', [{ requests: { 'ephemeral-storage': '1Gi' } }], undefined, 'BestEffort'],
    ['requests alone', [{ requests: small }], undefined, 'Burstable'],
    ['equal requests', [{ limits: small, requests: small }], undefined, 'Guaranteed'],
    ['one container without', [{ limits: small, requests: small }, {}], undefined, 'Burstable'],
    [
      'requests of zero below limits',
      [{ limits: small, requests: { cpu: '0', memory: '0' } }],
      undefined,
      'Burstable',
    ],
    ['pod-level requests', [{}], { limits: small, requests: small }, 'Guaranteed'],
    ['pod-level over containers', [{ requests: small }], {}, 'BestEffort'],
  ];
  it.each(rows)('%s', (_name, containers, resources, expected) => {
    const spec = { containers: containers.map((each) => ({ name: 'c', resources: each })) };
    expect(qosClass(resources ? { ...spec, resources } : spec)).toBe(expected);
  });
});

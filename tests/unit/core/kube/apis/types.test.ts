import { describe, expectTypeOf, test } from 'vitest';
import type { DeepReadonly } from '#core/base';
import type {
  Deployment,
  HorizontalPodAutoscaler,
  KindOf,
  Pod,
  PodList,
  PodSpec,
  ResourceName,
} from '../../../../../src-main/core/kube/apis/index.ts';
import type { KubeObject } from '../../../../../src-main/core/kube/machinery/index.ts';

describe('generated types', () => {
  test('every kind is a KubeObject, also read-only', () => {
    expectTypeOf<KindOf[ResourceName]>().toExtend<KubeObject>();
    expectTypeOf<DeepReadonly<Pod>>().toExtend<DeepReadonly<KubeObject>>();
  });

  test('resources name their preferred kinds', () => {
    expectTypeOf<KindOf['pods']>().toEqualTypeOf<Pod>();
    expectTypeOf<KindOf['deployments.apps']>().toEqualTypeOf<Deployment>();
    expectTypeOf<
      KindOf['horizontalpodautoscalers.autoscaling']
    >().toEqualTypeOf<HorizontalPodAutoscaler>();
    expectTypeOf<PodList['items']>().toEqualTypeOf<Pod[]>();
  });

  test('required and optional fields are upstream’s', () => {
    expectTypeOf<PodSpec['containers'][number]['name']>().toEqualTypeOf<string>();
    expectTypeOf<PodSpec['nodeName']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<PodSpec['restartPolicy']>().toEqualTypeOf<string | undefined>();
  });
});

import { seededRandom } from '#core/base';
import { load } from 'js-yaml';
import { TestState } from '#tests/server-state';
import {
  createCrdRegistry,
  type CrdRegistry,
  customResourceDefinitionStrategy,
  reconcileCrdStatus,
} from '../../../../../../src-main/core/kube/apiserver/crds/index.ts';
import type {
  FieldError,
  KindStrategy,
  ResourceInfo,
} from '../../../../../../src-main/core/kube/apis/index.ts';
import type { KubeObject } from '../../../../../../src-main/core/kube/machinery/index.ts';

export const nowMs = Date.parse('2026-01-01T10:00:00Z');
export const group = 'apiextensions.k8s.io';
export const resource = 'customresourcedefinitions';
export const notChecked =
  '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
export const texts = (errors: readonly FieldError[] | undefined): string[] =>
  (errors ?? []).map(({ field, message }) => `${field ?? ''}: ${message ?? ''}`);

/** A definition as the server stores it after its first writes. */
export function established(state: TestState, crd: KubeObject): KubeObject {
  customResourceDefinitionStrategy.defaults?.(crd);
  customResourceDefinitionStrategy.prepareForCreate?.(crd, { nowMs });
  state.put(group, resource, crd);
  const next = reconcileCrdStatus(crd, state.list(group, resource), nowMs) ?? crd;
  state.put(group, resource, next);
  return next;
}

export interface Served {
  readonly registry: CrdRegistry;
  readonly info: ResourceInfo;
  readonly strategy: KindStrategy;
  readonly state: TestState;
}

export function serve(crd: KubeObject): Served {
  const state = new TestState();
  established(state, crd);
  const registry = createCrdRegistry({ state, random: seededRandom('crd') });
  registry.sync();
  const [info] = registry.resources();
  const strategy = info && registry.strategyFor(info);
  if (!info || !strategy) throw new Error('not served');
  return { registry, info, strategy, state };
}

export const backups = (): KubeObject =>
  load(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: backups.g.example.com}
spec:
  group: g.example.com
  scope: Namespaced
  names: {plural: backups, kind: Backup, shortNames: [bk], categories: [all]}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}, scale: {specReplicasPath: .spec.copies, statusReplicasPath: .status.copies}}
      selectableFields: [{jsonPath: .spec.mode}]
      additionalPrinterColumns:
        - {name: Schedule, type: string, jsonPath: .spec.schedule}
        - {name: Copies, type: integer, jsonPath: .spec.copies}
        - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
        - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [schedule]
              x-kubernetes-validations:
                - {rule: "self.copies <= 10 || self.mode == 'bulk'", message: "more than 10 copies need mode bulk"}
              properties:
                schedule: {type: string, pattern: "^[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+$"}
                copies: {type: integer, minimum: 1, default: 2, description: how many copies are kept}
                mode: {type: string, enum: [fast, bulk], default: fast}
            status: {type: object, x-kubernetes-preserve-unknown-fields: true}
`) as KubeObject;

export const backup = (spec: object, more: object = {}): KubeObject => ({
  apiVersion: 'g.example.com/v1',
  kind: 'Backup',
  metadata: { name: 'nightly', namespace: 'ns' },
  spec,
  ...more,
});

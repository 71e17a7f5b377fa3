import type { KindStrategy } from '../../kind-strategy.ts';
import { view } from '../core/pod-types.ts';
import { bumpGeneration, keepSpec, keepStatus } from '../strategy.ts';

type Fields = Record<string, unknown>;

/** Flow control counts changes of the spec and has a status. */
const flowControl = (kind: string): KindStrategy => ({
  group: 'flowcontrol.apiserver.k8s.io',
  kind,
  unconditionalUpdate: true,
  hasGeneration: true,
  prepareForCreate(draft) {
    draft['status'] = {};
    draft.metadata.generation = 1;
  },
  prepareForStatusUpdate: keepSpec,
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    bumpGeneration(draft, old);
  },
});

const flowSchemaStrategy: KindStrategy = {
  ...flowControl('FlowSchema'),
  defaults(draft) {
    const spec = (draft['spec'] ??= {}) as Fields;
    spec['matchingPrecedence'] ||= 1000;
    draft['status'] ??= {};
  },
};

interface Limited {
  nominalConcurrencyShares?: number;
  lendablePercent?: number;
  limitResponse?: {
    queuing?: { handSize?: number; queues?: number; queueLengthLimit?: number };
  };
}

const priorityLevelStrategy: KindStrategy = {
  ...flowControl('PriorityLevelConfiguration'),
  defaults(draft) {
    const { spec } = view<{ spec?: { limited?: Limited; exempt?: Limited } }>(draft);
    if (spec?.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (spec?.limited) {
      spec.limited.nominalConcurrencyShares ??= 30;
      spec.limited.lendablePercent ??= 0;
      const queuing = spec.limited.limitResponse?.queuing;
      if (queuing) {
        queuing.handSize ||= 8;
        queuing.queues ||= 64;
        queuing.queueLengthLimit ||= 50;
      }
    }
    draft['status'] ??= {};
  },
};

/** Kinds of API priority and fairness. */
export const flowControlStrategies: readonly KindStrategy[] = [
  flowSchemaStrategy,
  priorityLevelStrategy,
];

import { at, has, type Json, list, map, num, strings, text } from '../json-view.ts';
import { quote } from '../go-text.ts';
import { type Description, head, timeText } from './writer.ts';

/** @see k8s.io/kubectl/pkg/describe, describeHorizontalPodAutoscalerV2 */
export function describeAutoscaler(out: Description, object: Json): void {
  head(out, object);
  const target = map(object, 'spec', 'scaleTargetRef');
  out.line(0, 'CreationTimestamp:', timeText(text(object, 'metadata', 'creationTimestamp')));
  out.line(0, 'Reference:', `${text(target, 'kind')}/${text(target, 'name')}`);
  out.line(0, 'Metrics:', '( current / target )');
  list(object, 'spec', 'metrics').forEach((metric, index) => {
    out.raw(`${metricLine(metric, at(object, 'status', 'currentMetrics', index))}\n`);
  });
  const min = at(object, 'spec', 'minReplicas');
  out.line(0, 'Min replicas:', min === undefined ? '<unset>' : text(object, 'spec', 'minReplicas'));
  out.line(0, 'Max replicas:', String(num(object, 'spec', 'maxReplicas')));
  if (has(object, 'spec', 'behavior')) {
    out.line(0, 'Behavior:');
    direction(out, 'Scale Up', at(object, 'spec', 'behavior', 'scaleUp'));
    direction(out, 'Scale Down', at(object, 'spec', 'behavior', 'scaleDown'));
  }
  out.line(
    0,
    `${text(target, 'kind')} pods:`,
    `${num(object, 'status', 'currentReplicas')} current / ${num(object, 'status', 'desiredReplicas')} desired`,
  );
  const conditions = list(object, 'status', 'conditions');
  if (conditions.length === 0) return;
  out.line(0, 'Conditions:');
  out.line(1, 'Type', 'Status', 'Reason', 'Message').line(1, '----', '------', '------', '-------');
  for (const condition of conditions) {
    const { type, status, reason, message } = strings(condition);
    out.line(1, type ?? '', status ?? '', reason ?? '', message ?? '');
  }
}

const unknown = '<unknown>';

function metricLine(metric: unknown, current: unknown): string {
  const type = text(metric, 'type');
  const kind = `${type.charAt(0).toLowerCase()}${type.slice(1)}`;
  const source = map(metric, kind);
  const target = map(source, 'target');
  const now = at(current, kind, 'current');
  const averaged = has(target, 'averageValue');
  const amount = (field: string): string =>
    has(now, field) ? text(now, field) : now === undefined ? unknown : '0';
  const name = text(source, 'metric', 'name');
  switch (type) {
    case 'External':
      return averaged
        ? `  ${quote(name)} (target average value):\t${has(now, 'averageValue') ? text(now, 'averageValue') : unknown} / ${text(target, 'averageValue')}`
        : `  ${quote(name)} (target value):\t${amount('value')} / ${text(target, 'value')}`;
    case 'Pods':
      return `  ${quote(name)} on pods:\t${amount('averageValue')} / ${text(target, 'averageValue')}`;
    case 'Object': {
      const described = map(source, 'describedObject');
      const isAverage = text(target, 'type') === 'AverageValue';
      const field = isAverage ? 'averageValue' : 'value';
      return `  "${name}" on ${text(described, 'kind')}/${text(described, 'name')} (target ${isAverage ? 'average ' : ''}value):\t${amount(field)} / ${text(target, field)}`;
    }
    case 'Resource':
    case 'ContainerResource': {
      const container = type === 'Resource' ? '' : ` of container "${text(source, 'container')}"`;
      const lead = `  resource ${text(source, 'name')}${container} on pods`;
      if (averaged) return `${lead}:\t${amount('averageValue')} / ${text(target, 'averageValue')}`;
      const share = has(now, 'averageUtilization')
        ? `${num(now, 'averageUtilization')}% (${amount('averageValue')})`
        : unknown;
      const wanted = has(target, 'averageUtilization')
        ? `${num(target, 'averageUtilization')}%`
        : '<auto>';
      return `${lead}  (as a percentage of request):\t${share} / ${wanted}`;
    }
    default:
      return `  <unknown metric type ${quote(type)}>`;
  }
}

function direction(out: Description, title: string, rules: unknown): void {
  if (rules === undefined || rules === null) return;
  out.line(1, `${title}:`);
  if (has(rules, 'stabilizationWindowSeconds'))
    out.line(2, `Stabilization Window: ${num(rules, 'stabilizationWindowSeconds')} seconds`);
  const policies = list(rules, 'policies');
  if (policies.length === 0) return;
  out.line(2, `Select Policy: ${text(rules, 'selectPolicy') || 'Max'}`).line(2, 'Policies:');
  for (const policy of policies)
    out.line(
      3,
      `- Type: ${text(policy, 'type')}`,
      `Value: ${num(policy, 'value')}`,
      `Period: ${num(policy, 'periodSeconds')} seconds`,
    );
}

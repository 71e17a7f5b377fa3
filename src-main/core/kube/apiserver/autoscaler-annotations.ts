import { at, isMap, type JsonMap, mapOf, mapsOf } from './fields/index.ts';

// What version 1 of autoscalers has no fields for is kept in annotations, in the forms upstream writes there: metrics
// as version 1's own types, behavior as Go's internal one, which has no JSON names.

const lower = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);
const given = (fields: JsonMap): JsonMap =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A metric of version 2 as version 1's annotation holds it. */
export function metricToV1(metric: JsonMap): JsonMap {
  const type = String(metric['type']);
  const key = lower(type);
  const source = mapOf(metric[key]);
  const target = mapOf(source['target']);
  const { averageUtilization, averageValue, value } = target;
  const of = mapOf(source['metric']);
  const forms: Readonly<Record<string, JsonMap>> = {
    resource: {
      name: source['name'],
      targetAverageUtilization: averageUtilization,
      targetAverageValue: averageValue,
    },
    containerResource: {
      name: source['name'],
      targetAverageUtilization: averageUtilization,
      targetAverageValue: averageValue,
      container: source['container'],
    },
    object: {
      target: source['describedObject'],
      metricName: of['name'],
      targetValue: value ?? '0',
      selector: of['selector'],
      averageValue,
    },
    pods: { metricName: of['name'], targetAverageValue: averageValue, selector: of['selector'] },
    external: {
      metricName: of['name'],
      metricSelector: of['selector'],
      targetValue: value,
      targetAverageValue: averageValue,
    },
  };
  return { type, [key]: given(forms[key] ?? source) };
}

/** A metric of version 1's annotation in version 2; one that has version 2's form already stays. */
export function metricToV2(metric: JsonMap): JsonMap {
  const type = String(metric['type']);
  const key = lower(type);
  const source = mapOf(metric[key]);
  if (isMap(source['target']) && at(source, 'target', 'type') !== undefined) return metric;
  const utilization = source['targetAverageUtilization'];
  const averageValue = source['targetAverageValue'] ?? source['averageValue'];
  const byUse = {
    type: utilization === undefined ? 'AverageValue' : 'Utilization',
    averageUtilization: utilization,
    averageValue,
  };
  const byValue = (value: unknown, isAverage: boolean): JsonMap => ({
    type: isAverage ? 'AverageValue' : 'Value',
    value: isAverage && value === '0' ? undefined : value,
    averageValue,
  });
  const selected = given({
    name: source['metricName'],
    selector: source['selector'] ?? source['metricSelector'],
  });
  const forms: Readonly<Record<string, JsonMap>> = {
    resource: { name: source['name'], target: given(byUse) },
    containerResource: {
      name: source['name'],
      container: source['container'],
      target: given(byUse),
    },
    object: {
      describedObject: source['target'],
      metric: selected,
      target: given(byValue(source['targetValue'], averageValue !== undefined)),
    },
    pods: { metric: selected, target: given({ type: 'AverageValue', averageValue }) },
    external: {
      metric: selected,
      target: given(byValue(source['targetValue'], source['targetValue'] === undefined)),
    },
  };
  return { type, [key]: forms[key] ?? source };
}

const rulesFields = ['stabilizationWindowSeconds', 'selectPolicy', 'policies', 'tolerance'];
const policyFields = ['type', 'value', 'periodSeconds'];
const upper = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** Behavior as Go's internal type is written. */
export function behaviorToV1(behavior: JsonMap): JsonMap {
  const rules = (value: unknown): unknown =>
    isMap(value)
      ? Object.fromEntries(
          rulesFields.map((field) => [
            upper(field),
            field === 'policies' && Array.isArray(value[field])
              ? mapsOf(value[field]).map((policy) =>
                  Object.fromEntries(policyFields.map((each) => [upper(each), policy[each]])),
                )
              : (value[field] ?? null),
          ]),
        )
      : null;
  return { ScaleUp: rules(behavior['scaleUp']), ScaleDown: rules(behavior['scaleDown']) };
}

/** The other way. */
export function behaviorToV2(behavior: JsonMap): JsonMap {
  const rules = (value: unknown): JsonMap | undefined =>
    isMap(value)
      ? Object.fromEntries(
          rulesFields
            .filter((field) => (value[upper(field)] ?? null) !== null)
            .map((field) => [
              field,
              field === 'policies'
                ? mapsOf(value['Policies']).map((policy) =>
                    Object.fromEntries(policyFields.map((each) => [each, policy[upper(each)]])),
                  )
                : value[upper(field)],
            ]),
        )
      : undefined;
  return given({ scaleUp: rules(behavior['ScaleUp']), scaleDown: rules(behavior['ScaleDown']) });
}

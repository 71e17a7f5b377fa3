import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { jsonClone } from '../../../../../../src-main/core/base/index.ts';
import { type FieldError, strategyFor } from '../../../../../../src-main/core/kube/apis/index.ts';
import type { KubeObject } from '../../../../../../src-main/core/kube/machinery/index.ts';

interface Recording {
  name: string;
  object: KubeObject;
  answer: {
    code: number;
    message?: string;
    causes?: FieldError[];
    warnings?: string[];
    spec?: Record<string, unknown>;
    type?: string;
    data?: unknown;
  };
}

const recordings = JSON.parse(
  readFileSync(new URL('recordings.json', import.meta.url), 'utf8'),
) as Recording[];
const context = { nowMs: Date.parse('2026-01-01T10:00:00Z') };

/** What the strategy makes of an object on its way in. */
function admit(recording: Recording): {
  object: KubeObject;
  causes: FieldError[];
  warnings: string[];
} {
  const object = jsonClone(recording.object);
  const group = object.apiVersion.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : '';
  const strategy = strategyFor(group, object.kind);
  object.metadata.namespace = 'default';
  object.metadata.uid = '00000000-0000-4000-8000-000000000000';
  const warnings: string[] = [];
  strategy?.defaults?.(object);
  strategy?.prepareForCreate?.(object, { ...context, warn: (text) => void warnings.push(text) });
  const { name = '' } = object.metadata;
  const rule = strategy?.nameRule;
  // The server asks for the name as the kind wants it before the kind itself is asked.
  const nameCauses = (typeof rule === 'function' ? rule(name, object) : []).map((why) => ({
    reason: 'FieldValueInvalid',
    field: 'metadata.name',
    message: `Invalid value: ${JSON.stringify(name)}: ${why}`,
  }));
  const first = strategy?.validateFirst?.(object) ?? [];
  return {
    object,
    causes:
      first.length > 0 ? first : [...nameCauses, ...(strategy?.validate?.(object, context) ?? [])],
    warnings: [...warnings, ...(strategy?.warnings?.(object) ?? [])],
  };
}

const sorted = (causes: readonly FieldError[]): string[] =>
  causes.map(({ field, reason, message }) => `${field} (${reason}) ${message}`).sort();

const added = new Set([
  'priority',
  'preemptionPolicy',
  'tolerations',
  'serviceAccount',
  'serviceAccountName',
]);

/** Leaves out what admission plugins and allocators add to a pod. */
function withoutAdmission(spec: Record<string, unknown> | undefined): unknown {
  if (!spec) return spec;
  const text = JSON.stringify(spec, (key, value: unknown) => {
    if (added.has(key)) return undefined;
    if (!Array.isArray(value)) return value;
    const kept = value.filter(
      (item: { name?: string; mountPath?: string } | null) =>
        !item?.name?.startsWith('kube-api-access-'),
    );
    return kept.length === 0 && value.length > 0 ? undefined : kept;
  });
  return JSON.parse(
    text.replace(/"[^"]*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"/g, '"uid"'),
  ) as unknown;
}

interface Update {
  name: string;
  old: KubeObject;
  object: KubeObject;
  causes: FieldError[];
}

const updates = JSON.parse(
  readFileSync(new URL('updates.json', import.meta.url), 'utf8'),
) as Update[];

describe('updates a real API server refused', () => {
  it.each(updates)('$name', ({ old, object, causes }) => {
    const draft = jsonClone(object);
    const group = draft.apiVersion.includes('/') ? (draft.apiVersion.split('/')[0] ?? '') : '';
    const strategy = strategyFor(group, draft.kind);
    strategy?.defaults?.(draft);
    strategy?.prepareForUpdate?.(draft, old, context);
    expect(strategy?.validateUpdate?.(draft, old, context)).toEqual(causes);
  });
});

describe('answers of a real API server', () => {
  it.each(recordings.filter(({ answer }) => answer.causes))('$name: same causes', (recording) => {
    expect(sorted(admit(recording).causes)).toEqual(sorted(recording.answer.causes ?? []));
  });

  it.each(recordings.filter(({ answer }) => answer.code === 201 && answer.spec))(
    '$name: same defaults',
    (recording) => {
      const { object, causes } = admit(recording);
      const { spec, type, data } = recording.answer;
      expect(causes).toEqual([]);
      expect(withoutAdmission(object['spec'] as Record<string, unknown> | undefined)).toEqual(
        withoutAdmission(spec),
      );
      expect({ type: object['type'], data: object['data'] }).toEqual({ type, data });
    },
  );

  it.each(recordings.filter(({ answer }) => answer.warnings))(
    '$name: same warnings',
    (recording) => {
      // That a whole kind is deprecated is said by the server, not by the kind.
      const own = recording.answer.warnings?.filter((text) => !text.startsWith('v1 Endpoints is'));
      expect(admit(recording).warnings).toEqual(own);
    },
  );
});

import { quoted } from '#core/base';
import type { StatusCause } from '../../../machinery/index.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';

export interface LevelVersion {
  readonly level: Level;
  /** Minor of `v1.x`; Infinity is `latest`. */
  readonly minor: number;
}

export interface PodSecurityPolicy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

const levels: readonly Level[] = ['privileged', 'baseline', 'restricted'];
const prefix = 'pod-security.kubernetes.io/';

export function formatLevel({ level, minor }: LevelVersion): string {
  return `${level}:${minor === Infinity ? 'latest' : `v1.${minor}`}`;
}

/** Negative when `a` is laxer than `b`. */
export function compareLevels(a: Level, b: Level): number {
  return levels.indexOf(a) - levels.indexOf(b);
}

/**
 * The policy that the labels of a namespace ask for. Labels that cannot be read are errors, and count as
 * restricted for enforcing and as privileged for the rest.
 * @see k8s.io/pod-security-admission/api/helpers.go, PolicyToEvaluate
 */
export function policyOfLabels(labels: Readonly<Record<string, string>>): {
  readonly policy: PodSecurityPolicy;
  readonly errors: readonly StatusCause[];
} {
  const errors: StatusCause[] = [];
  const reject = (label: string, value: string, rule: string): void => {
    errors.push({
      reason: 'FieldValueInvalid',
      field: `metadata.labels[${prefix}${label}]`,
      message: `Invalid value: ${quoted(value)}: ${rule}`,
    });
  };
  const read = (mode: string, fallback: Level): LevelVersion & { readonly valid: boolean } => {
    const value = labels[prefix + mode];
    let level: Level = 'privileged';
    let valid = false;
    if (value !== undefined) {
      valid = (levels as readonly string[]).includes(value);
      level = valid ? (value as Level) : fallback;
      if (!valid) reject(mode, value, `must be one of ${levels.join(', ')}`);
    }
    const version = labels[`${prefix}${mode}-version`];
    let minor = Infinity;
    if (version !== undefined && version !== 'latest') {
      const match = /^v1\.([0-9]|[1-9][0-9]*)$/.exec(version);
      if (match) minor = Number(match[1]);
      else reject(`${mode}-version`, version, 'must be "latest" or "v1.x"');
    }
    return { level, minor, valid };
  };
  const enforce = read('enforce', 'restricted');
  const audit = read('audit', 'privileged');
  let warn: LevelVersion = read('warn', 'privileged');
  // Who enforces is warned as well, unless the labels say otherwise.
  if (
    labels[`${prefix}warn`] === undefined &&
    enforce.valid &&
    compareLevels(enforce.level, warn.level) > 0
  ) {
    const own = labels[`${prefix}warn-version`] !== undefined;
    warn = { level: enforce.level, minor: own ? warn.minor : enforce.minor };
  }
  const plain = ({ level, minor }: LevelVersion): LevelVersion => ({ level, minor });
  return {
    policy: { enforce: plain(enforce), audit: plain(audit), warn: plain(warn) },
    errors,
  };
}

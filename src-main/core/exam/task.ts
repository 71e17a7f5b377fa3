import type { Assertion } from './assertion.ts';

/** A text in both languages. */
export interface Bilingual {
  readonly ko: string;
  readonly en: string;
}

/** The five domains of the CKA curriculum. */
export type Domain = 'architecture' | 'workloads' | 'networking' | 'storage' | 'troubleshooting';

/** `quick` up to 240 s, `core` up to 540 s, `deep` up to 840 s for somebody who is ready for the exam. */
export type Tier = 'quick' | 'core' | 'deep';

export type Scalar = string | number | boolean;

/** What a seeded parameter is drawn from: one of a list (of scalars, or of records), or an integer of a closed range. */
export type ParamSpec =
  | { readonly pick: readonly (Scalar | Readonly<Record<string, Scalar>>)[] }
  | { readonly int: readonly [number, number] };

/** Drawn parameters; the fields of a record stand below its name: `fault.image`. */
export type Params = Readonly<Record<string, Scalar>>;

/** Holds for drawn parameters when each named one has the value. */
export type When = Readonly<Record<string, Scalar>>;

/** One step from a fresh cluster to the start of the task, in order. */
export type SeedStep = { readonly when?: When } & (
  | { readonly apply: string }
  | { readonly file: HostPath & { readonly content: string; readonly mode?: string } }
  /** Replaces a text that stands exactly once in the file. */
  | { readonly edit: HostPath & { readonly replace: string; readonly with: string } }
  | {
      readonly unit: {
        readonly host: string;
        readonly name: string;
        readonly state?: 'started' | 'stopped';
        readonly boot?: 'enabled' | 'disabled';
      };
    }
  | { readonly settle: { readonly seconds: number } }
  | { readonly advance: { readonly seconds: number } }
);

export interface HostPath {
  readonly host: string;
  readonly path: string;
}

/** A named misconception: shown with a failed check when its assertion holds, or always without one. */
export interface Miss {
  readonly when?: Assertion;
  readonly why: Bilingual;
  readonly lesson?: string;
  readonly cards?: readonly string[];
}

export interface Check {
  readonly id: string;
  readonly description: Bilingual;
  /** 0 for a gate. */
  readonly points: number;
  /** Zeroes the task when it fails. */
  readonly gate?: boolean;
  readonly assert: Assertion;
  readonly miss?: readonly Miss[];
}

export interface Quickref {
  readonly label: Bilingual;
  readonly url: string;
}

/** A script that does not solve the task, and the percentages of the points it may get. */
export interface WrongSolution {
  readonly file: string;
  readonly score: readonly [number, number];
  readonly when?: When;
}

/** A task as it is written: names are parameters in braces. */
export interface Task {
  readonly id: string;
  readonly version: number;
  readonly title: Bilingual;
  readonly domain: Domain;
  readonly competencies: readonly string[];
  readonly tier: Tier;
  readonly targetSeconds: number;
  /** Points in an exam, as the exam's weight of a task: 1 to 13. */
  readonly weight: number;
  readonly lab: {
    /** `base+1cp+2w`. */
    readonly topology: string;
    /** Machine to `ssh` to from `base`. */
    readonly host: string;
    readonly namespace?: string;
    /** Breaks what other tasks share: has a cluster of its own in an exam. */
    readonly isolated: boolean;
  };
  readonly params: Readonly<Record<string, ParamSpec>>;
  readonly seed: readonly SeedStep[];
  readonly checks: readonly Check[];
  /** From a nudge to nearly the answer. */
  readonly hints: readonly Bilingual[];
  readonly quickref: readonly Quickref[];
  readonly lesson?: string;
  /** Cards that fall due when a check fails and its miss names none; absent: those of the competencies. */
  readonly cards?: readonly string[];
  readonly wrong: readonly WrongSolution[];
  readonly text: Bilingual;
  readonly solution: Bilingual;
  /** Manifests of `seed/` by file name. */
  readonly manifests: Readonly<Record<string, string>>;
  /** Shell scripts of `solutions/` by file name; `ref.sh` and `alt-*.sh` earn full marks. */
  readonly scripts: Readonly<Record<string, string>>;
}

/** An exam as it is written: tasks are drawn when it starts. */
export interface Blueprint {
  readonly id: string;
  readonly title: Bilingual;
  readonly minutes: number;
  readonly taskCount: number;
  readonly passPercent: number;
  /** Shares of the domains, percent. */
  readonly domains: Readonly<Record<Domain, number>>;
  /** Tasks it may draw; absent: all. */
  readonly tasks?: readonly string[];
}

/** In the order of the curriculum's weights. */
export const domains: readonly Domain[] = [
  'troubleshooting',
  'architecture',
  'networking',
  'workloads',
  'storage',
];

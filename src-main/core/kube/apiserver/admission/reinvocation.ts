import { jsonClone, jsonEqual } from '#core/base';
import type { AdmissionPlugin, AdmissionRequest } from '../types.ts';

/** Runs the mutating steps, and once more when a step asks for it. */
export async function admitInRounds(
  plugins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
): Promise<void> {
  const notes = new Map<string, unknown>();
  for (const isSecond of [false, true]) {
    const reinvocation = { isSecond, wanted: false, notes };
    request.reinvocation = reinvocation;
    for (const plugin of plugins) {
      const pending = plugin.admit?.(request);
      if (pending) await pending;
    }
    if (!reinvocation.wanted) return;
  }
}

/** What a plugin remembers from the first round for the second. */
interface Notes {
  /** Steps that ran and want to run again when something changes after them. */
  readonly again: Set<string>;
  /** Steps that must run again. */
  readonly due: Set<string>;
  /** The object as the plugin left it. */
  output: unknown;
}

/**
 * Which of a plugin's steps (webhooks, policies) run in which round.
 * @see k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/reinvocationcontext.go
 */
export class Rounds {
  readonly #request: AdmissionRequest;
  readonly #notes: Notes;

  constructor(plugin: string, request: AdmissionRequest) {
    this.#request = request;
    const all = request.reinvocation?.notes;
    const known = all?.get(plugin) as Notes | undefined;
    this.#notes = known ?? { again: new Set(), due: new Set(), output: undefined };
    all?.set(plugin, this.#notes);
    // Plugins of the server itself have changed the object since: everyone who asked for it sees it again.
    if (this.#isSecond && !jsonEqual(this.#notes.output, request.object)) this.#requireAgain();
  }

  get #isSecond(): boolean {
    return this.#request.reinvocation?.isSecond === true;
  }

  /** In the second round only those run that ran before and must again. */
  mayRun(key: string): boolean {
    return !this.#isSecond || this.#notes.due.has(key);
  }

  ran(key: string, changed: boolean, wantsAgain: boolean): void {
    if (changed) {
      this.#requireAgain();
      if (this.#request.reinvocation) this.#request.reinvocation.wanted = true;
    }
    if (wantsAgain) this.#notes.again.add(key);
  }

  /** The plugin is through with the object. */
  end(): void {
    this.#notes.output = jsonClone(this.#request.object);
  }

  #requireAgain(): void {
    for (const key of this.#notes.again) this.#notes.due.add(key);
    this.#notes.again.clear();
  }
}

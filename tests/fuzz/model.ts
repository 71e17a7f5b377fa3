/** An object as answers and events carry it. */
export interface Seen {
  readonly metadata: {
    readonly name?: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
  };
}

/** What one watch told, and what follows from it. */
export class WatchLog {
  readonly path: string;
  /** Revision and text of every event, in order. */
  readonly events: {
    readonly type: string;
    readonly key: string;
    readonly revision: number;
    readonly text: string;
  }[] = [];
  readonly state = new Map<string, string>();
  readonly #report: (finding: string) => void;
  ended = false;

  constructor(path: string, report: (finding: string) => void) {
    this.path = path;
    this.#report = report;
  }

  /** Checks one event against what came before it. */
  take(type: string, object: Seen): void {
    if (type === 'BOOKMARK') return;
    if (type === 'ERROR') {
      this.#report(`watch ${this.path}: ${JSON.stringify(object)}`);
      return;
    }
    const key = keyOf(object);
    const revision = Number(object.metadata.resourceVersion);
    const last = this.events.at(-1)?.revision ?? 0;
    if (revision <= last && !this.#isInitial(type))
      this.#report(`watch ${this.path}: ${type} ${key} at ${revision} after ${last}`);
    const known = this.state.has(key);
    if ((type === 'ADDED') === known)
      this.#report(`watch ${this.path}: ${type} of ${key}, which was ${known ? '' : 'not '}there`);
    const text = JSON.stringify(object);
    if (type === 'DELETED') this.state.delete(key);
    else this.state.set(key, text);
    this.events.push({ type, key, revision, text });
  }

  /** The first events tell the present state, by key. */
  #isInitial(type: string): boolean {
    return type === 'ADDED' && this.events.every((event) => event.type === 'ADDED');
  }
}

export function keyOf({ metadata }: Seen): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

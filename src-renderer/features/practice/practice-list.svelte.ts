import type { Bilingual, Domain, TaskSummary, Tier } from '#contract';

export type TaskState = 'untried' | 'unsolved' | 'solved';

/** A task counts as solved from full marks on. */
export function stateOf({ attempts, bestScore }: TaskSummary): TaskState {
  if (attempts === 0) return 'untried';
  return bestScore !== null && bestScore >= 100 ? 'solved' : 'unsolved';
}

/** What the list of tasks shows. */
export class PracticeFilter {
  domain = $state<Domain | null>(null);
  tier = $state<Tier | null>(null);
  competency = $state<string | null>(null);
  state = $state<TaskState | null>(null);
  query = $state('');

  get isActive(): boolean {
    return (
      this.domain !== null ||
      this.tier !== null ||
      this.competency !== null ||
      this.state !== null ||
      this.query.trim() !== ''
    );
  }

  clear(): void {
    this.domain = null;
    this.tier = null;
    this.competency = null;
    this.state = null;
    this.query = '';
  }

  /** A competency belongs to one domain: choosing another domain lets go of it. */
  setDomain(domain: Domain | null): void {
    this.domain = domain;
    this.competency = null;
  }

  /** @param textOf the title in the page's language. */
  apply(tasks: readonly TaskSummary[], textOf: (text: Bilingual) => string): TaskSummary[] {
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    return tasks.filter((task) => {
      const text = `${textOf(task.title)} ${task.taskId}`.toLowerCase();
      return (
        (this.domain === null || task.domain === this.domain) &&
        (this.tier === null || task.tier === this.tier) &&
        (this.competency === null || task.competencies.includes(this.competency)) &&
        (this.state === null || stateOf(task) === this.state) &&
        words.every((word) => text.includes(word))
      );
    });
  }
}

/** Tasks under their domains, in the order of `domains`; domains without tasks are left out. */
export function byDomain(
  tasks: readonly TaskSummary[],
  domains: readonly Domain[],
): { readonly domain: Domain; readonly tasks: readonly TaskSummary[] }[] {
  return domains
    .map((domain) => ({ domain, tasks: tasks.filter((task) => task.domain === domain) }))
    .filter(({ tasks: some }) => some.length > 0);
}

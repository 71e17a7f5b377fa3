import type { ClusterView, EditRequestView } from './views/cluster.ts';
import type { Notice } from './views/notice.ts';
import type { ExamClock } from './views/exam.ts';

/** Every push of the core; the second table beside `methods`. */
export interface Events {
  /** A cluster was made, removed, or changed its state, speed or readiness. */
  'cluster.changed': ClusterView;
  'cluster.removed': { readonly clusterId: string };
  /** All of them, after one came or went. */
  'app.notices': readonly Notice[];
  /** Objects of a cluster changed since the last push; at most four a second. */
  'cluster.objects': { readonly clusterId: string; readonly revision: number };
  /** The process in a terminal ended. */
  'terminal.exit': { readonly terminalId: number; readonly exitCode: number };
  /** A program in a terminal asks its person to edit a file (vim, nano, kubectl edit). */
  'terminal.edit': EditRequestView;
  /** Once a second while an exam runs. */
  'exam.clock': ExamClock;
  /** Reviews, lessons or results changed elsewhere: pages load again. */
  'study.changed': { readonly what: 'cards' | 'lessons' | 'tasks' | 'exams' | 'settings' };
}

export type EventName = keyof Events;
export type PayloadOf<E extends EventName> = Events[E];

import type { Component } from 'svelte';
import type { PageProps, Place } from '../lib/app/index.ts';

type PageModule = { readonly default: Component<PageProps> };

/**
 * The page behind each place of the rail, loaded when it is first opened. The rail shows the places that stand
 * here, in the order of `places`.
 */
export const pages: Readonly<Partial<Record<Place, () => Promise<PageModule>>>> = {
  today: () => import('../features/today/TodayPage.svelte'),
  learn: () => import('../features/learn/LearnPage.svelte'),
  review: () => import('../features/review/ReviewPage.svelte'),
  practice: () => import('../features/practice/PracticePage.svelte'),
  exam: () => import('../features/exam/ExamPage.svelte'),
  cluster: () => import('../features/cluster/ClusterPage.svelte'),
  progress: () => import('../features/progress/ProgressPage.svelte'),
  library: () => import('../features/library/LibraryPage.svelte'),
  settings: () => import('../features/settings/SettingsPage.svelte'),
};

/** The letter after `g` that leads to a place. */
export const placeLetters: Readonly<Record<Place, string>> = {
  today: 't',
  learn: 'l',
  review: 'r',
  practice: 'p',
  exam: 'e',
  cluster: 'c',
  progress: 'o',
  library: 'b',
  settings: 's',
};

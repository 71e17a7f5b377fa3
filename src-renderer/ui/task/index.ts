export { default as CriterionList } from './CriterionList.svelte';
export { SeededStart } from './seeded-start.svelte.ts';
export { default as StepProgress } from './StepProgress.svelte';
export { default as TaskText } from './TaskText.svelte';

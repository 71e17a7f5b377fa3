/**
 * Components that know no domain. Two heavy ones are imported by path, so that only pages which need them load
 * them: `ui/editor/CodeEditor.svelte` and `ui/terminal/`.
 */
export { default as Button } from './Button.svelte';
export { default as Chip } from './Chip.svelte';
export { default as CodeBlock } from './CodeBlock.svelte';
export { default as Confirm } from './Confirm.svelte';
export { default as Dialog } from './Dialog.svelte';
export { default as EmptyState } from './EmptyState.svelte';
export { default as ErrorState } from './ErrorState.svelte';
export { default as Icon } from './Icon.svelte';
export { default as KeyHint } from './KeyHint.svelte';
export { default as Loaded } from './Loaded.svelte';
export { default as Markdown } from './Markdown.svelte';
export { default as Meter } from './Meter.svelte';
export { default as Page } from './Page.svelte';
export { default as Panel } from './Panel.svelte';
export { default as ReadinessList } from './readiness/ReadinessList.svelte';
export { default as Segmented } from './Segmented.svelte';
export { default as Skeleton } from './Skeleton.svelte';
export { default as Spinner } from './Spinner.svelte';
export { default as SplitPane } from './SplitPane.svelte';
export { default as Table } from './Table.svelte';
export { default as Tabs } from './Tabs.svelte';
export { default as ToastList } from './ToastList.svelte';
export { default as VerdictBox } from './VerdictBox.svelte';

export { mapOf } from './cluster-map.ts';
export { ClusterState } from './cluster-state.svelte.ts';
export { default as ClusterClock } from './ClusterClock.svelte';
export { default as ClusterMap } from './ClusterMap.svelte';
export { followObjects } from './follow-objects.ts';

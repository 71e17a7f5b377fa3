import type { Events, RpcClient } from '#contract';
import type { Loader } from './loader.svelte.ts';

type Kind = Events['study.changed']['what'];

/**
 * Loads now and whenever one of `kinds` changed elsewhere. Call it as `$effect(() => follow(...))`: what the
 * question reads (the language, the route) then asks again when it changes.
 * @returns a function that ends following.
 */
export function follow<T>(rpc: RpcClient, loader: Loader<T>, kinds: readonly Kind[]): () => void {
  void loader.load();
  const subscription = rpc.on('study.changed', ({ what }) => {
    if (kinds.includes(what)) void loader.load();
  });
  return () => subscription.dispose();
}

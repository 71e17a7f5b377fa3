import type * as PeculiarX509 from '@peculiar/x509';
import { provideReflectMetadata } from './reflect-metadata.ts';

/** The package @peculiar/x509 as loaded by `loadX509`. */
export type X509 = typeof PeculiarX509;

/** Loads the package when it is first needed; a static import would run before its demand on `Reflect` is met. */
export async function loadX509(): Promise<X509> {
  provideReflectMetadata();
  return import('@peculiar/x509');
}

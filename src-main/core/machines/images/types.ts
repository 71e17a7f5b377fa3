import type { Program } from '../process/types.ts';

/** What a registry of the simulated world holds: a name, a filesystem and a program. */
export interface Image {
  /** `docker.io/library/nginx`: registry, repository; no tag. */
  readonly repository: string;
  readonly tags: readonly string[];
  readonly sizeBytes: number;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** As in a Dockerfile: `101`, `nginx`, `1000:1000`; empty for root. */
  readonly user: string;
  readonly stopSignal?: string;
  readonly exposedPorts?: readonly string[];
  /** Text files of the image beyond the base system, by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Executables by path; `/bin/sh` and the base tools come with `base`. */
  readonly programs: Readonly<Record<string, Program>>;
  /** Which small tools stand beside the programs. `none` is a distroless image: no shell. */
  readonly base: 'debian' | 'alpine' | 'busybox' | 'none';
}

/** Every image a machine can pull. */
export interface ImageCatalogue {
  /**
   * @param reference as in a pod: `nginx`, `nginx:1.27`, `registry.k8s.io/pause:3.10`, with or without digest.
   * @returns undefined when the repository or the tag does not exist.
   */
  find(
    reference: string,
  ): { readonly image: Image; readonly tag: string; readonly digest: string } | undefined;
  hasRepository(repository: string): boolean;
}

import type { VersionInfo } from '#core/kube';

/** The release of Kubernetes a lab runs: a data value. */
export interface KubernetesRelease {
  /** `v1.36.3`. */
  readonly gitVersion: string;
  readonly version: VersionInfo;
}

export function releaseOf(gitVersion: string): KubernetesRelease {
  const [, major = '1', minor = '0'] = /^v(\d+)\.(\d+)/.exec(gitVersion) ?? [];
  return {
    gitVersion,
    version: {
      major,
      minor,
      emulationMajor: major,
      emulationMinor: minor,
      minCompatibilityMajor: major,
      minCompatibilityMinor: String(Number(minor) - 1),
      gitVersion,
      gitCommit: 'unknown',
      gitTreeState: 'clean',
      buildDate: '2026-01-01T00:00:00Z',
      goVersion: 'go1.26.8',
      compiler: 'gc',
      platform: 'linux/amd64',
    },
  };
}

/** The layer rules of docs/architecture.md, one rule for each arrow that must not exist. */
const only = (name, from, allowed, comment, node = false) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: [from, ...allowed], ...(node ? { dependencyTypesNot: ['core'] } : {}) },
});
const core = (module) => `^src-main/core/${module}/`;
/** Packages the core may use: host-neutral, no native code. */
const corePackages = 'node_modules/(js-yaml|just-bash|ts-fsrs|fflate|ajv)/';

/** Which engine module may import which; controllers see the cluster only through the client. */
const kubeArrows = {
  machinery: [],
  apis: ['machinery'],
  storage: ['machinery'],
  apiserver: ['machinery', 'apis', 'storage'],
  client: ['machinery', 'apis'],
  controllers: ['machinery', 'apis', 'client'],
  scheduler: ['machinery', 'apis', 'client'],
  network: ['machinery', 'apis', 'client'],
  kubelet: ['machinery', 'apis', 'client', 'network'],
};
/** Rooms of the core beside the engine: what each may name, always through its index. */
const roomArrows = {
  kube: [],
  machines: ['kube'],
  kubectl: ['kube'],
  lab: ['kube', 'machines', 'kubectl'],
  study: [],
  exam: [],
  remote: ['kube'],
};

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: [
          '\\.d\\.ts$',
          '\\.test\\.ts$',
          '\\.config\\.',
          '(main|preload|worker)\\.ts$',
          '\\.mjs$',
        ],
      },
      to: {},
    },
    {
      name: 'no-deep-import',
      comment: 'A module of the engine is used through its index.ts.',
      severity: 'error',
      from: { path: '^src-main/core/kube/([^/]+)/' },
      to: {
        path: '^src-main/core/kube/[^/]+/.+',
        pathNot: ['^src-main/core/kube/$1/', '^src-main/core/kube/[^/]+/index\\.ts$'],
      },
    },
    {
      name: 'rooms-through-their-face',
      comment: 'A room of the core is used through its index.ts.',
      severity: 'error',
      from: { path: '^src-(main|renderer)/', pathNot: '^src-main/core/' },
      to: { path: '^src-main/core/[^/]+/.+', pathNot: '^src-main/core/[^/]+/index\\.ts$' },
    },
    {
      name: 'core-rooms-through-their-face',
      severity: 'error',
      from: { path: '^src-main/core/([^/]+)/' },
      to: {
        path: '^src-main/core/[^/]+/.+',
        pathNot: ['^src-main/core/$1/', '^src-main/core/[^/]+/index\\.ts$'],
      },
    },
    only('base-is-the-bottom', core('base'), [], 'base imports nothing.'),
    ...Object.entries(roomArrows).map(([room, allowed]) =>
      only(
        `core-${room}`,
        core(room),
        [core('base'), corePackages, ...allowed.map((other) => core(other))],
        'See roomArrows.',
      ),
    ),
    ...Object.entries(kubeArrows).map(([module, allowed]) =>
      only(
        `kube-${module}`,
        core(`kube/${module}`),
        [core('base'), corePackages, ...allowed.map((other) => core(`kube/${other}`))],
        'See kubeArrows.',
      ),
    ),
    only(
      'app-joins-the-core',
      core('app'),
      ['^src-main/(contract|core)/', corePackages],
      'app wires the rooms to the contract.',
    ),
    only(
      'contract-is-types',
      '^src-main/contract/',
      ['^src-main/core/[^/]+/index\\.ts$'],
      'contract may name core types.',
    ),
    only(
      'node-adapts',
      '^src-main/node/',
      ['^src-main/(contract|core)/', 'node_modules/(?!electron/)'],
      'Adapters never import a host.',
      true,
    ),
    only(
      'web-has-no-electron',
      '^src-main/web/',
      ['^src-main/(contract|core|node)/', 'node_modules/(?!electron/)'],
      'The web host runs on plain Node.',
      true,
    ),
    {
      name: 'contract-types-only',
      severity: 'error',
      comment: 'At run time the renderer must not load the engine.',
      from: { path: '^src-main/contract/' },
      to: { path: '^src-main/core/', dependencyTypesNot: ['type-only'] },
    },
    only(
      'renderer-sees-contract',
      '^src-renderer/',
      ['^src-main/contract/index\\.ts$', 'node_modules/(?!electron|better-sqlite3|node-pty)'],
      'The renderer talks to the core by RPC only.',
    ),
    {
      name: 'features-stand-alone',
      severity: 'error',
      comment: 'A feature never imports another feature.',
      from: { path: '^src-renderer/features/([^/]+)/' },
      to: { path: '^src-renderer/features/', pathNot: '^src-renderer/features/$1/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(out|\\.svelte-check)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'svelte', 'default'],
      extensions: ['.ts', '.js', '.svelte', '.d.ts'],
    },
  },
};

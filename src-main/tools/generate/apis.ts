import type { SchemaNode } from '#core/kube';
import { readResources } from './resources.ts';
import { readSchemas } from './schemas.ts';
import type { Sources } from './sources.ts';
import { writeTypes } from './type-script.ts';
import { readWire } from './wire.ts';

const folder = 'src-main/core/kube/apis/generated';

/** All generated files of the API surface: path from the repository's root → text. */
export function generateApis(sources: Sources): Map<string, string> {
  const header = `// Generated from the API descriptions of Kubernetes ${sources.version} by \`npm run generate\`. Do not edit.`;
  const schemas = readSchemas(sources);
  const resources = readResources(sources, schemaLookup(schemas));
  const module = (exports: Record<string, string>) =>
    [
      header,
      ...Object.entries(exports).map(([name, value]) => `export const ${name} =\n  ${value};`),
      '',
    ].join('\n');
  return new Map([
    [
      `${folder}/resources.ts`,
      module({
        kubernetesVersion: quote(sources.version),
        resourcesJson: quote(JSON.stringify(resources)),
      }),
    ],
    [
      `${folder}/schemas.ts`,
      module({ schemasJson: quote(JSON.stringify(Object.fromEntries(schemas))) }),
    ],
    [
      `${folder}/wire.ts`,
      module({
        wireJson: quote(
          JSON.stringify(readWire(sources, [...packagesOf(schemas), ...withoutSchemas])),
        ),
      }),
    ],
    [`${folder}/types.ts`, writeTypes(header, resources, schemas)],
  ]);
}

/** Packages of kinds that are sent and in no OpenAPI document. */
const withoutSchemas = ['io.k8s.api.apidiscovery.v2', 'io.k8s.apimachinery.pkg.apis.meta.v1beta1'];

function packagesOf(schemas: ReadonlyMap<string, SchemaNode>): string[] {
  const packages = [...schemas.keys()].map((name) => name.slice(0, name.lastIndexOf('.')));
  return [...new Set(packages)].sort();
}

/** A JavaScript string literal; JSON text in one is quicker to load than the same object literal. */
function quote(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n');
  return `'${escaped}'`;
}

/** The schema of a kind: the one that claims this kind and no other. */
function schemaLookup(schemas: ReadonlyMap<string, SchemaNode>) {
  const byKind = new Map<string, string>();
  for (const [name, { kinds }] of schemas) {
    const [only] = kinds?.length === 1 ? kinds : [];
    if (only) byKind.set(`${only.group}/${only.version}/${only.kind}`, name);
  }
  return (group: string, version: string, kind: string): string => {
    const name = byKind.get(`${group}/${version}/${kind}`);
    if (name === undefined) throw new Error(`no schema speaks ${group}/${version} ${kind}`);
    return name;
  };
}

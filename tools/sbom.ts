/**
 * Writes the bill of materials of the package (CycloneDX 1.6): the packages whose code is in `dist`, and those that are installed
 * beside it. `tsx tools/sbom.ts dist/sbom.cdx.json`, after the build.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundledPackages } from './check/bundled.js'
import { ROOT } from './check/entries.js'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

const path = process.argv[2]
if (path === undefined) throw new TypeError('Say where to: tsx tools/sbom.ts dist/sbom.cdx.json')

const own = manifestAt('package.json')
const bundled = bundledPackages().map(({ folder, version }) => component(folder, 'bundled', version))
const beside = Object.keys(own.dependencies ?? {}).map((name) =>
  component(`node_modules/${name}`, 'installed'),
)
const components = [...bundled, ...beside]
const sbom = {
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  metadata: {
    component: {
      type: 'library',
      'bom-ref': refOf(own),
      name: own.name,
      version: own.version,
      purl: refOf(own),
    },
  },
  components,
  dependencies: [{ ref: refOf(own), dependsOn: components.map((each) => each['bom-ref']) }],
}
writeFileSync(path, `${JSON.stringify(sbom, null, 2)}\n`)

function component(folder: string, how: 'bundled' | 'installed', version?: string) {
  const installed = manifestAt(`${folder}/package.json`)
  const manifest = version === undefined ? installed : { ...installed, version }
  return {
    type: 'library',
    'bom-ref': refOf(manifest),
    name: manifest.name,
    version: manifest.version,
    purl: refOf(manifest),
    ...(manifest.license && { licenses: [{ license: { id: manifest.license } }] }),
    properties: [{ name: 'purser:how', value: how }],
  }
}

function refOf({ name, version }: Manifest): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

function manifestAt(file: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
}

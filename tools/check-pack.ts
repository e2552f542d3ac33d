/** Checks which files `npm pack` puts into the package, and what it weighs. Run it after the build. */
import { execFileSync } from 'node:child_process'
import { ROOT } from './check/entries.js'
import { report, type Violation } from './check/report.js'

/** Every file of the package matches one of these. */
const ALLOWED: readonly RegExp[] = [
  /^(?:package\.json|LICENSE|README\.md|CHANGELOG\.md|CONTRIBUTING\.md|NOTICE\.md|SECURITY\.md)$/,
  /^dist\/[\w./-]+\.(?:js|js\.map|d\.ts)$/,
  /^dist\/(?:policy\.schema|sbom\.cdx)\.json$/,
  /^docs\/[\w.-]+\.(?:md|yaml)$/,
  /^examples\/[\w.-]+\.(?:ts|js|mjs|md|yaml)$/,
]
/** The package is of no use, or breaks a licence, without these. */
const NEEDED: readonly string[] = [
  'LICENSE',
  'NOTICE.md',
  'README.md',
  'SECURITY.md',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/policy.schema.json',
  'dist/sbom.cdx.json',
]
/** A third of it is the command: the MCP SDK, and the packages of its terminal. */
const MOST_BYTES = 3 * 1024 * 1024

interface Packed {
  readonly size: number
  readonly files: readonly { readonly path: string }[]
}

const [packed]: readonly Packed[] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, encoding: 'utf8' }),
)
if (packed === undefined) throw new TypeError('npm pack lists no package')
const paths = packed.files.map(({ path }) => path)
const violation = (file: string, message: string): Violation => ({ rule: 'pack', file, message })
process.exitCode = report('check:pack', [
  ...paths
    .filter((path) => !ALLOWED.some((form) => form.test(path)))
    .map((path) => violation(path, 'is in the package and should not be')),
  ...NEEDED.filter((path) => !paths.includes(path)).map((path) =>
    violation(path, 'is missing in the package'),
  ),
  ...(packed.size > MOST_BYTES
    ? [violation('package', `weighs ${packed.size} B; at most ${MOST_BYTES}`)]
    : []),
])
console.log(`${paths.length} files, ${(packed.size / 1024).toFixed(0)} KiB packed`)

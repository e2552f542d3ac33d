// The shape of the house: floors and doors, cycles, sizes, casts, errors, folders, docstrings.
import { fileURLToPath } from 'node:url'
import { checkDocstrings } from './check/docstrings.js'
import { checkEdges } from './check/edges.js'
import { entryFiles } from './check/entries.js'
import { report, type Violation } from './check/report.js'
import { checkShape } from './check/shape.js'

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
const { found, missing } = entryFiles(root)
process.exitCode = report('check:imports', [
  ...(await checkEdges(root)),
  ...checkShape(root),
  ...checkDocstrings(root, found),
  ...missing.map((file): Violation => ({ rule: 'entry', file, says: 'an entry point without a source' })),
])

// Checks layers, import cycles, sizes, casts, errors, bodies, folders and docstrings.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkBodies } from './check/bodies.js'
import { checkCalls } from './check/calls.js'
import { checkDocstrings } from './check/docstrings.js'
import { checkEdges } from './check/edges.js'
import { ENTRIES, entryFiles, ROOT } from './check/entries.js'
import { checkMoves } from './check/moves.js'
import { report, type Violation } from './check/report.js'
import { checkShape } from './check/shape.js'

const missing = Object.values(ENTRIES).filter((file) => !existsSync(join(ROOT, file)))
process.exitCode = report('check:imports', [
  ...(await checkEdges(ROOT)),
  ...checkShape(ROOT),
  ...checkBodies(ROOT),
  ...checkMoves(ROOT),
  ...checkCalls(ROOT),
  ...checkDocstrings(ROOT, entryFiles()),
  ...missing.map((file): Violation => ({ rule: 'entry', file, message: 'an entry point without a source' })),
])

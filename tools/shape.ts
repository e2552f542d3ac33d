import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { IMPORT_EXCEPTIONS } from './check/house.js'
import { JOURNEYS, walk } from './shape/journeys.js'
import { shapeOf } from './shape/source.js'
import { commentsOf, markersIn, proseOf, textsOf } from './shape/words.js'

/**
 * Counts what makes these sources easy or hard to maintain: `npm run shape`. `--json` is for programs. Run it before
 * and after a change of the layout, and compare.
 */
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })

const source = shapeOf('tsconfig.json')
const pages = markersIn([readFileSync('README.md', 'utf8'), ...textsOf(['docs'], '.md')].map(proseOf))
const comments = markersIn(textsOf(['src'], '.ts').map(commentsOf))
const rows: (readonly [string, number])[] = [
  ['files of src', source.files],
  ['lines of src', source.lines],
  ['functions with a name', source.functions],
  ['… with one caller', source.oneCaller],
  ['… of at most 3 lines', source.short],
  ['… with 4 parameters or more', source.manyParameters],
  ['names that `purser` exports', source.publicNames],
  ['dynamic imports', source.dynamicImports],
  ['exceptions to the import rule', IMPORT_EXCEPTIONS.length],
  ['spreads under a condition', source.conditionalSpreads],
  ['marker words in 1,000 of the pages', rounded(pages.perThousand)],
  ['marker words in 1,000 of the comments', rounded(comments.perThousand)],
]
for (const [name, journey] of Object.entries(JOURNEYS)) {
  const { files, functions } = await walk(journey)
  rows.push([`files on ${name}`, files], [`functions on ${name}`, functions])
}
if (values.json) console.log(JSON.stringify(Object.fromEntries(rows)))
else for (const [what, count] of rows) console.log(`${what.padEnd(44)} ${count.toLocaleString('en')}`)
process.exit(0)

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}

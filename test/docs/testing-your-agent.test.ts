import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { FAULTS } from '../../src/testing/faults.js'
import { markdownFences } from '../../tools/check/fences.js'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const PAGE = 'docs/testing-your-agent.md'
const page = read(PAGE)

it('the program and the tests on the page are those of the examples, which are run', () => {
  const run = read('examples/research-agent.ts') + read('examples/research-agent.test.ts')
  // The last import of the test is the program, which the page shows above.
  const text = run.replace("import { research } from './research-agent.js'\n", '')
  const shown = markdownFences(PAGE, page).filter(({ code }) => /research/.test(code))
  expect(shown.length).toBe(5)
  for (const { code } of shown) expect(text).toContain(code)
})

it('the page has a row for each fault', () => {
  const rows = [...page.matchAll(/^\| (`.+?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z0-9-]+)`/g)].map(([, name = '']) => name),
  )
  expect(rows).toEqual(Object.keys(FAULTS))
})

import { expect, test } from 'vitest'
import { checkExamples } from '../../tools/check/examples.js'
import { docstringFences, markdownFences } from '../../tools/check/fences.js'

const page = (...lines: string[]): string => lines.join('\n')

test('finds the TypeScript examples of a page, with their lines', () => {
  const text = page(
    '# Page',
    '```ts',
    'const a = 1',
    '```',
    '```sh',
    'npm test',
    '```',
    '```ts',
    'const b = 2',
    '```',
  )
  expect(markdownFences('page.md', text).map(({ line, code }) => [line, code])).toEqual([
    [3, 'const a = 1'],
    [9, 'const b = 2'],
  ])
})

test('a comment before an example sets it up; any text between parts the two', () => {
  const text = page(
    '<!-- check:',
    'declare const key: string',
    '-->',
    '',
    '```ts',
    'key.length',
    '```',
    '<!-- check: continue -->',
    'Words.',
    '```ts',
    'alone()',
    '```',
  )
  const [first, second] = markdownFences('page.md', text)
  expect(first).toMatchObject({ setup: 'declare const key: string', setupLine: 2, line: 6, continues: false })
  expect(second).toMatchObject({ setup: '', continues: false })
})

test('policies are examples too, fragments of one are not', () => {
  const text = page('```yaml', 'version: 1', 'perPayment: 1', '```', '```yaml', 'perPayment: 1', '```')
  expect(markdownFences('page.md', text)).toMatchObject([{ language: 'yaml', line: 2 }])
})

test('finds examples in docstrings', () => {
  const text = page('const x = 1', '/**', ' * Says.', ' * ```ts', " *   say('hi')", ' * ```', ' */')
  expect(docstringFences('src/x.ts', text)).toMatchObject([{ line: 5, code: "  say('hi')", docstring: true }])
})

test('reports errors at the line of the page, once, and accepts what is right', { timeout: 60_000 }, () => {
  const text = page(
    '```ts',
    "import { readFileSync } from 'node:fs'",
    "const size: string = readFileSync('x').length",
    '```',
    '<!-- check: continue',
    'declare const more: number',
    '-->',
    '```ts',
    'const sum = size + more.toFixed()',
    'sum.nothing',
    '```',
  )
  const doc = page('/**', ' * ```ts', ' * formatAmount(zero(CURRENCIES.USD)).trim()', ' * ```', ' */')
  const fences = [...markdownFences('page.md', text), ...docstringFences('src/money/amount.ts', doc)]
  expect(
    checkExamples(fences).map(({ file, line, message }) => `${file}:${line} ${message.slice(0, 6)}`),
  ).toEqual(['page.md:3 TS2322', 'page.md:10 TS2339'])
})

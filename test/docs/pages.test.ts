import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, PaymentError } from '../../src/errors/index.js'
import { policyJsonSchema } from '../../src/policy/file/index.js'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const page = (name: string): string => read(`docs/${name}`)

describe('docs/errors.md', () => {
  it('has an entry for every code, under the anchor that errors link to, and no other', () => {
    const entries = [...page('errors.md').matchAll(/^### ([a-z_]+)$/gm)].map((match) => match[1])
    expect(entries.sort()).toEqual([...ERROR_CODES].sort())
    for (const code of ERROR_CODES) expect(new PaymentError(code, 'untouched', '').docs).toMatch(`#${code}`)
  })
})

describe('docs/policy.md', () => {
  const keysOf = (schema: unknown): string[] =>
    typeof schema === 'object' && schema !== null && 'properties' in schema
      ? Object.keys(Object(schema.properties))
      : []
  const within = (schema: unknown, key: string): unknown =>
    typeof schema === 'object' && schema !== null && key in schema ? Reflect.get(schema, key) : undefined
  /** The keys that the tables of a section name, in their first column. */
  const documented = (heading: string): string[] => {
    const section =
      page('policy.md')
        .split(`\n${heading}\n`)[1]
        ?.split(/\n##? /)[0] ?? ''
    return [...section.matchAll(/^\| (.+?) \|/gm)].flatMap((row) =>
      [...(row[1] ?? '').matchAll(/`(?:\{ )?([A-Za-z]+)/g)].map((key) => key[1] ?? ''),
    )
  }
  const properties = within(policyJsonSchema(), 'properties')

  it('explains every key of a document', () => {
    expect(documented('## Keys').sort()).toEqual(keysOf(policyJsonSchema()).sort())
  })

  it.each([
    ['budgets', '## Budgets'],
    ['vendors', '## Vendors'],
    ['ask', '## Ask'],
  ])('explains every key of %s', (key, heading) => {
    const keys = keysOf(within(within(properties, key), 'items'))
    expect(keys.length).toBeGreaterThan(0)
    expect(documented(heading)).toEqual(expect.arrayContaining(keys))
  })

  it('explains every key of approval', () => {
    const keys = keysOf(within(properties, 'approval'))
    expect(keys.length).toBeGreaterThan(0)
    expect(documented('## How a person is asked')).toEqual(expect.arrayContaining(keys))
  })
})

describe('links into a page', () => {
  const pages = [
    'README.md',
    'SECURITY.md',
    ...readdirSync(new URL('../../docs', import.meta.url)).map((name) => `docs/${name}`),
  ]
  /** The anchors of a page, as its readers' sites make them of headings. */
  const anchors = (path: string): string[] =>
    [...read(path).matchAll(/^#+ (.+)$/gm)].map((heading) =>
      (heading[1] ?? '')
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    )

  it.each(pages)('%s: every one leads to a heading', (path) => {
    const links = [...read(path).matchAll(/\]\(([^():\s]*\.md)?#([^)\s]+)\)/g)]
    const lost = links.filter(([, to, anchor]) => {
      const target = to === undefined ? path : posix.join(posix.dirname(path), to)
      return !anchors(target).includes(anchor ?? '')
    })
    expect(lost.map(([link]) => link)).toEqual([])
  })
})

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { ERROR_CODES, PaymentError } from '../../src/errors/index.js'
import { inlineCommands, shows, stepsOf } from '../../tools/first-steps/page.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** What `npm pack` would put into the package, beside what is built. */
const packed: readonly string[] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, encoding: 'utf8' }),
)[0].files.map(({ path }: { readonly path: string }) => path)
const pages = packed.filter((path) => path.endsWith('.md'))

it('the package brings its pages along', () => {
  expect(pages).toEqual(
    expect.arrayContaining(['README.md', 'SECURITY.md', 'docs/errors.md', 'docs/policy.md']),
  )
})

it.each(pages)('every link of %s leads to a file of the package', (page) => {
  const text = readFileSync(`${ROOT}/${page}`, 'utf8').replace(/^```[\s\S]*?^```$/gm, '')
  const links = [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map((match) => match[1] ?? '')
  const lost = links.filter((link) => {
    const target = posix.join(posix.dirname(page), link)
    return !packed.some((file) => file === target || file.startsWith(`${target.replace(/\/$/, '')}/`))
  })
  expect(lost).toEqual([])
})

it('the page that errors name is in the package', () => {
  for (const code of ERROR_CODES) {
    const [file, anchor] = new PaymentError(code, 'untouched', '').docs.split('#')
    expect(packed.map((path) => `purser/${path}`)).toContain(file)
    expect(anchor).toBe(code)
  }
})

it('package.json names no home that somebody else may own', () => {
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'))
  expect([manifest['repository'], manifest['homepage'], manifest['bugs']]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

it('finds what a reader of a page types, writes and sees', () => {
  const text =
    '`a.mjs`:\n\n```ts\nrun()\n```\n\n```sh\nnpm test\n\nnode a.mjs\n```\n\n```\n200 …\n```\n\n## Then\n\n```ts\nmore()\n```\n'
  expect(stepsOf(text)).toMatchObject([
    { kind: 'file', name: 'a.mjs', text: 'run()\n' },
    { kind: 'commands', lines: ['npm test', 'node a.mjs'] },
    { kind: 'prints', text: '200 …' },
    { kind: 'code', heading: 'Then' },
  ])
  expect(inlineCommands('run `A=1 node x.js` or `npm ci`, not `npm` nor `fetch`')).toEqual([
    'A=1 node x.js',
    'npm ci',
  ])
  expect(shows('(node) warning\n200 tea\npaid 1', '200 …\npaid 1')).toBe(true)
  expect(shows('paid 1\n200 tea', '200 …\npaid 1')).toBe(false)
})

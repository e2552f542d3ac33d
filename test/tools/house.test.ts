import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { checkBodies } from '../../tools/check/bodies.js'
import { checkCalls } from '../../tools/check/calls.js'
import { checkDocstrings } from '../../tools/check/docstrings.js'
import { checkEdges } from '../../tools/check/edges.js'
import { checkMoves } from '../../tools/check/moves.js'
import { table, type Violation } from '../../tools/check/report.js'
import { checkShape } from '../../tools/check/shape.js'

const houses: string[] = []
afterEach(() => {
  for (const house of houses.splice(0)) rmSync(house, { recursive: true })
})

/** A little house of its own, with these files below `src`. */
function house(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'house-'))
  houses.push(root)
  for (const [name, text] of Object.entries({ '../package.json': '{ "type": "module" }', ...files })) {
    const path = join(root, 'src', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return root
}

const rules = (found: readonly Violation[]): string[] => found.map(({ rule, file }) => `${rule}: ${file}`)

test('layers: a folder may import earlier ones through their index, and nothing else', async () => {
  const root = house({
    'money/index.ts': "export { one } from './one.js'",
    'money/one.ts': 'export const one = 1n',
    'policy/index.ts': "export { two } from './two.js'",
    'policy/two.ts': "import { one } from '../money/index.js'\nexport const two = one + one",
    'money/up.ts': "import type { two } from '../policy/index.js'\nexport type Two = typeof two",
    'policy/reach.ts': "import { one } from '../money/one.js'\nexport const three = one",
    'attic/box.ts': "import { one } from '../money/index.js'\nexport const box = one",
  })
  expect(rules(await checkEdges(root)).sort()).toEqual([
    'index: src/policy/reach.ts',
    'layer: src/attic/box.ts',
    'layer: src/money/up.ts',
  ])
})

test('only the payment flow imports the function that makes authorizations', async () => {
  const root = house({
    'wallet/authorization.ts': 'export const mint = 1',
    'pay/story.ts': "import { mint } from '../wallet/authorization.js'\nexport const story = mint",
    'fetch/face.ts': "import { mint } from '../wallet/authorization.js'\nexport const face = mint",
  })
  expect(rules(await checkEdges(root))).toEqual(['index: src/fetch/face.ts'])
})

test('programs that serve a purser reach money only through its public methods', async () => {
  const root = house({
    'pay/index.ts': "export { pay } from './pay.js'",
    'pay/pay.ts': 'export const pay = 1',
    'errors/index.ts': "export { clean } from './clean.js'",
    'errors/clean.ts': 'export const clean = 1',
    'serve/index.ts': "export { tool } from './tool.js'",
    'serve/tool.ts':
      "import { clean } from '../errors/index.js'\nimport { pay } from '../pay/index.js'\nexport const tool = clean + pay",
  })
  expect(rules(await checkEdges(root))).toEqual(['shell: src/serve/tool.ts'])
})

test('cycles are found, of types too, and told once', async () => {
  const root = house({
    'pay/a.ts': "import { b } from './b.js'\nexport const a = (): number => b()",
    'pay/b.ts': "import { a } from './a.js'\nexport const b = (): number => a()",
    'pay/c.ts': "import type { D } from './d.js'\nexport interface C { d: D }",
    'pay/d.ts': "import type { C } from './c.js'\nexport interface D { c: C }",
  })
  expect(rules(await checkEdges(root))).toEqual(['cycle: src/pay/a.ts', 'cycle: src/pay/c.ts'])
})

test('the core knows no builtin and no chain library; its outskirts know their own', async () => {
  const root = house({
    'pay/time.ts': "import { hrtime } from 'node:process'\nexport const time = hrtime",
    'fetch/lazy.ts': "export const chain = () => import('viem')",
    'ledger/sqlite.ts': "import { join } from 'node:path'\nexport const path = join",
    'wallet/tempo/sign.ts': "import { keccak256 } from 'viem'\nexport const hash = keccak256",
    'wallet/port.ts': "import type { Hex } from 'viem'\nexport type Port = Hex",
    'undici/dispatch.ts': "import { Agent } from 'undici'\nexport const agent = Agent",
  })
  expect(rules(await checkEdges(root)).sort()).toEqual([
    'core: src/fetch/lazy.ts',
    'core: src/pay/time.ts',
    'core: src/wallet/port.ts',
  ])
})

test('what the compiler is told instead of asked', () => {
  const root = house({
    'pay/README.md': '# pay',
    'pay/index.ts': "export { bad } from './bad.js'\nexport const own = 1",
    'pay/bad.ts': [
      'export const bad = JSON.parse("1") as number',
      'export const fine = ["a"] as const',
      'export const sure = fine[0]!',
      'export function fail(x: any): never {',
      '  throw new Error(x)',
      '}',
      'export function right(): never {',
      '  throw new TypeError("no")',
      '}',
    ].join('\n'),
  })
  const found = checkShape(root).filter(({ file }) => file.startsWith('src/pay'))
  expect(found.map(({ rule, file, line }) => `${rule} ${file}:${line}`).sort()).toEqual([
    'any src/pay/bad.ts:4',
    'cast src/pay/bad.ts:1',
    'cast src/pay/bad.ts:3',
    'error src/pay/bad.ts:5',
    'index src/pay/index.ts:2',
  ])
})

test('files and functions have their sizes, folders their pages', () => {
  const body = (lines: number): string => `{\n${'  void 0\n'.repeat(lines - 2)}}`
  const root = house({
    'pay/long.ts': Array.from({ length: 451 }, (_, at) => `export const x${at} = ${at}`).join('\n'),
    'pay/index.ts': "export { x1 } from './long.js'",
    'fetch/README.md': 'line\n'.repeat(61),
    'fetch/wide.ts': `export function aim() ${body(41)}\nexport function most() ${body(61)}\nexport const fine = () => ${body(40)}`,
  })
  const found = checkShape(root).filter(({ rule }) => rule !== 'cast')
  expect(found.map(({ rule, file, warning }) => `${warning ? 'warn ' : ''}${rule}: ${file}`).sort()).toEqual([
    'file length: src/pay/long.ts',
    'function length: src/fetch/wide.ts',
    'index: src/fetch',
    'readme: src/fetch/README.md',
    'readme: src/pay',
    'warn function length: src/fetch/wide.ts',
  ])
})

test('an exception that nothing uses any more is told', () => {
  const root = house({ 'money/amount.ts': 'export const amount = 1n' })
  expect(checkShape(root)).toContainEqual(
    expect.objectContaining({
      rule: 'cast',
      file: 'src/money/amount.ts',
      message: expect.stringContaining('no longer'),
    }),
  )
})

test('every name that an entry exports has a docstring where it is declared', () => {
  const root = house({
    'index.ts': "export { known, unknown as renamed } from './pay/names.js'",
    'pay/names.ts': '/** Known. */\nexport const known = 1\nexport const unknown = 2\nexport const inner = 3',
  })
  expect(checkDocstrings(root, [join(root, 'src/index.ts')])).toEqual([
    {
      rule: 'docstring',
      file: 'src/pay/names.ts',
      line: 3,
      message: 'renamed is public and has no docstring',
    },
  ])
})

test('the table puts errors first', () => {
  const found: Violation[] = [
    { rule: 'a', file: 'x.ts', message: 'maybe', warning: true },
    { rule: 'b', file: 'y.ts', line: 3, message: 'no' },
  ]
  expect(table(found)).toBe('ERROR  b  y.ts:3  no\nwarn   a  x.ts    maybe')
})

test('a body that somebody else sends is read by the one reader, or by what is listed', () => {
  const root = house({
    'wallet/rpc.ts': 'export const ask = async (reply: Response) => reply.json()',
    'wallet/stream.ts': 'export const take = (reply: Response) => reply.body?.getReader()',
    'wallet/each.ts':
      'export async function each(reply: Response) {\n  for await (const _ of reply.body ?? []) return\n  for await (const _ of Object(reply).body) return\n}',
    'wallet/fine.ts': "export const fine = JSON.parse('1')",
    'protocol/body.ts': 'export const take = (body: ReadableStream) => body.getReader()',
  })
  const found = checkBodies(root).filter(({ message }) => message.includes('no bounds'))
  expect(rules(found)).toEqual([
    'body: src/wallet/each.ts',
    'body: src/wallet/rpc.ts',
    'body: src/wallet/stream.ts',
  ])
})

test('only one file moves a payment in the ledger', () => {
  const root = house({
    'pay/transition.ts': 'export const move = (env) => env.ledger.advance()',
    'pay/settle.ts': 'export const settle = (env) => env.ledger.advance()',
    'client/refuse.ts': 'export const refuse = ({ ledger }) => ledger?.deny()',
    'client/taken.ts': 'const { hold } = env.ledger\nexport const taken = hold',
    'socket/line.ts': 'export const stop = (line) => line.hold()',
    'ledger/sqlite/again.ts': 'export const again = (ledger) => ledger.hold()',
  })
  expect(rules(checkMoves(root)).sort()).toEqual([
    'move: src/client/refuse.ts',
    'move: src/client/taken.ts',
    'move: src/pay/settle.ts',
  ])
})

test('a function of pay that returns a promise is only called, and never handed over', () => {
  const root = house({
    'pay/deliver.ts': 'export async function deliver(): Promise<number> {\n  return 1\n}',
    'pay/argument.ts': "import { deliver } from './deliver.js'\nexport const argued = [1].map(deliver)",
    'pay/property.ts': "import { deliver } from './deliver.js'\nexport const parts = { deliver }",
    'pay/called.ts': "import { deliver } from './deliver.js'\nexport const called = deliver()",
    'pay/other.ts': 'export const of = ({ deliver }: { deliver: number }) => [deliver]',
    'http/free.ts': "import { deliver } from '../pay/deliver.js'\nexport const parts = { deliver }",
  })
  expect(rules(checkCalls(root)).sort()).toEqual(['call: src/pay/argument.ts', 'call: src/pay/property.ts'])
})

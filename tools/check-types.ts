// What a user's compiler says to the built package: without the DOM library and with it, checking libraries too. And what
// the types of the front entry show.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { distName, ENTRIES, ROOT } from './check/entries.js'
import { report, type Violation } from './check/report.js'

/** The libraries that a user's `tsconfig.json` may name. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  'without DOM': ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  'with DOM': ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
}

/** A program of a user that must compile. The types of viem/accounts need DOM themselves, or `skipLibCheck`. */
const RIGHT = `
import { createPurser, type PayingFetch, type FetchLike } from 'purser'
import { memoryLedger } from 'purser/ledger/memory'
import { type TempoAccount, tempo } from 'purser/wallet/tempo'

declare const account: TempoAccount
export const purser = createPurser({
  wallets: [tempo({ account })],
  policy: { perPayment: '0.10 USD', budgets: [{ limit: '5 USD', per: 'day' }] },
  ledger: memoryLedger(),
})
export const paying: PayingFetch = purser.fetch
export const plain: typeof fetch = purser.fetch
export const like: FetchLike = fetch
await purser.fetch('https://api.example', { method: 'POST', body: 'tea', payment: { maxAmount: '0.01' } })
await purser.fetch(new URL('https://api.example'))
await purser.fetch(new Request('https://api.example'))
const { reply } = await purser.quote(new URL('https://api.example'))
export const status: number = reply.status
`

/** Statements that must not compile. */
const WRONG = [
  'purser.fetch(42)',
  'purser.fetch({})',
  'purser.fetch()',
  "purser.fetch('https://api.example', 42)",
  "purser.fetch('https://api.example', { payment: { maxAmout: '1' } })",
  "purser.fetch('https://api.example', { method: 42 })",
  'purser.quote(42)',
  'purser.install(42)',
  'new Purser()',
  'fetchLike(42)',
]

const dist = join(ROOT, 'dist')
if (!existsSync(dist)) {
  console.log('check:types: nothing to check, run `npm run build` first')
  process.exitCode = 1
} else {
  const folder = consumer()
  try {
    const found = Object.entries(LIBRARIES).flatMap(([name, lib]) => [
      ...mustCompile(folder, name, lib),
      ...mustNotCompile(folder, name, lib),
    ])
    process.exitCode = report('check:types', [...found, ...insiders(folder)])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A folder of a user who has installed the package and its peers, with the types of Node. */
function consumer(): string {
  const folder = mkdtempSync(join(tmpdir(), 'purser-types-'))
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, 'purser'), { recursive: true })
  cpSync(dist, join(modules, 'purser/dist'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(modules, 'purser/package.json'))
  for (const name of ['viem', 'stripe', 'light-bolt11-decoder', '@simplewebauthn', 'undici', 'msw', '@types'])
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  return folder
}

function programOf(folder: string, name: string, text: string, lib: readonly string[]): ts.Program {
  const file = join(folder, name)
  writeFileSync(file, text)
  return ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    lib: [...lib],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    typeRoots: [join(folder, 'node_modules/@types')],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
  })
}

/** Every entry, and a program that uses the front one. */
function mustCompile(folder: string, name: string, lib: readonly string[]): Violation[] {
  // What stands for an entry in browsers and Workers has no name of its own.
  const entries = Object.keys(ENTRIES).filter((entry) => !entry.endsWith('/without-files'))
  const imports = entries.map((entry, at) => `import * as entry${at} from '${entry}'`)
  const uses = imports.map((_, at) => `void entry${at}`)
  const program = programOf(folder, 'right.ts', [...imports, RIGHT, ...uses].join('\n'), lib)
  // The types of msw need the DOM library, whoever uses them: faults of other packages are not ours.
  const ours = ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file?.fileName.startsWith(folder) ?? true)
  return ours.map(({ file, messageText }) => ({
    rule: name,
    file: file?.fileName.replace(`${folder}/node_modules/purser/`, '') ?? 'right.ts',
    message: ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 300),
  }))
}

function mustNotCompile(folder: string, name: string, lib: readonly string[]): Violation[] {
  const head = [
    "import { type FetchLike, Purser } from 'purser'",
    'declare const purser: Purser',
    'declare const fetchLike: FetchLike',
  ]
  const program = programOf(folder, 'wrong.ts', [...head, ...WRONG].join('\n'), lib)
  const file = program.getSourceFile(join(folder, 'wrong.ts'))
  const lines = new Set(
    program
      .getSemanticDiagnostics(file)
      .map(({ start = 0 }) => file?.getLineAndCharacterOfPosition(start).line),
  )
  return WRONG.filter((_, at) => !lines.has(head.length + at)).map((code) => ({
    rule: name,
    file: 'dist/index.d.ts',
    message: `${code} compiles, and must not`,
  }))
}

/** Classes and types that users of the front entry get to see and cannot name: no entry exports them. */
function insiders(folder: string): Violation[] {
  const home = join(folder, 'node_modules/purser/dist')
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.d.ts'),
  )
  const program = ts.createProgram(
    files.map((file) => join(home, file)),
    { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, skipLibCheck: true, types: ['node'] },
  )
  const checker = program.getTypeChecker()
  const exported = Object.keys(ENTRIES).flatMap((entry) => exportsOf(`${distName(entry)}.d.ts`))
  const seen = new Set<ts.Symbol>()
  for (const symbol of exportsOf('index.d.ts')) look(symbol)
  return [...seen]
    .filter((symbol) => !exported.includes(symbol))
    .map(({ name }) => ({
      rule: 'insiders',
      file: 'dist/index.d.ts',
      message: `shows ${name}, which no entry exports`,
    }))

  function exportsOf(file: string): ts.Symbol[] {
    const source = program.getSourceFile(join(home, file))
    const module = source && checker.getSymbolAtLocation(source)
    return module === undefined ? [] : checker.getExportsOfModule(module).map(original)
  }

  function original(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  }

  function look(symbol: ts.Symbol): void {
    if (seen.has(symbol)) return
    seen.add(symbol)
    for (const declaration of symbol.declarations ?? []) visit(declaration)
  }

  function visit(node: ts.Node): void {
    if (ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node)) {
      const name = ts.isTypeReferenceNode(node) ? node.typeName : node.expression
      const symbol = checker.getSymbolAtLocation(name)
      const known = symbol && original(symbol)
      const ours = known?.declarations?.some(
        (one) => one.getSourceFile().fileName.startsWith(home) && !ts.isTypeParameterDeclaration(one),
      )
      if (known !== undefined && ours === true) look(known)
    }
    ts.forEachChild(node, visit)
  }
}

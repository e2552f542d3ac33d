import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import ts from 'typescript'
import { distName, ENTRIES, ROOT } from './check/entries.js'

/**
 * The public types of each entry, as text in `api/`: what a user of the package can see. `npm run check:api` fails if the
 * sources say something else, so that no public type changes unseen. `npm run check:api -- --write` writes it anew.
 */
const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const FOLDER = join(ROOT, 'api')
const printer = ts.createPrinter({ removeComments: true })

const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile)
const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT)
const program = ts.createProgram(fileNames, options)
const checker = program.getTypeChecker()
const reports = new Map(
  Object.entries(ENTRIES).map(([entry, file]) => [
    `${distName(entry).replaceAll('/', '-')}.txt`,
    report(entry, file),
  ]),
)

if (values.write) write()
else process.exit(compare() ? 0 : 1)

function write(): void {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER)
  for (const [name, text] of reports) writeFileSync(join(FOLDER, name), text)
}

/** Prints the first line that differs of each report. */
function compare(): boolean {
  const stored = new Set(readdirSync(FOLDER))
  let same = true
  for (const [name, text] of reports) {
    const before = stored.delete(name) ? readFileSync(join(FOLDER, name), 'utf8') : ''
    if (before === text) continue
    same = false
    const [was, is] = [before.split('\n'), text.split('\n')]
    const at = is.findIndex((line, n) => line !== was[n])
    console.log(`api/${name}:${at + 1}\n  was ${was[at] ?? 'the end'}\n  is  ${is[at] ?? 'the end'}`)
  }
  for (const name of stored) console.log(`api/${name} is the report of no entry`)
  const equal = same && stored.size === 0
  if (!equal) console.log('Public types have changed. If that is meant: npm run check:api -- --write')
  return equal
}

function report(entry: string, file: string): string {
  const source = program.getSourceFile(join(ROOT, file))
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
  // An entry may only have an effect.
  const symbols = module === undefined ? [] : checker.getExportsOfModule(module)
  const parts = symbols
    .map((symbol) => [symbol.name, textOf(symbol)] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => text)
  return `${[`// ${entry}`, ...parts].join('\n\n')}\n`
}

function textOf(exported: ts.Symbol): string {
  const symbol = (exported.flags & ts.SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported)
  const renamed = exported.name === symbol.name ? '' : `// as ${exported.name}\n`
  const declarations = symbol.declarations ?? []
  return renamed + declarations.map((declaration) => declarationText(symbol, declaration)).join('\n')
}

function declarationText(symbol: ts.Symbol, node: ts.Declaration): string {
  if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return printed(node)
  if (ts.isClassDeclaration(node)) return classText(symbol, node)
  const type = checker.typeToString(
    checker.getTypeOfSymbolAtLocation(symbol, node),
    node,
    ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.WriteArrowStyleSignature,
  )
  return ts.isFunctionDeclaration(node) ? functionText(node) : `const ${symbol.name}: ${type}`
}

/** Its signature as it is written, with the type that the compiler sees where none is written. */
function functionText(node: ts.FunctionDeclaration): string {
  const signature = checker.getSignatureFromDeclaration(node)
  const text =
    signature === undefined
      ? ''
      : checker.signatureToString(signature, node, ts.TypeFormatFlags.NoTruncation, ts.SignatureKind.Call)
  return `function ${node.name?.text}${text}`
}

function classText(symbol: ts.Symbol, node: ts.ClassDeclaration): string {
  const heritage = (node.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`).join('')
  const members = node.members.flatMap((member) => {
    if (member.name === undefined && !ts.isConstructorDeclaration(member)) return []
    if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return []
    const modifiers = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : []
    if (modifiers.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) return []
    return [`  ${memberText(member)}`]
  })
  return [`class ${symbol.name}${heritage} {`, ...members, '}'].join('\n')
}

function memberText(member: ts.ClassElement): string {
  if (ts.isConstructorDeclaration(member))
    return `constructor(${member.parameters.map((each) => each.getText()).join(', ')})`
  const symbol = member.name === undefined ? undefined : checker.getSymbolAtLocation(member.name)
  if (symbol === undefined) return printed(member)
  const type = checker.typeToString(
    checker.getTypeOfSymbolAtLocation(symbol, member),
    member,
    ts.TypeFormatFlags.NoTruncation,
  )
  return `${member.name?.getText()}: ${type}`
}

function printed(node: ts.Node): string {
  return printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
}

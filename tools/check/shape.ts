import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { CASTS, GENERATED, LIMITS, WITHOUT_INDEX } from './house.js'
import type { Violation } from './report.js'

/** Checks sizes, casts, bare errors and folders of `src`. */
export function checkShape(root: string): Violation[] {
  const files = sourceFiles(join(root, 'src'))
  const parsed = files.map((path) => parse(root, path))
  const used = new Set<string>()
  const found = parsed.flatMap((file) => [...checkSize(file), ...checkNodes(file, used)])
  const stale = CASTS.filter((cast) => files.length > 0 && !used.has(`${cast.file} ${cast.to}`)).map(
    (cast): Violation => ({
      rule: 'cast',
      file: `src/${cast.file}`,
      message: `the exception for "as ${cast.to}" in tools/check/house.ts is no longer used`,
    }),
  )
  return [...found, ...stale, ...checkFolders(root)]
}

/** Every TypeScript file below a folder. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function parse(root: string, path: string): ts.SourceFile {
  const text = readFileSync(path, 'utf8')
  return ts.createSourceFile(relative(root, path), text, ts.ScriptTarget.ES2022, true)
}

function checkSize(file: ts.SourceFile): Violation[] {
  if (GENERATED.includes(file.fileName.slice('src/'.length))) return []
  const lines = file.text.trimEnd().split('\n').length
  return tooLong('file', file.fileName, 1, lines, 'the file')
}

function checkNodes(file: ts.SourceFile, used: Set<string>): Violation[] {
  const found: Violation[] = []
  const lineOf = (at: number): number => file.getLineAndCharacterOfPosition(at).line + 1
  const visit = (node: ts.Node): void => {
    const line = lineOf(node.getStart(file))
    const add = (rule: string, message: string): void => {
      found.push({ rule, file: file.fileName, line, message })
    }
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const lines = lineOf(node.getEnd()) - line + 1
      found.push(...tooLong('function', file.fileName, line, lines, nameOf(node, file)))
    }
    const cast = castOf(node, file)
    if (cast !== undefined && !allowed(file, cast, used))
      add('cast', `"as ${cast}": the compiler is right, or the place belongs in tools/check/house.ts`)
    if (node.kind === ts.SyntaxKind.AnyKeyword) add('any', 'use unknown, and find out')
    if (ts.isNonNullExpression(node)) add('cast', '"!": handle the case where there is nothing')
    if (throwsBareError(node))
      add('error', 'throw a PaymentError that says what happened to the money, or a TypeError')
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function castOf(node: ts.Node, file: ts.SourceFile): string | undefined {
  if (!ts.isAsExpression(node) && !ts.isTypeAssertionExpression(node)) return undefined
  const to = node.type.getText(file)
  return to === 'const' ? undefined : to
}

function allowed(file: ts.SourceFile, to: string, used: Set<string>): boolean {
  const path = file.fileName.slice('src/'.length)
  if (!CASTS.some((cast) => cast.file === path && cast.to === to)) return false
  used.add(`${path} ${to}`)
  return true
}

function throwsBareError(node: ts.Node): boolean {
  if (!ts.isThrowStatement(node)) return false
  const { expression } = node
  return (
    (ts.isNewExpression(expression) || ts.isCallExpression(expression)) &&
    ts.isIdentifier(expression.expression) &&
    expression.expression.text === 'Error'
  )
}

function nameOf(node: ts.SignatureDeclaration, file: ts.SourceFile): string {
  if (node.name !== undefined) return node.name.getText(file)
  if (ts.isConstructorDeclaration(node)) return 'constructor'
  const { parent } = node
  const named = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)
  return named ? parent.name.getText(file) : 'a function'
}

function tooLong(
  kind: 'file' | 'function',
  file: string,
  line: number,
  lines: number,
  name: string,
): Violation[] {
  const { aim, most } = LIMITS[kind]
  if (lines <= aim) return []
  const message = `${name} has ${lines} lines`
  return lines > most
    ? [{ rule: `${kind} length`, file, line, message: `${message}; at most ${most}` }]
    : [{ rule: `${kind} length`, file, line, message: `${message}; aim at ${aim}`, warning: true }]
}

function checkFolders(root: string): Violation[] {
  const src = join(root, 'src')
  return readdirSync(src, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => checkFolder(root, `src/${entry.name}`, !WITHOUT_INDEX.includes(entry.name)))
}

function checkFolder(root: string, folder: string, needsIndex: boolean): Violation[] {
  const names = readdirSync(join(root, folder))
  const found: Violation[] = []
  if (!names.includes('README.md')) found.push({ rule: 'readme', file: folder, message: 'has no README.md' })
  else {
    const lines = readFileSync(join(root, folder, 'README.md'), 'utf8')
      .trimEnd()
      .split('\n').length
    if (lines > LIMITS.readme)
      found.push({
        rule: 'readme',
        file: `${folder}/README.md`,
        message: `has ${lines} lines; at most ${LIMITS.readme}`,
      })
  }
  if (!needsIndex) return found
  if (!names.includes('index.ts')) found.push({ rule: 'index', file: folder, message: 'has no index.ts' })
  else found.push(...checkIndex(parse(root, join(root, folder, 'index.ts'))))
  return found
}

/** An index contains only re-exports. */
function checkIndex(file: ts.SourceFile): Violation[] {
  return file.statements
    .filter((statement) => !(ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined))
    .map((statement) => ({
      rule: 'index',
      file: file.fileName,
      line: file.getLineAndCharacterOfPosition(statement.getStart(file)).line + 1,
      message: 'an index.ts holds re-exports only',
    }))
}

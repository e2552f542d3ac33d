import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { DIRECT_CALLS } from './house.js'
import type { Violation } from './report.js'
import { sourceFiles } from './shape.js'

/**
 * In these folders, a function that returns a promise is only called, and is never handed over as a value. So the imports show
 * every call: they have no cycle, and no call can go back through a parameter.
 */
export function checkCalls(root: string): Violation[] {
  const files = sourceFiles(join(root, 'src')).filter((path) =>
    DIRECT_CALLS.some((folder) => path.startsWith(join(root, 'src', folder, '/'))),
  )
  const sources = files.map((path) =>
    ts.createSourceFile(relative(root, path), readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true),
  )
  const names = new Set(sources.flatMap((source) => source.statements.flatMap(asyncNameOf)))
  return sources.flatMap((source) => handedOver(source, visibleIn(source, names)))
}

/** The name of a top-level function that returns a promise. */
function asyncNameOf(statement: ts.Statement): readonly string[] {
  if (!ts.isFunctionDeclaration(statement) || statement.name === undefined) return []
  const isAsync = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword) === true
  return isAsync || /^Promise\b/.test(statement.type?.getText() ?? '') ? [statement.name.text] : []
}

/** The functions that a file declares or imports. A name that the file also gives to a value is left out. */
function visibleIn(source: ts.SourceFile, names: ReadonlySet<string>): ReadonlySet<string> {
  const visible = new Set(source.statements.flatMap(asyncNameOf))
  const others = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isImportSpecifier(node) && names.has((node.propertyName ?? node.name).text))
      visible.add(node.name.text)
    if (
      (ts.isBindingElement(node) || ts.isParameter(node) || ts.isVariableDeclaration(node)) &&
      ts.isIdentifier(node.name)
    )
      others.add(node.name.text)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return new Set([...visible].filter((name) => !others.has(name)))
}

function handedOver(source: ts.SourceFile, names: ReadonlySet<string>): Violation[] {
  const found: Violation[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && names.has(node.text) && isValue(node))
      found.push({
        rule: 'call',
        file: source.fileName,
        line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1,
        message: `hands the function ${node.text} over: call it, or return a value that says what is to be done next`,
      })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** Whether an identifier is used as an argument, or as the value of a property, variable or array. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isCallExpression(parent)) return parent.arguments.some((argument) => argument === node)
  if (ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent)) return parent.initializer === node
  return (
    (ts.isShorthandPropertyAssignment(parent) && !isPattern(parent.parent)) ||
    ts.isArrayLiteralExpression(parent) ||
    (ts.isBinaryExpression(parent) && parent.right === node)
  )
}

/** `({ pay } = parts)` takes a value apart. */
function isPattern({ parent }: ts.ObjectLiteralExpression): boolean {
  return ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken
}

import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { BODY_READERS } from './house.js'
import type { Violation } from './report.js'
import { sourceFiles } from './shape.js'

/** The methods that read a whole body, or take its stream. */
const WHOLE = new Set(['json', 'text', 'arrayBuffer', 'blob', 'bytes', 'formData'])
const STREAM = 'getReader'

/** Checks that bodies of others are read within limits: by one reader, or by a listed file with its reason. */
export function checkBodies(root: string): Violation[] {
  const used = new Set<string>()
  const files = sourceFiles(join(root, 'src'))
  const found = files.flatMap((path) => readersIn(root, path, used))
  const stale = BODY_READERS.filter(({ file }) => files.length > 0 && !used.has(file)).map(
    ({ file }): Violation => ({
      rule: 'body',
      file: `src/${file}`,
      message: 'the exception in tools/check/house.ts is no longer used',
    }),
  )
  return [...found, ...stale]
}

function readersIn(root: string, path: string, used: Set<string>): Violation[] {
  const name = relative(root, path)
  const file = ts.createSourceFile(name, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true)
  const listed = BODY_READERS.find((reader) => `src/${reader.file}` === name)
  const found: Violation[] = []
  const visit = (node: ts.Node): void => {
    const reads = readOf(node, file)
    if (reads !== undefined && listed?.reads.includes(reads)) used.add(listed.file)
    else if (reads !== undefined)
      found.push({
        rule: 'body',
        file: name,
        line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1,
        message: `"${reads}" has no bounds: read it with readBody or readText of src/protocol/body.ts`,
      })
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** Returns the method by which this node reads a body. Undefined if it reads none. */
function readOf(node: ts.Node, file: ts.SourceFile): string | undefined {
  if (ts.isForOfStatement(node) && node.awaitModifier !== undefined)
    return /\bbody\??$/.test(node.expression.getText(file)) ? 'for await' : undefined
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined
  const name = node.expression.name.text
  if (name === STREAM) return name
  return WHOLE.has(name) && node.arguments.length === 0 ? name : undefined
}

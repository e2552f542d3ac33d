import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const SOURCES = new URL('../../src', import.meta.url).pathname

/** Every property that an internal record, an option or an answer may lack, by the sources themselves. */
export function optionalNames(): readonly string[] {
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    const optional =
      (ts.isPropertySignature(node) && mayBeAbsent(node)) ||
      (ts.isMethodSignature(node) && node.questionToken !== undefined)
    if (optional && ts.isIdentifier(node.name)) names.add(node.name.text)
    ts.forEachChild(node, visit)
  }
  for (const file of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue
    const path = join(SOURCES, file)
    visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, false))
  }
  return [...names].sort()
}

function mayBeAbsent({ questionToken, type }: ts.PropertySignature): boolean {
  if (questionToken !== undefined) return true
  return (
    type !== undefined &&
    ts.isUnionTypeNode(type) &&
    type.types.some(({ kind }) => kind === ts.SyntaxKind.UndefinedKeyword)
  )
}

/** What somebody's merge of JSON, or worse, may leave on `Object.prototype`. */
export const HOSTILE: Readonly<Record<string, () => unknown>> = {
  true: () => true,
  'a number': () => 1,
  'an object': () => ({ payment: 'polluted', terms: {}, value: 1n }),
  'a function': () => () => true,
}

/** Runs work while every object inherits that property. */
export async function polluted<T>(name: string, value: unknown, work: () => Promise<T>): Promise<T> {
  const prototype: object = Object.prototype
  // As an assignment would make it: what a merge leaves behind can be written and enumerated.
  Object.defineProperty(
    prototype,
    name,
    Object.assign(Object.create(null), { value, enumerable: true, configurable: true, writable: true }),
  )
  try {
    return await work()
  } finally {
    Reflect.deleteProperty(prototype, name)
  }
}

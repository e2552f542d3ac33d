import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { PAYMENT_MOVES } from './house.js'
import type { Violation } from './report.js'
import { sourceFiles } from './shape.js'

/**
 * Checks that one file calls the ledger's moves of a payment and tells the listeners. The ledger's own folder is not
 * checked.
 */
export function checkMoves(root: string): Violation[] {
  return sourceFiles(join(root, 'src')).flatMap((path) => movesIn(root, path))
}

function movesIn(root: string, path: string): Violation[] {
  const name = relative(root, path)
  if (name === `src/${PAYMENT_MOVES.file}` || name.startsWith('src/ledger/')) return []
  const file = ts.createSourceFile(name, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true)
  const found: Violation[] = []
  const visit = (node: ts.Node): void => {
    const move = moveOf(node, file)
    if (move !== undefined)
      found.push({
        rule: 'move',
        file: name,
        line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1,
        message: `calls ${move} of the ledger: use src/${PAYMENT_MOVES.file}, which tells listeners`,
      })
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** `ledger.advance`, `env.ledger.hold`, `const { deny } = env.ledger`. Undefined for any other node. */
function moveOf(node: ts.Node, file: ts.SourceFile): string | undefined {
  const isMove = (name: string, of: ts.Node | undefined): boolean =>
    PAYMENT_MOVES.methods.includes(name) && of !== undefined && /ledger$/i.test(of.getText(file))
  if (ts.isPropertyAccessExpression(node))
    return isMove(node.name.text, node.expression) ? node.name.text : undefined
  if (!ts.isBindingElement(node) || !ts.isVariableDeclaration(node.parent.parent)) return undefined
  const name = (node.propertyName ?? node.name).getText(file)
  return isMove(name, node.parent.parent.initializer) ? name : undefined
}

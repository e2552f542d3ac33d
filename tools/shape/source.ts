import ts from 'typescript'

/** What the syntax of `src` comes to. */
export interface SourceShape {
  readonly files: number
  readonly lines: number
  /** Functions with a name: declarations, constants that hold a function, and methods. */
  readonly functions: number
  /** Functions and private methods that one place of `src` refers to. */
  readonly oneCaller: number
  /** Functions whose body has at most three lines. */
  readonly short: number
  readonly dynamicImports: number
  /** `...(x === undefined ? {} : { x })` and its other spellings. */
  readonly conditionalSpreads: number
  /** Functions with four parameters or more. */
  readonly manyParameters: number
  /** Exported names of `src/index.ts`. */
  readonly publicNames: number
}

type Named = ts.FunctionLikeDeclaration & { readonly body: ts.Node }

/** Reads the sources of a project. */
export function shapeOf(config: string): SourceShape {
  const { fileNames, options } = read(config)
  const program = ts.createProgram(fileNames, options)
  const checker = program.getTypeChecker()
  const own = fileNames.filter((name) => name.startsWith(`${process.cwd()}/src/`) || name.startsWith('src/'))
  const sources = own.flatMap((name) => program.getSourceFile(name) ?? [])
  const functions = new Map<ts.Symbol, Named>()
  const counts = { dynamicImports: 0, conditionalSpreads: 0 }
  for (const source of sources) visit(source, (node) => note(node, checker, functions, counts))
  const references = new Map<ts.Symbol, number>()
  for (const source of sources)
    visit(source, (node) => {
      const symbol = referred(node, checker)
      if (symbol !== undefined && functions.has(symbol))
        references.set(symbol, (references.get(symbol) ?? 0) + 1)
    })
  const all = [...functions]
  return {
    files: sources.length,
    lines: sources.reduce((sum, source) => sum + source.getLineAndCharacterOfPosition(source.end).line, 0),
    functions: all.length,
    oneCaller: all.filter(([symbol, one]) => isOwn(one) && references.get(symbol) === 1).length,
    short: all.filter(([, one]) => linesOf(one) <= 3).length,
    ...counts,
    manyParameters: all.filter(([, { parameters }]) => parameters.length >= 4).length,
    publicNames: namesOf(program, checker),
  }
}

function read(config: string): ts.ParsedCommandLine {
  const { config: json } = ts.readConfigFile(config, ts.sys.readFile)
  return ts.parseJsonConfigFileContent(json, ts.sys, '.')
}

function visit(node: ts.Node, use: (node: ts.Node) => void): void {
  use(node)
  node.forEachChild((child) => visit(child, use))
}

function note(
  node: ts.Node,
  checker: ts.TypeChecker,
  functions: Map<ts.Symbol, Named>,
  counts: { dynamicImports: number; conditionalSpreads: number },
): void {
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    counts.dynamicImports++
  if ((ts.isSpreadAssignment(node) || ts.isSpreadElement(node)) && isConditional(node.expression))
    counts.conditionalSpreads++
  const [name, body] = nameAndBody(node)
  const symbol = name === undefined ? undefined : checker.getSymbolAtLocation(name)
  if (symbol !== undefined && body !== undefined) functions.set(symbol, body)
}

function nameAndBody(node: ts.Node): readonly [ts.Node?, Named?] {
  if ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) && node.name && hasBody(node))
    return [node.name, node]
  if (!ts.isVariableDeclaration(node) || node.initializer === undefined) return []
  const { initializer } = node
  return (ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer)) && hasBody(initializer)
    ? [node.name, initializer]
    : []
}

function hasBody(node: ts.FunctionLikeDeclaration): node is Named {
  return node.body !== undefined
}

/** Public methods have callers outside of `src`. */
function isOwn(node: Named): boolean {
  return !ts.isMethodDeclaration(node) || ts.isPrivateIdentifier(node.name)
}

function linesOf({ body }: Named): number {
  const source = body.getSourceFile()
  const line = (at: number): number => source.getLineAndCharacterOfPosition(at).line
  const between = line(body.end) - line(body.getStart())
  // The braces of a block are no lines of it.
  return ts.isBlock(body) ? between - 1 : between + 1
}

function isConditional(node: ts.Expression): boolean {
  const inner = ts.isParenthesizedExpression(node) ? node.expression : node
  if (ts.isConditionalExpression(inner)) return isEmpty(inner.whenTrue) || isEmpty(inner.whenFalse)
  return ts.isBinaryExpression(inner) && inner.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken
}

function isEmpty(node: ts.Expression): boolean {
  return (
    (ts.isObjectLiteralExpression(node) && node.properties.length === 0) ||
    (ts.isArrayLiteralExpression(node) && node.elements.length === 0)
  )
}

/** The symbol that a name refers to, unless it is where the symbol is declared, imported or exported. */
function referred(node: ts.Node, checker: ts.TypeChecker): ts.Symbol | undefined {
  if (!ts.isIdentifier(node) && !ts.isPrivateIdentifier(node)) return undefined
  const { parent } = node
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return undefined
  if ('name' in parent && parent.name === node && !ts.isPropertyAccessExpression(parent)) {
    if (!ts.isShorthandPropertyAssignment(parent)) return undefined
    return resolved(checker.getShorthandAssignmentValueSymbol(parent), checker)
  }
  return resolved(checker.getSymbolAtLocation(node), checker)
}

function resolved(symbol: ts.Symbol | undefined, checker: ts.TypeChecker): ts.Symbol | undefined {
  if (symbol === undefined || (symbol.flags & ts.SymbolFlags.Alias) === 0) return symbol
  return checker.getAliasedSymbol(symbol)
}

function namesOf(program: ts.Program, checker: ts.TypeChecker): number {
  const front = program.getSourceFile('src/index.ts')
  const symbol = front === undefined ? undefined : checker.getSymbolAtLocation(front)
  return symbol === undefined ? 0 : checker.getExportsOfModule(symbol).length
}

import { relative } from 'node:path'
import ts from 'typescript'
import type { Violation } from './report.js'

/** Checks that every exported name of an entry has a docstring where it is declared. */
export function checkDocstrings(root: string, entries: readonly string[]): Violation[] {
  const program = ts.createProgram([...entries], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
  })
  const checker = program.getTypeChecker()
  const seen = new Set<ts.Symbol>()
  return entries.flatMap((entry) => {
    const file = program.getSourceFile(entry)
    const module = file && checker.getSymbolAtLocation(file)
    if (module === undefined) return []
    return checker.getExportsOfModule(module).flatMap((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      if (seen.has(target)) return []
      seen.add(target)
      return undocumented(root, symbol.name, target, checker)
    })
  })
}

function undocumented(root: string, name: string, symbol: ts.Symbol, checker: ts.TypeChecker): Violation[] {
  const declaration = symbol.declarations?.[0]
  const file = declaration?.getSourceFile()
  if (declaration === undefined || file === undefined)
    return [{ rule: 'docstring', file: 'src', message: `${name} leads nowhere` }]
  if (file.fileName.includes('/node_modules/')) return []
  if (ts.displayPartsToString(symbol.getDocumentationComment(checker)).trim() !== '') return []
  const line = file.getLineAndCharacterOfPosition(declaration.getStart(file)).line + 1
  return [
    {
      rule: 'docstring',
      file: relative(root, file.fileName),
      line,
      message: `${name} is public and has no docstring`,
    },
  ]
}

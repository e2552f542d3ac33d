import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { entryFiles, ROOT } from './entries.js'
import type { Fence } from './fences.js'
import type { Violation } from './report.js'

/** A module made of an example: its text, and for each of its lines the line of the page it came from. */
interface Example {
  readonly path: string
  readonly page: string
  readonly text: string
  readonly lines: readonly number[]
}

const AMBIENT = join(ROOT, 'tools/docs/ambient.d.ts')

/** Compiles every example as a module of its own, beside its page, and reports errors where the page has them. */
export function checkExamples(fences: readonly Fence[]): Violation[] {
  const options = compilerOptions()
  const base = ts.createProgram([...new Set(fences.filter((f) => f.docstring).flatMap(moduleFiles))], options)
  const examples = fences.map((fence, at) => exampleOf(fence, at, fences, base))
  const program = ts.createProgram(
    [AMBIENT, ...examples.map(({ path }) => path)],
    options,
    hostWith(examples, options),
    base,
  )
  const all = examples.flatMap((example) => diagnose(program, example))
  // An example that goes on repeats the errors of the one before it.
  return all.filter((one, at) => all.findIndex((other) => place(other) === place(one)) === at)
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT)
  // Examples are read by people: unused names and `process.env.NAME` are fine in them. What a variable holds is not: it
  // may be undefined, as for every reader.
  return {
    ...options,
    noUnusedLocals: false,
    noUnusedParameters: false,
    noPropertyAccessFromIndexSignature: false,
    verbatimModuleSyntax: false,
    isolatedModules: false,
  }
}

function exampleOf(fence: Fence, at: number, fences: readonly Fence[], base: ts.Program): Example {
  const parts = [fence]
  for (let before = at; parts[0]?.continues; ) {
    const earlier = fences[--before]
    if (earlier?.file !== fence.file) break
    parts.unshift(earlier)
  }
  const imports = fence.docstring ? importsFor(fence, base) : ''
  const text = [imports, ...parts.flatMap(({ setup, code }) => [setup, code]), 'export {}'].join('\n')
  const lines = [
    fence.line,
    ...parts.flatMap((part) => [...numbered(part.setup, part.setupLine), ...numbered(part.code, part.line)]),
  ]
  return { path: join(ROOT, `${fence.file}.${fence.line}.ts`), page: fence.file, text, lines }
}

function numbered(text: string, first: number): number[] {
  return text.split('\n').map((_, index) => first + index)
}

/** A docstring's example may use what its own file, the entries and the folders' indexes export. */
function importsFor(fence: Fence, base: ts.Program): string {
  const checker = base.getTypeChecker()
  const source = ts.createSourceFile('example.ts', fence.code, ts.ScriptTarget.ES2022, true)
  const free = freeNames(source)
  const imported = new Map<string, string>()
  for (const path of moduleFiles(fence)) {
    const file = base.getSourceFile(path)
    const module = file && checker.getSymbolAtLocation(file)
    if (module === undefined) continue
    for (const { name } of checker.getExportsOfModule(module))
      if (free.has(name) && !imported.has(name)) imported.set(name, specifier(fence.file, path))
  }
  return [...imported].map(([name, from]) => `import { ${name} } from '${from}'`).join(';')
}

function moduleFiles({ file }: Fence): string[] {
  const own = join(ROOT, file)
  const indexes = readdirSync(join(ROOT, 'src')).map((folder) => join(ROOT, 'src', folder, 'index.ts'))
  return [own, join(dirname(own), 'index.ts'), ...entryFiles(), ...indexes].filter((path) => existsSync(path))
}

function specifier(from: string, to: string): string {
  const path = relative(dirname(join(ROOT, from)), to).replace(/\.ts$/, '.js')
  return path.startsWith('.') ? path : `./${path}`
}

/** Names that are used and not declared by the example itself. */
function freeNames(source: ts.SourceFile): Set<string> {
  const [used, declared] = [new Set<string>(), new Set<string>()]
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node
      const isName = 'name' in parent && parent.name === node
      const isMember = ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)
      if (!isName) used.add(node.text)
      else if (!isMember) declared.add(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  for (const name of declared) used.delete(name)
  return used
}

function hostWith(examples: readonly Example[], options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  const texts = new Map(examples.map(({ path, text }) => [path, text]))
  const { fileExists, readFile } = host
  host.fileExists = (path) => texts.has(path) || fileExists(path)
  host.readFile = (path) => texts.get(path) ?? readFile(path)
  return host
}

function diagnose(program: ts.Program, { path, page, lines }: Example): Violation[] {
  const file = program.getSourceFile(path)
  if (file === undefined) return [{ rule: 'example', file: page, message: 'was not compiled' }]
  const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
  return found.map(({ start = 0, code, messageText }) => ({
    rule: 'example',
    file: page,
    line: lines[file.getLineAndCharacterOfPosition(start).line] ?? 1,
    message: `TS${code}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`.slice(0, 300),
  }))
}

function place({ file, line, message }: Violation): string {
  return `${file}:${line} ${message}`
}

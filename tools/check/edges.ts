import { join } from 'node:path'
import { cruise, type IDependency, type IModule } from 'dependency-cruiser'
import { BEYOND_CORE, CORE, FOREIGN, IMPORT_EXCEPTIONS, LAYERS, SHELLS, WITHOUT_INDEX } from './house.js'
import type { Violation } from './report.js'

/** Checks the imports within `src` against the layers in house.ts. Type imports count like any others. */
export async function checkEdges(root: string): Promise<Violation[]> {
  const { output } = await cruise(
    ['src'],
    { baseDir: root, tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } },
    { extensions: ['.ts', '.js', '.json'], extensionAlias: { '.js': ['.ts', '.js'] } },
    { tsConfig: { options: { baseUrl: join(root, 'nowhere') } } },
  )
  if (typeof output === 'string') throw new TypeError('dependency-cruiser reported text instead of a graph')
  const modules = output.modules.filter((module) => module.source.startsWith('src/'))
  return modules
    .flatMap((module) => module.dependencies.flatMap((to) => judge(module, to)))
    .filter(firstOfCycle)
}

function judge({ source }: IModule, to: IDependency): Violation[] {
  const violation = (rule: string, message: string): Violation => ({ rule, file: source, message })
  const found: Violation[] = []
  if (to.couldNotResolve && !isPackage(to)) found.push(violation('resolve', `cannot find ${to.module}`))
  if (to.circular) {
    const ring = to.cycle?.map(({ name }) => name.replace(/^src\//, '')) ?? []
    found.push(violation('cycle', [source.replace(/^src\//, ''), ...ring].join(' → ')))
  }
  if (to.resolved.startsWith('src/'))
    return [...found, ...inside(source, to.resolved).map(([rule, message]) => violation(rule, message))]
  const stranger = beyondCore(source, to.coreModule ? `node:${to.module.replace(/^node:/, '')}` : to.module)
  if (stranger !== undefined) found.push(violation('core', stranger))
  return found
}

function inside(source: string, target: string): [rule: string, message: string][] {
  const [from, to] = [folderOf(source), folderOf(target)]
  if (from === to) return []
  const [low, high] = [layerOf(to), layerOf(from)]
  if (high === -1) return [['layer', `the folder ${from} has no place in tools/check/house.ts`]]
  if (low === -1) return [['layer', `imports ${to}, which has no place in tools/check/house.ts`]]
  const path = target.slice('src/'.length)
  const shell = Object.hasOwn(SHELLS, from) ? SHELLS[from] : undefined
  if (shell !== undefined && !shell.includes(to))
    return [['shell', `${from} may not import ${to} (${path}): it has a Purser, and its public methods`]]
  if (low >= high) return [['layer', `${from} may not import ${to} (${path})`]]
  if (path === 'index.ts' || path.endsWith('/index.ts')) return []
  if (WITHOUT_INDEX.includes(to)) return []
  if (IMPORT_EXCEPTIONS.some((one) => one.file === path && one.from.includes(from))) return []
  return [['index', `imports ${path}: a folder is imported through its index.js`]]
}

function beyondCore(source: string, name: string): string | undefined {
  const path = source.slice('src/'.length)
  if (!CORE.includes(folderOf(source))) return undefined
  const foreign =
    name.startsWith('node:') || FOREIGN.some((one) => name === one || name.startsWith(`${one}/`))
  if (!foreign) return undefined
  const may = BEYOND_CORE.filter((one) => path.startsWith(one.path)).flatMap((one) => one.may)
  if (may.some((one) => name === one || name.startsWith(one.endsWith(':') ? one : `${one}/`)))
    return undefined
  return `imports ${name}: the core runs in a browser, and brings no chain library`
}

/** `src/pay/flow.ts` is in `pay`; a file directly in `src` is in `index`. */
function folderOf(path: string): string {
  const [, folder, rest] = path.split('/')
  return rest === undefined || folder === undefined ? 'index' : folder
}

function layerOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder))
}

function isPackage({ module: name }: IDependency): boolean {
  return !name.startsWith('.')
}

/** The same cycle is found from each of its files. It is reported once. */
function firstOfCycle(violation: Violation, at: number, all: readonly Violation[]): boolean {
  if (violation.rule !== 'cycle') return true
  const key = ringOf(violation)
  return all.findIndex((other) => other.rule === 'cycle' && ringOf(other) === key) === at
}

function ringOf({ message }: Violation): string {
  return [...new Set(message.split(' → '))].sort().join()
}

import { Session } from 'node:inspector/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chargePayer } from './charge.js'

/**
 * Prints where the processor time of one paid call goes, by package and by function: `npm run profile`. `--calls 5000` sets how
 * many calls are sampled, `--top 40` how many functions are printed, `--before 2000` how many calls are made before.
 */
const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '5000' },
    top: { type: 'string', default: '40' },
    before: { type: 'string', default: '2000' },
  },
})

const { pay, close } = chargePayer()
for (let count = 0; count < Number(values.before); count++) await pay()
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.setSamplingInterval', { interval: 200 })
await session.post('Profiler.start')
for (let count = 0; count < Number(values.calls); count++) await pay()
const { profile } = await session.post('Profiler.stop')
await close()

const micros = new Map<number, number>()
profile.samples?.forEach((id, at) => {
  micros.set(id, (micros.get(id) ?? 0) + (profile.timeDeltas?.[at] ?? 0))
})
const byPackage = new Map<string, number>()
const byFunction = new Map<string, number>()
for (const { id, callFrame } of profile.nodes) {
  const spent = micros.get(id) ?? 0
  const file = place(callFrame.url)
  add(byPackage, packageOf(file), spent)
  add(byFunction, `${callFrame.functionName || '(anonymous)'} ${file}:${callFrame.lineNumber + 1}`, spent)
}
const all = [...micros.values()].reduce((sum, value) => sum + value, 0)
print(byPackage, 20)
console.log()
print(byFunction, Number(values.top))
process.exit(0)

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value)
}

function place(url: string): string {
  return url.startsWith('file:') ? relative(process.cwd(), fileURLToPath(url)) : url
}

function packageOf(file: string): string {
  if (file === '') return '(engine and garbage collector)'
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)
  if (dependency !== null) return dependency[1] ?? file
  if (file.startsWith('node:')) return 'node'
  return file.split('/').slice(0, 2).join('/')
}

function print(sums: ReadonlyMap<string, number>, top: number): void {
  const sorted = [...sums].sort(([, a], [, b]) => b - a).slice(0, top)
  for (const [key, value] of sorted) {
    const share = ((value / all) * 100).toFixed(1)
    const perCall = (value / Number(values.calls)).toFixed(1)
    console.log(`${share.padStart(5)} %  ${perCall.padStart(7)} µs  ${key}`)
  }
}

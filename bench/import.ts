import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { median, type Row } from './measure.js'

const RUNS = 15
const DIST = fileURLToPath(new URL('../dist/index.js', import.meta.url))

/** How long `import 'purser'` takes in a fresh Node, with the built package. */
export function benchImport(): readonly Row[] {
  if (!existsSync(DIST)) throw new TypeError('build first: npm run build')
  const code = `const t = performance.now(); await import(${JSON.stringify(DIST)}); console.log(performance.now() - t)`
  const times = Array.from({ length: RUNS }, () => {
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })
    return Number(stdout)
  })
  return [{ what: "import 'purser' in Node", measured: `${median(times).toFixed(0)} ms`, target: '≤ 60 ms' }]
}

import { SCHEMAS } from '../../src/cli/schemas.js'

interface Printed {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Throws if a command printed JSON that its published schema does not describe. `purser schema` prints schemas themselves.
 * The stdout of `purser fetch` is the body of the server, so its facts are the last line of stderr.
 */
export function expectFits(args: readonly string[], { stdout, stderr }: Printed): void {
  const [first = '', second = ''] = args
  if (first === 'schema') return
  const name = [`${first} ${second}`, first].find((known) => Object.hasOwn(SCHEMAS, known))
  const schema = Object.entries(SCHEMAS).find(([known]) => known === name)?.[1]
  if (schema === undefined) throw new Error(`purser ${first} ${second} has no schema`)
  const lines = first === 'fetch' ? stderr.trim().split('\n').slice(-1) : stdout.split('\n')
  for (const line of lines.filter((text) => text !== '')) {
    const value: unknown = JSON.parse(line)
    // An error of a command that did not run.
    if (first === 'fetch' && !('outcome' in Object(value))) continue
    schema.parse(value)
  }
}

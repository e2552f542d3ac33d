import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { STATES } from '../../src/cli/look-schemas.js'
import { withCommandList } from '../../tools/docs/command-list.js'

const page = readFileSync(new URL('../../docs/command-line.md', import.meta.url), 'utf8')

describe('docs/command-line.md', () => {
  it('lists all commands and options of the program (npx tsx tools/command-list.ts writes them)', () => {
    expect(page).toContain('`purser payments`')
    expect(page).toContain('`--since <TIME>`')
    expect(withCommandList(page)).toBe(page)
  })

  it('explains every exit code', () => {
    const codes = [...page.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]))
    expect(codes).toEqual(Object.values(EXIT))
  })

  it('explains every state of a payment', () => {
    const states = [...page.matchAll(/^\| `([a-z]+)` \|/gm)].map((match) => match[1])
    expect(states).toEqual([...STATES])
  })
})

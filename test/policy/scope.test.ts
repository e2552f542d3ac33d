import { expect, test } from 'vitest'
import { type CounterClaim, counterKey, type Scope } from '../../src/policy/index.js'

/** The compiler holds this list to every name that a scope may have. */
const NAMES: Readonly<Record<keyof Scope, true>> = {
  policy: true,
  agent: true,
  task: true,
  vendor: true,
  payee: true,
  category: true,
  tool: true,
  network: true,
  grant: true,
  unit: true,
}

test('counters of different scopes are different counters', () => {
  const claim: Pick<CounterClaim, 'counts' | 'scope' | 'window'> = {
    counts: 'spend',
    scope: { policy: 'p' },
    window: 'ever',
  }
  const keys = new Set([counterKey(claim)])
  for (const name of Object.keys(NAMES))
    keys.add(counterKey({ ...claim, scope: { ...claim.scope, [name]: 'x' } }))
  keys.add(counterKey({ ...claim, counts: 'lock' }))
  keys.add(counterKey({ ...claim, window: 'day@UTC' }))
  expect(keys.size).toBe(1 + Object.keys(NAMES).length + 2)
  const [a, b] = [
    { policy: 'p', agent: 'a', task: 't' },
    { task: 't', agent: 'a', policy: 'p' },
  ]
  expect(counterKey({ ...claim, scope: a })).toBe(counterKey({ ...claim, scope: b }))
})

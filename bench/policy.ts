import { amount } from '../src/index.js'
import { createPolicy, type Facts, type Policy, type Terms } from '../src/policy/index.js'
import type { Resource } from '../src/protocol/index.js'
import { micros, type Row, ratio, sideBySide } from './measure.js'
import { alphaUSD, policy } from './stubs.js'

const FACTS: Facts = {
  now: Date.UTC(2026, 5, 15, 12),
  version: 1,
  pins: {},
  usual: {},
  grants: [],
  knownVendor: true,
  denied: [],
  denials: 0,
}

const TERMS: Terms = {
  purpose: 'pay',
  kind: 'tempo/charge',
  network: 'eip155:31337',
  most: amount(10_000n, alphaUSD),
  exact: true,
  payees: [{ id: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8', amount: amount(10_000n, alphaUSD) }],
}

/** A decision must not get dearer with the number of vendors. */
export async function benchPolicy(): Promise<readonly Row[]> {
  const contender = (vendors: number) => {
    const many = policyWith(vendors)
    let serial = 0
    return {
      name: `${vendors} vendors`,
      run: () => {
        const vendor = `https://v${serial++ % vendors}.example`
        return many.evaluate(TERMS, resourceAt(vendor), { agent: 'bench', tasks: [] }, FACTS)
      },
    }
  }
  const plan = { rounds: 60, batch: 2_000, warmUp: 20_000 }
  const [few, many] = await sideBySide([contender(10), contender(10_000)], plan)
  if (few === undefined || many === undefined) return []
  return [
    {
      what: 'a decision with 10,000 vendors / with 10',
      measured: `${ratio(many, few)} (${micros(many)} / ${micros(few)})`,
      target: '≤ 1.5 ×',
    },
  ]
}

function policyWith(count: number): Policy {
  const vendors = Array.from({ length: count }, (_, index) => ({
    origin: `https://v${index}.example`,
    paths: ['/v1/**'],
  }))
  return createPolicy({ ...policy, vendors })
}

function resourceAt(vendor: string): Resource {
  return {
    transport: 'http',
    vendor,
    operation: 'GET /v1/search',
    address: `${vendor}/v1/search`,
    method: 'GET',
    path: '/v1/search',
  }
}

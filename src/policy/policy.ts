import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'
import { PaymentError, type Reason } from '../errors/index.js'
import type { Resource } from '../protocol/index.js'
import { approvalSettingsOf, boundsOf } from './bounds.js'
import { budgetLines } from './budgets.js'
import type { PolicyDocument } from './document.js'
import { evaluate } from './evaluate.js'
import { evaluationOf, type PolicyScope } from './evaluation.js'
import type { Document } from './fields.js'
import { agentLayer, baseLayer, type Layer, type Layers } from './layers.js'
import { notListed } from './near-vendors.js'
import { isPlainHttps } from './origins.js'
import { readDocument } from './read.js'
import { repeatWithin } from './repeat.js'
import { checkWildcards, hasWildcards } from './suffixes.js'
import type { Policy } from './types.js'
import { isListed, lookUp } from './vendors.js'

/** The limit of cached `payable` results: the number of requested origins is not bounded by the document. */
const REMEMBERED = 10_000

/**
 * Creates a policy from its document: validated, hashed, frozen.
 *
 * @param document - The rules. `docs/policy.md` explains each of them.
 * @throws PaymentError `invalid_policy`: its message lists all faults and how to fix them; `reasons` has the same, with
 *   the path as `rule`.
 * @see docs/policy.md
 * @example
 * ```ts
 * const policy = createPolicy({
 *   perPayment: '0.10 USD',
 *   budgets: [{ limit: '5 USD', per: 'day' }],
 *   vendors: [{ origin: 'https://api.search.example' }],
 * })
 * ```
 */
export function createPolicy(document: PolicyDocument): Policy {
  return policyOf(readDocument(document))
}

export function policyOf(document: Document): Policy {
  const policyScope = policyScopeOf(document)
  const hash = hashOf(document)
  const layersFor = layering(document)
  const base = layersFor('').layers[0]
  let checked = !hasWildcards(document)
  const policy = Object.freeze({
    name: policyScope.policy,
    hash,
    unit: policyScope.unit,
    symbol: policyScope.symbol,
    approvalSettings: (context) => approvalSettingsOf(layersFor(context.agent).layers),
    payable: payableBy(layersFor),
    objections: ({ vendor, transport }, { agent }) => {
      const { layers, objections } = layersFor(agent)
      if (objections.length > 0) return objections
      const closed = layers.find((layer) => !admits(layer, vendor, transport))
      return closed === undefined ? [] : [notListed(closed.vendors, vendor)]
    },
    bounds: (resource, context) => boundsOf(policyScope, layersFor(context.agent).layers, resource),
    evaluate: (terms, resource, context, facts) => {
      const { layers, objections } = layersFor(context.agent)
      const judged = evaluationOf(policyScope, layers, { terms, resource, context, facts })
      return evaluate(layers, judged, hash, checked ? objections : [...objections, UNCHECKED])
    },
    repeatWithin: (resource, context) => repeatWithin(layersFor(context.agent).layers, resource, context),
    replacesAuthorization: (resource) => everyEntry(base, resource, 'authorization', 'replace'),
    sendsIdempotencyKey: (resource) => everyEntry(base, resource, 'cors', true),
    budgets: (context, now) => budgetLines(policyScope, layersFor(context.agent).layers, context, now),
    ready: async () => {
      if (checked) return
      await checkWildcards(document)
      checked = true
    },
  } satisfies Policy)
  documents.set(policy, document)
  return policy
}

/** The documents of policies, for features that need the whole document. */
const documents = new WeakMap<object, Document>()

/** Returns the document of a policy; undefined if the policy was not created by this module. */
export function documentOf(policy: Policy): Document | undefined {
  return documents.get(policy)
}

const UNCHECKED: Reason = Object.freeze({
  rule: 'vendors.unchecked',
  message: 'Nothing is paid before the wildcards of the policy have been checked.',
})

interface Layering {
  readonly layers: Layers
  readonly objections: readonly Reason[]
}

/** Returns the layers for an agent. If the document names agents, an unnamed agent is refused. */
function layering(document: Document): (agent: string) => Layering {
  const base = baseLayer(document)
  const agents = document.agents
  if (agents === undefined) {
    const only: Layering = { layers: [base], objections: [] }
    return () => only
  }
  const named = new Map(
    Object.entries(agents).map(([agent, rules]) => {
      const layers: Layers = [base, agentLayer(agent, rules, document)]
      return [agent, { layers, objections: [] } satisfies Layering]
    }),
  )
  // `*` is a fallback, not the name of an agent.
  const rest = named.get('*')
  return (agent) => (agent === '*' ? rest : (named.get(agent) ?? rest)) ?? refusing(base, agent)
}

function refusing(base: Layer, agent: string): Layering {
  const message = `${agent === '' ? 'A caller without a name' : `The agent ${agent}`} is not one that may pay.`
  return { layers: [base], objections: [{ rule: 'agents', asked: agent, message }] }
}

/** Tells whether an origin could be paid at all, with a cache per agent and origin. */
function payableBy(layersFor: (agent: string) => Layering): Policy['payable'] {
  const remembered = new Map<string, Map<string, boolean>>()
  return ({ vendor, transport }, { agent }) => {
    let known = remembered.get(agent)
    const before = known?.get(vendor)
    if (before !== undefined) return before
    if (known === undefined || known.size >= REMEMBERED) {
      if (remembered.size >= REMEMBERED) remembered.clear()
      known = new Map()
      remembered.set(agent, known)
    }
    const answer = layersFor(agent).layers.every((layer) => admits(layer, vendor, transport))
    known.set(vendor, answer)
    return answer
  }
}

/** Tells whether this layer could ever allow a payment to this vendor. */
function admits(
  { vendors, unlisted, ofAgent }: Layer,
  vendor: string,
  transport: Resource['transport'],
): boolean {
  if (vendors !== undefined && isListed(vendors, vendor)) return true
  return unlisted !== 'deny' && (ofAgent || transport !== 'http' || isPlainHttps(vendor))
}

/**
 * Tells whether all matching entries of the document set this option. An option that loosens must be set by every
 * entry.
 */
function everyEntry<K extends 'authorization' | 'cors'>(
  { vendors }: Layer,
  resource: Resource,
  key: K,
  value: K extends 'cors' ? true : 'replace',
): boolean {
  const entries = (vendors && lookUp(vendors, resource)?.entries) ?? []
  return entries.length > 0 && entries.every((entry) => entry[key] === value)
}

function policyScopeOf({ name = 'default', unit = 'USD', unlimited = false }: Document): PolicyScope {
  return Object.freeze({ policy: name, unit: `iso4217:${unit}`, symbol: unit, unlimited })
}

/** Hashes the rules of a document. Key order, spelling of amounts and omitted defaults do not change the hash. */
function hashOf(document: Document): string {
  const defaults = { version: 1, name: 'default', unit: 'USD' }
  const plain: unknown = JSON.parse(
    JSON.stringify({ ...defaults, ...document }, (_key, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    ),
  )
  const text = canonicalize(plain)
  if (text === undefined)
    throw new PaymentError('invalid_policy', 'untouched', 'The policy cannot be hashed.')
  return bytesToHex(sha256(utf8ToBytes(text)))
}

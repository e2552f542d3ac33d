import { challenge, demand, send } from '../mcp-behaviours.js'
import { AT_ONCE, type Fault, LATER, NONSENSE } from './faults.js'
import {
  allCounted,
  counted,
  inDoubt,
  notUntouched,
  oneSigned,
  type Rule,
  type SceneOptions,
  silent,
  uncounted,
  unsent,
  unsigned,
} from './scene.js'
import type { RpcFault, Way } from './ways.js'

// The parts that only a payment by JSON-RPC has: the function that sends, the answers, and the client that gets them.

interface Row {
  readonly dependency: string
  readonly faults: readonly Fault[]
  readonly ways: readonly Way[]
  scene(fault: Fault): SceneOptions
}

const BOTH: readonly Way[] = ['mcp', 'jsonrpc']

/** Replaces the function that sends, for requests with a credential or for all others. */
function sending(which: 'paid' | 'unpaid', act: Fault['act']): RpcFault {
  return {
    send: (inner, message) => {
      const paid = JSON.stringify(message).includes('org.paymentauth/credential')
      return paid === (which === 'paid') ? act() : inner(message)
    },
  }
}

const set: SceneOptions['set'] = () => ({})

const undelivered: Rule = async ({ payer }) => {
  const [payment] = await payer.payments()
  return payment?.delivered === false ? undefined : 'the payment counts as delivered'
}

/**
 * A server that answers with these messages. An answer that cannot be read is no answer, so the caller gives up a moment
 * after the last one.
 */
function answering(first: object, paid?: object): Pick<SceneOptions, 'server' | 'act'> {
  const control = new AbortController()
  const giveUp = (): void => control.abort(new DOMException('given up', 'TimeoutError'))
  return {
    server: (visit) => {
      const answer = visit.seen.credential ? paid : first
      send(visit, answer ?? {})
      if (answer === (paid ?? first)) setTimeout(giveUp, 300)
    },
    act: (payer) => payer.call('/a', { signal: control.signal }),
  }
}

/** Ways in which one member of an answer is nonsense. */
const odd = (member: string, make: (value: unknown) => object): readonly Fault[] =>
  NONSENSE.map(({ how, act }) => ({ how: how.replace('returns', `${member} is`), act: () => make(act()) }))

const RESULTS = odd('the result', (result) => ({ result }))
const ERRORS = odd('the error', (error) => ({ error }))
const DATA = odd('the data of the error', (data) => ({ error: { code: -32042, message: 'pay', data } }))
const REJECTIONS = odd('the data of the rejection', (data) => ({
  error: { code: -32043, message: 'no', data },
}))
const META = odd('the metadata', (_meta) => ({ result: { content: [], _meta } }))
const OFFERS = [
  ...odd('the list of offers', (challenges) => ({
    error: { code: -32042, message: 'pay', data: { challenges } },
  })),
  ...odd('an offer', (offer) => demand(offer)),
]
const RECEIPTS = odd('the receipt', (receipt) => ({
  result: { content: [], _meta: { 'org.paymentauth/receipt': receipt } },
}))

export const RPC_PARTS: readonly Row[] = [
  {
    dependency: 'sending the first request',
    faults: LATER,
    ways: BOTH,
    scene: ({ act }) => ({
      rpc: sending('unpaid', act),
      set,
      rules: [unsigned, unsent, uncounted, silent],
    }),
  },
  {
    dependency: 'sending the paid request',
    faults: LATER,
    ways: ['mcp'],
    scene: ({ act }) => ({
      rpc: sending('paid', act),
      set,
      rules: [oneSigned, unsent, counted, inDoubt, undelivered, silent],
    }),
  },
  {
    dependency: 'sending the paid request',
    faults: LATER,
    ways: ['jsonrpc'],
    scene: ({ act }) => ({
      rpc: sending('paid', act),
      set,
      // Nonsense is an answer, which the caller gets as it is.
      rules: [oneSigned, unsent, counted, notUntouched, undelivered, silent],
    }),
  },
  {
    dependency: 'the first answer',
    faults: [...RESULTS, ...ERRORS, ...DATA, ...OFFERS, ...META],
    ways: BOTH,
    scene: ({ act }) => ({
      ...answering(Object(act())),
      set,
      rules: [unsigned, unsent, uncounted, silent],
    }),
  },
  {
    dependency: 'the answer to a payment',
    faults: [...RESULTS, ...ERRORS, ...DATA, ...REJECTIONS, ...META, ...RECEIPTS],
    ways: BOTH,
    scene: ({ act }) => ({
      ...answering(demand(challenge()), Object(act())),
      set,
      rules: [oneSigned, allCounted, counted, notUntouched, silent],
    }),
  },
  {
    dependency: 'the client that gets the answer',
    faults: AT_ONCE,
    ways: ['mcp'],
    scene: ({ act }) => ({
      rpc: { receive: act },
      set,
      rules: [oneSigned, counted, silent],
    }),
  },
]

import { inspect } from 'node:util'
import { type Got, type Payer, payerFor, type SetUp } from '../kit.js'
import type { Behaviour } from '../offers.js'
import { type HostileServer, hostileServer, type ServerName } from '../server.js'
import { SECRET } from './faults.js'
import { ROUTES, type RpcFault, type Way } from './ways.js'

/** What one payment came to, with a dependency that fails. */
export interface Scene {
  readonly server: HostileServer
  readonly payer: Payer
  readonly got: Got
  /** Signatures, of whichever account was used. */
  readonly signatures: number
}

/** What is wrong, if anything. */
export type Rule = (scene: Scene) => Promise<string | undefined> | string | undefined

export interface SceneOptions {
  readonly server?: ServerName | Behaviour
  /** What fails in the transport of JSON-RPC. */
  readonly rpc?: RpcFault
  readonly set: (origin: string, count: () => void) => SetUp
  /** What is done, where it is not one GET. */
  readonly act?: (payer: Payer) => Promise<Got>
  readonly rules: readonly Rule[]
}

/** How long the caller of what hangs waits before giving up. */
const PATIENCE_MS = 50

/** Something that hangs, and who waits for it. */
export interface Hanging {
  readonly act: () => unknown
  /** One call, whose caller gives up a moment after it has come to what hangs. The call must end with that. */
  readonly call: (payer: Payer) => Promise<Got>
}

/** For what has no end that an abort could reach: the caller goes away instead. */
export const goesAway =
  (call: (payer: Payer) => Promise<Got>) =>
  (payer: Payer): Promise<Got> =>
    Promise.race([
      call(payer),
      soon()
        .then(soon)
        .then(() => ({ thrown: GIVEN_UP })),
    ])

const GIVEN_UP = new DOMException('given up', 'TimeoutError')

export function hanging(): Hanging {
  let reached = (): void => undefined
  const there = new Promise<void>((resolve) => {
    reached = resolve
  })
  return {
    act: () => {
      reached()
      return new Promise(() => undefined)
    },
    call: (payer) => {
      const control = new AbortController()
      const leave = async (): Promise<void> => {
        await there
        await soon()
        control.abort(GIVEN_UP)
      }
      void leave()
      return payer.call('/a', { signal: control.signal })
    },
  }
}

/** Plays one scene, and says what is wrong with how it ended. */
export async function play(
  { server: behaviour = 'honest', rpc = {}, set, act, rules }: SceneOptions,
  way: Way = 'http',
): Promise<string[]> {
  const route = ROUTES[way]
  const server = await hostileServer(
    typeof behaviour === 'string' ? (route.servers[behaviour] ?? behaviour) : behaviour,
  )
  let own = 0
  const vendor = route.vendor(server.origin)
  const payer = payerFor(
    vendor,
    set(vendor, () => own++),
    route.call(server.origin, rpc),
  )
  try {
    const got = await (act ?? ((one: Payer) => one.call('/a')))(payer)
    const scene: Scene = { server, payer, got, signatures: payer.signatures + own }
    const wrong: string[] = []
    for (const rule of rules) {
      const message = await rule(scene)
      if (message !== undefined) wrong.push(message)
    }
    return wrong
  } finally {
    await Promise.race([payer.purser.close().catch(() => undefined), soon()])
    await server.close()
  }
}

/** A purser that waits for what hangs is not waited for. */
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))

export const unsigned: Rule = ({ signatures }) => (signatures === 0 ? undefined : `${signatures} signatures`)

export const oneSigned: Rule = ({ signatures }) => (signatures === 1 ? undefined : `${signatures} signatures`)

export const unsent: Rule = ({ server }) =>
  server.paid.length === 0 ? undefined : `${server.paid.length} credentials left`

export const unpaid: Rule = ({ got }) =>
  got.status === undefined || got.status === 402 ? undefined : `the caller got ${got.status}`

/** Counted or not: nothing is taken from the budget where nothing can have left. */
export const uncounted: Rule = async ({ payer }) => {
  const counted = await payer.counted()
  return counted === 0 ? undefined : `${counted} cents are counted`
}

/** A cent and the bound of its fee: whatever became of it, it counts. */
export const counted: Rule = async ({ payer }) => {
  const cents = await payer.counted()
  return cents === 3.06 ? undefined : `${cents} cents are counted`
}

const FUNDS = ['untouched', 'held', 'committed', 'settled', 'unknown']

/** The caller learns where the money is; or gave up, while it was safe. */
export const told: Rule = ({ got }) => {
  const gaveUp = Object(got.thrown).name === 'TimeoutError'
  return gaveUp || FUNDS.includes(String(got.funds))
    ? undefined
    : `funds are ${got.funds}: ${String(got.thrown)}`
}

export const inDoubt: Rule = ({ got }) =>
  Object(got.thrown).name === 'TimeoutError' || (got.code === 'payment_in_doubt' && got.funds === 'unknown')
    ? undefined
    : `the caller got ${got.code}`

/** After a credential may have left, nobody is told that no money moved. */
export const notUntouched: Rule = ({ got: { code, funds } }) =>
  funds === 'untouched' || funds === 'held' ? `the caller got ${code}, ${funds}` : undefined

/** Nothing that a dependency said is repeated. */
export const silent: Rule = ({ got }) => {
  const said = [...wordsOf(got), inspect(got.error, { depth: 10 })]
  return said.some((text) => text?.includes(SECRET)) ? 'it repeats a secret' : undefined
}

const wordsOf = ({ body, error }: Got): readonly (string | undefined)[] => [
  body,
  error?.message,
  JSON.stringify(error),
]

export const refusedAs =
  (code: string): Rule =>
  ({ got }) =>
    got.code === code ? undefined : `the caller got ${got.code}`

/** Nothing that left is missing in what is counted. */
export const allCounted: Rule = async ({ server, payer }) => {
  const left = new Set(server.paid.map(({ credential }) => credential?.raw)).size
  const cents = await payer.counted()
  return cents >= left * 3.06 ? undefined : `${left} credentials left, and ${cents} cents are counted`
}

export const twoInARow = async (payer: Payer): Promise<Got> => {
  await payer.call('/a')
  return payer.call('/b')
}

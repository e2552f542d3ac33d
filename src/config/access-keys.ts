import { stat } from 'node:fs/promises'
import { createPurser, type Delegation } from '../client/index.js'
import { memoryLedger } from '../ledger/index.js'
import type { Currency } from '../money/index.js'
import { loadPolicy } from '../policy/file/index.js'
import type { TempoKey, TempoKeys } from '../wallet/tempo/index.js'
import { AGENT_KEY, type AgentKeyName, agentKeyName } from './agent-key.js'
import { othersMayUse } from './file-mode.js'
import { invalid } from './invalid.js'
import { CHAIN_KEY, readKey } from './key.js'

export type { Delegation, TempoKey }

/** The chain of an account, and how it is reached. */
export interface KeyPlace {
  readonly chain: number
  /** The nodes of that chain. Without any, the built-in one is used. */
  readonly nodes?: readonly string[] | undefined
  /** Currencies in addition to the built-in ones. */
  readonly currencies: readonly Currency[]
}

/** The account that owns access keys, with its key. */
export interface KeyOwner {
  readonly address: `0x${string}`
  readonly keys: TempoKeys
  /** Turns a policy into the limits of an access key. Nothing is signed before its `authorize()`. */
  delegate(options: {
    readonly policy: string
    readonly agent: string
    readonly key: AgentKeyName
    readonly expires: Date
    readonly token: Currency
    readonly recipients?: readonly string[] | undefined
  }): Promise<Delegation>
}

/** Returns the access keys of an account, for reading only. */
export async function keysOf(account: `0x${string}`, place: KeyPlace): Promise<TempoKeys> {
  const { tempoKeys } = await import('../wallet/tempo/index.js')
  return tempoKeys({ account, chain: place.chain, ...optionsOf(place) })
}

/**
 * Reads the key of an account from a file.
 *
 * @throws PaymentError `invalid_config` if other users can read the file, or if it holds no key.
 */
export async function keyOwner(file: string, place: KeyPlace): Promise<KeyOwner> {
  const found = await stat(file).catch(() => undefined)
  if (found?.isFile() === true && othersMayUse(found))
    throw invalid(`other users can read ${file}: chmod 600 ${file}`)
  const read = await readKey({ name: '--with', file }, CHAIN_KEY)
  if (read === undefined) throw invalid(`${file} holds no key`)
  const [{ tempo, tempoKeys }, { privateKeyToAccount }] = await Promise.all([
    import('../wallet/tempo/index.js'),
    import('viem/accounts'),
  ])
  const account = privateKeyToAccount(read.key)
  const options = optionsOf(place)
  const keys = tempoKeys({ account, chain: place.chain, ...options })
  return {
    address: account.address,
    keys,
    async delegate({ policy, agent, key, expires, token, recipients }) {
      const purser = createPurser({
        agent,
        wallets: [tempo({ account, ...options })],
        policy: await loadPolicy(policy),
        // Nothing is paid with it, so its ledger is never asked for.
        ledger: memoryLedger(),
        currencies: place.currencies,
      })
      try {
        return await purser.delegate({
          keys,
          key,
          expires,
          tokens: [token],
          ...(recipients === undefined ? {} : { recipients }),
        })
      } finally {
        await purser.close()
      }
    },
  }
}

/**
 * Returns the public part of the key in a file.
 *
 * @throws PaymentError `invalid_config` if it holds no key.
 */
export async function keyInFile(file: string): Promise<AgentKeyName> {
  const read = await readKey({ name: 'the file of the new key', file }, AGENT_KEY)
  if (read === undefined) throw invalid(`${file} holds no key`)
  return agentKeyName(read.key)
}

function optionsOf({ chain, nodes = [], currencies }: KeyPlace) {
  return { currencies, ...(nodes.length === 0 ? {} : { rpc: { [chain]: nodes } }) }
}

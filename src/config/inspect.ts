import { readFile, stat } from 'node:fs/promises'
import { isPaymentError, type PaymentError } from '../errors/index.js'
import { CURRENCIES, type Currency } from '../money/index.js'
import { parseYaml, yamlValue } from '../policy/file/index.js'
import { isList, isObject } from '../util/objects.js'
import { AGENT_KEY, type AgentKeyType, agentKeyName } from './agent-key.js'
import { readConfig } from './config.js'
import { currenciesOf } from './currencies.js'
import { type AutoSettings, readEnvironment } from './environment.js'
import { othersMayUse } from './file-mode.js'
import { readKey } from './key.js'
import type { KeySource } from './key-source.js'
import type { Environment } from './variables.js'

/** The state of the place of a key. The key itself is not in it. */
export interface InspectedKey {
  readonly wallet: string
  /** The setting that names the place. */
  readonly setting: string
  /** Absent if the key is no file. */
  readonly path?: string | undefined
  /** Why it cannot be used. */
  readonly problem?: string | undefined
  /** The mode of a file that other users can read, for example `0644`. */
  readonly openMode?: string | undefined
  /** The address of the key, if it could be read. */
  readonly address?: `0x${string}` | undefined
  readonly type?: AgentKeyType | undefined
}

/** The settings of a purser as `purser doctor` looks at them. */
export interface InspectedSettings {
  /** Why the settings cannot be read. */
  readonly problem?: PaymentError | undefined
  readonly keys: readonly InspectedKey[]
  /** The account that pays by Tempo: the one of the settings, or that of the key. */
  readonly account?: `0x${string}` | undefined
  /** The access key, if the settings name an account for which it acts. */
  readonly accessKey?: `0x${string}` | undefined
  /** The nodes of the settings by chain. */
  readonly nodes: ReadonlyMap<number, readonly string[]>
  /** The chains of the Tempo wallet, if the settings name any. */
  readonly chains: readonly number[]
  readonly currencies: readonly Currency[]
}

const NOTHING: InspectedSettings = {
  keys: [],
  nodes: new Map(),
  chains: [],
  currencies: Object.values(CURRENCIES),
}

/** Reads the settings and looks at the places of keys. It uses no key up: a pipe, a descriptor and a file to unlink stay. */
export async function inspectSettings(env: Environment): Promise<InspectedSettings> {
  let settings: AutoSettings
  try {
    settings = readEnvironment(env, await readConfig(env))
  } catch (problem) {
    if (isPaymentError(problem)) return { ...NOTHING, problem }
    throw problem
  }
  const { tempo, evm } = settings.wallets
  const keys = [
    ...(tempo === undefined ? [] : [await inspectKey('tempo', tempo.key)]),
    ...(evm === undefined ? [] : [await inspectKey('evm', evm.key)]),
  ]
  const address = keys.find(({ wallet }) => wallet === 'tempo')?.address
  return {
    keys,
    account: tempo?.account ?? address,
    accessKey: tempo?.account === undefined ? undefined : address,
    nodes: nodesOf(tempo?.rpc),
    chains: [...(tempo?.chains ?? [])],
    currencies: [...Object.values(CURRENCIES), ...(await ownCurrencies(settings))],
  }
}

function nodesOf(
  rpc: Readonly<Record<number, string | readonly string[]>> = {},
): Map<number, readonly string[]> {
  return new Map(
    Object.entries(rpc).map(([chain, urls]) => [Number(chain), typeof urls === 'string' ? [urls] : urls]),
  )
}

async function ownCurrencies({ currencies }: AutoSettings): Promise<readonly Currency[]> {
  if (currencies === undefined) return []
  try {
    return currenciesOf(
      typeof currencies === 'string' ? JSON.parse(await readFile(currencies, 'utf8')) : currencies,
    )
  } catch {
    return []
  }
}

async function inspectKey(wallet: string, source: KeySource | undefined): Promise<InspectedKey> {
  if (source === undefined)
    return { wallet, setting: `wallets.${wallet}.key`, problem: 'no setting names its place' }
  if ('takenBy' in source)
    return { wallet, setting: 'PURSER_KEY_TAKEN_BY', problem: 'another process has the key' }
  const { name: setting } = source
  if ('hex' in source) return { wallet, setting, ...(await publicPart(source.hex)) }
  if ('descriptor' in source) return { wallet, setting }
  const path = 'file' in source ? source.file : source.credential
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return { wallet, setting, path, problem: 'there is no such file' }
  if (!found.isFile()) return { wallet, setting, path }
  const mode = found.mode & 0o777
  const openMode = 'file' in source && othersMayUse({ mode }) ? mode.toString(8).padStart(4, '0') : undefined
  try {
    const read = await readKey({ name: setting, file: path }, AGENT_KEY)
    if (wallet === 'evm' && read?.key.type === 'p256')
      return { wallet, setting, path, openMode, problem: 'a P-256 key cannot sign for EVM chains' }
    const name = read && (await agentKeyName(read.key))
    return { wallet, setting, path, openMode, address: name?.address, type: name?.keyType }
  } catch (error) {
    return {
      wallet,
      setting,
      path,
      openMode,
      problem: isPaymentError(error) ? error.message : 'it cannot be read',
    }
  }
}

async function publicPart(text: string): Promise<Pick<InspectedKey, 'address' | 'type'>> {
  const key = AGENT_KEY.parse(text)
  if (key === undefined) return {}
  const { address, keyType } = await agentKeyName(key)
  return { address, type: keyType }
}

/** The parts of a policy file that `purser doctor` reports. */
export interface PolicySummary {
  /** The origins, and whether their payees are listed. */
  readonly vendors: readonly { readonly origin: string; readonly listsPayees: boolean }[]
  readonly perPayment: string | undefined
  /** The chains that `networks` names. */
  readonly networks: readonly number[]
  /** The limits of all payments together, by their window. */
  readonly budgets: readonly { readonly limit: string; readonly per: string }[]
  /** Whether it asks a person, and does not name who may answer. */
  readonly asksAnybody: boolean
}

/** Reads the parts of a policy file that is known to be valid. */
export async function summarizePolicy(file: string): Promise<PolicySummary> {
  const yaml = parseYaml(await readFile(file, 'utf8'), (numeral) => numeral, { merge: true })
  const value: unknown = yaml.problem === undefined ? yamlValue(yaml) : undefined
  const document = isObject(value) ? value : {}
  const lists = (name: string): readonly Record<string, unknown>[] => {
    const list = document[name]
    return isList(list) ? list.filter(isObject) : []
  }
  const { approval } = document
  return {
    asksAnybody:
      (document['ask'] !== undefined || document['unlisted'] === 'ask') &&
      !(isObject(approval) && approval['by'] !== undefined),
    vendors: lists('vendors').map((vendor) => ({
      origin: String(vendor['origin']),
      listsPayees: vendor['payees'] !== undefined,
    })),
    perPayment: document['perPayment'] === undefined ? undefined : String(document['perPayment']),
    networks: chainsIn(document['networks']),
    budgets: lists('budgets').flatMap(({ limit, per, each }) =>
      limit === undefined || each !== undefined ? [] : [{ limit: String(limit), per: String(per) }],
    ),
  }
}

function chainsIn(networks: unknown): readonly number[] {
  if (!isList(networks)) return []
  return networks.flatMap((network) => {
    const chain = /^eip155:(\d{1,15})$/.exec(String(network))?.[1]
    return chain === undefined ? [] : [Number(chain)]
  })
}

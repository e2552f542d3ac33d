import { readFile } from 'node:fs/promises'
import { createPurser, type Purser } from '../client/index.js'
import { type FetchLike, pristine, type Restore } from '../fetch/index.js'
import { sqliteLedger } from '../ledger/sqlite/index.js'
import type { Currency } from '../money/index.js'
import type { Approver } from '../pay/index.js'
import { loadPolicy, parseYaml, yamlValue } from '../policy/file/index.js'
import { documentOf, type Policy } from '../policy/index.js'
import { readConfig } from './config.js'
import { currenciesOf, readCurrencies } from './currencies.js'
import { loadUndici, type Undici } from './dispatcher.js'
import { type AutoSettings, readEnvironment } from './environment.js'
import { eraseVariable } from './erase.js'
import { invalid } from './invalid.js'
import { takenKeys } from './key-source.js'
import { walletOfNobody } from './keyless.js'
import { notifierOf } from './notify.js'
import { remarkOnNodeHttp, remarkOnUnpaid } from './remarks.js'
import { type Environment, KEY_BY_VALUE, TAKEN_BY } from './variables.js'
import { loadedPolicy, type Places, placesIn } from './view.js'
import { makeWallets } from './wallets.js'

/** The process's environment, which is changed, and a function for remarks. */
export interface Surroundings {
  readonly env: Record<string, string | undefined>
  /** Prints a sentence for the operator of the program. */
  readonly remark: (sentence: string) => void
}

/** A purser that was created from the settings, and the facts of its settings that others show. */
export interface Configured {
  readonly purser: Purser
  readonly policy: Policy
  /** The policy's document as data, for reading. Numbers are texts, as they were written. */
  readonly document: unknown
  /** The vendors that the document names for this agent, wildcards included as they were written. */
  readonly vendors: ReadonlySet<string>
  /** The agent that the purser pays for. */
  readonly agent: string
  /** False: no wallet has its key in this process, so nothing can be paid. */
  readonly able: boolean
  /** True for `log: off`. */
  readonly quiet: boolean
}

/**
 * Creates a purser from the environment, a settings file and a policy file.
 *
 * A key that cannot be read a second time stays with this process. Child processes and threads see in
 * `PURSER_KEY_TAKEN_BY` that it has the key. They run without the key, and explain that if a call would cost something.
 *
 * @param more - The `fetch` below the purser, the function that asks a person, and whether people may answer in the ledger.
 * @throws PaymentError `invalid_config`, `invalid_policy`, or `ledger_missing` for a ledger that existed before.
 */
export async function createFromEnvironment(
  { env, remark }: Surroundings,
  {
    fetch = pristine(globalThis.fetch),
    approver,
    approvals,
  }: {
    readonly fetch?: FetchLike
    readonly approver?: Approver | undefined
    readonly approvals?: 'ledger' | undefined
  } = {},
): Promise<Configured> {
  const settings = readEnvironment(env, await readConfig(env))
  const { policy: file, ledger: path, quiet, currencies: _, wallets: named, notify, ...options } = settings
  const tell = quiet ? () => undefined : remark
  const currencies = await readOwnCurrencies(settings)
  const { wallets, able } = await makeWallets(named, {
    tell,
    taken: (name, variable) => keepFromOthers(env, { name, variable }, tell),
    fetch,
    currencies,
  })
  const policy = await loadPolicy(file)
  const notifier = await notifierOf(notify)
  const purser = createOf({
    ...options,
    ...(approver === undefined ? {} : { approver }),
    ...(approvals === undefined ? {} : { approvals }),
    ...(notifier === undefined ? {} : { notify: notifier }),
    wallets,
    policy,
    fetch,
    ledger: () => sqliteLedger(path === undefined ? {} : { path }),
    currencies,
  })
  // A process that cannot pay does not need the ledger until a call uses it.
  if (able) await purser.ready()
  const { agent = 'agent' } = options
  return {
    purser,
    policy,
    document: await readData(file),
    vendors: vendorsOf(policy, agent),
    agent,
    able,
    quiet,
  }
}

/** A purser that pays nothing, for a person who manages the ledger: to freeze it, or to answer questions. */
export interface Manager {
  readonly purser: Purser
  readonly policy: Policy
  readonly places: Places
}

/**
 * Opens the ledger that the settings name for a person who manages it. It needs no key and no wallet.
 *
 * @throws PaymentError `invalid_config`, `invalid_policy`, or `ledger_missing` for a ledger that existed before.
 */
export async function openManager(env: Environment): Promise<Manager> {
  const places = await placesIn(env)
  const policy = await loadedPolicy(places)
  const purser = createOf({
    wallets: [walletOfNobody()],
    policy,
    agent: places.agent,
    ledger: () => sqliteLedger({ path: places.ledger }),
  })
  return { purser, policy, places }
}

/** Creates a purser as {@link createFromEnvironment} does, and installs it over the global `fetch`. */
export async function startFromEnvironment(
  surroundings: Surroundings,
): Promise<{ readonly purser: Purser; readonly restore: Restore }> {
  const undici = await loadUndici()
  const { purser, policy, agent, quiet } = await createFromEnvironment(surroundings, {
    fetch: beneath(undici),
  })
  if (!quiet) {
    remarkOnUnpaid(purser, surroundings.remark)
    remarkOnNodeHttp((resource) => policy.payable(resource, { agent, tasks: [] }), surroundings.remark)
  }
  return { purser, restore: installOn(purser, undici) }
}

/** Returns the process's own fetch, for the purser and for wallets that talk to nodes. */
function beneath(undici: Undici | undefined): FetchLike {
  const fetch = pristine(globalThis.fetch)
  return undici === undefined ? fetch : undici.beneath(fetch)
}

/** Makes every `fetch` of this process able to pay, and every request through undici's global dispatcher. */
function installOn(purser: Purser, undici: Undici | undefined): Restore {
  const restores = [purser.install(), ...(undici === undefined ? [] : [undici.serve(purser)])]
  const restore = () => {
    for (const one of restores) one()
  }
  return Object.assign(() => restore(), { [Symbol.dispose]: restore })
}

/** Reads a policy file that is known to be a policy, without its comments. */
async function readData(file: string): Promise<unknown> {
  const yaml = parseYaml(await readFile(file, 'utf8'), (numeral) => numeral)
  return yaml.problem === undefined ? yamlValue(yaml) : undefined
}

function vendorsOf(policy: Policy, agent: string): ReadonlySet<string> {
  const { vendors = [], agents = {} } = documentOf(policy) ?? {}
  const own = (agents[agent] ?? agents['*'])?.vendors ?? []
  return new Set([...vendors, ...own].map(({ origin }) => origin))
}

/** Rewords errors about options so that they name the settings. */
function createOf(options: Parameters<typeof createPurser>[0]): Purser {
  try {
    return createPurser(options)
  } catch (error) {
    if (error instanceof TypeError) throw invalid(error.message)
    throw error
  }
}

async function readOwnCurrencies({ currencies }: AutoSettings): Promise<readonly Currency[]> {
  if (currencies === undefined) return []
  if (typeof currencies !== 'string') return currenciesOf(currencies)
  let text: string
  try {
    text = await readFile(currencies, 'utf8')
  } catch {
    throw invalid('The file that PURSER_CURRENCIES names cannot be read')
  }
  return readCurrencies(text)
}

/** Removes the key, and settings that name a place without a key, from the environment of child processes. */
function keepFromOthers(
  env: Record<string, string | undefined>,
  { name, variable }: { readonly name: string; readonly variable: string },
  tell: (sentence: string) => void,
): void {
  for (const place of ['FILE', 'UNLINK', 'FD']) delete env[`${variable}_${place}`]
  const readers = variable === KEY_BY_VALUE ? eraseVariable(env, KEY_BY_VALUE) : undefined
  const taken = new Map(takenKeys(env)).set(name, String(process.pid))
  env[TAKEN_BY] = [...taken].map((entry) => entry.join('=')).join(',')
  if (readers !== undefined)
    tell(
      `PURSER_TEMPO_KEY can still be read by ${readers}, and by an agent that can open files: hand the key over by PURSER_TEMPO_KEY_FILE, PURSER_TEMPO_KEY_FD or PURSER_TEMPO_KEY_CREDENTIAL instead`,
    )
}

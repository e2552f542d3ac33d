import { readFile } from 'node:fs/promises'
import { createPurser, type Purser } from '../client/index.js'
import { type FetchLike, pristine, type Restore } from '../fetch/index.js'
import { sqliteLedger } from '../ledger/sqlite/index.js'
import type { Currency } from '../money/index.js'
import { loadPolicy } from '../policy/file/index.js'
import { readConfig } from './config.js'
import { currenciesOf, readCurrencies } from './currencies.js'
import { loadUndici, type Undici } from './dispatcher.js'
import { type AutoSettings, readEnvironment } from './environment.js'
import { eraseVariable } from './erase.js'
import { invalid } from './invalid.js'
import { takenKeys } from './key-source.js'
import { remarkOnNodeHttp, remarkOnUnpaid } from './remarks.js'
import { KEY_BY_VALUE, TAKEN_BY } from './variables.js'
import { makeWallets } from './wallets.js'

/** The process's environment, which is changed, and a function for remarks. */
export interface Surroundings {
  readonly env: Record<string, string | undefined>
  /** Prints a sentence for the operator of the program. */
  readonly remark: (sentence: string) => void
}

/**
 * Creates a purser from the environment, a settings file and a policy file, and installs it over the global `fetch`.
 *
 * A key that cannot be read a second time stays with this process. Child processes and threads see in
 * `PURSER_KEY_TAKEN_BY` that it has the key. They run without the key, and explain that if a call would cost something.
 *
 * @throws PaymentError `invalid_config`, `invalid_policy`, or `ledger_missing` for a ledger that existed before.
 */
export async function startFromEnvironment({
  env,
  remark,
}: Surroundings): Promise<{ readonly purser: Purser; readonly restore: Restore }> {
  const settings = readEnvironment(env, await readConfig(env))
  const { policy, ledger: path, quiet, currencies: _, wallets: named, ...options } = settings
  const tell = quiet ? () => undefined : remark
  const currencies = await readOwnCurrencies(settings)
  const undici = await loadUndici()
  const fetch = beneath(undici)
  const { wallets, able } = await makeWallets(named, {
    tell,
    taken: (name, variable) => keepFromOthers(env, { name, variable }, tell),
    fetch,
    currencies,
  })
  const rules = await loadPolicy(policy)
  const purser = createOf({
    ...options,
    wallets,
    policy: rules,
    fetch,
    ledger: () => sqliteLedger(path === undefined ? {} : { path }),
    currencies,
  })
  if (!quiet) {
    remarkOnUnpaid(purser, remark)
    const context = { agent: options.agent ?? 'agent', tasks: [] }
    remarkOnNodeHttp((resource) => rules.payable(resource, context), remark)
  }
  // A process that cannot pay does not need the ledger until a call uses it.
  if (able) await purser.ready()
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

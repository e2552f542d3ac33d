import { readFile } from 'node:fs/promises'
import { privateKeyToAccount } from 'viem/accounts'
import { isPaymentError } from '../errors/index.js'
import type { Restore } from '../fetch/index.js'
import { sqliteLedger } from '../ledger/sqlite/index.js'
import { loadPolicy } from '../policy/file/index.js'
import { createPurser, type Purser } from '../purser/index.js'
import type { Wallet } from '../wallet/index.js'
import { tempo } from '../wallet/tempo/index.js'
import { readCurrencies } from './currencies.js'
import { type AutoSettings, readEnvironment } from './environment.js'
import { eraseVariable } from './erase.js'
import { invalid } from './invalid.js'
import { readKey } from './key.js'
import { keylessWallet, withoutKey } from './keyless.js'

/** What the process hands in: its environment, which is changed, and where remarks go. */
export interface Surroundings {
  readonly env: Record<string, string | undefined>
  /** Hears a sentence for whoever runs the program. */
  readonly remark: (sentence: string) => void
}

/**
 * A purser from the environment and a policy file, installed over the global `fetch`.
 *
 * A key that cannot be read a second time stays with this process. Processes and threads that it starts find in
 * `PURSER_KEY_TAKEN_BY` that it has the key: they go without, and say so when a call would cost something.
 *
 * @throws PaymentError `invalid_config`, `invalid_policy`, or `ledger_missing` for a ledger that was there once.
 */
export async function startFromEnvironment({
  env,
  remark,
}: Surroundings): Promise<{ readonly purser: Purser; readonly restore: Restore }> {
  const settings = readEnvironment(env)
  const { agent, ledger: path, currencies, key } = settings
  const tell = settings.quiet ? () => undefined : remark
  const wallet = await walletFrom(settings, env, tell)
  const purser = createPurser({
    wallets: [wallet],
    policy: await loadPolicy(settings.policy),
    ledger: () => sqliteLedger(path === undefined ? {} : { path }),
    currencies:
      currencies === undefined ? [] : readCurrencies(await readText(currencies, 'PURSER_CURRENCIES')),
    ...(agent === undefined ? {} : { agent }),
  })
  purser.on('error', ({ error, during }) => {
    if (during === 'start' && isPaymentError(error)) tell(error.message)
  })
  // A process without a key has no need of the ledger, unless something asks for it.
  if (!('takenBy' in key)) await purser.ready()
  return { purser, restore: purser.install() }
}

async function walletFrom(
  { key: source, account, rpc }: AutoSettings,
  env: Record<string, string | undefined>,
  tell: (sentence: string) => void,
): Promise<Wallet> {
  if ('takenBy' in source) {
    tell(withoutKey(source.takenBy))
    return keylessWallet(source.takenBy)
  }
  const { key, again, remark } = await readKey(source)
  if (remark !== undefined) tell(remark)
  if (!again) keepFromOthers(env, tell)
  const signer = privateKeyToAccount(key)
  return tempo({ rpc, ...(account === undefined ? { account: signer } : { account, accessKey: signer }) })
}

/** Nothing that is started from here on finds the key, or a name of a place where it no longer is. */
function keepFromOthers(env: Record<string, string | undefined>, tell: (sentence: string) => void): void {
  for (const name of ['PURSER_TEMPO_KEY_FILE', 'PURSER_TEMPO_KEY_UNLINK', 'PURSER_TEMPO_KEY_FD'])
    delete env[name]
  const readers = eraseVariable(env, 'PURSER_TEMPO_KEY')
  env['PURSER_KEY_TAKEN_BY'] = String(process.pid)
  if (readers !== undefined)
    tell(
      `PURSER_TEMPO_KEY can still be read by ${readers}, and by an agent that can open files: hand the key over by PURSER_TEMPO_KEY_FILE, PURSER_TEMPO_KEY_FD or PURSER_TEMPO_KEY_CREDENTIAL instead`,
    )
}

async function readText(file: string, variable: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    throw invalid(`The file that ${variable} names cannot be read`)
  }
}

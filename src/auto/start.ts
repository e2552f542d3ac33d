import { readFile } from 'node:fs/promises'
import { privateKeyToAccount } from 'viem/accounts'
import { PaymentError } from '../errors/index.js'
import type { Restore } from '../fetch/index.js'
import { sqliteLedger } from '../ledger/sqlite/index.js'
import { loadPolicy } from '../policy/file/index.js'
import { createPurser, type Purser } from '../purser/index.js'
import { tempo } from '../wallet/tempo/index.js'
import { readCurrencies } from './currencies.js'
import { type AutoSettings, readEnvironment } from './environment.js'

/**
 * A purser from the environment and a policy file, installed over the global `fetch`.
 *
 * The key is taken out of the environment once it is read: neither the agent nor what it starts finds it there.
 *
 * @throws PaymentError `invalid_config`, `invalid_policy`, or `ledger_missing` for a ledger that was there once.
 */
export async function startFromEnvironment(
  env: Record<string, string | undefined>,
): Promise<{ readonly purser: Purser; readonly restore: Restore }> {
  const settings = readEnvironment(env)
  const key = privateKeyToAccount(await privateKey(settings))
  delete env['PURSER_TEMPO_KEY']
  const { agent, ledger: path, rpc, currencies, account } = settings
  const ledger = sqliteLedger(path === undefined ? {} : { path })
  const purser = createPurser({
    wallets: [tempo({ rpc, ...(account === undefined ? { account: key } : { account, accessKey: key }) })],
    policy: await loadPolicy(settings.policy),
    ledger,
    currencies:
      currencies === undefined ? [] : readCurrencies(await readText(currencies, 'PURSER_CURRENCIES')),
    ...(agent === undefined ? {} : { agent }),
  })
  await purser.ready()
  return { purser, restore: purser.install() }
}

async function privateKey({ key }: AutoSettings): Promise<`0x${string}`> {
  const text = 'hex' in key ? key.hex : await readText(key.file, 'PURSER_TEMPO_KEY_FILE')
  const match = /^\s*(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(text)
  // The text itself stays out of the message: it is a key, or close to one.
  if (match?.[1] === undefined)
    throw new PaymentError('invalid_config', 'untouched', 'The key must be 32 bytes in hexadecimal')
  return `0x${match[1]}`
}

async function readText(file: string, variable: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch {
    throw new PaymentError('invalid_config', 'untouched', `The file that ${variable} names cannot be read`)
  }
}

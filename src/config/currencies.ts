import * as z from 'zod/mini'
import { type Currency, currencyTable, token } from '../money/index.js'
import { invalid } from './invalid.js'

/**
 * Parses currencies from JSON: a list of `{ network, address, symbol, decimals, peg? }`.
 *
 * @throws PaymentError `invalid_config` that names the entry.
 */
export function readCurrencies(text: string): readonly Currency[] {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    throw invalid('The file that PURSER_CURRENCIES names is not JSON')
  }
  return currenciesOf(list)
}

/**
 * Reads currencies from a list in a settings file.
 *
 * @throws PaymentError `invalid_config` that names the entry.
 */
export function currenciesOf(list: unknown): readonly Currency[] {
  if (!Array.isArray(list)) throw invalid('PURSER_CURRENCIES must hold a list of currencies')
  const currencies = list.map(readCurrency)
  try {
    currencyTable(currencies)
  } catch (error) {
    throw invalid(error instanceof TypeError ? error.message : 'PURSER_CURRENCIES does not hold')
  }
  return currencies
}

const currency = z.object({
  network: z
    .string('needs a network such as "eip155:4217"')
    .check(z.regex(/^[a-z0-9]+:[^\s/]+$/i, 'needs a network such as "eip155:4217"')),
  address: z
    .string('needs the address of a token')
    .check(z.regex(/^0x[0-9a-fA-F]{40}$/, 'needs the address of a token')),
  symbol: z.string('needs a symbol'),
  decimals: z.number('needs decimals'),
  peg: z.exactOptional(z.string('needs a peg that is a currency id, for example "iso4217:USD"')),
})

function readCurrency(entry: unknown, index: number): Currency {
  const read = z.safeParse(currency, Object(entry))
  if (!read.success) throw invalid(`Currency ${index} ${read.error.issues[0]?.message ?? 'is not readable'}`)
  const { network, address, ...facts } = read.data
  return token(network, address, facts)
}

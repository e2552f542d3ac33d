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

function readCurrency(entry: unknown, index: number): Currency {
  const { network, address, symbol, decimals, peg }: Record<string, unknown> = Object(entry)
  if (typeof network !== 'string' || !/^[a-z0-9]+:[^\s/]+$/i.test(network))
    throw invalid(`Currency ${index} needs a network such as "eip155:4217"`)
  if (typeof address !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(address))
    throw invalid(`Currency ${index} needs the address of a token`)
  if (typeof symbol !== 'string') throw invalid(`Currency ${index} needs a symbol`)
  if (typeof decimals !== 'number') throw invalid(`Currency ${index} needs decimals`)
  if (peg !== undefined && typeof peg !== 'string')
    throw invalid(`The peg of currency ${index} must be a currency id, for example "iso4217:USD"`)
  return token(network, address, { symbol, decimals, ...(peg === undefined ? {} : { peg }) })
}

import { type Environment, type OpenedView, openViewFromEnvironment } from '../config/index.js'
import { misuse } from './misuse.js'
import { environmentWith } from './settings.js'
import type { CommonOptions } from './shell.js'
import type { Terminal } from './terminal.js'

/** Returns the environment of a command that only reads the ledger. */
export function environmentOf(options: CommonOptions, terminal: Terminal): Environment {
  return environmentWith(options, terminal.env)
}

/** Opens the ledger for reading, uses it, and closes it. */
export async function withView<T>(
  options: CommonOptions,
  terminal: Terminal,
  use: (opened: OpenedView) => Promise<T>,
): Promise<T> {
  const opened = await openViewFromEnvironment(environmentOf(options, terminal))
  try {
    return await use(opened)
  } finally {
    await opened.view.close()
  }
}

/** Opens the ledger for reading, lists something in it, and closes it when the reader ends. */
export async function* listed<T>(
  options: CommonOptions,
  terminal: Terminal,
  list: (opened: OpenedView) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const opened = await openViewFromEnvironment(environmentOf(options, terminal))
  try {
    yield* list(opened)
  } finally {
    await opened.view.close()
  }
}

/** Returns an origin: a host without a scheme means https. */
export function originOf(vendor: string): string {
  try {
    return new URL(vendor.includes('://') ? vendor : `https://${vendor}`).origin
  } catch {
    throw misuse(`${JSON.stringify(vendor)} is not the origin of a vendor, such as https://api.example`)
  }
}

/** Returns the first operand of a command that needs one. */
export function operand([first]: readonly string[]): string {
  if (first === undefined) throw misuse('An operand is missing')
  return first
}

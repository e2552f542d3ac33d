import { ownOptions } from '../errors/index.js'
import type { ClockConfirmation } from '../ledger/index.js'

// Checks the arguments of a purser's methods, without inherited properties. An unknown name is a TypeError, because a
// mistyped filter would select everything.

/** The argument of `with()`. */
interface NewBinding {
  readonly task?: string
  readonly tool?: string
}

/** Checks the argument of `with()`. */
export function newBinding(binding: NewBinding): NewBinding {
  const own = ownOptions(binding, { task: true, tool: true }, 'with()')
  const tool: unknown = own.tool
  if (tool !== undefined && (typeof tool !== 'string' || tool === ''))
    throw new TypeError('with() needs a tool that is a text and not empty')
  return own
}

/** Checks the options of `run()`. */
export function runOptions(options: { readonly task: string }): { readonly task: string } {
  return ownOptions(options, { task: true }, 'run()')
}

/** Checks the options of `quote()`. */
export function quoteOptions(options: { readonly send?: boolean }): { readonly send?: boolean } {
  return ownOptions(options, { send: true }, 'quote()')
}

/** Checks the options of `recover()`. */
export function recoverOptions(options: { readonly reconcile?: boolean }): { readonly reconcile?: boolean } {
  return ownOptions(options, { reconcile: true }, 'recover()')
}

/** Checks the argument of `confirmClock()`. */
export function clockConfirmation(confirmation: ClockConfirmation): ClockConfirmation {
  return ownOptions(confirmation, { to: true }, 'confirmClock()')
}

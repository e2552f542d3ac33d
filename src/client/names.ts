import { ownOptions } from '../errors/index.js'
import type { ClockConfirmation } from '../ledger/index.js'

// What methods of a purser take, without what objects inherit. A name that is not known is a TypeError: a filter that
// was mistyped would be no filter.

/** What `with()` binds to. */
interface NewBinding {
  readonly task?: string
  readonly tool?: string
}

/** What `with()` takes. */
export function newBinding(binding: NewBinding): NewBinding {
  const own = ownOptions(binding, { task: true, tool: true }, 'with()')
  const tool: unknown = own.tool
  if (tool !== undefined && (typeof tool !== 'string' || tool === ''))
    throw new TypeError('with() needs a tool that is a text and not empty')
  return own
}

/** What `run()` takes beside the work. */
export function runOptions(options: { readonly task: string }): { readonly task: string } {
  return ownOptions(options, { task: true }, 'run()')
}

/** What `quote()` takes beside the request. */
export function quoteOptions(options: { readonly send?: boolean }): { readonly send?: boolean } {
  return ownOptions(options, { send: true }, 'quote()')
}

/** What `recover()` takes. */
export function recoverOptions(options: { readonly reconcile?: boolean }): { readonly reconcile?: boolean } {
  return ownOptions(options, { reconcile: true }, 'recover()')
}

/** What `confirmClock()` takes. */
export function clockConfirmation(confirmation: ClockConfirmation): ClockConfirmation {
  return ownOptions(confirmation, { to: true }, 'confirmClock()')
}

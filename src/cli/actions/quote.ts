import { openPurser } from '../open-purser.js'
import { quoteAnswer } from '../quote-answer.js'
import { type RequestOptions, readRequest } from '../request.js'
import type { Action, CommonOptions } from '../shell.js'

/** The options of `purser quote`. */
export interface QuoteOptions extends CommonOptions, RequestOptions {
  readonly agent?: string | undefined
  readonly task?: string | undefined
  readonly max?: string | undefined
  readonly send?: boolean | undefined
}

/** Prints the price of a call and the decision of policy. */
export const quote: Action<QuoteOptions> = async ({ args: [address], options, terminal }) => {
  const request = await readRequest(address, options, terminal)
  const opened = await openPurser(options, terminal)
  try {
    const { max, task, send } = options
    const payment = {
      ...(max === undefined ? {} : { maxAmount: max }),
      ...(task === undefined ? {} : { task }),
    }
    return await quoteAnswer(request, { send: send === true, payment }, opened)
  } finally {
    await opened.purser.close()
  }
}

import { type CallToolResult, ProtocolError } from '@modelcontextprotocol/server'
import { clean, isPaymentError, type PaymentError } from '../../errors/index.js'
import { isObject } from '../../util/objects.js'
import { reasonsOf } from './facts.js'
import { cleanValue } from './vendor-text.js'

const LONGEST_MESSAGE = 600
/** The most characters of an error's data, as JSON. */
const MOST_DATA = 16_384
/** The code of Purser's own errors, as `payingTransport` has it. */
export const NOT_PAID = 402

/**
 * Converts the error of a call of an upstream's tool.
 *
 * @returns The result of a failed call, with the reasons as text: a refusal by Purser, or an upstream that is gone.
 * @throws ProtocolError with the code, the message and the data of the upstream, if the upstream answered with an error.
 */
export function failedCall(name: string, error: unknown): CallToolResult {
  if (isPaymentError(error))
    return failed(`${name}: ${clean(error.message, LONGEST_MESSAGE)}${moneyOf(error)}`)
  if (!ProtocolError.isInstance(error)) return failed(`${name}: ${textOf(error)}`)
  if (isDemand(error)) return failed(`${name}: ${textOf(error)}\n${notPaid(name)}`)
  throw passedError(error)
}

/** Converts the error of a call of an upstream's resource or prompt to the error that the host gets. */
export function passedError(error: unknown): Error {
  if (isPaymentError(error)) {
    const { code, funds, reasons } = error
    const data = { code, funds, reasons: reasonsOf(reasons) }
    return new ProtocolError(NOT_PAID, clean(error.message, LONGEST_MESSAGE), data)
  }
  if (!ProtocolError.isInstance(error)) return new Error(textOf(error))
  return new ProtocolError(error.code, textOf(error), boundedData(error.data))
}

/** Returns the data of an upstream's error: cleaned, and undefined if it is too long for a host. */
function boundedData(data: unknown): unknown {
  const cleaned = cleanValue(data)
  return (JSON.stringify(cleaned)?.length ?? 0) > MOST_DATA ? undefined : cleaned
}

/** Tells whether an upstream asks for money. The transport passes on only demands that can never be paid. */
function isDemand({ data }: ProtocolError): boolean {
  return isObject(data) && Array.isArray(data['challenges'])
}

function notPaid(name: string): string {
  return `Nothing was paid: the spending policy does not list the vendor mcp:${name}, or no wallet here can pay its offers.`
}

function moneyOf({ reasons, funds }: PaymentError): string {
  const lines = new Set(reasons.map(({ message }) => clean(message)))
  return [` Money: ${funds}.`, ...lines].join('\n')
}

function textOf(error: unknown): string {
  return error instanceof Error ? clean(error.message, LONGEST_MESSAGE) : 'The call failed.'
}

function failed(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}

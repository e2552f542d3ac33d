import { PaymentError } from '../errors/index.js'
import { checkDocument } from './complete.js'
import { type Document, documentShape } from './fields.js'
import { type Issue, type Path, pathText, type Reading } from './shape.js'

/** Returns the position of an issue in the source text: ` (line 12)`. */
export type Locate = (path: Path) => string

/**
 * Parses and checks a document.
 *
 * @param source - The name of the document in errors, such as its file name.
 * @throws PaymentError `invalid_policy`. It lists all faults and how to fix them.
 */
export function readDocument(value: unknown, locate: Locate = () => '', source = 'The policy'): Document {
  const reading: Reading = { issues: [], symbol: symbolOf(value) }
  const document = documentShape.read(value, [], reading)
  // A document with syntax faults cannot be checked for completeness.
  if (document !== undefined && reading.issues.length === 0) checkDocument(document, reading)
  if (document === undefined || reading.issues.length > 0) throw invalid(reading.issues, locate, source)
  return deepFreeze(document)
}

/** Creates the error for an invalid document. The rule of each reason is the path of the fault. */
export function invalid(
  issues: readonly Issue[],
  locate: Locate = () => '',
  source = 'The policy',
): PaymentError {
  const reasons = issues.map(({ path, message }) => {
    const rule = pathText(path)
    return Object.freeze({
      rule,
      message: `${rule}${locate(path)}: ${message}${/[.?]$/.test(message) ? '' : '.'}`,
    })
  })
  const head =
    issues.length === 1 ? `${source} is not valid` : `${source} is not valid in ${issues.length} places`
  const message = [`${head}:`, ...reasons.map(({ message }) => `- ${message}`)].join('\n')
  return new PaymentError('invalid_policy', 'untouched', message, { reasons })
}

/** Returns the unit's symbol, which the parser of amounts needs. The shape checks whether it is valid. */
function symbolOf(value: unknown): string {
  const unit = typeof value === 'object' && value !== null && 'unit' in value ? value.unit : undefined
  return typeof unit === 'string' ? unit : 'USD'
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const item of Object.values(value)) deepFreeze(item)
  }
  return value
}

import { PaymentError } from '../errors/index.js'
import { checkDocument } from './complete.js'
import { type Document, documentShape } from './fields.js'
import { type Issue, type Path, pathText, type Reading } from './shape.js'

/** Where an issue stands in the text it came from: ` (line 12)`. */
export type Locate = (path: Path) => string

/**
 * Reads and checks a document.
 *
 * @param source What errors call it, such as the name of its file.
 * @throws PaymentError `invalid_policy` that lists everything that is wrong, and how to mend it.
 */
export function readDocument(value: unknown, locate: Locate = () => '', source = 'The policy'): Document {
  const reading: Reading = { issues: [], symbol: symbolOf(value) }
  const document = documentShape.read(value, [], reading)
  // Whether the rules are complete can only be told of rules that were understood.
  if (document !== undefined && reading.issues.length === 0) checkDocument(document, reading)
  if (document === undefined || reading.issues.length > 0) throw invalid(reading.issues, locate, source)
  return deepFreeze(document)
}

/** The error for a document that is wrong. Each reason's rule is the path of what is wrong. */
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

/** The unit is needed while amounts are read; whether it is one is the shape's to say. */
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

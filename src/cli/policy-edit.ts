import { type Document, isMap, isSeq, parseDocument, YAMLMap, type YAMLSeq } from 'yaml'
import { misuse } from './misuse.js'

/** A vendor to add to a policy. */
export interface NewVendor {
  readonly origin: string
  /** Decimal text in the policy's unit. */
  readonly perPayment?: string | undefined
  /** The most that may be paid to each vendor a day, this one and all others. */
  readonly perDay?: string | undefined
}

/**
 * Adds a vendor to the text of a policy in YAML. Comments stay.
 *
 * @throws PaymentError `invalid_config` if the policy has the vendor, or another limit a day for each vendor.
 */
export function addVendor(text: string, { origin, perPayment, perDay }: NewVendor): string {
  const document = parsed(text)
  const vendors = listAt(document, 'vendors')
  if (vendors.items.some((item) => originOf(item) === origin))
    throw misuse(`The policy lists ${origin} already. purser vendor remove ${origin}`)
  vendors.add(
    mapOf(document, { origin, ...(perPayment === undefined ? {} : { perPayment: Number(perPayment) }) }),
  )
  if (perDay !== undefined) addDailyLimit(document, perDay)
  return document.toString({ lineWidth: 0 })
}

/**
 * Removes a vendor from the text of a policy.
 *
 * @throws PaymentError `invalid_config` if the policy does not list it.
 */
export function removeVendor(text: string, origin: string): string {
  const document = parsed(text)
  const vendors = listAt(document, 'vendors')
  const kept = vendors.items.filter((item) => originOf(item) !== origin)
  if (kept.length === vendors.items.length) throw misuse(`The policy does not list ${origin}`)
  vendors.items = kept
  if (kept.length === 0) vendors.flow = true
  return document.toString({ lineWidth: 0 })
}

function addDailyLimit(document: Document, limit: string): void {
  const budgets = listAt(document, 'budgets')
  const known = budgets.items.find(
    (item) => isMap(item) && item.get('per') === 'day' && item.get('each') === 'vendor',
  )
  if (known === undefined) {
    const budget = mapOf(document, { limit: Number(limit), per: 'day', each: 'vendor' })
    budget.flow = true
    budgets.add(budget)
    return
  }
  if (isMap(known) && Number(known.get('limit')) !== Number(limit))
    throw misuse(
      `The policy has another limit a day for each vendor, ${String(known.get('limit'))}. Edit the file, or leave out --per-day`,
    )
}

function mapOf(document: Document, value: object): YAMLMap {
  const node = document.createNode(value)
  return node instanceof YAMLMap ? node : new YAMLMap()
}

function parsed(text: string): Document {
  const document = parseDocument(text)
  if (document.errors.length > 0) throw misuse('The policy file is not YAML: purser doctor')
  return document
}

function listAt(document: Document, name: string): YAMLSeq {
  const found = document.get(name, true)
  if (isSeq(found)) {
    // An empty list is written as [], and its first entry would be too.
    if (found.items.length === 0) found.flow = false
    return found
  }
  document.set(name, document.createNode([]))
  const made = document.get(name, true)
  if (!isSeq(made)) throw misuse(`${name} of the policy is no list`)
  made.flow = false
  return made
}

function originOf(item: unknown): unknown {
  return isMap(item) ? item.get('origin') : undefined
}

/** Returns the lines that an edit removed and added, with `-` and `+`. */
export function changedLines(before: string, after: string): readonly string[] {
  const old = before.split('\n')
  const now = after.split('\n')
  const oldLeft = [...old]
  const added = now.filter((line) => {
    const at = oldLeft.indexOf(line)
    if (at >= 0) oldLeft.splice(at, 1)
    return at < 0
  })
  const nowLeft = [...now]
  const removed = old.filter((line) => {
    const at = nowLeft.indexOf(line)
    if (at >= 0) nowLeft.splice(at, 1)
    return at < 0
  })
  return [...removed.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`)]
}

import { readFile } from 'node:fs/promises'
import { loadPolicyFile, placesIn } from '../../config/index.js'
import { clean } from '../../errors/index.js'
import type { Discovered } from '../../index.js'
import { misuse } from '../misuse.js'
import { openPurser, shownPath } from '../open-purser.js'
import { addVendor, changedLines, removeVendor } from '../policy-edit.js'
import { priceFact } from '../price.js'
import { urlOf } from '../request.js'
import type { JsonOf } from '../schemas.js'
import { environmentWith } from '../settings.js'
import { editFile, type FileEdit } from '../setup-files.js'
import type { Action, CommonOptions } from '../shell.js'

/** The options of `purser vendor add`. */
export interface VendorOptions extends CommonOptions {
  readonly perPayment?: string | undefined
  readonly perDay?: string | undefined
  /** False for `--no-ask`: the server is not asked for its prices. */
  readonly ask?: boolean | undefined
}

/** Allows payments to an origin. The server is asked what it sells, and the new policy is checked before it is written. */
export const vendorAdd: Action<VendorOptions> = async ({ args: [address = ''], options, terminal }) => {
  const origin = urlOf(address).origin
  for (const [name, value] of [
    ['--per-payment', options.perPayment],
    ['--per-day', options.perDay],
  ])
    if (value !== undefined && !/^(?:0|[1-9]\d{0,8})(?:\.\d{1,6})?$/.test(value))
      throw misuse(`${name} must be an amount, for example 0.02`)
  const file = await policyFile(options, terminal.env)
  const before = await readFile(file, 'utf8')
  const { perPayment, perDay } = options
  const after = addVendor(before, { origin, perPayment, perDay })
  const edit = await editFile(file, before, after)
  try {
    // The new text is judged by the policy's own parser, and against the wallets.
    const opened = await openPurser({ ...options, policy: edit.draft }, terminal)
    let found: Discovered | undefined
    try {
      found = options.ask === false ? undefined : await opened.purser.discover(origin).catch(() => undefined)
    } finally {
      await opened.purser.close()
    }
    await edit.commit()
    const json: JsonOf<'vendor add'> = {
      origin,
      file,
      lines: [...changedLines(before, after)],
      operations: found?.operations.length ?? 0,
    }
    return {
      kind: 'single',
      json,
      text: () =>
        [
          ...(found === undefined ? [] : [asked(found, opened.policy)]),
          `Added to ${shownPath(file, terminal.env)}:`,
          ...json.lines.map((line) => `  ${line}`),
        ].join('\n'),
    }
  } finally {
    await edit.discard()
  }
}

function asked(
  { operations, problems }: Discovered,
  policy: { readonly unit: string; readonly symbol: string },
): string {
  if (operations.length === 0)
    return problems.length > 0
      ? `Asked it: it advertises no prices (${clean(problems[0] ?? '', 120)}).`
      : 'Asked it: it advertises no prices.'
  const offers = operations.flatMap((operation) => operation.offers)
  const prices = offers.flatMap(({ price }) => (price === undefined ? [] : [priceFact(price, policy)]))
  const sorted = [...prices].sort((a, b) => Number(a.value) - Number(b.value))
  const [least, most] = [sorted[0], sorted.at(-1)]
  const range =
    least === undefined || most === undefined
      ? ''
      : least.value === most.value
        ? `, ${least.value} ${least.currency}`
        : `, ${least.value} to ${most.value} ${most.currency}`
  const kinds = [...new Set(offers.map(({ kind }) => kind))].join(' and ')
  return `Asked it: ${operations.length} paid operation${operations.length === 1 ? '' : 's'}${range}, by ${kinds}.`
}

/** Stops payments to an origin. */
export const vendorRemove: Action<CommonOptions> = async ({ args: [address = ''], options, terminal }) => {
  const origin = urlOf(address).origin
  const file = await policyFile(options, terminal.env)
  const before = await readFile(file, 'utf8')
  const after = removeVendor(before, origin)
  const edit: FileEdit = await editFile(file, before, after)
  try {
    await loadPolicyFile(edit.draft)
    await edit.commit()
  } finally {
    await edit.discard()
  }
  const json: JsonOf<'vendor remove'> = { origin, file, lines: [...changedLines(before, after)] }
  return {
    kind: 'single',
    json,
    text: () =>
      [
        `Removed from ${shownPath(file, terminal.env)}:`,
        ...json.lines.map((line) => `  ${line}`),
        'What was paid stays in the ledger.',
      ].join('\n'),
  }
}

async function policyFile(
  options: CommonOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const { policy } = await placesIn(environmentWith(options, env))
  if (policy === undefined) throw misuse('There is no policy file yet. purser init')
  return policy
}

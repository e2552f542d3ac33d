import type { ApprovalRow } from '../approval.js'
import { decode, encode } from '../json.js'
import { damaged } from '../ledger-error.js'
import { isApprovalRow } from '../row-codec.js'
import type { FoundApprovals } from '../tables.js'
import { FactTables } from './facts.js'
import { keyOf, lastNumber, prefixOf, rangeOf } from './keys.js'

/** The questions to people, as keys and values. */
export class ApprovalTables extends FactTables {
  approval(id: string): ApprovalRow | undefined {
    const number = this.entries.get(keyOf('approval-id', id))
    return number === undefined ? undefined : this.#at(Number(number))
  }

  saveApproval(row: ApprovalRow): void {
    const known = this.entries.get(keyOf('approval-id', row.id))
    const number = known === undefined ? 1 + this.#last() : Number(known)
    if (known === undefined) this.entries.set(keyOf('approval-id', row.id), `${number}`)
    this.entries.set(keyOf('approval', number), encode(row))
    this.entries.set(keyOf('approval-open', number), row.open ? '1' : undefined)
  }

  openApprovals(): readonly ApprovalRow[] {
    const open = [...this.all(prefixOf('approval-open'))].map(({ key }) => lastNumber(key))
    this.entries.want(open.map((number) => ({ key: keyOf('approval', number) })))
    return open.flatMap((number) => this.#at(number) ?? [])
  }

  approvals(before: number | undefined, limit: number): FoundApprovals {
    const all = rangeOf(prefixOf('approval'), limit, 'descending')
    const found = this.entries.range(before === undefined ? all : { ...all, to: keyOf('approval', before) })
    const last = found.at(-1)
    return {
      rows: found.map(({ value }) => approvalRow(value)),
      next: last === undefined || found.length < limit ? undefined : lastNumber(last.key),
    }
  }

  #last(): number {
    const [last] = this.entries.range(rangeOf(prefixOf('approval'), 1, 'descending'))
    return last === undefined ? 0 : lastNumber(last.key)
  }

  #at(number: number): ApprovalRow | undefined {
    const text = this.entries.get(keyOf('approval', number))
    return text === undefined ? undefined : approvalRow(text)
  }
}

function approvalRow(text: string): ApprovalRow {
  const row = decode(text)
  if (!isApprovalRow(row)) throw damaged()
  return row
}

import type { ApprovalRow } from '../approval.js'
import { decode, encode } from '../json.js'
import { damaged } from '../ledger-error.js'
import { isApprovalRow } from '../row-codec.js'
import type { FoundApprovals } from '../tables.js'
import { ChannelRows } from './channel-rows.js'
import { type Fields, numberOf, textOf } from './codec.js'

/** The questions to people. They are read only while a payment needs an approval. */
export class ApprovalRows extends ChannelRows {
  approval(id: string): ApprovalRow | undefined {
    const row = this.sql.get('SELECT body FROM approvals WHERE id = ?', id)
    return row === undefined ? undefined : approvalRow(row)
  }

  saveApproval(row: ApprovalRow): void {
    this.sql.run(
      `INSERT INTO approvals (id, open, body) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET open = excluded.open, body = excluded.body`,
      row.id,
      row.open ? 1 : 0,
      encode(row),
    )
  }

  openApprovals(): readonly ApprovalRow[] {
    return this.sql.all('SELECT body FROM approvals WHERE open = 1 ORDER BY n').map(approvalRow)
  }

  approvals(before: number | undefined, limit: number): FoundApprovals {
    const sql = 'SELECT n, body FROM approvals WHERE n < ? ORDER BY n DESC LIMIT ?'
    const found = this.sql.all(sql, before ?? Number.MAX_SAFE_INTEGER, limit)
    const last = found.at(-1)
    return {
      rows: found.map(approvalRow),
      next: last === undefined || found.length < limit ? undefined : numberOf(last, 'n'),
    }
  }
}

function approvalRow(fields: Fields): ApprovalRow {
  const row = decode(textOf(fields, 'body'))
  if (!isApprovalRow(row)) throw damaged()
  return row
}

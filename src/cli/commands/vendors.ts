import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser vendors`: each vendor that was paid or refused. */
export function vendorsCommand(shell: Shell): Command {
  return shell
    .command(
      'vendors',
      'Lists vendors: what was spent, how often they delivered, prices and pinned payees.',
      async () => (await import('../actions/vendors.js')).vendors,
    )
    .option('--since <TIME>', 'from this time: today, 6h, 30d, 2026-11-30 or RFC 3339; days are UTC')
}

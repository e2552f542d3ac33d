import type { Command } from 'commander'
import type { Shell } from '../shell.js'

/** `purser freeze`, `unfreeze`, `recover` and `resolve`: to stop, and to clean up. */
export function stopCommands(shell: Shell): readonly Command[] {
  return [
    shell
      .command(
        'freeze',
        'Stops all payments on this ledger, in every process.',
        async () => (await import('../actions/freeze.js')).freeze,
      )
      .argument('<WHY>', 'the reason, for everyone whose payment is refused'),
    shell.command(
      'unfreeze',
      'Allows payments again.',
      async () => (await import('../actions/freeze.js')).unfreeze,
    ),
    shell.command(
      'recover',
      'Looks at payments in doubt, and reads fees. Ends with 6 if doubts are left.',
      async () => (await import('../actions/recover.js')).recover,
    ),
    shell
      .command(
        'resolve',
        'Closes a payment in doubt by your word, if nothing can prove its outcome.',
        async () => (await import('../actions/recover.js')).resolve,
      )
      .argument('<ID>', 'the payment')
      .argument('<OUTCOME>', 'settled or released')
      .option('--because <WHY>', 'how you know it. Required')
      .option('--reference <TEXT>', 'the reference of a settled payment, for example its transaction'),
  ]
}

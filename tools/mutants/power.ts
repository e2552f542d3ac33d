import type { Mutant } from './list.js'

const DURABLE = ['test/ledger/durable.test.ts']
const SYNC = ['test/ledger/log-sync.test.ts']
const INSPECT = ['test/wallet/stripe/inspect.test.ts']

/** Faults that lose data in a power cut, and faults that accept a wrong proof that nothing was paid. */
export const POWER: readonly Mutant[] = [
  {
    name: 'commit-answered-before-the-disk',
    breaks: 'Purser sends a credential before its commit is on the disk',
    file: 'src/ledger/sqlite/store.ts',
    find: '      await this.#syncs.done()\n    } catch (error) {',
    replace: '      void this.#syncs.done()\n    } catch (error) {',
    tests: SYNC,
  },
  {
    name: 'sync-that-had-begun',
    breaks: 'the ledger confirms a commit after a sync that began before the commit was written',
    file: 'src/ledger/sqlite/log-sync.ts',
    find: 'this.#next ??= this.#running.catch(() => undefined).then(() => this.#start())\n    return this.#next',
    replace: 'return this.#running',
    tests: SYNC,
  },
  {
    name: 'failed-sync-forgotten',
    breaks: 'the ledger trusts the next sync after one has failed',
    file: 'src/ledger/sqlite/log-sync.ts',
    find: 'if (this.#failure !== undefined) throw this.#failure',
    replace: '',
    tests: SYNC,
  },
  {
    name: 'woken-hold-released',
    breaks: 'recovery releases a payment while its owner, which seems dead, commits it',
    file: 'src/pay/recovery/inspection.ts',
    find: "{ to: 'released', reason, attempts: payment.attempts.length }",
    replace: "{ to: 'released', reason }",
    tests: ['test/pay/waking.test.ts'],
  },
  {
    name: 'failed-sync-ignored',
    breaks: 'the ledger confirms a commit although the disk did not store it',
    file: 'src/ledger/sqlite/log-sync.ts',
    find: 'if (error === null || error === undefined) return resolve()',
    replace: 'if (error !== 0) return resolve()',
    tests: SYNC,
  },
  {
    name: 'learned-not-durable',
    breaks: "Purser sends a credential before the wallet's new evidence is on the disk",
    file: 'src/ledger/ledger.ts',
    find: "new Set(['committed', 'evidence', 'undelivered'])",
    replace: "new Set(['committed', 'undelivered'])",
    tests: DURABLE,
  },
  {
    name: 'undelivered-not-durable',
    breaks: 'the ledger loses in a power cut the record that an answer reached no caller',
    file: 'src/ledger/ledger.ts',
    find: "new Set(['committed', 'evidence', 'undelivered'])",
    replace: "new Set(['committed', 'evidence'])",
    tests: DURABLE,
  },
  {
    name: 'learned-of-a-void-attempt',
    breaks: 'Purser sends a credential between the proof that it is void and the release of its payment',
    file: 'src/ledger/payment-state.ts',
    find: "if (row.state !== 'committed' || last === undefined || last.void !== undefined) return undefined",
    replace: "if (row.state !== 'committed' || last === undefined) return undefined",
    tests: ['test/ledger/payment-state.test.ts', 'test/pay/abandon.test.ts'],
  },
  {
    name: 'learned-of-another-attempt',
    breaks: 'a process that wakes from sleep overwrites the evidence of a later credential',
    file: 'src/ledger/payment-state.ts',
    find: 'if (move.attempt !== undefined && move.attempt !== row.attempts.length - 1) return undefined',
    replace: '',
    tests: ['test/ledger/payment-state.test.ts'],
  },
  {
    name: 'stripe-clock-voids-a-missing-token',
    breaks:
      'Purser releases a payment if no token is recorded and the local clock says that the token has expired',
    file: 'src/wallet/stripe/inspect.ts',
    find: '  return config.now() >= endOf(detail) && !config.issuer.repeatable',
    replace: `  if (config.now() >= endOf(detail)) return { state: 'void', reason: 'Its time ran out' }
  return config.now() >= endOf(detail) && !config.issuer.repeatable`,
    tests: INSPECT,
  },
  {
    name: 'stripe-clock-voids-an-odd-end',
    breaks: 'a token in an unknown state counts as void by the local clock',
    file: 'src/wallet/stripe/inspect.ts',
    find: "  return later(detail, now, 'The token cannot be charged now, and may be again')",
    replace: `  if (now >= endOf(detail)) return { state: 'void', reason: 'It ran out' }
  return later(detail, now, 'The token cannot be charged now, and may be again')`,
    tests: INSPECT,
  },
  {
    name: 'session-void-by-another-chain',
    breaks: 'a node of another chain proves that a channel was never opened',
    file: 'src/session/inspect.ts',
    find: "if (verdict.state === 'void' || fee?.value === 0n) await checkIsOf(detail.identity.chainId, node)",
    replace: '',
    tests: ['test/session/other-chain.test.ts'],
  },
  {
    name: 'session-lapsed-by-another-chain',
    breaks: 'an answer from a node of another chain releases a deposit',
    file: 'src/session/reconcile.ts',
    find: "if (fate === 'void') await checkIsOf(chainId, node)",
    replace: '',
    tests: ['test/session/other-chain.test.ts'],
  },
  {
    name: 'recovery-under-a-call',
    breaks: 'recovery ends a payment that a call in the same process continues',
    file: 'src/pay/process-state.ts',
    find: 'if (this.#calls.has(id)) return undefined',
    replace: '',
    tests: ['test/pay/abandon.test.ts'],
  },
  {
    name: 'call-under-a-recovery',
    breaks: 'a call continues a payment that recovery in the same process is ending',
    file: 'src/pay/run-purchase.ts',
    find: 'env.locks.free(by.id).then(',
    replace: 'Promise.resolve().then(',
    tests: ['test/pay/abandon.test.ts'],
  },
  {
    name: 'lightning-clock-voids',
    breaks: "an invoice counts as void if it has expired by the local clock but not by the node's clock",
    file: 'src/wallet/lightning/inspect.ts',
    find: 'if (there !== undefined && there >= over)',
    replace: 'if (now >= over)',
    tests: ['test/wallet/lightning/wallet.test.ts'],
  },
  {
    name: 'stripe-forgotten-key-is-void',
    breaks: 'a refusal after Stripe forgot the key counts as proof that no token was made',
    file: 'src/wallet/stripe/inspect.ts',
    find: 'return at !== undefined && at < keyKnownUntil(detail)',
    replace: 'return at === undefined || at > keyKnownUntil(detail) - Number.MAX_SAFE_INTEGER',
    tests: INSPECT,
  },
]

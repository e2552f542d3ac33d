import type { Mutant } from './list.js'

const DURABLE = ['test/ledger/durable.test.ts']
const SYNC = ['test/ledger/log-sync.test.ts']
const INSPECT = ['test/wallet/stripe/inspect.test.ts']

/** What a power cut must not lose, and what nobody may take for proof that nothing was paid. */
export const POWER: readonly Mutant[] = [
  {
    name: 'commit-answered-before-the-disk',
    breaks: 'a credential leaves before its commit is on the disk',
    file: 'src/ledger/sqlite/store.ts',
    find: '      await this.#syncs.done()\n    } catch (error) {',
    replace: '      void this.#syncs.done()\n    } catch (error) {',
    tests: SYNC,
  },
  {
    name: 'sync-that-had-begun',
    breaks: 'a commit is answered after a sync that began before the commit was written',
    file: 'src/ledger/sqlite/log-sync.ts',
    find: 'this.#next ??= this.#running.catch(() => undefined).then(() => this.#start())\n    return this.#next',
    replace: 'return this.#running',
    tests: SYNC,
  },
  {
    name: 'failed-sync-forgotten',
    breaks: 'after a sync that failed, the next one is believed',
    file: 'src/ledger/sqlite/log-sync.ts',
    find: 'if (this.#failure !== undefined) throw this.#failure',
    replace: '',
    tests: SYNC,
  },
  {
    name: 'failed-sync-ignored',
    breaks: 'a commit is answered although the disk did not take it',
    file: 'src/ledger/sqlite/log-sync.ts',
    find: 'if (error === null || error === undefined) return resolve()',
    replace: 'if (error !== 0) return resolve()',
    tests: SYNC,
  },
  {
    name: 'learned-not-durable',
    breaks: 'what a wallet learned is not on the disk when the credential leaves',
    file: 'src/ledger/ledger.ts',
    find: "new Set(['committed', 'learned', 'undelivered'])",
    replace: "new Set(['committed', 'undelivered'])",
    tests: DURABLE,
  },
  {
    name: 'undelivered-not-durable',
    breaks: 'a power cut forgets that an answer reached nobody',
    file: 'src/ledger/ledger.ts',
    find: "new Set(['committed', 'learned', 'undelivered'])",
    replace: "new Set(['committed', 'learned'])",
    tests: DURABLE,
  },
  {
    name: 'learned-of-a-void-attempt',
    breaks: 'a credential leaves between the proof that it is void and the release',
    file: 'src/ledger/machine.ts',
    find: "if (row.state !== 'committed' || last === undefined || last.void !== undefined) return undefined",
    replace: "if (row.state !== 'committed' || last === undefined) return undefined",
    tests: ['test/ledger/machine.test.ts', 'test/pay/wind-up.test.ts'],
  },
  {
    name: 'learned-of-another-attempt',
    breaks: 'a process that wakes up writes its evidence over that of a later credential',
    file: 'src/ledger/machine.ts',
    find: 'if (move.attempt !== undefined && move.attempt !== row.attempts.length - 1) return undefined',
    replace: '',
    tests: ['test/ledger/machine.test.ts'],
  },
  {
    name: 'stripe-clock-voids-a-missing-token',
    breaks: 'no token on record, and its end by our clock, count as proof that none was charged',
    file: 'src/wallet/stripe/inspect.ts',
    find: '  return config.now() >= endOf(detail) && !config.issuer.repeatable',
    replace: `  if (config.now() >= endOf(detail)) return { state: 'void', because: 'Its time ran out' }
  return config.now() >= endOf(detail) && !config.issuer.repeatable`,
    tests: INSPECT,
  },
  {
    name: 'stripe-clock-voids-an-odd-end',
    breaks: 'a token in a state that nobody knows is void by our clock',
    file: 'src/wallet/stripe/inspect.ts',
    find: "  return later(detail, now, 'The token cannot be charged now, and may be again')",
    replace: `  if (now >= endOf(detail)) return { state: 'void', because: 'It ran out' }
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
    breaks: 'a node of another chain gives a deposit back',
    file: 'src/session/look.ts',
    find: "if (fate === 'void') await checkIsOf(chainId, node)",
    replace: '',
    tests: ['test/session/other-chain.test.ts'],
  },
  {
    name: 'recovery-under-a-call',
    breaks: 'a recovery ends what a call of the same process goes on with',
    file: 'src/pay/hands.ts',
    find: 'if (this.#calls.has(id)) return undefined',
    replace: '',
    tests: ['test/pay/wind-up.test.ts'],
  },
  {
    name: 'call-under-a-recovery',
    breaks: 'a call goes on with what a recovery of the same process is ending',
    file: 'src/pay/purchase.ts',
    find: 'env.hands.free(by.id).then(',
    replace: 'Promise.resolve().then(',
    tests: ['test/pay/wind-up.test.ts'],
  },
  {
    name: 'lightning-clock-voids',
    breaks: 'an invoice that has expired by our clock, and not by that of the node, is void',
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

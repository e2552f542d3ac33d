import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { sqliteLedger } from '../../src/ledger/sqlite/index.js'
import { CENT, dayClaim, everClaim, holdOf } from './fixtures.js'
import { ended, printed, start } from './processes.js'

const folder = mkdtempSync(join(tmpdir(), 'purser-race-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('processes that share a ledger', () => {
  it('twenty of them take exactly the hundred payments there is room for', { timeout: 240_000 }, async () => {
    const path = join(folder, 'race.db')
    const racers = Array.from({ length: 20 }, (_, n) =>
      ended(start('racer.ts', [path, `r${n}`, '200', '100'])),
    )
    const results = await Promise.all(racers)
    expect(results.map(({ code }) => code)).toEqual(results.map(() => 0))
    expect(results.reduce((sum, { out }) => sum + Number(out), 0)).toBe(100)
    const ledger = sqliteLedger({ path })
    const [room] = await ledger.room([everClaim(0n, 100n * CENT)])
    expect(room?.remaining).toBe(0n)
    expect((room?.held ?? 0n) + (room?.spent ?? 0n)).toBe(100n * CENT)
    let count = 0
    for await (const { state } of ledger.find({ states: ['committed', 'settled'] }))
      count += state === 'held' ? 0 : 1
    expect(count).toBe(100)
    await ledger.close()
  })

  it('a killed writer forgets nothing that it promised, and its counters are right', {
    timeout: 60_000,
  }, async () => {
    const path = join(folder, 'killed.db')
    const victim = start('victim.ts', [path])
    const end = ended(victim)
    await printed(victim, 50)
    victim.kill('SIGKILL')
    const promised = (await end).out.split('\n').filter((line) => line !== '')
    const ledger = sqliteLedger({ path })
    let counted = 0n
    const committed = new Set<string>()
    for await (const payment of ledger.find({})) {
      counted += payment.units
      if (payment.state === 'committed') committed.add(payment.id)
    }
    expect(promised.filter((id) => !committed.has(id))).toEqual([])
    const facts = await ledger.facts({ vendor: 'v', operation: 'o', agent: 'a', unit: 'iso4217:USD' })
    const [room] = await ledger.room([dayClaim(facts.now, 0n, 10n ** 15n)])
    expect((room?.held ?? 0n) + (room?.spent ?? 0n)).toBe(counted)
    await ledger.close()
  })

  it('a writer killed in the middle of a step leaves nothing of it behind', { timeout: 60_000 }, async () => {
    const path = join(folder, 'half.db')
    const victim = start('victim.ts', [path, 'stops'])
    const end = ended(victim)
    await printed(victim, 1)
    const blocked = sqliteLedger({ path, busyTimeoutMs: 50 })
    await expect(blocked.renew('me', 1000)).rejects.toMatchObject({ code: 'ledger_busy', retryable: true })
    victim.kill('SIGKILL')
    await end
    await blocked.renew('me', 60_000)
    expect(await blocked.frozen()).toBeUndefined()
    expect(await blocked.hold(await holdOf(blocked, 'a'))).toMatchObject({ ok: true })
    await blocked.close()
  })

  it('what one freezes, all see at once', async () => {
    const path = join(folder, 'freeze.db')
    const [a, b] = [sqliteLedger({ path }), sqliteLedger({ path })]
    await a.freeze('stop')
    expect(await b.hold(await holdOf(b, 'x'))).toMatchObject({ why: 'frozen' })
    expect(await b.id()).toBe(await a.id())
    await Promise.all([a.close(), b.close()])
  })

  it('waits for a lock without blocking the event loop', { timeout: 30_000 }, async () => {
    const path = join(folder, 'wait.db')
    const ledger = sqliteLedger({ path })
    await ledger.id()
    const victim = start('victim.ts', [path, 'stops'])
    const end = ended(victim)
    await printed(victim, 1)
    let turns = 0
    const waiting = ledger.renew('me', 1000)
    for (; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve))
    victim.kill('SIGKILL')
    await end
    await waiting
    expect(turns).toBe(100)
    await ledger.close()
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../tools/check/entries.js'
import { MUTANTS } from '../../tools/mutants/list.js'

// A fault that cannot be made any more would go unnoticed until the next whole run.

test('every fault still fits its source, in one place', () => {
  const lost = MUTANTS.filter(
    ({ file, find }) => readFileSync(join(ROOT, file), 'utf8').split(find).length !== 2,
  )
  expect(lost.map(({ name }) => name)).toEqual([])
})

test('every fault names tests that exist, and no other fault has its name', () => {
  const missing = MUTANTS.flatMap(({ tests }) => tests).filter((file) => !existsSync(join(ROOT, file)))
  expect(missing).toEqual([])
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
})

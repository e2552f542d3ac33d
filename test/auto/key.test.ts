import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { AGENT_KEY, agentKeyName, newAgentKey } from '../../src/config/agent-key.js'
import { CHAIN_KEY, readKey as read, STRIPE_KEY } from '../../src/config/key.js'
import type { KeySource } from '../../src/config/key-source.js'

const KEY = `0x${'a1'.repeat(32)}` as const
const folder = mkdtempSync(join(tmpdir(), 'purser-key-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Place<S> = S extends { takenBy: string } ? never : Omit<S, 'name'>
/** Reads a chain's key from a place, named as the variable of that place. */
function readKey(place: Place<KeySource>) {
  if ('descriptor' in place) return read({ name: 'PURSER_TEMPO_KEY_FD', ...place }, CHAIN_KEY)
  if ('credential' in place) return read({ name: 'PURSER_TEMPO_KEY_CREDENTIAL', ...place }, CHAIN_KEY)
  return read({ name: 'PURSER_TEMPO_KEY_FILE', ...place }, CHAIN_KEY)
}

let number = 0
function keyFile(text = `${KEY}\n`, mode = 0o600): string {
  const file = join(folder, `key-${++number}`)
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

test('a file with access for its owner only is read, and another process can read it again', async () => {
  expect(await readKey({ file: keyFile() })).toEqual({ key: KEY, again: true })
  expect(await readKey({ file: keyFile('a1'.repeat(32), 0o400) })).toEqual({ key: KEY, again: true })
})

test.each([0o604, 0o640, 0o666, 0o602, 0o644])('a file of mode %o causes a remark', async (mode) => {
  const { key, remark } = (await readKey({ file: keyFile(KEY, mode) })) ?? {}
  expect(key).toBe(KEY)
  expect(remark).toContain(`has mode 0${mode.toString(8)}`)
  expect(remark).toContain('chmod 600')
  expect(remark).not.toContain('a1a1')
})

test('a file is removed on request, once its key was parsed', async () => {
  const file = keyFile(KEY, 0o644)
  expect(await readKey({ file, unlink: true })).toEqual({ key: KEY, again: false })
  expect(existsSync(file)).toBe(false)
  const bad = keyFile('not a key')
  await expect(readKey({ file: bad, unlink: true })).rejects.toThrow(
    'PURSER_TEMPO_KEY_FILE must lead to a key',
  )
  expect(existsSync(bad)).toBe(true)
})

test('a descriptor is read to its end and closed', async () => {
  const descriptor = openSync(keyFile(), 'r')
  expect(await readKey({ descriptor })).toEqual({ key: KEY, again: false })
  await expect(readKey({ descriptor })).rejects.toThrow(
    'The source that PURSER_TEMPO_KEY_FD names cannot be read',
  )
})

test('a pipe is read, and is empty afterwards', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', pipe])
  const read = readKey({ file: pipe })
  writeFileSync(pipe, KEY)
  expect(await read).toEqual({ key: KEY, again: false })
})

test('a credential of a service is read, and may be absent if no setting named it', async () => {
  expect(await readKey({ credential: keyFile(KEY, 0o440) })).toEqual({ key: KEY, again: true })
  const credential = join(folder, 'none')
  await expect(readKey({ credential })).rejects.toThrow('PURSER_TEMPO_KEY_CREDENTIAL names cannot be read')
  expect(await readKey({ credential, optional: true })).toBeUndefined()
})

test.each([
  ['nothing', ''],
  ['a text that is too short', KEY.slice(0, -1)],
  ['a text that is too long', `${KEY}00`],
  ['two keys', `${KEY}\n${KEY}`],
  ['a large file', 'a1'.repeat(100_000)],
])('%s is not a key, and the message does not repeat it', async (_what, text) => {
  const read = readKey({ file: keyFile(text) })
  await expect(read).rejects.toMatchObject({ code: 'invalid_config', funds: 'untouched' })
  await expect(read).rejects.not.toThrow('a1a1')
})

test('a folder and a device are not key files', async () => {
  await expect(readKey({ file: folder })).rejects.toThrow('cannot be read')
  await expect(readKey({ file: '/dev/zero' })).rejects.toThrow('cannot be read')
})

test('a key of Stripe must be a secret or a restricted one', async () => {
  const stripe = (text: string) => read({ name: 'PURSER_STRIPE_KEY_FILE', file: keyFile(text) }, STRIPE_KEY)
  expect(await stripe('rk_test_a1a1a1\n')).toEqual({ key: 'rk_test_a1a1a1', again: true })
  expect(await stripe(' sk_live_a1a1a1 ')).toMatchObject({ key: 'sk_live_a1a1a1' })
  for (const text of ['pk_test_a1a1a1', 'a1a1', 'sk_live_a1a1 sk_live_a1a1', KEY]) {
    await expect(stripe(text)).rejects.toThrow(
      'PURSER_STRIPE_KEY_FILE must lead to a secret or restricted key',
    )
    await expect(stripe(text)).rejects.not.toThrow('a1a1')
  }
})

test('the text of an agent key says its kind', () => {
  expect(AGENT_KEY.parse(`${KEY}\n`)).toEqual({ type: 'secp256k1', secret: KEY })
  expect(AGENT_KEY.parse(` p256:${KEY}\n`)).toEqual({ type: 'p256', secret: KEY })
  expect(AGENT_KEY.parse('p256:')).toBeUndefined()
  expect(AGENT_KEY.parse(`rsa:${KEY}`)).toBeUndefined()
  expect(CHAIN_KEY.parse(`p256:${KEY}`)).toBeUndefined()
})

test.each(['p256', 'secp256k1'] as const)(
  'a new %s key is read back from its text as the same key',
  async (type) => {
    const { text, address, keyType } = await newAgentKey(type)
    const parsed = AGENT_KEY.parse(text)
    expect(keyType).toBe(type)
    expect(parsed && (await agentKeyName(parsed))).toEqual({ address, keyType: type })
  },
)

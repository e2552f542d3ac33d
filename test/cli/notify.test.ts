import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { receiver } from '../notify/kit.js'
import { CliWorld } from './world.js'

const world = new CliWorld()
const config = join(world.folder, 'config.yaml')
const secret = join(world.folder, 'hook.secret')
const plain = { columns: 80, env: { NO_COLOR: '1' } }

beforeAll(() => {
  writeFileSync(secret, 'a secret of the two servers\n', { mode: 0o600 })
})
afterAll(() => world.remove())

function settings(notify: string): readonly string[] {
  writeFileSync(config, `policy: policy.yaml\n${notify}`)
  return ['notify', 'test', '--config', config]
}

describe('purser notify test', () => {
  it('sends a message to each target, and ends with 1 if one does not get it', async () => {
    const { url, got } = await receiver(({ path }, response) =>
      response.writeHead(path === '/hook' ? 204 : 404).end(),
    )
    const args = settings(
      `notify: [{ url: "${url}/hook", secretFile: hook.secret }, { ntfy: "${url}/other/topic" }]\n`,
    )
    const { code, out } = await world.run(args, plain)
    const host = new URL(url).host
    expect(out).toBe(`sent    the URL at ${host}\nFAILED  ntfy at ${host}: it answered 404\n`)
    expect(code).toBe(1)
    expect(JSON.parse(got.find(({ path }) => path === '/hook')?.body ?? '')).toMatchObject({ type: 'test' })
  })

  it('ends with 0 if all get it', async () => {
    const { url } = await receiver()
    const args = settings(`notify: [{ url: "${url}", secretFile: hook.secret }]\n`)
    expect(await world.json(args)).toMatchObject([{ targets: [{ delivered: true }] }])
  })

  it.each([
    ['', 'The settings file has no notify'],
    ['notify: [{ url: "https://a.example" }]\n', 'must be a list in the settings file'],
    [
      'notify: [{ url: "http://a.example", secretFile: hook.secret }]\n',
      'targets[0].url must be an https address',
    ],
    ['notify: [{ ntfy: "https://a.example/t", on: [payment] }]\n', 'notify[0].on must be a list of'],
    [
      'notify: [{ slack: { urlFile: none } }]\n',
      'The file that notify[0].slack.urlFile names cannot be read',
    ],
  ])('ends with 2 for settings that cannot be used: %s', async (notify, why) => {
    const { code, err } = await world.run(settings(notify), plain)
    expect(err.replaceAll(/\s+/g, ' ')).toContain(why)
    expect(code).toBe(2)
  })

  it('refuses a secret that others can read, and names the fix', async () => {
    chmodSync(secret, 0o644)
    const { code, err } = await world.run(
      settings('notify: [{ url: "https://a.example", secretFile: hook.secret }]\n'),
      plain,
    )
    chmodSync(secret, 0o600)
    expect(err).toContain('chmod 600')
    expect(code).toBe(2)
  })
})

describe('purser freeze', () => {
  it('tells people who want to know, and freezes although a message fails', async () => {
    const { url, got } = await receiver(({ path }, response) =>
      response.writeHead(path === '/a' ? 204 : 404).end(),
    )
    settings(
      `ledger: ledger.db\nnotify: [{ url: "${url}/a", secretFile: hook.secret }, { url: "${url}/b", secretFile: hook.secret }, { url: "${url}/c", secretFile: hook.secret, on: [doubt] }]\n`,
    )
    const { code, err } = await world.run(['freeze', 'a look', '--config', config], plain)
    expect(code).toBe(0)
    expect(err).toMatch(/^purser: the URL at \S+ was not told: it answered 404\n$/)
    expect(got.map(({ path }) => path).sort()).toEqual(['/a', '/b'])
    expect(JSON.parse(got[0]?.body ?? '')).toMatchObject({ type: 'freeze', text: 'why: a look' })
  })

  it('freezes although the settings are wrong', async () => {
    settings('notify: 7\n')
    const { code, err } = await world.run(
      ['freeze', 'again', '--config', config, '--ledger', join(world.folder, 'ledger.db')],
      plain,
    )
    expect(code).toBe(0)
    expect(err).toContain('nobody was told: ')
  })
})

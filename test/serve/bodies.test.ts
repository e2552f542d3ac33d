import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Bodies } from '../../src/serve/mcp-server/bodies.js'
import { readReply } from '../../src/serve/mcp-server/read-reply.js'

describe('a file with a body', () => {
  it.each([
    ['image/png', '.png'],
    ['image/png; name="x.sh"', '.png'],
    ['image/sh', '.bin'],
    ['image/../../evil.sh', '.bin'],
    ['__proto__', '.bin'],
    ['constructor', '.bin'],
  ])('has an ending of a fixed table (%s)', async (type, ending) => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-bodies-'))
    try {
      const { file } = await new Bodies(folder).show(new Uint8Array([0, 1]), type)
      const [name = ''] = readdirSync(folder)
      expect(name).toMatch(/^purser-\d+-[0-9a-f]{8}\.[a-z]+$/)
      expect(name.endsWith(ending)).toBe(true)
      expect(file).toBe(join(folder, name))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.skipIf(process.platform === 'win32')('can be read by its user only', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'purser-bodies-'))
    try {
      const { file = '' } = await new Bodies(folder).show(new Uint8Array([0, 1]), 'image/png')
      expect(statSync(file).mode & 0o777).toBe(0o600)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('the reading of a body', () => {
  const drip = (): { body: ReadableStream<Uint8Array>; cancelled: () => boolean } => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 10))
        if (!cancelled) controller.enqueue(Buffer.from('tea'))
      },
      cancel: () => {
        cancelled = true
      },
    })
    return { body, cancelled: () => cancelled }
  }

  it('stops at its time limit, and keeps all that arrived', async () => {
    const { body, cancelled } = drip()
    const { bytes, cut } = await readReply(body, 1_000_000, 100)
    expect(cut).toBe('time')
    expect(Buffer.from(bytes).toString()).toMatch(/^(?:tea)+$/)
    expect(cancelled()).toBe(true)
  }, 5_000)

  it('stops at its size limit, and cancels the rest', async () => {
    const { body, cancelled } = drip()
    const { bytes, cut } = await readReply(body, 5, 60_000)
    expect([Buffer.from(bytes).toString(), cut, cancelled()]).toEqual(['teate', 'size', true])
  })

  it('keeps all that arrived before the connection broke', async () => {
    let parts = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (parts++ === 0) controller.enqueue(Buffer.from('tea'))
        else controller.error(new Error('broken'))
      },
    })
    const { bytes, cut } = await readReply(body, 1_000, 60_000)
    expect([Buffer.from(bytes).toString(), cut]).toEqual(['tea', 'failed'])
  })
})

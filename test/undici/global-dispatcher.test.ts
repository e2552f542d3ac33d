import { getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { expect, test } from 'vitest'
import { echo, paywall, serve } from '../fetch/kit.js'
import { testAgent } from './kit.js'

test("Node's own fetch pays through the global dispatcher", async () => {
  await using server = await serve(paywall(echo))
  await using agent = testAgent()
  const before = getGlobalDispatcher()
  setGlobalDispatcher(agent.dispatcher)
  try {
    const reply = await fetch(server.url, { method: 'POST', body: 'tea' })
    expect(reply.status).toBe(200)
    expect(await reply.json()).toMatchObject({ method: 'POST', body: 'tea' })
    expect(agent.face.signed).toHaveLength(1)
  } finally {
    setGlobalDispatcher(before)
  }
})

import { Agent, fetch as undiciFetch } from 'undici'
import { expect, test } from 'vitest'
import { payingFetch } from '../../src/fetch/index.js'
import { echo, paywall, serve, testFace } from '../fetch/kit.js'

class Watching extends Agent {
  readonly paths: string[] = []

  override dispatch(...args: Parameters<Agent['dispatch']>): boolean {
    this.paths.push(args[0].path)
    return super.dispatch(...args)
  }
}

test('a dispatcher in the init of a fetch that pays is kept on both legs', async () => {
  await using server = await serve(paywall(echo))
  const dispatcher = new Watching()
  const base = (input: unknown, init: unknown) => Reflect.apply(undiciFetch, undefined, [input, init])
  const fetch = payingFetch(testFace(), { base })
  const init: object = { dispatcher }
  expect((await fetch(`${server.url}/a`, init)).status).toBe(200)
  expect(dispatcher.paths).toEqual(['/a', '/a'])
  await dispatcher.close()
})

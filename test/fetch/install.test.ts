import { afterEach, describe, expect, test, vi } from 'vitest'
import { type FetchLike, install, payingFetch, pristine } from '../../src/fetch/index.js'
import { echo, paywall, serve, testFace } from './kit.js'

const before = Object.getOwnPropertyDescriptor(globalThis, 'fetch')
const answering =
  (name: string): FetchLike =>
  async () =>
    new Response(name)
const answer = async (target: object): Promise<string> => {
  const fetch: unknown = Reflect.get(target, 'fetch')
  const reply: unknown =
    typeof fetch === 'function' ? await fetch.call(target, 'https://a.example') : undefined
  return reply instanceof Response ? reply.text() : 'no fetch'
}

afterEach(() => {
  if (before) Object.defineProperty(globalThis, 'fetch', before)
})

test('the global fetch pays until it is restored, and is then the very property it was', async () => {
  await using server = await serve(paywall(echo))
  const restore = install(globalThis, payingFetch(testFace()))
  expect((await fetch(server.url)).status).toBe(200)
  restore()
  expect((await fetch(server.url)).status).toBe(402)
  expect(Object.getOwnPropertyDescriptor(globalThis, 'fetch')).toEqual(before)
})

test('restoring twice is restoring once', async () => {
  const target = { fetch: answering('real') }
  const restore = install(target, answering('ours'))
  restore()
  const again = install(target, answering('again'))
  restore()
  expect(await answer(target)).toBe('again')
  again()
  expect(await answer(target)).toBe('real')
})

test('it is disposable', async () => {
  const target = { fetch: answering('real') }
  {
    using _ = install(target, answering('ours'))
    expect(await answer(target)).toBe('ours')
  }
  expect(await answer(target)).toBe('real')
})

describe('the property comes back as it was', () => {
  const real = answering('real')
  const shapes: Record<string, () => object> = {
    'plain data': () => ({ fetch: real }),
    'not enumerable': () =>
      Object.defineProperty({}, 'fetch', { value: real, configurable: true, writable: false }),
    'an accessor': () =>
      Object.defineProperty({}, 'fetch', { get: () => real, configurable: true, enumerable: true }),
    inherited: () => Object.create({ fetch: real }),
    'not configurable, but writable': () =>
      Object.defineProperty({}, 'fetch', { value: real, writable: true }),
  }
  test.each(Object.entries(shapes))('%s', async (_, make) => {
    const target = make()
    const descriptor = Object.getOwnPropertyDescriptor(target, 'fetch')
    const restore = install(target, answering('ours'))
    expect(await answer(target)).toBe('ours')
    expect(Object.getOwnPropertyDescriptor(target, 'fetch')?.enumerable).toBe(descriptor?.enumerable ?? true)
    restore()
    expect(Object.getOwnPropertyDescriptor(target, 'fetch')).toEqual(descriptor)
    expect(await answer(target)).toBe('real')
  })
})

describe('what cannot be replaced is refused', () => {
  const targets: Record<string, object> = {
    'a frozen target': Object.freeze({ fetch: answering('real') }),
    'a fixed accessor': Object.defineProperty({}, 'fetch', { get: () => answering('real') }),
    'no fetch': {},
    'a sealed target that inherits': Object.preventExtensions(Object.create({ fetch: answering('real') })),
  }
  test.each(Object.entries(targets))('%s', (_, target) => {
    expect(() => install(target, answering('ours'))).toThrow(TypeError)
  })
})

test('the same purser is installed once; and again after it was restored', async () => {
  const target = { fetch: answering('real') }
  const ours = answering('ours')
  const restore = install(target, ours)
  expect(() => install(target, ours)).toThrow(/installed here already/)
  const other = install(target, answering('other'))
  expect(() => install(target, ours)).toThrow(/installed here already/)
  other()
  restore()
  install(target, ours)()
  expect(await answer(target)).toBe('real')
})

describe('two pursers', () => {
  test('restored in the order of a stack', async () => {
    const target = { fetch: answering('real') }
    const a = install(target, answering('a'))
    const b = install(target, answering('b'))
    expect(await answer(target)).toBe('b')
    b()
    expect(await answer(target)).toBe('a')
    a()
    expect(await answer(target)).toBe('real')
  })

  test('restored the other way round: what was restored does not come back', async () => {
    const target = { fetch: answering('real') }
    const real = target.fetch
    const a = install(target, answering('a'))
    const b = install(target, answering('b'))
    a()
    expect(await answer(target)).toBe('b')
    b()
    expect(target.fetch).toBe(real)
  })
})

test("a later stranger's wrapper is left alone, and works on over the fetch that was there", async () => {
  const target = { fetch: answering('real') }
  const restore = install(target, answering('ours'))
  const { fetch: beneath } = target
  const stranger: FetchLike = async (input) =>
    new Response(`stranger over ${await (await beneath(input)).text()}`)
  target.fetch = stranger
  expect(await answer(target)).toBe('stranger over ours')
  restore()
  expect(target.fetch).toBe(stranger)
  expect(await answer(target)).toBe('stranger over real')
})

describe('the pristine fetch', () => {
  test('lies beneath every wrapper of ours, also of another copy of the module', async () => {
    const real = answering('real')
    const target = { fetch: real }
    install(target, answering('ours'))
    vi.resetModules()
    const copy = await import('../../src/fetch/install.js')
    expect(copy.install).not.toBe(install)
    copy.install(target, answering('copy'))
    expect(pristine(target.fetch)).toBe(real)
    expect(copy.pristine(target.fetch)).toBe(real)
    expect(() => install(target, answering('third'))).not.toThrow()
  })

  test('is what a purser calls: two installed ones pay once', async () => {
    await using server = await serve(paywall(echo))
    const [first, second] = [testFace(), testFace()]
    const undoFirst = install(globalThis, payingFetch(first))
    const undoSecond = install(globalThis, payingFetch(second))
    expect((await fetch(server.url)).status).toBe(200)
    expect([first.signed.length, second.signed.length]).toEqual([0, 1])
    undoSecond()
    undoFirst()
  })

  test("of a stranger's fetch is that fetch", () => {
    const stranger = answering('stranger')
    expect(pristine(stranger)).toBe(stranger)
  })
})

import type { FetchLike } from './request.js'

/** Undoes one installation. It is also a disposable: `using restore = purser.install()`. */
export interface Restore {
  (): void
  [Symbol.dispose](): void
}

/** The data of a wrapper, so that every copy of this module recognizes it. */
interface Wrapper {
  /** The fetch below it. */
  readonly beneath: FetchLike
  /** The fetch that it calls. The same one cannot be installed twice. */
  readonly paying: FetchLike
  /** False after the restore: it then only passes calls on. */
  readonly live: () => boolean
  readonly descriptor: PropertyDescriptor | undefined
}

const WRAPPER = Symbol.for('purser.fetch.wrapper')

/** Returns the fetch below all wrappers of Purser, from any copy of this module. */
export function pristine(fetch: FetchLike): FetchLike {
  let beneath = fetch
  for (let wrapper = wrapperOf(beneath); wrapper; wrapper = wrapperOf(beneath)) beneath = wrapper.beneath
  return beneath
}

/**
 * Installs `fetch` over the global fetch of `target`, and returns a function that removes it.
 *
 * The restore puts the property back. If another wrapper was installed since, it changes nothing, and ours only
 * passes calls on.
 *
 * @throws TypeError if this fetch is installed there already, or if the property cannot be replaced.
 */
export function install(target: object, fetch: FetchLike): Restore {
  const beneath: unknown = Reflect.get(target, 'fetch')
  if (!isFetch(beneath)) throw new TypeError('There is no fetch to replace.')
  for (let wrapper = wrapperOf(beneath); wrapper; wrapper = wrapperOf(wrapper.beneath)) {
    if (wrapper.paying === fetch && wrapper.live())
      throw new TypeError('This purser is installed here already.')
  }
  const descriptor = Object.getOwnPropertyDescriptor(target, 'fetch')
  let live = true
  const installed: FetchLike = (input, init) =>
    live ? fetch(input, init) : beneath.call(target, input, init)
  const wrapper: Wrapper = { beneath, paying: fetch, live: () => live, descriptor }
  Object.defineProperty(installed, 'name', { value: 'fetch' })
  Object.defineProperty(installed, WRAPPER, { value: wrapper })
  replace(target, installed, descriptor)
  return asRestore(() => {
    if (!live) return
    live = false
    if (Reflect.get(target, 'fetch') === installed) putBack(target, descriptor)
  })
}

function replace(target: object, fetch: FetchLike, before: PropertyDescriptor | undefined): void {
  const enumerable = before?.enumerable ?? true
  const after =
    before && !before.configurable
      ? { value: fetch }
      : { value: fetch, enumerable, writable: true, configurable: true }
  if (Reflect.defineProperty(target, 'fetch', after)) return
  throw new TypeError('The fetch of this target is frozen: pass purser.fetch where it is needed instead.')
}

/** Puts the property back. A wrapper below that was restored meanwhile stays removed. */
function putBack(target: object, descriptor: PropertyDescriptor | undefined): void {
  let before = descriptor
  for (let under = wrapperOf(before?.value); under && !under.live(); under = wrapperOf(before?.value)) {
    before = under.descriptor
  }
  if (before) Object.defineProperty(target, 'fetch', before)
  else Reflect.deleteProperty(target, 'fetch')
}

function asRestore(undo: () => void): Restore {
  return Object.assign(() => undo(), { [Symbol.dispose]: undo })
}

function isFetch(value: unknown): value is FetchLike {
  return typeof value === 'function'
}

function isWrapper(value: unknown): value is Wrapper {
  return typeof value === 'object' && value !== null && 'beneath' in value && 'live' in value
}

function wrapperOf(fetch: unknown): Wrapper | undefined {
  const mark: unknown = isFetch(fetch) ? Reflect.get(fetch, WRAPPER) : undefined
  return isWrapper(mark) ? mark : undefined
}

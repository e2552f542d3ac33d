import type { FetchLike } from './request.js'

/** Undoes one installation. Also a disposable: `using restore = purser.install()`. */
export interface Restore {
  (): void
  [Symbol.dispose](): void
}

/** Anything that has a global `fetch`: `globalThis`, a window, a sandbox. */
export interface FetchTarget {
  fetch: FetchLike
}

/** What a wrapper says about itself, so that every copy of this module knows it for one. */
interface Wrapper {
  /** The fetch it was put in front of. */
  readonly beneath: FetchLike
  /** Whose wrapper it is: one installation per owner and target. */
  readonly owner: object
  /** False once restored: then it only passes calls on. */
  readonly live: () => boolean
  readonly descriptor: PropertyDescriptor | undefined
}

const WRAPPER = Symbol.for('purser.fetch.wrapper')

/** The fetch beneath every wrapper of ours that stands in front of it, whichever copy of the module made them. */
export function pristine(fetch: FetchLike): FetchLike {
  let beneath = fetch
  for (let wrapper = wrapperOf(beneath); wrapper; wrapper = wrapperOf(beneath)) beneath = wrapper.beneath
  return beneath
}

/**
 * Puts `fetch` in front of `target.fetch`, and returns how to take it away again.
 *
 * Restoring brings the property back as it was, and touches nothing if someone else has put their own wrapper in
 * front since: ours then only passes calls on.
 *
 * @param owner Who installs. A second installation by the same owner is refused.
 * @throws TypeError if this owner is installed there already, or the property cannot be replaced.
 */
export function install(target: FetchTarget, fetch: FetchLike, owner: object): Restore {
  const beneath = target.fetch
  if (typeof beneath !== 'function') throw new TypeError('There is no fetch to install in front of.')
  for (let wrapper = wrapperOf(beneath); wrapper; wrapper = wrapperOf(wrapper.beneath)) {
    if (wrapper.owner === owner && wrapper.live())
      throw new TypeError('This purser is installed here already.')
  }
  const descriptor = Object.getOwnPropertyDescriptor(target, 'fetch')
  let live = true
  const installed: FetchLike = function fetch_(input, init) {
    return live ? fetch(input, init) : beneath.call(target, input, init)
  }
  Object.defineProperty(installed, 'name', { value: 'fetch' })
  const wrapper: Wrapper = { beneath, owner, live: () => live, descriptor }
  Object.defineProperty(installed, WRAPPER, { value: wrapper })
  replace(target, installed, descriptor)
  return asRestore(() => {
    if (!live) return
    live = false
    if (target.fetch === installed) putBack(target, descriptor)
  })
}

function replace(target: FetchTarget, fetch: FetchLike, before: PropertyDescriptor | undefined): void {
  const enumerable = before?.enumerable ?? true
  const after =
    before && !before.configurable
      ? { value: fetch }
      : { value: fetch, enumerable, writable: true, configurable: true }
  if (Reflect.defineProperty(target, 'fetch', after)) return
  throw new TypeError('The fetch of this target is frozen: pass purser.fetch where it is needed instead.')
}

/** Brings the property back. What was restored while it lay beneath us is not brought back to life. */
function putBack(target: FetchTarget, descriptor: PropertyDescriptor | undefined): void {
  let before = descriptor
  for (
    let wrapper = wrapperOf(before?.value);
    wrapper && !wrapper.live();
    wrapper = wrapperOf(before?.value)
  ) {
    before = wrapper.descriptor
  }
  if (before) Object.defineProperty(target, 'fetch', before)
  else Reflect.deleteProperty(target, 'fetch')
}

function asRestore(undo: () => void): Restore {
  const restore = () => undo()
  // Runtimes without `using` have no such symbol; then there is nothing to call it.
  const key: symbol = Symbol.dispose ?? Symbol.for('Symbol.dispose')
  return Object.assign(restore, { [Symbol.dispose]: undo, [key]: undo })
}

function wrapperOf(fetch: unknown): Wrapper | undefined {
  if (typeof fetch !== 'function' || !(WRAPPER in fetch)) return undefined
  return fetch[WRAPPER] as Wrapper
}

import { clean } from './clean.js'

/** Every name that a set of options has: complete, because the compiler counts them. */
export type Names<T extends object> = Readonly<Record<NamesOf<T>, unknown>>
/** Of options of several forms, the names of all of them. */
type NamesOf<T> = T extends object ? keyof T & string : never

const LONGEST_GUESS = 40

/** The known name that was probably meant; undefined if none is near. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST_GUESS) return undefined
  return known
    .map((word) => ({ word, far: distance(name.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, far }) => far <= Math.max(2, word.length / 3) && far < word.length - 1)
    .sort((a, b) => a.far - b.far)[0]?.word
}

/** What to do about an unknown name, as the end of a sentence: `: did you mean maxAmount?` */
export function suggestion(name: string, known: readonly string[]): string {
  const guess = closestName(name, known)
  return guess === undefined ? `: use ${oneOf(known)}` : `: did you mean ${guess}?`
}

/** `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

/**
 * Options as they were given, with nothing that objects inherit: a mistyped name is refused, because an option that is
 * not read is a limit that does not hold.
 *
 * @param what - Who takes the options, as the error names it: `createPurser`, `init.payment`.
 * @throws TypeError for what is no object, and for a name that is not known; it suggests the closest one.
 */
export function ownOptions<T extends object>(given: T, names: Names<T>, what: string): T {
  if (typeof given !== 'object' || given === null) throw new TypeError(`${what} needs an object of options`)
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(names, name))
  if (unknown !== undefined)
    throw new TypeError(
      `${what} has no option ${clean(unknown, 60)}${suggestion(unknown, Object.keys(names))}`,
    )
  const own: T = Object.assign(Object.create(null), given)
  return own
}

/**
 * Sees that these options are functions, where they are given: anything else would only be noticed by the first payment.
 *
 * @throws TypeError that names the option.
 */
export function checkFunctions<T extends object>(options: T, names: readonly (keyof T & string)[]): void {
  for (const name of names)
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new TypeError(`${name} must be a function`)
}

/** How many letters must change to make one word the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      const swap = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

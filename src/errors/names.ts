import { clean } from './clean.js'

/** All names that a set of options has. The compiler checks that the list is complete. */
export type Names<T extends object> = Readonly<Record<NamesOf<T>, unknown>>
/** Distributes over a union of option types: the names of every member. */
type NamesOf<T> = T extends object ? keyof T & string : never

const LONGEST_GUESS = 40

/** Returns the known name that was probably meant; undefined if no name is close. */
export function closestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > LONGEST_GUESS) return undefined
  return known
    .map((word) => ({ word, far: distance(name.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, far }) => far <= Math.max(2, word.length / 3) && far < word.length - 1)
    .sort((a, b) => a.far - b.far)[0]?.word
}

/** Returns advice about an unknown name as the end of a sentence: `: did you mean maxAmount?` */
export function suggestion(name: string, known: readonly string[]): string {
  const guess = closestName(name, known)
  return guess === undefined ? `: use ${oneOf(known)}` : `: did you mean ${guess}?`
}

/** Joins words as `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

/**
 * Copies the given options without inherited properties. An unknown name is refused, because a mistyped limit would not
 * be enforced.
 *
 * @param what - The function or property that takes the options, as the error names it: `createPurser`, `init.payment`.
 * @throws TypeError if the value is not an object, or if a name is unknown. The error suggests the closest known name.
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
 * Checks early that these options are functions. Otherwise the first payment would be the first to notice.
 *
 * @throws TypeError that names the option.
 */
export function checkFunctions<T extends object>(options: T, names: readonly (keyof T & string)[]): void {
  for (const name of names)
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new TypeError(`${name} must be a function`)
}

/** Counts the letters that must change to turn one word into the other. */
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

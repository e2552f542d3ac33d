/**
 * Joins several texts to one key. The key starts with the lengths of the texts, so different texts never make the same
 * key.
 */
export function compositeKey(first: string, second = '', third = '', fourth = ''): string {
  return `${first.length} ${second.length} ${third.length} ${first}${second}${third}${fourth}`
}

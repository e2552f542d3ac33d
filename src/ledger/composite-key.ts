/** Several texts as one name: lengths come first, so that no text can pose as two. */
export function compositeKey(first: string, second = '', third = '', fourth = ''): string {
  return `${first.length} ${second.length} ${third.length} ${first}${second}${third}${fourth}`
}

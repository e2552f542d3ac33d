/** Puts it there, or takes it away; nothing stays of a set that is empty. */
export function setMembership(
  map: Map<string, Set<string>>,
  key: string,
  value: string,
  wanted: boolean,
): void {
  if (wanted) addMember(map, key, value)
  else if (map.get(key)?.delete(value) === true && map.get(key)?.size === 0) map.delete(key)
}

/** Puts it there. */
export function addMember(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key)
  if (set === undefined) map.set(key, new Set([value]))
  else set.add(value)
}

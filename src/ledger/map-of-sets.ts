/** Adds a value to the set of a key, or removes it. An empty set is deleted from the map. */
export function setMembership(
  map: Map<string, Set<string>>,
  key: string,
  value: string,
  wanted: boolean,
): void {
  if (wanted) addMember(map, key, value)
  else if (map.get(key)?.delete(value) === true && map.get(key)?.size === 0) map.delete(key)
}

/** Adds a value to the set of a key. */
export function addMember(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key)
  if (set === undefined) map.set(key, new Set([value]))
  else set.add(value)
}

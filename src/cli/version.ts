import { readFileSync } from 'node:fs'

/** Returns the version of the package: this file is one level below it when built, and two levels in a clone. */
export function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    const manifest = manifestAt(new URL(path, import.meta.url))
    if (manifest.name === 'purser' && manifest.version !== undefined) return manifest.version
  }
  return 'unknown'
}

function manifestAt(url: URL): { readonly name?: string; readonly version?: string } {
  try {
    return JSON.parse(readFileSync(url, 'utf8'))
  } catch {
    return {}
  }
}

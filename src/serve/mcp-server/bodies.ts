import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanText } from './vendor-text.js'

/** The most bytes of a body, in UTF-8, that one answer to a model contains. */
export const PART_BYTES = 32 * 1024
const MOST_BODIES = 32
const MOST_KEPT_BYTES = 64 * 1024 * 1024

/** A body in the form in which a model receives it. */
export interface ShownBody {
  /** The first part of a text. Undefined if the body is not a text. */
  readonly text?: string | undefined
  /** The resource with the next part, and the number of parts. */
  readonly next?: { readonly uri: string; readonly parts: number } | undefined
  /** The file with the whole body. */
  readonly file?: string | undefined
}

/** Keeps bodies that are too long for one answer in memory, and writes files to the folder that the user allowed. */
export class Bodies {
  readonly #folder: string | undefined
  readonly #kept = new Map<string, Uint8Array>()
  #bytes = 0

  /** @param folder - The folder for files. Undefined if the user allowed none. */
  constructor(folder?: string | undefined) {
    this.#folder = folder
  }

  /** Prepares a body for an answer. A text is cleaned and cut. Any other body is written to a file. */
  async show(bytes: Uint8Array, contentType: string): Promise<ShownBody> {
    const text = textOf(bytes, contentType)
    if (text === undefined) return { file: await this.#write(bytes, contentType) }
    const cleaned = Buffer.from(cleanText(text))
    if (cleaned.byteLength <= PART_BYTES) return { text: cleaned.toString() }
    const id = randomUUID()
    this.#keep(id, cleaned)
    const parts = partsOf(cleaned)
    const file = await this.#write(bytes, contentType)
    return { text: parts[0] ?? '', next: { uri: uriOf(id, 2), parts: parts.length }, file }
  }

  /** Reads a part of a kept body. The first part is 1. Undefined if the body is not kept now, or has no such part. */
  part(
    id: string,
    number: number,
  ): { readonly text: string; readonly next?: string | undefined } | undefined {
    const bytes = this.#kept.get(id)
    if (bytes === undefined) return undefined
    const parts = partsOf(bytes)
    const text = parts[number - 1]
    if (text === undefined) return undefined
    return { text, next: number < parts.length ? uriOf(id, number + 1) : undefined }
  }

  #keep(id: string, bytes: Uint8Array): void {
    this.#kept.set(id, bytes)
    this.#bytes += bytes.byteLength
    for (const [oldest, old] of this.#kept) {
      if (this.#kept.size <= MOST_BODIES && this.#bytes <= MOST_KEPT_BYTES) break
      this.#kept.delete(oldest)
      this.#bytes -= old.byteLength
    }
  }

  /** Writes a file. Purser makes the file's name, so neither the model nor the vendor chooses any part of a path. */
  async #write(bytes: Uint8Array, contentType: string): Promise<string | undefined> {
    if (this.#folder === undefined) return undefined
    const path = join(
      this.#folder,
      `purser-${Date.now()}-${randomUUID().slice(0, 8)}${extensionOf(contentType)}`,
    )
    // `wx` fails for a file or a link that exists.
    await writeFile(path, bytes, { flag: 'wx', mode: 0o600 })
    return path
  }
}

function uriOf(id: string, part: number): string {
  return `purser://bodies/${id}/${part}`
}

/** Cuts UTF-8 text between characters. */
function partsOf(bytes: Uint8Array): readonly string[] {
  const decoder = new TextDecoder()
  const parts: string[] = []
  for (let from = 0; from < bytes.byteLength; ) {
    let to = Math.min(bytes.byteLength, from + PART_BYTES)
    // Bytes of the form 10xxxxxx continue a character.
    while (to < bytes.byteLength && ((bytes[to] ?? 0) & 0xc0) === 0x80) to--
    parts.push(decoder.decode(bytes.subarray(from, to)))
    from = to
  }
  return parts
}

const TEXT =
  /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|yaml|x-yaml|javascript|ecmascript|x-ndjson|jsonl|graphql|x-www-form-urlencoded|toml|sql)\b|image\/svg\+xml)/i

/**
 * Returns the text of a body. Undefined if the body is not a text. Without a type, a body is a text if it is valid
 * UTF-8 without a NUL.
 */
function textOf(bytes: Uint8Array, contentType: string): string | undefined {
  if (contentType !== '') {
    if (!TEXT.test(contentType)) return undefined
    return decoderFor(contentType).decode(bytes)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

function decoderFor(contentType: string): TextDecoder {
  const charset = /;\s*charset="?([\w.-]+)/i.exec(contentType)?.[1]
  try {
    return new TextDecoder(charset)
  } catch {
    return new TextDecoder()
  }
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/gzip': '.gz',
  'application/json': '.json',
  'application/pdf': '.pdf',
  'application/zip': '.zip',
  'audio/mpeg': '.mp3',
  'audio/wav': '.wav',
  'image/gif': '.gif',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/webp': '.webp',
  'text/csv': '.csv',
  'text/html': '.html',
  'text/markdown': '.md',
  'text/plain': '.txt',
  'video/mp4': '.mp4',
}

/** Returns a file ending from a fixed table, so that a vendor cannot make a file executable. */
function extensionOf(contentType: string): string {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return Object.hasOwn(EXTENSIONS, type) ? (EXTENSIONS[type] ?? '.bin') : '.bin'
}

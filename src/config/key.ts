import { close, constants, fstat, open, read, type Stats, unlink } from 'node:fs'
import { promisify } from 'node:util'
import { othersMayUse } from './file-mode.js'
import { invalid } from './invalid.js'
import type { KeySource } from './key-source.js'

/** A private key, and the state of its place after the read. */
export interface ReadKey<Key> {
  readonly key: Key
  /** True if another process can read it there again. */
  readonly again: boolean
  /** A sentence for the owner about that place. */
  readonly remark?: string
}

/** The form of one kind of key. */
export interface KeyForm<Key> {
  readonly what: string
  /** Undefined if the text is not such a key. */
  parse(text: string): Key | undefined
}

/** The private key of an account on a chain. */
export const CHAIN_KEY: KeyForm<`0x${string}`> = {
  what: 'a key of 32 bytes in hexadecimal',
  parse(text) {
    const digits = /^\s*(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(text)?.[1]
    return digits === undefined ? undefined : `0x${digits}`
  },
}

/** A secret or restricted key of Stripe. */
export const STRIPE_KEY: KeyForm<string> = {
  what: 'a secret or restricted key of Stripe: sk_… or rk_…',
  parse: (text) => /^\s*([sr]k_\w{5,500})\s*$/.exec(text)?.[1],
}

/** The size limit of a key file, in bytes. No key is longer. */
const LONGEST = 1024
const MODE = 0o777

/**
 * Reads a key.
 *
 * @returns Undefined if the key is an unnamed default credential that does not exist.
 * @throws PaymentError `invalid_config` that names the setting. It never quotes the content.
 */
export async function readKey<Key>(
  source: Exclude<KeySource, { takenBy: string }>,
  form: KeyForm<Key>,
): Promise<ReadKey<Key> | undefined> {
  const { name } = source
  if ('hex' in source) return { key: parse(source.hex, name, form), again: false }
  if ('descriptor' in source) {
    const { text } = await readDescriptor(source.descriptor, name)
    return { key: parse(text, name, form), again: false }
  }
  if ('credential' in source) {
    // systemd gives the file to the service only, by its mode or by an access list.
    const contents = await readFile(source.credential, name, source.optional)
    return contents && { key: parse(contents.text, name, form), again: true }
  }
  const contents = await readFile(source.file, name, undefined)
  if (contents === undefined) return undefined
  const key = parse(contents.text, name, form)
  // A pipe, such as `<(pass show key)`, is empty now.
  if (!contents.stat.isFile()) return { key, again: false }
  if (source.unlink) {
    await remove(source.file, name)
    return { key, again: false }
  }
  const open = othersMayUse(contents.stat)
  return { key, again: true, ...(open ? { remark: readableByOthers(contents.stat, name) } : {}) }
}

function readableByOthers({ mode }: Stats, name: string): string {
  const text = (mode & MODE).toString(8).padStart(4, '0')
  return `the file that ${name} names has mode ${text}, so other users of this machine may read or change the key: chmod 600 it`
}

interface Contents {
  readonly text: string
  readonly stat: Stats
}

async function readFile(
  path: string,
  name: string,
  optional: true | undefined,
): Promise<Contents | undefined> {
  let descriptor: number
  try {
    descriptor = await promisify(open)(path, constants.O_RDONLY)
  } catch (error) {
    if (optional && Object(error).code === 'ENOENT') return undefined
    throw invalid(`The file that ${name} names cannot be read`)
  }
  return readDescriptor(descriptor, name)
}

/** Reads a descriptor to its end and closes it. */
async function readDescriptor(descriptor: number, name: string): Promise<Contents> {
  const cannot = (): Error => invalid(`The source that ${name} names cannot be read`)
  const stat = await promisify(fstat)(descriptor).catch(() => {
    throw cannot()
  })
  // Any other kind of descriptor belongs to the runtime itself and was not handed over.
  if (!stat.isFile() && !stat.isFIFO() && !stat.isSocket()) throw cannot()
  const buffer = Buffer.alloc(LONGEST + 1)
  let length = 0
  try {
    while (length < buffer.length) {
      const { bytesRead } = await promisify(read)(descriptor, buffer, length, buffer.length - length, null)
      if (bytesRead === 0) break
      length += bytesRead
    }
    const text = buffer.toString('latin1', 0, length)
    return { text, stat }
  } catch {
    throw cannot()
  } finally {
    buffer.fill(0)
    await promisify(close)(descriptor).catch(() => undefined)
  }
}

async function remove(path: string, name: string): Promise<void> {
  await promisify(unlink)(path).catch(() => {
    throw invalid(`The file that ${name} names cannot be removed, although the setting unlink asks for it`)
  })
}

function parse<Key>(text: string, name: string, form: KeyForm<Key>): Key {
  const key = form.parse(text)
  // The text stays out of the message, because it is a key or resembles one.
  if (key === undefined) throw invalid(`${name} must lead to ${form.what}`)
  return key
}

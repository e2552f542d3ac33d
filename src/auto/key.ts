import { close, constants, fstat, open, read, type Stats, unlink } from 'node:fs'
import { promisify } from 'node:util'
import { type KeySource, noKey } from './environment.js'
import { invalid } from './invalid.js'

/** A private key, and what became of the place where it was read. */
export interface ReadKey {
  readonly key: `0x${string}`
  /** Can another process read it there again? */
  readonly again: boolean
  /** What its owner should know about that place, as a sentence. */
  readonly remark?: string
}

/** A key has 66 characters. What is much longer is something else. */
const LONGEST = 1024
const MODE = 0o777
const OTHERS = 0o077

/**
 * Reads the private key.
 *
 * @throws PaymentError `invalid_config` that names the variable. It never quotes what was read.
 */
export async function readKey(source: Exclude<KeySource, { takenBy: string }>): Promise<ReadKey> {
  if ('hex' in source) return { key: parse(source.hex, 'PURSER_TEMPO_KEY'), again: false }
  if ('descriptor' in source) {
    const { text } = await readDescriptor(source.descriptor, 'PURSER_TEMPO_KEY_FD')
    return { key: parse(text, 'PURSER_TEMPO_KEY_FD'), again: false }
  }
  if ('credential' in source) {
    // systemd gives the file to the service alone, by its mode or by an access list.
    const { text } = await readFile(source.credential, 'PURSER_TEMPO_KEY_CREDENTIAL', source.optional)
    return { key: parse(text, 'PURSER_TEMPO_KEY_CREDENTIAL'), again: true }
  }
  const { text, stat } = await readFile(source.file, 'PURSER_TEMPO_KEY_FILE', undefined)
  const key = parse(text, 'PURSER_TEMPO_KEY_FILE')
  // A pipe, such as `<(pass show key)`, is empty now.
  if (!stat.isFile()) return { key, again: false }
  if (source.unlink) {
    await remove(source.file)
    return { key, again: false }
  }
  const open = process.platform !== 'win32' && (stat.mode & OTHERS) !== 0
  return { key, again: true, ...(open ? { remark: readableByOthers(stat) } : {}) }
}

function readableByOthers({ mode }: Stats): string {
  const text = (mode & MODE).toString(8).padStart(4, '0')
  return `the file that PURSER_TEMPO_KEY_FILE names has mode ${text}, so other users of this machine may read or change the key: chmod 600 it`
}

interface Contents {
  readonly text: string
  readonly stat: Stats
}

async function readFile(path: string, variable: string, optional: true | undefined): Promise<Contents> {
  const descriptor = await promisify(open)(path, constants.O_RDONLY).catch((error: unknown) => {
    if (optional && Object(error).code === 'ENOENT') throw noKey()
    throw invalid(`The file that ${variable} names cannot be read`)
  })
  return readDescriptor(descriptor, variable)
}

/** Reads what is behind a descriptor to its end, and closes it. */
async function readDescriptor(descriptor: number, variable: string): Promise<Contents> {
  const cannot = (): Error => invalid(`What ${variable} names cannot be read`)
  const stat = await promisify(fstat)(descriptor).catch(() => {
    throw cannot()
  })
  // Anything else is one that the runtime itself has open, and not one that was handed over.
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

async function remove(path: string): Promise<void> {
  await promisify(unlink)(path).catch(() => {
    throw invalid(
      'The file that PURSER_TEMPO_KEY_FILE names cannot be removed, as PURSER_TEMPO_KEY_UNLINK asks',
    )
  })
}

function parse(text: string, variable: string): `0x${string}` {
  const match = /^\s*(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(text)
  // The text itself stays out of the message: it is a key, or close to one.
  if (match?.[1] === undefined) throw invalid(`${variable} must lead to a key of 32 bytes in hexadecimal`)
  return `0x${match[1]}`
}

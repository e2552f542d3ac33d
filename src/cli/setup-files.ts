import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { misuse } from './misuse.js'

/** The mode of files with a key: only their owner can read them. */
const SECRET_MODE = 0o600
const FOLDER_MODE = 0o700

/**
 * Creates a file, and never overwrites one.
 *
 * @returns False if the file exists. Then it is unchanged.
 */
export async function createFile(
  path: string,
  content: string,
  mode: number = SECRET_MODE,
): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE })
  try {
    const file = await open(path, 'wx', mode)
    try {
      // The mode of `open` is cut by the umask, and other modes may have been inherited.
      await file.chmod(mode)
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if (Object(error).code === 'EEXIST') return false
    throw misuse(`${path} cannot be written`)
  }
}

/** An edit of a text file: its new content is in a second file beside it, until it takes the place of the first. */
export interface FileEdit {
  /** The file with the new content. */
  readonly draft: string
  /**
   * Replaces the file in one step.
   *
   * @throws PaymentError `invalid_config` if the file was changed meanwhile.
   */
  commit(): Promise<void>
  /** Removes the draft. */
  discard(): Promise<void>
}

/** Prepares an edit. The draft has the mode of the file. */
export async function editFile(path: string, before: string, after: string): Promise<FileEdit> {
  const target = await realpath(path)
  const draft = `${target}.${randomBytes(6).toString('hex')}.new`
  const { mode } = await stat(target)
  await writeFile(draft, after, { flag: 'wx', mode: mode & 0o777 })
  return {
    draft,
    async commit() {
      if ((await readFile(target, 'utf8')) !== before)
        throw misuse(`${path} was changed by somebody else meanwhile. Run the command again`)
      await rename(draft, target)
    },
    discard: () => rm(draft, { force: true }),
  }
}

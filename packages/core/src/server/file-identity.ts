import { stat, type FileHandle } from 'node:fs/promises'

/** Which file it was that something was written to. A copy, from an archive for instance, is another one. */
export interface FileIdentity {
  inode: string
  /** When it was made, in nanoseconds. */
  born: string
}

/** Of a file that is about to be written: renamed or linked, it stays the same one. */
export async function fileIdentity(file: FileHandle): Promise<FileIdentity> {
  const { ino, birthtimeNs } = await file.stat({ bigint: true })
  return { inode: String(ino), born: String(birthtimeNs) }
}

/** Whether a file is another one than it says that it is; all that see it through mounts see the same one. */
export async function isCopy(path: string, says: FileIdentity): Promise<boolean> {
  const { ino, birthtimeNs, ctimeNs } = await stat(path, { bigint: true })
  // Where a file system does not note when a file was made, the time of the last change stands for it.
  const isBornLater = String(birthtimeNs) !== says.born && birthtimeNs !== ctimeNs
  return String(ino) !== says.inode || isBornLater
}

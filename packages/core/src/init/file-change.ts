/** A file as it is and as it is to be. */
export interface FileChange {
  /** From the project's folder, with slashes. */
  path: string
  /** Null where there is none yet. */
  before: string | null
  after: string
}

/** What has to be done by hand, for it could not be done without a guess. */
export interface ByHand {
  path: string
  why: string
  /** The lines to add. */
  lines: string[]
}

/** What one part of the set-up comes to. */
export interface Changes {
  files: FileChange[]
  byHand: ByHand[]
}

export const nothing: Changes = { files: [], byHand: [] }

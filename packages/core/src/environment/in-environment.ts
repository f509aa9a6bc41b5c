import type { InProject } from './asked-in.js'
import type { TestPlace } from './test-environment.js'

/** What something that takes its time tells of it. */
export interface Telling {
  /** Is told, before anything is done, where it is going to be. */
  begin?: (place: TestPlace) => void
  /** Is told what happens, a line at a time. */
  progress?: (line: string) => void
}

export interface InEnvironment extends InProject, Telling {
  /** Its name or an alias. @default the one that is chosen here: for a command, test where nothing says otherwise */
  environment?: string | undefined
}

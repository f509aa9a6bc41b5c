import { SeedbedError } from './define-errors.js'

/** What it returns, or the error that teaches; any other is thrown. */
export function attempt<Result>(work: () => Result): Result | SeedbedError {
  try {
    return work()
  } catch (error) {
    if (error instanceof SeedbedError) return error
    throw error
  }
}

import type { Step } from '../program.js'

/** A program that once did in a sandbox what no real server does. */
export type Counterexample = [whatWasWrong: string, program: Step[]]

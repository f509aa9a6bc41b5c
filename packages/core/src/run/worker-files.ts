import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SequenceState } from 'pg-template-db'
import type { SeedLabels } from '../seeds/seed-labels.js'
import type { WorkerDatabase } from './run-handle.js'

/** What a worker reads of the template; written once by the main process. */
export interface TemplateFacts {
  labels: SeedLabels
  sequences: SequenceState[]
}

/** What a worker has done in one file. */
export interface FileNote {
  file: string
  database: string
  /** Sessions that it opened there since its last note. */
  sessions: number
  /** In the order in which they ended. */
  tests: TestCost[]
}

export interface TestCost {
  name: string
  /** Of entering and leaving it. */
  microseconds: number
  /** How long the server has worked for it. */
  databaseMicroseconds: number
  /** How many it has sent; BEGIN, COMMIT and their like are not counted. */
  statements: number
}

/*
 * Workers and main process have no channel of their own in any runner; files in the run's private folder are one:
 * appending a line is atomic enough for one writer a file, costs some 50 µs, and survives the worker.
 */
const factsFile = (folder: string) => join(folder, 'template.json')
const noteFile = (folder: string, slot: number) => join(folder, `worker-${slot}.jsonl`)
const assignedFile = (folder: string, slot: number) => join(folder, `worker-${slot}.json`)
const spoiledFile = (folder: string, slot: number) => join(folder, `worker-${slot}.spoiled`)

export function writeFacts(folder: string, facts: TemplateFacts): void {
  writeFileSync(factsFile(folder), JSON.stringify(facts), { mode: 0o600 })
}

export function readFacts(folder: string): TemplateFacts {
  return JSON.parse(readFileSync(factsFile(folder), 'utf8')) as TemplateFacts
}

export function appendNote(folder: string, slot: number, note: FileNote): void {
  appendFileSync(noteFile(folder, slot), `${JSON.stringify(note)}\n`, { mode: 0o600 })
}

export async function readNotes(folder: string, slot: number): Promise<FileNote[]> {
  const text = await readFile(noteFile(folder, slot), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  // The last line is cut short where the worker was killed while it wrote.
  const lines = text.split('\n').slice(0, -1)
  return lines.map(line => JSON.parse(line) as FileNote)
}

/** Says which database the next worker of a slot gets, where that is not the one of the run's handle any more. */
export function writeAssigned(folder: string, slot: number, database: WorkerDatabase): void {
  const file = assignedFile(folder, slot)
  // Renamed, so that a worker that begins meanwhile reads the whole of one or the other.
  writeFileSync(`${file}.new`, JSON.stringify(database), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export function readAssigned(folder: string, slot: number): WorkerDatabase | undefined {
  const file = assignedFile(folder, slot)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as WorkerDatabase) : undefined
}

/** Says that something was committed in this worker's database: nothing more may run there. */
export function markSpoiled(folder: string, slot: number): void {
  writeFileSync(spoiledFile(folder, slot), '')
}

export function isSpoiled(folder: string, slot: number): boolean {
  return existsSync(spoiledFile(folder, slot))
}

#!/usr/bin/env node
import { CommanderError } from 'commander'
import { printError } from './print.js'
import { seedbed } from './program.js'

try {
  await seedbed(code => (process.exitCode = code)).parseAsync()
} catch (error) {
  // Commander has printed its own, and says 1 for wrong usage.
  if (!(error instanceof CommanderError)) printError(error)
  process.exitCode = error instanceof CommanderError ? (error.exitCode === 0 ? 0 : 2) : 1
}

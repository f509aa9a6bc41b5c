export { defineConfig } from './config/config.js'
export type {
  ConnectionParts,
  ContainerServer,
  Isolation,
  MigrationCommand,
  PrepareStep,
  SeedbedConfig,
} from './config/config.js'
export { askedIn, type AskedInProject, type InProject, type Problem } from './environment/asked-in.js'
export { auditLog, type AuditLogOptions } from './environment/audit-log.js'
export { claimEnvironment, type ClaimOptions } from './environment/claim-environment.js'
export { doctor, type Diagnosis, type DoctorOptions } from './doctor/doctor.js'
export type { Finding } from './doctor/finding.js'
export { sizeInWords } from './doctor/size-in-words.js'
export { environmentCommandErrors } from './environment/errors.js'
export {
  environmentStatus,
  type ChosenEnvironment,
  type DatabaseStatus,
  type EnvironmentStatus,
  type EnvironmentsStatus,
} from './environment/environment-status.js'
export {
  listEnvironments,
  showEnvironment,
  type DatabaseView,
  type EnvironmentView,
} from './environment/list-environments.js'
export { scenarios, scenariosOf, type Scenario } from './environment/scenarios.js'
export { SeedbedError } from '@seedbed/environments/errors'
export type { TestPlace } from './environment/test-environment.js'
export { preflight, type PreflightOptions } from './preflight/preflight.js'
export { applyInit } from './init/apply-init.js'
export type { ByHand, FileChange } from './init/file-change.js'
export { planAfterInstall } from './init/plan-after-install.js'
export { planInit, type InitFindings, type InitOptions, type InitPlan, type InitTest } from './init/plan-init.js'
export { listPreserved, preserve, type Preserved, type PreserveOptions } from './preserve/preserve.js'
export type { Rows } from './preserve/find-rows.js'
export type { PreservedMark } from './preserve/marks.js'
export type { Conflict, ConflictRule } from './reset/conflicts.js'
export type { KeptRow, Mark } from './reset/kept-rows.js'
export { resetDatabase, type Reset, type ResetOptions } from './reset/reset-database.js'
export { cacheKey, type CacheKey } from './prepare/cache-key.js'
export { accessLines } from './run/kept-lines.js'
export { prune, type PruneOptions, type Pruning } from './prune/prune.js'
export {
  prepare,
  resetBare,
  type PreparedEnvironment,
  type PrepareOptions,
  type ResetBareOptions,
} from './prepare/prepare.js'
export type { PrepareQuestion } from './prepare/confirm.js'
export type { PreparedDatabase } from './prepare/prepare-database.js'
export type { PreparedRun } from './prepare/prepare-run.js'
export { refuseConnections } from './run/refuse-connections.js'
export { publishReport } from './run/publish-report.js'
export type { RunReport } from './run/report.js'
export type { FailedRun, RunHandle, WorkerDatabase } from './run/run-handle.js'
export { closeRuns, startRuns, type StartRunsOptions } from './run/runs.js'
export { startRun, type Run, type StartRunOptions, type StartWatchedRunOptions } from './run/start-run.js'
export { defineSeed } from './seeds/define-seed.js'
export { loadSeed } from './seeds/load-seed.js'
export type { LabelledRows, SeedFiles, Seeds } from './seeds/seed-types.js'
export { workerErrors } from './worker/errors.js'
export { describeStatements } from './worker/footprint-lines.js'
export type { Footprint } from 'pg-sandbox'

export {
  auditFile,
  openAudit,
  userName,
  type Audit,
  type AuditEntry,
  type AuditEvent,
  type AuditOptions,
  type Decision,
} from './audit/audit.js'
export { auditLines, readAudit, type AuditLine, type AuditQuery } from './audit/read-audit.js'
export { badge, badged } from './badge.js'
export { defineEnvironments } from './config.js'
export type {
  AddressConfig,
  BadgeColour,
  ConsentConfig,
  EnvironmentConfig,
  EnvironmentsConfig,
  PartDefaults,
  SelectConfig,
  SelectionRule,
  SourceConfig,
  Tier,
  Variables,
} from './config.js'
export { connectionOptions, databasePool } from './application/connection-options.js'
export { consentVariable, requireConsent, type ConsentFile } from './application/consent.js'
export { applicationErrors } from './application/errors.js'
export {
  askedHere,
  currentEnvironment,
  type AskedHere,
  type EnvironmentOptions,
} from './application/current-environment.js'
export { databaseUrl, type DatabaseUrlOptions } from './application/database-url.js'
export type { Dialect } from './application/dialect.js'
export { findConfig } from './application/find-config.js'
export { protectProcess } from './application/protect-process.js'
export { readEnvFile } from './variables/env-file.js'
export { readBranch } from './variables/git-branch.js'
export { attempt } from './errors/attempt.js'
export { SeedbedError } from './errors/define-errors.js'
export { isUrl, placeOf, printableUrl, serverOf } from './resolve/database-url.js'
export {
  chooseEnvironment,
  configuredEnvironment,
  configuredEnvironments,
  type ConfiguredEnvironment,
} from './resolve/configured-environments.js'
export { everyDatabase, type NamedUrl } from './resolve/databases.js'
export type { Address } from './resolve/addresses.js'
export {
  knownEnvironments,
  tierBadge,
  type KnownEnvironment,
  type KnownEnvironments,
} from './resolve/known-environments.js'
export { runnerOf } from './resolve/runner.js'
export { resolveEnvironment, type ResolvedEnvironment, type ResolveInput } from './resolve/resolve-environment.js'
export { applyVariables, connectionVariables, urlParts, type UrlParts } from './variables/connection-variables.js'
export { refusalsOf, type Refusal } from './variables/refusals.js'

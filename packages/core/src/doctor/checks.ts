import { checkConfig } from './check-config.js'
import { checkDisk } from './check-disk.js'
import { checkInstallation } from './check-installation.js'
import { checkMarkers } from './check-markers.js'
import { checkMigrations } from './check-migrations.js'
import { checkProduction } from './check-production.js'
import { checkRights } from './check-rights.js'
import { checkSecrets } from './check-secrets.js'
import { checkServer } from './check-server.js'
import { checkSessions } from './check-sessions.js'
import { checkSettings } from './check-settings.js'
import { checkVariables } from './check-variables.js'
import { checkVersions } from './check-versions.js'
import type { Check } from './finding.js'

/** All of them, in the order in which they are told. */
export const checks: readonly Check[] = [
  checkConfig,
  checkVariables,
  checkSecrets,
  checkInstallation,
  checkServer,
  checkRights,
  checkProduction,
  checkMarkers,
  checkSettings,
  checkMigrations,
  checkSessions,
  checkDisk,
  checkVersions,
]

import { testDrivers } from './contract.js'
import { knexDriver } from './knex.js'
import { pgWithCallbacks } from './pg-callbacks.js'
import { pgWithPipeline, pgWithPromises } from './pg.js'
import { postgresJs, postgresJsUnprepared } from './postgres-js.js'

testDrivers(pgWithPromises, pgWithPipeline, pgWithCallbacks, postgresJs, postgresJsUnprepared, knexDriver)

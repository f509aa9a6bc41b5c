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
export { SeedbedError } from './errors/define-errors.js'
export type { Address } from './resolve/addresses.js'
export { resolveEnvironment, type ResolvedEnvironment, type ResolveInput } from './resolve/resolve-environment.js'

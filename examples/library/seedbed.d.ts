import type catalogue from './seeds/catalogue.json'
import type members from './seeds/members.json'

declare module '@seedbed/vitest' {
  interface SeedFiles {
    catalogue: typeof catalogue
    members: typeof members
  }
}

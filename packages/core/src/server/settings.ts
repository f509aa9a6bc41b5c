import type { Endpoint } from './endpoint.js'
import type { ClusterFolders } from './home.js'

/**
 * How the server is set up: fast, lean, and the same everywhere. Part of a cluster's identity: a change makes new ones.
 *
 * Durability is off, since everything in a cluster can be built again; after a crash of the machine it is
 * (`data-folder.ts`). What makes rows come in another order from run to run is off too: synchronised and parallel scans.
 * Autovacuum stays on, for recycled databases collect dead rows. Manual: chapter 19, Server Configuration.
 */
export const settings: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  wal_init_zero: 'off',
  min_wal_size: '32MB',
  checkpoint_timeout: '1h',

  // A worker that is killed in a long statement would leave it running, and its server, too. Windows cannot tell.
  ...(process.platform !== 'win32' && { client_connection_check_interval: '1s' }),

  max_connections: '300',
  // A suite's rollbacks hold a lock for each table they touch, and a template can have hundreds.
  max_locks_per_transaction: '256',
  shared_buffers: '32MB',
  huge_pages: 'off',
  // In the data folder: /dev/shm keeps what a killed server had there, and is small in containers.
  dynamic_shared_memory_type: 'mmap',
  io_method: 'sync',
  max_logical_replication_workers: '0',
  autovacuum_worker_slots: '2',
  autovacuum_max_workers: '2',
  jit: 'off',

  synchronize_seqscans: 'off',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',

  timezone: 'UTC',
  log_timezone: 'UTC',
  // Our own code reads the log and messages, and so do the errors that quote them.
  lc_messages: 'C',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] %d ',
}

/** The superuser of a cluster that we started. */
export const administrator = 'seedbed_admin'

/** The application's ordinary role. Not simply `app`: migrations create roles of that name. */
export const applicationRole = 'seedbed_app'

/**
 * initdb's flags. The collation is the builtin provider's C.UTF-8 (manual, section 23.1.4): order by code point, upper
 * and lower case by Unicode, compiled into the server, so that ORDER BY gives the same on every machine. A libc locale
 * such as en_US.UTF-8 differs with the system's C library and may not be installed; ICU would give a language's order
 * that a production database need not have. Where an application depends on one, its columns or queries can say COLLATE.
 * The character type is libc's all the same, because some extensions ask libc what a letter is: with plain C, pg_trgm
 * takes Zürich for two words. macOS has no C.UTF-8, and calls the same `UTF-8`.
 */
export function initdbFlags(platform: string): string[] {
  const characterType = platform.startsWith('linux') ? 'C.UTF-8' : platform.startsWith('darwin') ? 'UTF-8' : 'C'
  return [
    `--username=${administrator}`,
    '--encoding=UTF8',
    '--locale=C',
    `--lc-ctype=${characterType}`,
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--auth=scram-sha-256',
    '--no-data-checksums',
    // In MB. A new cluster holds one segment, nearly empty, and 16 would be two fifths of what is unpacked and copied.
    '--wal-segsize=1',
    '--no-sync',
    '--no-instructions',
  ]
}

/** The text of `postgresql.conf` and `pg_hba.conf`, which stand beside the data folder and are written at each start. */
export function configurationFiles(
  cluster: ClusterFolders,
  endpoint: Endpoint,
  hbaFile: string,
): { configuration: string; access: string } {
  const all = { ...settings, ...endpoint.settings, cluster_name: clusterName(cluster), hba_file: hbaFile }
  const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
  const head = '# Written by Seedbed at each start of the server; changes are lost.\n'
  return { configuration: head + lines.join(''), access: `${head}${endpoint.access}\n` }
}

/** Stands in the title of each backend, by which those of a dead server are found. */
export function clusterName(cluster: ClusterFolders): string {
  return `seedbed-${cluster.id}`
}

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const openssl = (folder: string, ...args: string[]) => promisify(execFile)('openssl', args, { cwd: folder })

/**
 * Makes an authority (`ca.pem`), the certificate of a server called `localhost` (`server.pem`, `server.key`) that it has
 * signed, and an authority that has signed nothing (`other-ca.pem`).
 */
export async function makeCertificates(folder: string): Promise<{ ca: string; otherCa: string }> {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  for (const name of ['ca', 'other-ca']) {
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '2']
    await openssl(folder, 'req', '-x509', ...key, ...files, '-subj', `/CN=${name} of a test`)
  }
  const request = ['-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost']
  await openssl(folder, 'req', ...key, ...request, '-addext', 'subjectAltName=DNS:localhost')
  const signed = ['-in', 'server.csr', '-out', 'server.pem', '-days', '2', '-copy_extensions', 'copy']
  await openssl(folder, 'x509', '-req', ...signed, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial')
  return { ca: join(folder, 'ca.pem'), otherCa: join(folder, 'other-ca.pem') }
}

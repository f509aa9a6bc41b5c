import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** SMALL of the measurements: a shop of 12 tables and 504 rows, 42 in each table. */
export const small = { tables: 12, rows: 504, migrations: fileURLToPath(new URL('migrations', import.meta.url)) }

/**
 * Writes SMALL's migrations and seeds into a project's folder.
 *
 * @param {string} folder is made where it is missing
 */
export async function writeSmallProject(folder) {
  await mkdir(join(folder, 'seeds'), { recursive: true })
  await cp(small.migrations, join(folder, 'migrations'), { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "name": "small", "private": true, "type": "module" }')
  await writeFile(join(folder, 'seeds', 'shop.json'), JSON.stringify(seed, null, 1))
}

const rows = make => Array.from({ length: 42 }, (_, index) => make(index + 1))
const other = id => (id % 42) + 1

const seed = {
  country: rows(id => ({ id, code: `C${id}`, name: `Country ${id}` })),
  customer: rows(id => ({
    id,
    name: `Customer ${id}`,
    email: `customer${id}@example.org`,
    tier: ['guest', 'regular', 'gold'][id % 3],
    referred_by: id === 1 ? null : id - 1,
    created_at: '2026-01-01T00:00:00Z',
  })),
  address: rows(id => ({
    id,
    customer_id: id,
    country_id: other(id),
    street: `${id} Main Street`,
    city: 'Springfield',
  })),
  category: rows(id => ({ id, parent_id: id === 1 ? null : 1, name: `Category ${id}` })),
  supplier: rows(id => ({ id, country_id: id, name: `Supplier ${id}` })),
  product: rows(id => ({
    id,
    supplier_id: other(id),
    name: `Product ${id}`,
    price: `${id}.50`,
    details: { colour: id % 2 ? 'red' : 'blue' },
  })),
  product_category: rows(id => ({ product_id: id, category_id: other(id) })),
  stock: rows(id => ({ product_id: id, amount: id })),
  orders: rows(id => ({ id, customer_id: other(id), ordered_at: '2026-01-02T00:00:00Z' })),
  order_line: rows(id => ({ order_id: id, product_id: other(id), amount: 1 })),
  payment: rows(id => ({ id, order_id: id, paid: `${id}.50` })),
  review: rows(id => ({ id, product_id: id, customer_id: other(id), stars: (id % 5) + 1, words: 'As described.' })),
}

// Every page of the console, as the router has them: a page that is added is visited without anybody thinking of it.
import { tree } from '../src/sections';
import type { Shop } from './shop';

interface Route {
  options: { path?: string; beforeLoad?: unknown };
}

/** The paths of the routes; those that only lead on to another are left out. */
export const paths = ((tree.children ?? []) as unknown as Route[])
  .filter((r) => r.options.path && !r.options.beforeLoad)
  .map((r) => String(r.options.path));

/** Where a path with a name in it leads to; and what else a page can show. */
export const named: Record<string, (shop: Shop) => Promise<string>> = {
  '/customers/$namespace/$value': async (shop) => customer(await shop.joined(3)),
  '/customers/$namespace/$value/agent': async (shop) => `${customer(await shop.joined(3))}/agent`,
  '/audiences/of/$name': async (shop) => `/audiences/of/${await audience(shop)}`,
  '/audiences/of/$name/change': async (shop) => `/audiences/of/${await audience(shop)}/change`,
  '/explore/dashboards/$name': async (shop) => `/explore/dashboards/${await dashboard(shop)}`,
  '/predictions/$name': async (shop) => `/predictions/${await model(shop)}`,
};

export const more: Record<string, (shop: Shop) => Promise<string>> = {
  'why one person': async (shop) => `${customer(await shop.joined(3))}?show=identity`,
  'point of sale with a customer': async (shop) => {
    const { id } = await shop.ask<{ id: string }>(
      'GET',
      `/api/v1/profiles/email/${encodeURIComponent(await shop.joined(3))}`,
    );
    return `/till?id=${id}`;
  },
  funnel: async () =>
    asked({ kind: 'funnel', steps: [{ event: 'Product Viewed' }, { event: 'Product Added' }, { table: 'orders' }] }),
  retention: async () => asked({ kind: 'retention', grain: 'month' }),
  rfm: async () => asked({ kind: 'rfm' }),
  'no such page': async () => '/nowhere',
};

const customer = (email: string) => `/customers/email/${encodeURIComponent(email)}`;
const asked = (q: object) => `/explore?q=${encodeURIComponent(JSON.stringify(q))}`;

async function audience(shop: Shop): Promise<string> {
  const name = 'of-the-pages';
  const { items } = await shop.ask<{ items: { name: string }[] }>('GET', '/api/v1/audiences');
  if (items.some((a) => a.name === name)) return name;
  await shop.ask('PUT', `/api/v1/audiences/${name}`, {
    name,
    where: { and: [{ trait: 'country', op: 'exists' }, { event: 'Product Viewed' }] },
  });
  return name;
}

async function dashboard(shop: Shop): Promise<string> {
  const [question, name] = ['revenue by country', 'of-the-pages'];
  const put = (kind: string, n: string, body: object) =>
    shop.ask('PUT', `/api/v1/saved/${kind}/${encodeURIComponent(n)}`, { kind, name: n, shared: ['*'], ...body });
  await put('question', question, {
    question: { kind: 'metric', measures: ['revenue'], by: ['country'], last: '90d' },
  });
  await put('goal', 'a million', { goal: { measure: 'revenue', target: 1_000_000, last: '365d' } });
  await put('dashboard', name, { questions: [question] });
  return name;
}

/** A model that has learned. */
async function model(shop: Shop): Promise<string> {
  const name = `of_the_pages_${shop.worker}`;
  const { items } = await shop.ask<{ items: { name: string }[] }>('GET', '/api/v1/models');
  if (!items.some((m) => m.name === name)) {
    await shop.ask('POST', '/api/v1/models', { name, kind: 'ltv', horizon: '90d' });
    await shop.ask('POST', `/api/v1/models/${name}/train`);
  }
  for (let tries = 0; tries < 240; tries++) {
    const m = await shop.ask<{ latest?: object; running?: object }>('GET', `/api/v1/models/${name}`);
    if (m.latest && !m.running) return name;
    await new Promise((again) => setTimeout(again, 250));
  }
  throw new Error('the model does not learn');
}

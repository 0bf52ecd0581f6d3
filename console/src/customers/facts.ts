// What a person who serves a customer needs at hand: asked of the tables, by the number of the profile.
import { useQuery } from '@tanstack/react-query';
import { api } from '../api';
import { numberOf } from './person';

type Value = string | number | boolean | null;

/** One SELECT about one profile, its rows as objects. */
export function useRows<R>(id: string | undefined, name: string, sql: string) {
  return useQuery({
    queryKey: ['facts', id, name],
    enabled: id !== undefined,
    queryFn: async () => {
      const told = await api.post('/api/v1/query', { body: { sql, params: [numberOf(id ?? '')] } });
      const names = (told.columns ?? []).map((c) => c.name);
      return ((told.rows ?? []) as Value[][]).map((r) => Object.fromEntries(names.map((n, i) => [n, r[i]]))) as R[];
    },
  });
}

export interface Worth {
  orders: number;
  revenue: number | null;
  last: string | null;
  returned: number;
}

export const useWorth = (id: string | undefined) =>
  useRows<Worth>(
    id,
    'worth',
    `select count(*) as orders, cast(sum(revenue_base) as double) as revenue, cast(max(ts) as varchar) as last,
      (select count(*) from returns r where r.profile_id = $1) as returned
    from orders where profile_id = $1 and coalesce(status, '') <> 'cancelled'`,
  );

export interface Order {
  order_id: string;
  ts: string;
  status: string | null;
  revenue: number | null;
  currency: string | null;
  channel: string | null;
  what: string | null;
}

export const useOrders = (id: string | undefined) =>
  useRows<Order>(
    id,
    'orders',
    `select o.order_id, cast(cast(o.ts as date) as varchar) as ts, o.status, cast(o.revenue as double) as revenue, o.currency, coalesce(o.store, o.sales_channel) as channel,
      (select string_agg(coalesce(l.name, l.product_id, l.sku), ', ') from order_lines l where l.order_id = o.order_id and l.source = o.source) as what
    from orders o where o.profile_id = $1 order by o.ts desc limit 5`,
  );

export interface Conversation {
  conversation_id: string;
  channel: string | null;
  topic: string | null;
  agent: string | null;
  ts: string;
  resolved: boolean | null;
}

export const useConversations = (id: string | undefined) =>
  useRows<Conversation>(
    id,
    'conversations',
    `select conversation_id, channel, topic, agent, cast(cast(started_at as date) as varchar) as ts, resolved
    from conversations where profile_id = $1 order by started_at desc limit 5`,
  );

export interface Loyalty {
  loyalty_id: string;
  tier: string | null;
  points: number | null;
}

export const useLoyalty = (id: string | undefined) =>
  useRows<Loyalty>(
    id,
    'loyalty',
    'select loyalty_id, tier, cast(points as double) as points from loyalty_accounts where profile_id = $1 order by 3 desc nulls last limit 3',
  );

export interface Size {
  category: string | null;
  size: string;
  bought: number;
}

export const useSizes = (id: string | undefined) =>
  useRows<Size>(
    id,
    'sizes',
    `select category, size, count(*) as bought from order_lines where profile_id = $1 and coalesce(size, '') <> ''
    group by 1, 2 order by 3 desc, 1 limit 6`,
  );

export interface Wanted {
  product: string;
  viewed: number;
  last: string;
}

/** What was looked at in the last 60 days, and not bought since. */
export const useWanted = (id: string | undefined) =>
  useRows<Wanted>(
    id,
    'wanted',
    `select coalesce(properties->>'name', properties->>'product_name', properties->>'product_id', properties->>'sku') as product, count(*) as viewed, cast(cast(max(ts) as date) as varchar) as last
    from events where profile_id = $1 and name in ('Product Viewed', 'Product Added') and ts > now() - interval 60 day
      and not exists (select 1 from order_lines l where l.profile_id = $1 and l.ts > now() - interval 60 day
        and (l.product_id = (properties->>'product_id') or l.sku = (properties->>'sku')))
      and coalesce(properties->>'name', properties->>'product_name', properties->>'product_id', properties->>'sku') is not null
    group by 1 order by 2 desc, 3 desc limit 5`,
  );

// What is worth saying to a customer now, each with why: rules that anybody can check, no model.
import type { Profile } from '../api';
import type { Conversation, Loyalty, Order, Wanted, Worth } from './facts';

export interface Advice {
  /** A word of the section, with its values. */
  word: 'sayOpen' | 'sayReturn' | 'sayWanted' | 'sayPoints' | 'sayConsent' | 'sayThanks' | 'sayAway' | 'sayFirst';
  values: Record<string, string | number>;
}

interface Facts {
  profile: Profile;
  worth?: Worth;
  orders: Order[];
  conversations: Conversation[];
  loyalty: Loyalty[];
  wanted: Wanted[];
}

const day = 86_400_000;

/** The most urgent first. */
export function advice({ profile, worth, orders, conversations, loyalty, wanted }: Facts, now: number): Advice[] {
  const out: Advice[] = [];
  const open = conversations.find((c) => c.resolved === false);
  if (open) out.push({ word: 'sayOpen', values: { topic: open.topic ?? open.channel ?? '', day: open.ts } });
  if (worth && worth.orders > 0 && worth.returned / worth.orders > 0.4)
    out.push({ word: 'sayReturn', values: { returned: worth.returned, orders: worth.orders } });
  if (wanted[0] && wanted[0].viewed > 1)
    out.push({ word: 'sayWanted', values: { product: wanted[0].product, viewed: wanted[0].viewed } });
  const points = loyalty.find((l) => (l.points ?? 0) >= 100);
  if (points) out.push({ word: 'sayPoints', values: { points: points.points ?? 0, tier: points.tier ?? '' } });
  const granted = (profile.consent ?? []).some((c) => c.purpose === 'marketing' && c.granted);
  if (!granted) out.push({ word: 'sayConsent', values: {} });
  const last = orders[0] ? Date.parse(orders[0].ts) : undefined;
  if (last === undefined) out.push({ word: 'sayFirst', values: {} });
  else if (now - last > 180 * day) out.push({ word: 'sayAway', values: { days: Math.floor((now - last) / day) } });
  else if (worth && worth.orders >= 5) out.push({ word: 'sayThanks', values: { orders: worth.orders } });
  return out;
}

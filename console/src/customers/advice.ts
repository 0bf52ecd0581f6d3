// What is worth saying to a customer now, each with why: rules that anybody can check, no model.
import type { Profile } from '../api';
import type { Summary } from './summary';

export interface Advice {
  /** A word of the section, with its values. */
  word: 'sayOpen' | 'sayReturn' | 'sayWanted' | 'sayPoints' | 'sayConsent' | 'sayThanks' | 'sayAway' | 'sayFirst';
  values: Record<string, string | number>;
}

const day = 86_400_000;

/** The most urgent first. */
export function advice(profile: Pick<Profile, 'consent'>, s: Summary, now: number): Advice[] {
  const out: Advice[] = [];
  const open = s.conversations?.find((c) => c.resolved === false);
  if (open)
    out.push({
      word: 'sayOpen',
      values: { topic: open.topic ?? open.channel ?? '', day: (open.started_at ?? '').slice(0, 10) },
    });
  if (s.orders > 0 && s.returns / s.orders > 0.4)
    out.push({ word: 'sayReturn', values: { returned: s.returns, orders: s.orders } });
  const wanted = s.viewed?.[0];
  if (wanted && wanted.times > 1)
    out.push({ word: 'sayWanted', values: { product: wanted.name, viewed: wanted.times } });
  const card = s.loyalty?.find((l) => l.points >= 100);
  if (card) out.push({ word: 'sayPoints', values: { points: card.points, tier: card.tier ?? '' } });
  const granted = (profile.consent ?? []).some((c) => c.purpose === 'marketing' && c.granted);
  if (!granted) out.push({ word: 'sayConsent', values: {} });
  const last = s.last_order ? Date.parse(s.last_order) : undefined;
  if (last === undefined) out.push({ word: 'sayFirst', values: {} });
  else if (now - last > 180 * day) out.push({ word: 'sayAway', values: { days: Math.floor((now - last) / day) } });
  else if (s.orders >= 5) out.push({ word: 'sayThanks', values: { orders: s.orders } });
  return out;
}

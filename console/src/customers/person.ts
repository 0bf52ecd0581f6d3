import type { Identifier, Profile } from '../api';

/** What of a profile says who it is. */
interface Known {
  traits?: Record<string, unknown>;
  identifiers?: { namespace: string; value: string; blocked?: boolean }[] | null;
}

/** What a person is called: a name where there is one, else what is best known of them; '' for nobody. */
export function nameOf(p: Known): string {
  const text = (key: string) => (typeof p.traits?.[key] === 'string' ? (p.traits[key] as string).trim() : '');
  const full = text('name') || [text('first_name'), text('last_name')].filter(Boolean).join(' ');
  if (full) return full;
  for (const namespace of ['email', 'phone', 'user_id']) {
    const found = (p.identifiers ?? []).find((i) => i.namespace === namespace && !i.blocked);
    if (found) return found.value;
  }
  return '';
}

/** How a profile is named in an address of the console: its id, which stays when identifiers change. */
export const addressOf = (p: Pick<Profile, 'id'>): Identifier => ({ namespace: 'id', value: p.id });

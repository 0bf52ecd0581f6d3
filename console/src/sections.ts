// The sections of the console, in the order of the navigation. To add one: a folder with route.tsx (its
// routes, and its entry here) and words.ts.
import type { Icon } from '@tabler/icons-react';
import { audiences } from './audiences/route';
import { customers } from './customers/route';
import { data } from './data/route';
import { explore } from './explore/route';
import { home } from './home/route';
import { settings } from './people/route';
import { predictions } from './predictions/route';
import { privacy } from './privacy/route';
import type { Right } from './rights';
import { root } from './root';
import type { Word } from './words';

/** An entry of the navigation. */
export interface Entry {
  word: Word;
  /** Who has not this right does not see the entry. */
  right?: Right;
  icon: Icon;
  to: string;
}

export const entries: Entry[] = [
  home.entry,
  customers.entry,
  audiences.entry,
  explore.entry,
  predictions.entry,
  data.entry,
  privacy.entry,
  settings.entry,
];

export const tree = root.addChildren([
  ...home.routes,
  ...customers.routes,
  ...audiences.routes,
  ...explore.routes,
  ...predictions.routes,
  ...data.routes,
  ...privacy.routes,
  ...settings.routes,
]);

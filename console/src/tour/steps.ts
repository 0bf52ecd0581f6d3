// The steps of the tour, and which of them there are for somebody.
import type { Right } from '../rights';

export interface Step {
  key: 'find' | 'one' | 'audience' | 'question' | 'prediction';
  /** Where it leads; the section of the navigation that it belongs to. */
  to: string;
  section: string;
  right: Right;
  /** An address that shows that it was done. */
  at: RegExp;
}

export const steps: Step[] = [
  { key: 'find', to: '/customers', section: '/customers', right: 'people', at: /^\/customers\/./ },
  { key: 'one', to: '/customers', section: '/customers', right: 'people', at: /^\/customers\/./ },
  { key: 'audience', to: '/audiences', section: '/audiences', right: 'audiences', at: /^\/audiences\/./ },
  { key: 'question', to: '/explore', section: '/explore', right: 'figures', at: /^\/explore/ },
  { key: 'prediction', to: '/predictions', section: '/predictions', right: 'figures', at: /^\/predictions/ },
];

/** Those whose pages there are, and that the role may do. */
export function offered(sections: string[], may: (right: Right) => boolean): Step[] {
  return steps.filter((s) => sections.includes(s.section) && may(s.right));
}

/** The steps done once an address was opened: one for each visit, so that what has the same address comes one after the other. */
export function visited(done: string[], all: Step[], address: string): string[] {
  const next = all.find((s) => !done.includes(s.key) && s.at.test(address));
  return next ? [...done, next.key] : done;
}
